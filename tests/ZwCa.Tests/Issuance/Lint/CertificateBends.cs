using System.Text;
using ZwCa.Asn1;
using ZwCa.Issuance;
using static ZwCa.Tests.Issuance.DerEdit;

namespace ZwCa.Tests.Issuance;

/// <summary>A certificate that breaks a rule.</summary>
/// <param name="Start">Name in <see cref="LintSamples"/>.</param>
/// <param name="Bend">From the good certificate to the bad one.</param>
/// <param name="Companions">Other rules that it breaks by the same token.</param>
internal sealed record BadCertificate(string Rule, string Start, LintKnowledge Knowledge, Func<byte[], byte[]> Bend, params string[] Companions)
{
    public static IReadOnlyList<BadCertificate> All { get; } = [.. BadFields.All, .. BadExtensions.All];

    public byte[] Bytes => Bend(LintSamples.All[Start].Bytes);

    public IReadOnlyList<Finding> Judge() => Linter.Check(Bytes, LintSamples.All[Start].Context(Knowledge));
}

/// <summary>Ways to make a bad certificate of a good one.</summary>
internal static class CertificateBends
{
    public static Func<byte[], byte[]> At(int[] path, Func<byte[], byte[]> change) => der => Change(der, path, change);

    /// <param name="path">In the certificate that is to be bent.</param>
    public static Func<byte[], byte[]> At(Func<byte[], int[]> path, Func<byte[], byte[]> change) => der => Change(der, path(der), change);

    public static Func<byte[], byte[]> Put(int[] path, string hex) => At(path, _ => Convert.FromHexString(hex));

    public static Func<byte[], byte[]> Put(Func<byte[], int[]> path, string hex) => At(path, _ => Convert.FromHexString(hex));

    public static Func<byte[], byte[]> Then(params Func<byte[], byte[]>[] bends) => der => bends.Aggregate(der, (bent, bend) => bend(bent));

    /// <summary>Both AlgorithmIdentifiers.</summary>
    public static Func<byte[], byte[]> Algorithms(Func<byte[], byte[]> change) => Then(At(InnerAlgorithm, change), At(OuterAlgorithm, change));

    /// <summary>One more RDN at the end of the subject.</summary>
    /// <param name="type">Content of the OID, hexadecimal.</param>
    /// <param name="value">Hexadecimal.</param>
    public static Func<byte[], byte[]> AddAttribute(string type, string value) => At(Subject, name => Element(0x30,
        [.. Content(name), .. Element(0x31, Element(0x30, [.. Element(0x06, Convert.FromHexString(type)), .. Convert.FromHexString(value)]))]));

    /// <summary>What is inside an extension. From the extension: child 0 is the OID, then comes critical where it is there, then the OCTET STRING.</summary>
    public static Func<byte[], int[]> Inside(string oid, params int[] path) => der => [.. Extension(der, oid), .. path];

    public static Func<byte[], byte[]> AtValue(string oid, Func<byte[], byte[]> change) => der => Change(der, ExtensionValue(der, oid), change);

    public static Func<byte[], byte[]> Value(string oid, string hex) => AtValue(oid, _ => Convert.FromHexString(hex));

    public static Func<byte[], byte[]> Remove(string oid) => der => Change(der, Extension(der, oid), _ => []);

    public static Func<byte[], byte[]> AddExtension(string hex, string oid = "1.2.3.4.5", bool critical = false) => At(Extensions, list => Element(0x30,
        [.. Content(list), .. Element(0x30, [.. Element(0x06, KnownOid.Content(oid)), .. critical ? (byte[])[0x01, 0x01, 0xff] : [], .. Element(0x04, Convert.FromHexString(hex))])]));

    public static Func<byte[], byte[]> Critical(string oid, bool critical) => At(der => Extension(der, oid), extension =>
    {
        byte[] id = Get(extension, 0);
        byte[] rest = Content(extension)[id.Length..];
        byte[] value = rest[0] == 0x01 ? rest[3..] : rest;
        return Element(0x30, [.. id, .. critical ? (byte[])[0x01, 0x01, 0xff] : [], .. value]);
    });

    public static Func<byte[], byte[]> Purposes(params string[] purposes) =>
        AtValue(Oids.ExtendedKeyUsage, _ => Element(0x30, [.. purposes.SelectMany(purpose => Element(0x06, KnownOid.Content(purpose)))]));

    /// <summary>The only place of the CRL.</summary>
    public static Func<byte[], byte[]> Place(string uri) =>
        AtValue(Oids.CrlDistributionPoints, _ => Element(0x30, Element(0x30, Element(0xa0, Element(0xa0, Element(0x86, Encoding.ASCII.GetBytes(uri)))))));

    /// <summary>One more field in the first distribution point.</summary>
    public static byte[] Point(byte[] points, string hex) => Change(points, [0], point => Element(0x30, [.. Content(point), .. Convert.FromHexString(hex)]));

    /// <summary>Qualifiers of the first policy.</summary>
    public static byte[] Policy(byte[] policies, string hex) => Change(policies, [0], policy => Element(0x30, [.. Content(policy), .. Convert.FromHexString(hex)]));

    /// <summary>One more name in SubjectAltName.</summary>
    public static Func<byte[], byte[]> AddName(byte tag, ReadOnlySpan<byte> name)
    {
        byte[] element = Element(tag, name);
        return AtValue(Oids.SubjectAltName, names => Element(0x30, [.. Content(names), .. element]));
    }
}
