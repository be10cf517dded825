using ZwCa.Admin.Ceremony;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Interop.Ceremony;

/// <summary>The plan of docs/ceremony, carried out once for all tests that only look at it: RSA keys take seconds.</summary>
public sealed class DocsCeremony : IAsyncLifetime
{
    private CeremonyStage? _stage;

    internal CeremonyStage Stage => _stage!;

    internal string Output => Stage.Output;

    public async ValueTask InitializeAsync()
    {
        _stage = await CeremonyStage.CreateAsync();
        await _stage.CompleteAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_stage is not null)
        {
            await _stage.DisposeAsync();
        }
    }

    internal Certificate Certificate(string id) => Made.Certificate(Output, id);
}

[CollectionDefinition(nameof(DocsCeremony))]
public sealed class DocsCeremonyCollection : ICollectionFixture<DocsCeremony>;

/// <summary>What lies in an output.</summary>
internal static class Made
{
    public static Inventory Inventory(string output) => Admin.Ceremony.Inventory.Read(File.ReadAllBytes(Path.Combine(output, Admin.Ceremony.Inventory.FileName)));

    public static Certificate Certificate(string output, string id)
    {
        string file = Inventory(output).Certificates.First(each => each.Id == id).File;
        return CertificateFile.Read(File.ReadAllBytes(Path.Combine(output, file)), file);
    }

    public static byte[] Crl(string output, string id) => File.ReadAllBytes(Path.Combine(output, Inventory(output).Crls.First(each => each.Id == id).File));

    public static IReadOnlyList<JournalEntry> Journal(string output)
    {
        byte[] bytes = File.ReadAllBytes(Path.Combine(output, CeremonyFolder.JournalFile));
        return Admin.Ceremony.Journal.Read(bytes.AsSpan(0, bytes.AsSpan().LastIndexOf((byte)'\n') + 1));
    }

    /// <summary>openssl says that the one certificate was issued by the other.</summary>
    public static void VerifiesLink(this OpenSsl openssl, Certificate issuer, Certificate certificate) =>
        Assert.Contains(": OK", openssl.Run(LinkArguments(openssl, issuer, certificate)).Text);

    public static void RefusesLink(this OpenSsl openssl, Certificate issuer, Certificate certificate) =>
        openssl.Refuses("verification failed", LinkArguments(openssl, issuer, certificate));

    /// <summary>What a self-signed certificate or a CRL says of itself, by the parts.</summary>
    public static void VerifiesUnder(this OpenSsl openssl, Certificate issuer, byte[] signed) => openssl.VerifiesSigned(KindOf(issuer), issuer.Tbs.SubjectPublicKeyInfo, signed);

    /// <summary>It is another's CRL.</summary>
    public static void RefusesCrl(this OpenSsl openssl, Certificate issuer, byte[] crl)
    {
        CertificateList list = Der.Decode<CertificateList>(crl);
        openssl.RefusesSignature(KindOf(issuer), issuer.Tbs.SubjectPublicKeyInfo, list.TbsBytes.ToArray(), list.Signature.ToArray());
    }

    public static KeyKind KindOf(Certificate certificate) =>
        certificate.Tbs.SubjectPublicKeyInfo.Algorithm == AlgorithmIdentifier.Rsa ? KeyKind.Rsa
        : certificate.Tbs.SubjectPublicKeyInfo.Algorithm == AlgorithmIdentifier.Sm2Key ? KeyKind.Sm2
        : KeyKind.P256;

    public static string SkiOf(Certificate certificate) => Convert.ToHexStringLower(certificate.Tbs.Extensions!.Find<SubjectKeyIdentifier>()!.KeyIdentifier.Span);

    private static string[] LinkArguments(OpenSsl openssl, Certificate issuer, Certificate certificate) =>
    [
        "verify", .. KindOf(issuer).VerifyOptions(), "-partial_chain",
        "-trusted", openssl.WritePem("issuer.pem", Pem.Certificate, issuer), openssl.WritePem("certificate.pem", Pem.Certificate, certificate),
    ];
}
