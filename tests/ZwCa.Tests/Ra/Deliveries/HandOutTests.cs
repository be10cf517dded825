using System.Text;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Gm;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.ServiceDefaults.Configuration;

namespace ZwCa.Tests.Ra.Deliveries;

/// <summary>Handing out: only to the key, only once for each challenge, and nothing of it stays at the RA.</summary>
public sealed class HandOutTests(RaFixture fixture) : IClassFixture<RaFixture>
{
    private RaStage Stage { get; set; } = fixture.Stage;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AChallenge_IsAnsweredOnce_AndOnlyTheLastOne()
    {
        (EnrollmentAnswer issued, Sm2PrivateKey key) = await IssuedAsync();
        DeliveryChallenge first = await ChallengeAsync(issued), second = await ChallengeAsync(issued);
        Assert.Equal(32, second.Challenge.Length);
        Assert.NotEqual(first.Challenge, second.Challenge);

        // The earlier one counts no more; what was answered counts no more.
        await RaStage.RefusedAsync(() => FetchAsync(issued, RaCounter.Prove(issued, first, key)), Refusal.BadSignature);
        byte[] proof = RaCounter.Prove(issued, second, key);
        Assert.NotNull((await FetchAsync(issued, proof)).Pair!.Envelope);
        await RaStage.RefusedAsync(() => FetchAsync(issued, proof), Refusal.Expired);

        // As often as it takes, each time by another.
        Assert.NotNull((await Stage.FetchAsync(issued, key)).Pair!.Envelope);
    }

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task OfTwoAnswersToOneChallenge_OneGetsThePair(DatabaseKind kind)
    {
        Stage = await fixture.OnAsync(kind);
        (EnrollmentAnswer issued, Sm2PrivateKey key) = await IssuedAsync();
        byte[] proof = RaCounter.Prove(issued, await ChallengeAsync(issued), key);
        int[] got = await Task.WhenAll(Enumerable.Range(0, 6).Select(async _ =>
        {
            try
            {
                await FetchAsync(issued, proof);
                return 1;
            }
            catch (RefusalException e)
            {
                Assert.Equal(Refusal.Expired, e.Kind);
                return 0;
            }
        }));
        Assert.Equal(1, got.Sum());
    }

    [Fact]
    public async Task AnotherKey_GetsNothing()
    {
        (EnrollmentAnswer issued, Sm2PrivateKey key) = await IssuedAsync();
        (EnrollmentAnswer another, Sm2PrivateKey anotherKey) = await IssuedAsync();
        DeliveryChallenge challenge = await ChallengeAsync(issued);

        // Another token; a proof for another enrollment; something that is no signature.
        await RaStage.RefusedAsync(() => FetchAsync(issued, RaCounter.Prove(issued, challenge, anotherKey)), Refusal.BadSignature);
        await RaStage.RefusedAsync(() => FetchAsync(issued, RaCounter.Prove(another, challenge, key)), Refusal.BadSignature);
        await RaStage.RefusedAsync(() => FetchAsync(issued, []), Refusal.BadSignature);
        await RaStage.RefusedAsync(() => FetchAsync(issued, new byte[70]), Refusal.BadSignature);

        // Wrong answers use nothing up: the right key gets it.
        DeliveryAnswer delivered = await FetchAsync(issued, RaCounter.Prove(issued, challenge, key));

        // A receipt of another key, or none, is none.
        await RaStage.RefusedAsync(() => ReceiveAsync(issued, PairScene.Receipt(delivered.Pair!, anotherKey)), Refusal.BadSignature);
        await RaStage.RefusedAsync(() => ReceiveAsync(issued, new PairReceipt { Receipt = [0x30, 0] }), Refusal.Malformed);
        Assert.Equal("issued", (await Stage.ShowAsync(issued)).State);
    }

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task ATokenThatFindsAnotherKey_EndsThePair(DatabaseKind kind)
    {
        Stage = await fixture.OnAsync(kind);
        (EnrollmentAnswer issued, Sm2PrivateKey key) = await IssuedAsync();
        DeliveryAnswer delivered = await Stage.FetchAsync(issued, key);
        await ReceiveAsync(issued, PairScene.Receipt(delivered.Pair!, key, DeliveryOutcome.KeyMismatch));
        EnrollmentAnswer rejected = await Stage.UntilAsync(issued, "rejected");
        Assert.Contains("令牌", rejected.Reason, StringComparison.Ordinal);
        Assert.Null(rejected.DueAt);

        // Both halves, here and at the CA; and nothing is handed out any more.
        foreach (CertificateName each in rejected.Certificates)
        {
            string path = $"/certificates/{each.Issuer}/{each.Serial}";
            Assert.Equal("revoked", (await Stage.GetAsync<IssuedCertificateAnswer>(Stage.City, path)).State);
            Assert.Equal("revoked", (await Stage.Ca.Ra.GetAsync<CertificateAnswer>(path)).State);
        }

        Assert.Equal(2, rejected.Certificates.Count);
        await RaStage.RefusedAsync(() => Stage.FetchAsync(issued, key), Refusal.WrongState);

        // With a new key the person begins anew.
        EnrollmentAnswer again = await Stage.IssueAsync(RaStage.NewRequest(issued.Subscriber.Id, Stage.Pairs.NewKey()));
        Assert.Equal("issued", again.State);
    }

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task AnEnvelopeThatWasChangedOnTheWay_IsFetchedAgain(DatabaseKind kind)
    {
        Stage = await fixture.OnAsync(kind);
        (EnrollmentAnswer issued, Sm2PrivateKey key) = await IssuedAsync();
        DeliveryAnswer delivered = await Stage.FetchAsync(issued, key);
        byte[] changed = (byte[])delivered.Pair!.Envelope!.Clone();
        changed[^1] ^= 1;
        foreach (DeliveryOutcome outcome in (DeliveryOutcome[])[DeliveryOutcome.Accepted, DeliveryOutcome.KeyMismatch])
        {
            // The CA did not send that, so it says neither that the key came, nor that it was another.
            long version = (await Stage.ShowAsync(issued)).Version;
            await ReceiveAsync(issued, PairScene.Receipt(delivered.Pair with { Envelope = changed }, key, outcome));
            EnrollmentAnswer told = await RaWaiting.UntilAsync(Stage, issued, now => now.Version > version);
            Assert.Equal("issued", told.State);
            Assert.StartsWith("CA未接受签收：", told.Reason, StringComparison.Ordinal);
            Assert.Contains(told.Reason!["CA未接受签收：".Length..], c => c >= 0x4E00);
            Assert.Equal(issued.DueAt, told.DueAt);
        }

        (EnrollmentAnswer received, _, Sm2PrivateKey encryption) = await Stage.DeliverAsync(issued, key);
        encryption.Dispose();
        Assert.Equal("delivered", received.State);
        Assert.Null(received.Reason);
    }

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task OneReceipt_IsOnItsWay(DatabaseKind kind)
    {
        Stage = await fixture.OnAsync(kind);
        (EnrollmentAnswer issued, Sm2PrivateKey key) = await IssuedAsync();
        DeliveryAnswer delivered = await Stage.FetchAsync(issued, key);
        PairReceipt receipt = PairScene.Receipt(delivered.Pair!, key);
        int[] kept = await Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
        {
            try
            {
                await ReceiveAsync(issued, receipt);
                return 1;
            }
            catch (RefusalException e)
            {
                Assert.Equal(Refusal.WrongState, e.Kind);
                return 0;
            }
        }));
        Assert.Equal(1, kept.Sum());
        await Stage.UntilAsync(issued, "delivered");
        await RaStage.RefusedAsync(() => ReceiveAsync(issued, receipt), Refusal.WrongState);
    }

    [Fact]
    public async Task OfAnEnvelope_NothingStaysInDatabaseOrLog()
    {
        (EnrollmentAnswer issued, Sm2PrivateKey key) = await IssuedAsync();
        DeliveryAnswer delivered = await Stage.FetchAsync(issued, key);
        PairAnswer pair = delivered.Pair!;
        byte[] certificate = pair.Encryption.Certificate!;
        Sm2EnvelopedKey envelope = Der.Decode<Sm2EnvelopedKey>(pair.Envelope!);
        (string What, byte[] Bytes)[] secrets =
        [
            ("the envelope", pair.Envelope!),
            ("the encrypted key", envelope.EncryptedPrivateKey.ToArray()),
            ("the symmetric key", envelope.SymEncryptedKey.Raw.ToArray()),
            ("another form of it", pair.EnvelopedKeyBlob!),
            ("the answer to the request", pair.CsrResponse!),
        ];
        Check();
        await ReceiveAsync(issued, PairScene.Receipt(pair, key));
        await Stage.UntilAsync(issued, "delivered");
        Check();

        void Check()
        {
            byte[] files = ReadDatabase();
            string log = Stage.Log;

            // Whoever looks so, finds what is there.
            Assert.True(files.AsSpan().IndexOf(certificate) >= 0, "The certificate is not found.");
            Assert.Contains("/enrollments/{id}/delivery", log, StringComparison.Ordinal);
            foreach ((string what, byte[] bytes) in secrets)
            {
                string base64 = Convert.ToBase64String(bytes), hex = Convert.ToHexStringLower(bytes);
                Assert.True(files.AsSpan().IndexOf(bytes) < 0, $"{what} is in the database");
                foreach (string text in (string[])[base64, hex, hex.ToUpperInvariant()])
                {
                    Assert.True(files.AsSpan().IndexOf(Encoding.ASCII.GetBytes(text)) < 0, $"{what} is in the database as text");
                    Assert.DoesNotContain(text, log, StringComparison.Ordinal);
                }
            }
        }
    }

    /// <summary>Its file, with what has not come into it yet.</summary>
    private byte[] ReadDatabase()
    {
        string file = new SqliteConnectionStringBuilder(Stage.App.Services.GetRequiredService<ServiceOptions>().Database.ConnectionString).DataSource;
        using var all = new MemoryStream();
        foreach (string each in Directory.GetFiles(Path.GetDirectoryName(file)!, Path.GetFileName(file) + "*"))
        {
            using var stream = new FileStream(each, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            stream.CopyTo(all);
        }

        return all.ToArray();
    }

    private async Task<(EnrollmentAnswer Enrollment, Sm2PrivateKey Key)> IssuedAsync()
    {
        Sm2PrivateKey key = Stage.Pairs.NewKey();
        return (await Stage.IssueAsync(RaStage.NewRequest(await Stage.PersonAsync(), key)), key);
    }

    private Task<DeliveryChallenge> ChallengeAsync(EnrollmentAnswer enrollment) => Stage.PostAsync<DeliveryChallenge>(Stage.City, $"/enrollments/{enrollment.Id}/delivery/challenge", new { });

    private Task<DeliveryAnswer> FetchAsync(EnrollmentAnswer enrollment, byte[] proof) =>
        Stage.PostAsync<DeliveryAnswer>(Stage.City, $"/enrollments/{enrollment.Id}/delivery", new DeliveryRequest { Proof = proof });

    private Task<EnrollmentAnswer> ReceiveAsync(EnrollmentAnswer enrollment, PairReceipt receipt) =>
        Stage.PostAsync<EnrollmentAnswer>(Stage.City, $"/enrollments/{enrollment.Id}/receipt", receipt);
}
