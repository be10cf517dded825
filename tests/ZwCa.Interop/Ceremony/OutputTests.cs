using System.Security.Cryptography.X509Certificates;
using ZwCa.Admin.Ceremony;
using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Decisions;
using ZwCa.Data;
using ZwCa.Hsm.Simulator;
using ZwCa.Hsm.Simulator.Wire;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.Interop.Ceremony;

/// <summary>What the services will begin with: link keys, records, the device's policy.</summary>
[Collection(nameof(DocsCeremony))]
public sealed class OutputTests(DocsCeremony docs)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("ca")]
    [InlineData("kmc")]
    [InlineData("ocsp-1")]
    public void ALinkKey_OpensWithThePasswordAlone(string service)
    {
        using var openssl = new OpenSsl();
        string key = Path.Combine(docs.Output, service, "link.key");
        string certificate = Path.Combine(docs.Output, service, "link.pem");

        using X509Certificate2 loaded = new LinkFiles(certificate, key, CeremonyStage.LinkPassword).Load(DateTimeOffset.UtcNow);

        Assert.True(loaded.HasPrivateKey);
        Assert.True(OperatingSystem.IsWindows() || File.GetUnixFileMode(key) == (UnixFileMode.UserRead | UnixFileMode.UserWrite));
        openssl.Run("pkcs8", "-in", key, "-passin", $"pass:{CeremonyStage.LinkPassword}", "-out", "open.pem");
        Assert.Contains("prime256v1", openssl.Run("pkey", "-in", "open.pem", "-noout", "-text").Text);
        openssl.Refuses("", "pkcs8", "-in", key, "-passin", "pass:another-password", "-out", "shut.pem");
    }

    [Fact]
    public async Task TheHighestOfficers_AreInOffice()
    {
        foreach (string service in (string[])["ca", "kmc"])
        {
            await using Database records = Records(service);
            IReadOnlyList<byte[]> certificates = await records.QueryAsync<byte[]>("SELECT certificate FROM officer WHERE is_top = 1 AND enabled = 1", null, Cancelled);
            string[] expected = [.. ((string[])["super", "audit"]).Select(office => Convert.ToHexString(Der.Encode(docs.Certificate($"officer-{service}-{office}"))))];
            Assert.Equal(expected.Order(), certificates.Select(Convert.ToHexString).Order());
        }
    }

    /// <summary>One registry: the KMC knows its officers by the ids that the CA gave, and nobody else.</summary>
    [Fact]
    public async Task PersonsOfTheKmc_HaveTheIdsOfTheCa()
    {
        await using Database ca = Records("ca");
        await using Database kmc = Records("kmc");
        string[] known = [.. (await ca.QueryAsync<byte[]>("SELECT person_id FROM person", null, Cancelled)).Select(Convert.ToHexString)];
        string[] own = [.. (await kmc.QueryAsync<byte[]>("SELECT person_id FROM person", null, Cancelled)).Select(Convert.ToHexString)];

        Assert.Equal(4, known.Length);
        string[] certified = [.. ((string[])["super", "audit"]).Select(office => Convert.ToHexString(docs.Certificate($"officer-kmc-{office}").Tbs.Extensions!.Find<OfficerIdentity>()!.Person.Span))];
        Assert.Equal(certified.Order(), own.Order());
        Assert.Empty(own.Except(known));
    }

    [Fact]
    public async Task Links_AreRegistered()
    {
        (string Service, string Certificate, ClientKind Kind)[] expected =
        [
            ("ca", "link-kmc", ClientKind.Kmc), ("ca", "link-ocsp-1", ClientKind.Ocsp), ("ca", "link-ca-super", ClientKind.Officer), ("ca", "link-ca-audit", ClientKind.Officer),
            ("kmc", "link-ca", ClientKind.Ca), ("kmc", "link-kmc-super", ClientKind.Officer), ("kmc", "link-kmc-audit", ClientKind.Officer),
        ];
        foreach (string service in (string[])["ca", "kmc"])
        {
            await using Database records = Records(service);
            IReadOnlyList<string> rows = await records.QueryAsync<string>("SELECT thumbprint FROM registered_client WHERE enabled = 1 ORDER BY thumbprint", null, Cancelled);
            string[] links = [.. expected.Where(each => each.Service == service).Select(each => ThumbprintOf(each.Certificate)).Order(StringComparer.Ordinal)];
            Assert.Equal(links, rows);
        }

        string ThumbprintOf(string id)
        {
            using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(Der.Encode(docs.Certificate(id)));
            return ClientStore.ThumbprintOf(certificate);
        }
    }

    [Fact]
    public async Task ThePolicyOfTheKmc_NamesTheCasKeyAndTheOfficersIssuer()
    {
        await using ConsoleClient console = await docs.Stage.Store.OpenConsoleAsync(docs.Stage.Device);

        Bytes bytes = await console.AskAsync<PartitionName, Bytes>(Operation.GetPolicy, new PartitionName("kmc"), Cancelled);

        PartitionPolicy policy = Der.Decode<PartitionPolicy>(bytes.Value);
        AuthorizingCa ca = Assert.Single(policy.AuthorizingCas);
        Assert.Equal(docs.Certificate("ca-message").Tbs.SubjectPublicKeyInfo, Assert.Single(ca.Keys));
        Assert.Equal(docs.Certificate("ops-s1").Tbs.SubjectPublicKeyInfo, Assert.Single(policy.OfficerIssuers));
        Assert.Equal(bytes.Value.ToArray(), await File.ReadAllBytesAsync(Path.Combine(docs.Output, "policy/kmc.der"), Cancelled));
    }

    [Fact]
    public void NoSecretAndNoIdNumber_IsInAnyFile()
    {
        string[] secrets = [CeremonyStage.LinkPassword, "110101197001010016", "110101197001010024", "110101197001010032", "110101197001010040"];
        foreach (string file in new CeremonyFolder(docs.Output).Files())
        {
            string text = System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(Path.Combine(docs.Output, file)));
            Assert.All(secrets, secret => Assert.DoesNotContain(secret, text, StringComparison.Ordinal));
        }
    }

    private Database Records(string service) => new(new DatabaseOptions { ConnectionString = $"Data Source={Path.Combine(docs.Stage.Path, $"{service}.db")};Pooling=False" });
}
