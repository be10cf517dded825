using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using ZwCa.Admin.Ceremony;
using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Interop.Ceremony;

/// <summary>Somebody has the folder between two runs. The journal is chained without a key, so he writes another one: nothing comes of it that the plan does not say.</summary>
public sealed class ForgedJournalTests
{
    private const string Certificate = "issuing-s1";

    [Theory]
    [InlineData("subject", "another certificate issuing-s1 than this program makes of the plan")]
    [InlineData("days", "another certificate issuing-s1 than this program makes of the plan")]
    [InlineData("past", "at which this ceremony did nothing")]
    [InlineData("future", "at which this ceremony did nothing")]
    public async Task ACertificateThatWasNotPlanned_IsNotSigned(string what, string refusal)
    {
        await using CeremonyStage stage = await CeremonyStage.CreateAsync(CeremonyStage.Small);
        await StopAtAsync(stage, $"Certificate {Certificate}");
        Rewrite(stage, entry => entry switch
        {
            { What: JournalEntry.CertificateIntent, Id: Certificate } => Convert.ToBase64String(Der.Encode(Forge(Der.Decode<TbsCertificate>(entry.Decode()), what))),
            { What: JournalEntry.Certificate, Id: Certificate } => null,
            _ => entry.Data,
        });

        CeremonyException e = await Assert.ThrowsAsync<CeremonyException>(() => stage.RunAsync());

        Assert.Contains(refusal, e.Message);
    }

    [Fact]
    public async Task ACertificateOfAnotherSigner_IsNotTakenForOurs()
    {
        await using CeremonyStage stage = await CeremonyStage.CreateAsync(CeremonyStage.Small);
        await StopAtAsync(stage, $"Certificate {Certificate}");
        using var key = Sm2PrivateKey.Generate();
        Rewrite(stage, entry => entry is { What: JournalEntry.Certificate, Id: Certificate }
            ? Convert.ToBase64String(Der.Encode(Sign(Der.Decode<Certificate>(entry.Decode()), key)))
            : entry.Data);
        File.Delete(FileOf(stage, Certificate));

        CeremonyException e = await Assert.ThrowsAsync<CeremonyException>(() => stage.RunAsync());

        Assert.Contains("another certificate issuing-s1", e.Message);
    }

    [Fact]
    public async Task ALineThatIsNoBase64_IsTold()
    {
        await using CeremonyStage stage = await CeremonyStage.CreateAsync(CeremonyStage.Small);
        await StopAtAsync(stage, $"Certificate {Certificate}");
        Rewrite(stage, entry => entry is { What: JournalEntry.Certificate, Id: Certificate } ? "not!" : entry.Data);

        Assert.Contains("cannot be read", (await Assert.ThrowsAsync<CeremonyException>(() => stage.RunAsync())).Message);
    }

    [Fact]
    public async Task ACrlOfDaysToCome_IsNotSigned()
    {
        await using CeremonyStage stage = await CeremonyStage.CreateAsync(CeremonyStage.Small);
        await StopAtAsync(stage, "CRL arl-root-s1");
        Rewrite(stage, entry => entry switch
        {
            { What: JournalEntry.CrlIntent } => $"1 {entry.Time!.Value.AddYears(9).ToUnixTimeSeconds()} {new string('0', 64)}",
            { What: JournalEntry.Crl } => null,
            _ => entry.Data,
        });

        CeremonyException e = await Assert.ThrowsAsync<CeremonyException>(() => stage.RunAsync());

        Assert.Contains("at which this ceremony did nothing", e.Message);
    }

    [Fact]
    public async Task ALinkKeyUnderAnotherPassword_IsNotCertified()
    {
        await using CeremonyStage stage = await CeremonyStage.CreateAsync(Links);
        await StopAtAsync(stage, "Certificate link-ca");
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] file = Encoding.ASCII.GetBytes(key.ExportEncryptedPkcs8PrivateKeyPem("a password of his own", new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1)));
        await File.WriteAllBytesAsync(Path.Combine(stage.Output, "ca/link.key"), file, TestContext.Current.CancellationToken);
        Rewrite(stage, entry => entry switch
        {
            { What: JournalEntry.LinkKey } => $"{Convert.ToBase64String(key.ExportSubjectPublicKeyInfo())} {Convert.ToHexStringLower(Sm3.HashData(file))}",
            { What: JournalEntry.CertificateIntent or JournalEntry.Certificate, Id: "link-ca" } => null,
            _ => entry.Data,
        });

        CeremonyException e = await Assert.ThrowsAsync<CeremonyException>(() => stage.RunAsync());

        Assert.Contains("does not open with the password", e.Message);
    }

    [Fact]
    public async Task APolicyWithAKeyMore_IsNotShownToHolders()
    {
        await using CeremonyStage stage = await CeremonyStage.CreateAsync(Policy);
        Assert.Contains("sign its new policy", await stage.RunAsync());
        using var key = Sm2PrivateKey.Generate();
        Rewrite(stage, entry => entry.What == JournalEntry.PolicyDraft
            ? Convert.ToBase64String(Der.Encode(With(Der.Decode<PartitionPolicy>(entry.Decode()), SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()))))
            : entry.Data);
        File.Delete(Path.Combine(stage.Output, CeremonyFolder.PolicyPath("kmc")));

        CeremonyException e = await Assert.ThrowsAsync<CeremonyException>(() => stage.RunAsync());

        Assert.Contains("another policy of kmc than the plan says", e.Message);
    }

    [Fact]
    public async Task TheSameJournal_WrittenAgain_GoesOn()
    {
        await using CeremonyStage stage = await CeremonyStage.CreateAsync(CeremonyStage.Small);
        await StopAtAsync(stage, $"Certificate {Certificate}");
        Rewrite(stage, entry => entry is { What: JournalEntry.Certificate, Id: Certificate } ? null : entry.Data);
        File.Delete(FileOf(stage, Certificate));

        await stage.CompleteAsync();

        CeremonyReport report = CeremonyVerification.Check(stage.Output);
        Assert.Empty(report.Faults);

        // It was signed twice: the device knows, and the reader is told.
        Assert.Contains(report.Checked, line => line.Contains("the key root-s1 has signed 1 more than is here", StringComparison.Ordinal));
        Assert.DoesNotContain(report.Checked, line => line.Contains("the key issuing-s1 has signed", StringComparison.Ordinal));
    }

    private static void Links(JsonObject plan) => Reduce(plan, ["system"], ["system", "link-ca"]);

    private static void Policy(JsonObject plan)
    {
        JsonNode policies = plan["policies"]!.DeepClone();
        Reduce(plan, ["root-s1", "ops-s1", "ca-message"], ["root-s1", "ops-s1"]);
        plan["policies"] = policies;
    }

    private static void Reduce(JsonObject plan, string[] keys, string[] certificates)
    {
        foreach ((string list, string[] kept) in ((string, string[])[])[("keys", keys), ("certificates", certificates), ("crls", []), ("services", []), ("policies", [])])
        {
            plan[list] = new JsonArray([.. plan[list]!.AsArray().Where(each => kept.Contains((string?)each!["id"])).Select(each => each!.DeepClone())]);
        }
    }

    private static string FileOf(CeremonyStage stage, string certificate) => Path.Combine(stage.Output, stage.Plan().Plan.Certificates.First(each => each.Id == certificate).File);

    /// <summary>Runs until a line is told.</summary>
    private static async Task StopAtAsync(CeremonyStage stage, string line)
    {
        await Assert.ThrowsAsync<OperationCanceledException>(() => CeremonyRun.RunAsync(stage.Plan(), null, stage.Output, TimeProvider.System, Say, TestContext.Current.CancellationToken));

        void Say(string said)
        {
            if (said.StartsWith(line, StringComparison.Ordinal))
            {
                throw new OperationCanceledException();
            }
        }
    }

    /// <summary>A journal with other lines, chained as one of ours.</summary>
    /// <param name="data">Null: the line is left out.</param>
    private static void Rewrite(CeremonyStage stage, Func<JournalEntry, string?> data)
    {
        string path = Path.Combine(stage.Output, CeremonyFolder.JournalFile);
        IReadOnlyList<JournalEntry> entries = Journal.Read(File.ReadAllBytes(path));
        File.Delete(path);
        var time = new Past();
        using var journal = Journal.Open(path, time);
        foreach (JournalEntry entry in entries)
        {
            time.Now = entry.Time!.Value;
            if (data(entry) is { } written)
            {
                journal.Append(entry.What, entry.Id, written);
            }
        }
    }

    private static TbsCertificate Forge(TbsCertificate tbs, string what)
    {
        TimeSpan shift = TimeSpan.FromDays(what == "past" ? -100 : what == "future" ? 100 : 0);
        DateTimeOffset from = tbs.Validity.NotBefore.Value + shift;
        DateTimeOffset to = tbs.Validity.NotAfter.Value + shift - TimeSpan.FromDays(what == "days" ? 1 : 0);
        Name subject = what == "subject"
            ? new Name([.. tbs.Subject.Rdns.Select(rdn => rdn.Attributes[0].Type == Oids.CommonName ? Name.Create((Oids.CommonName, "别人的CA 演示 DEMO")).Rdns[0] : rdn)])
            : tbs.Subject;
        return new TbsCertificate(tbs.SerialNumber, tbs.Signature, tbs.Issuer, new Validity(Time.Truncate(from), Time.Truncate(to)), subject, tbs.SubjectPublicKeyInfo, tbs.Extensions!);
    }

    private static Certificate Sign(Certificate certificate, Sm2PrivateKey key)
    {
        byte[] signature = new byte[Sm2.SignatureSizeInBytes];
        key.Sign(certificate.TbsBytes.Span, signature);
        return Asn1.Pkix.Certificate.Assemble(certificate.TbsBytes, Der.Encode(Asn1.Gm.Sm2Signature.FromRaw(signature)));
    }

    private static PartitionPolicy With(PartitionPolicy policy, SubjectPublicKeyInfo key) => new(
        policy.Partition,
        policy.Version,
        policy.Clients,
        policy.AllowSm2Decrypt,
        [.. policy.AuthorizingCas.Select(ca => new AuthorizingCa(ca.Name, [.. ca.Keys, key]))],
        policy.OfficerIssuers,
        policy.Recovery);

    /// <summary>A clock that says what it is told.</summary>
    private sealed class Past : TimeProvider
    {
        public DateTimeOffset Now { get; set; }

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
