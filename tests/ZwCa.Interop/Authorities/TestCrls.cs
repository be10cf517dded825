using System.Numerics;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Interop.Authorities;

public enum CrlShape
{
    Full,

    /// <summary>The user certificates of one distribution point.</summary>
    Partitioned,

    /// <summary>CA certificates only (ARL).</summary>
    Authorities,

    Delta,
}

/// <summary>CRLs of GM/T 0015-2012 C.5, built whole and streamed.</summary>
internal static class TestCrls
{
    /// <summary>19 octets; at most 20 are allowed.</summary>
    public static readonly BigInteger Number = BigInteger.Pow(2, 150) + 255;

    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(12);

    /// <returns>The DER of a CertificateList.</returns>
    public static byte[] Build(Holder issuer, TestKey signer, CrlShape shape, IReadOnlyList<CrlEntry> entries)
    {
        Time thisUpdate = TestAuthority.In(TimeSpan.FromMinutes(-5));
        var tbs = new TbsCertList(
            signer.Kind.SignatureAlgorithm(),
            issuer.Name,
            thisUpdate,
            TestAuthority.In(Lifetime),
            [.. entries.Select(e => RevokedCertificate.Create(e.UserCertificate, e.RevocationDate, e.Reason, e.InvalidityDate))],
            CrlExtensions(issuer, shape));
        byte[] tbsBytes = Der.Encode(tbs);
        return Der.Encode(CertificateList.Assemble(tbsBytes, signer.Sign(tbsBytes)));
    }

    /// <summary>The same by way of <see cref="CrlWriter"/>; what is signed are the bytes that it hands to the digest.</summary>
    public static byte[] Stream(Holder issuer, TestKey signer, CrlShape shape, IReadOnlyList<CrlEntry> entries)
    {
        var writer = new CrlWriter(
            signer.Kind.SignatureAlgorithm(),
            issuer.Name,
            TestAuthority.In(TimeSpan.FromMinutes(-5)),
            TestAuthority.In(Lifetime),
            CrlExtensions(issuer, shape));
        using var crl = new MemoryStream();
        using var digested = new MemoryStream();
        using UnsignedCrl unsigned = writer.WriteTbs(crl, entries, digested.Write);
        unsigned.Complete(signer.Sign(digested.ToArray()));
        return crl.ToArray();
    }

    private static Extensions CrlExtensions(Holder issuer, CrlShape shape) => new(
    [
        Extension.Create(new AuthorityKeyIdentifier(issuer.KeyIdentifier), critical: false),
        Extension.Create(new CrlNumber(Number), critical: false),
        .. Scope(shape),
    ]);

    private static Extension[] Scope(CrlShape shape) => shape switch
    {
        CrlShape.Partitioned =>
        [
            Extension.Create(
                new IssuingDistributionPoint(new FullName(new UniformResourceIdentifier(TestProfiles.CrlUri)), onlyContainsUserCerts: true),
                critical: true),
        ],
        CrlShape.Authorities => [Extension.Create(new IssuingDistributionPoint(onlyContainsCaCerts: true), critical: true)],
        CrlShape.Delta => [Extension.Create(new DeltaCrlIndicator(Number - 1), critical: true)],
        _ => [],
    };
}
