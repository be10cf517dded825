using System.Globalization;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts.Ca;

namespace ZwCa.Tests.Stories.Ocsp;

/// <summary>An agency checks certificates, and hears within moments what the CA has done to them.</summary>
public sealed class AgencyTests(SharedScene shared, ITestOutputHelper output) : IClassFixture<SharedScene>
{
    private readonly OcspScene _scene = shared.Scene;

    [Fact]
    public async Task AgencyChecksACertificate_BeforeAndAfterItsRevocation()
    {
        CertificateAnswer certificate = await _scene.IssueAsync();
        (Heard good, TimeSpan known) = await _scene.UntilAsync(certificate.Serial, Heard.Good);
        Assert.True(good.NextUpdate - good.ThisUpdate == TimeSpan.FromDays(4), "It is signed ahead, for four days.");
        (Heard now, _) = await _scene.UntilAsync(certificate.Serial, Heard.Good, isFresh: true);
        Assert.NotEqual(good.SignerSerial, now.SignerSerial);

        CertificateAnswer answer = await _scene.ChangeAsync(certificate, DecisionKind.Revoke, RevocationReason.KeyCompromise);
        (Heard revoked, TimeSpan seen) = await _scene.UntilAsync(certificate.Serial, Heard.Revoked);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Good after {known.TotalMilliseconds:F0} ms, revoked after {seen.TotalMilliseconds:F0} ms"));
        Assert.Equal((1, Seconds(answer.RevokedAt!.Value)), (revoked.Reason, revoked.RevokedAt));
        Assert.Equal(good.SignerSerial, revoked.SignerSerial);

        // From then on whoever asks, and however.
        foreach (string hash in (string[])[Agency.Sha1, Agency.Sha256, Agency.Sm3])
        {
            foreach (bool isFresh in (bool[])[false, true])
            {
                Heard again = await _scene.Agency.AskAsync(certificate.Serial, isFresh, hash);
                Assert.Equal((Heard.Revoked, 1, revoked.RevokedAt), (again.Word, again.Reason, again.RevokedAt));
            }
        }
    }

    [Fact]
    public async Task ASuspendedCertificate_IsOnHold_AndGoodAgainWhenItIsResumed()
    {
        CertificateAnswer certificate = await _scene.IssueAsync();
        await _scene.UntilAsync(certificate.Serial, Heard.Good);
        CertificateAnswer held = await _scene.ChangeAsync(certificate, DecisionKind.Suspend);
        (Heard hold, _) = await _scene.UntilAsync(certificate.Serial, Heard.Revoked);
        Assert.Equal((6, Seconds(held.RevokedAt!.Value)), (hold.Reason, hold.RevokedAt));
        Heard fresh = await _scene.Agency.AskAsync(certificate.Serial, isFresh: true);
        Assert.Equal((Heard.Revoked, 6), (fresh.Word, fresh.Reason));

        await _scene.ChangeAsync(certificate, DecisionKind.Resume);
        (Heard good, _) = await _scene.UntilAsync(certificate.Serial, Heard.Good);
        Assert.True(good.ThisUpdate >= hold.ThisUpdate);
        Assert.Equal(Heard.Good, (await _scene.Agency.AskAsync(certificate.Serial, isFresh: true)).Word);
    }

    /// <summary>2011: *good* for serial numbers that were never issued. Neighbours of real ones, of all lengths, under each hash, with and without a nonce.</summary>
    [Fact]
    public async Task Incident3_SerialNumbersThatWereNeverIssued_AreNeverGood()
    {
        CertificateAnswer certificate = await _scene.IssueAsync();
        await _scene.UntilAsync(certificate.Serial, Heard.Good);
        var random = new TestRandom();
        byte[] real = Convert.FromHexString(certificate.Serial);
        List<byte[]> never = [[.. real, 0], real[..^1], [0x01, .. real]];
        for (int i = 0; i < 60; i++)
        {
            byte[] neighbour = [.. real];
            neighbour[random.Next(real.Length)] ^= (byte)(1 << random.Next(7));
            never.Add(neighbour);
            byte[] any = random.Bytes(1 + random.Next(20));
            any[0] = (byte)(0x40 | (any[0] & 0x3F));
            never.Add(any);
        }

        string[] hashes = [Agency.Sha1, Agency.Sha256, Agency.Sm3];
        foreach (byte[] serial in never)
        {
            string asked = Convert.ToHexString(serial);
            Heard heard = await _scene.Agency.AskAsync(asked, random.Next(2) == 0, hashes[random.Next(hashes.Length)]);
            Assert.True(heard.Word == Heard.Unknown, $"{asked} is {heard.Word}.");
            Assert.True(heard.NextUpdate - heard.ThisUpdate <= TimeSpan.FromMinutes(2), "It may be issued the next moment.");
        }
    }

    /// <summary>Another CA may have the same serial number: this responder says nothing of it.</summary>
    [Fact]
    public async Task Incident3_TheCertificateOfACaThatIsNotOurs_IsNothingThatTheResponderSpeaksOf()
    {
        CertificateAnswer certificate = await _scene.IssueAsync();
        await _scene.UntilAsync(certificate.Serial, Heard.Good);
        await using SampleHierarchy other = await SampleHierarchy.CreateAsync();
        using var stranger = new Agency(_scene.Node.Public, ZwCa.Asn1.Der.Encode(other.OtherRoot), TimeProvider.System);
        Assert.Equal(Heard.Unauthorized, (await stranger.AskAsync(certificate.Serial)).Word);
        Assert.Equal(Heard.Unauthorized, (await stranger.AskAsync(certificate.Serial, isFresh: true)).Word);
    }

    private static DateTimeOffset Seconds(DateTimeOffset time) => DateTimeOffset.FromUnixTimeSeconds(time.ToUnixTimeSeconds());
}
