using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Issuance;

namespace ZwCa.Tests.Issuance.Crls;

/// <summary>A self-signed CA with its key in memory; its certificates are built by hand, so that nothing but CRLs and responses is under test.</summary>
internal sealed class TestCa : IAsyncDisposable
{
    public static readonly DateTimeOffset NotBefore = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    public static readonly DateTimeOffset NotAfter = new(2036, 1, 1, 0, 0, 0, TimeSpan.Zero);
    public static readonly DateTimeOffset Now = new(2026, 7, 1, 8, 0, 0, TimeSpan.Zero);

    private int _keys;

    private TestCa(MemoryHsm hsm, Issuer issuer)
    {
        Hsm = hsm;
        Issuer = issuer;
    }

    public MemoryHsm Hsm { get; }

    public Issuer Issuer { get; }

    public Certificate Certificate => Issuer.Certificate!;

    public static async Task<TestCa> CreateAsync(
        HsmKeyKind kind = HsmKeyKind.Sm2, string name = "政务CA 签发一", KeyUsages usages = KeyUsages.KeyCertSign | KeyUsages.CrlSign)
    {
        var hsm = new MemoryHsm();
        var signer = new HsmSigner(hsm, await hsm.GenerateKeyAsync(new KeyLabel("ca"), kind));
        Name subject = Name.Create((Oids.CountryName, "CN"), (Oids.CommonName, name));
        Certificate certificate = await SignAsync(signer, subject, subject, signer.SubjectPublicKeyInfo,
        [
            Extension.Create(SubjectKeyIdentifier.Of(signer.SubjectPublicKeyInfo), critical: false),
            Extension.Create(BasicConstraints.Ca(), critical: true),
            Extension.Create(new KeyUsage(usages), critical: true),
        ]);
        hsm.Calls.Clear();
        return new TestCa(hsm, new Issuer(certificate, signer, new Publication("http://pki.example.cn", "1.2.156.99999.1")));
    }

    /// <summary>A certificate of the CA with a key of its own.</summary>
    public async Task<(Certificate Certificate, HsmSigner Signer)> IssueAsync(HsmKeyKind kind, params Extension[] extensions)
    {
        var signer = new HsmSigner(Hsm, await Hsm.GenerateKeyAsync(new KeyLabel($"key-{Interlocked.Increment(ref _keys)}"), kind));
        Name subject = Name.Create((Oids.CountryName, "CN"), (Oids.CommonName, "OCSP响应"));
        Certificate certificate = await SignAsync(Issuer.Signer, Issuer.Name, subject, signer.SubjectPublicKeyInfo, extensions);
        Hsm.Calls.Clear();
        return (certificate, signer);
    }

    public static Extension[] ResponderExtensions =>
    [
        Extension.Create(KeyUsage.Signing, critical: true),
        Extension.Create(new ExtendedKeyUsage(Oids.OcspSigning), critical: true),
        Extension.Create(new OcspNoCheck(), critical: false),
    ];

    /// <summary>By code that does not issue.</summary>
    public static bool Verify(SubjectPublicKeyInfo key, ReadOnlySpan<byte> message, ReadOnlyMemory<byte> signature)
    {
        if (key.TryGetSm2Key(out Sm2PublicKey? sm2))
        {
            return sm2.Verify(message, Der.Decode<Sm2Signature>(signature).Raw.Span);
        }

        if (key.Algorithm == AlgorithmIdentifier.Rsa)
        {
            using var rsa = RSA.Create();
            rsa.ImportSubjectPublicKeyInfo(Der.Encode(key), out _);
            return rsa.VerifyData(message, signature.Span, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        }

        using var ecdsa = ECDsa.Create();
        ecdsa.ImportSubjectPublicKeyInfo(Der.Encode(key), out _);
        return ecdsa.VerifyData(message, signature.Span, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
    }

    public ValueTask DisposeAsync() => Hsm.DisposeAsync();

    private static async Task<Certificate> SignAsync(HsmSigner signer, Name issuer, Name subject, SubjectPublicKeyInfo key, IReadOnlyList<Extension> extensions)
    {
        var tbs = new TbsCertificate(
            SerialNumbers.Create(), signer.AlgorithmIdentifier, issuer, new Validity(new Time(NotBefore), new Time(NotAfter)), subject, key, new Extensions(extensions));
        byte[] bytes = Der.Encode(tbs);
        return Certificate.Assemble(bytes, await signer.SignAsync(bytes));
    }
}
