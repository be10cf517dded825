using System.Text;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Tests.Issuance.Crls;
using static ZwCa.Tests.Issuance.Lint.Crls.CrlEdit;

namespace ZwCa.Tests.Issuance.Lint.Crls;

/// <summary>A CRL that breaks a rule.</summary>
/// <param name="Rules">All that it breaks: most of them one.</param>
internal sealed record BadCrl(byte[] Crl, params string[] Rules)
{
    public CrlLintContext Context { get; init; } = CrlLintContext.None;
}

/// <summary>Known-bad CRLs, made out of good ones by changing their bytes. Three entries: with all extensions, with a reason, with none.</summary>
internal static class BadCrls
{
    private const string Version = "0/0";
    private const string InnerAlgorithm = "0/1";
    private const string Issuer = "0/2";
    private const string ThisUpdate = "0/3";
    private const string NextUpdate = "0/4";
    private const string Entries = "0/5";
    private const string FirstSerial = "0/5/0/0";
    private const string FirstExtensions = "0/5/0/2";
    private const string LastDate = "0/5/2/1";
    private const string Extensions = "0/6/0";
    private const string KeyIdentifier = "0/6/0/0";
    private const string Number = "0/6/0/1";
    private const string Third = "0/6/0/2";
    private const string OuterAlgorithm = "1";
    private const string Signature = "2";

    private static readonly byte[] ReasonCode = [0x55, 0x1d, 0x15];
    private static readonly byte[] InvalidityDate = [0x55, 0x1d, 0x18];
    private static readonly byte[] CertificateIssuer = [0x55, 0x1d, 0x1d];
    private static readonly byte[] Unheard = [0x55, 0x1d, 0x7f];
    private static readonly byte[] True = [0x01, 0x01, 0xff];
    private static readonly byte[] False = [0x01, 0x01, 0x00];

    // Before what is made of them.
    private static readonly Lazy<TestCa> TheCa = new(() => TestCa.CreateAsync().GetAwaiter().GetResult());
    private static readonly Lazy<byte[]> TheComplete = new(() => Issue(Ca, CrlIssuerTests.Request(CrlKind.Complete)));
    private static readonly Lazy<byte[]> ThePartition = new(() => Issue(Ca, CrlIssuerTests.Request(CrlKind.Partition) with { OnlyUserCertificates = true }));
    private static readonly Lazy<byte[]> TheDelta = new(() => Issue(Ca, CrlIssuerTests.Request(CrlKind.Complete) with { BaseNumber = 5 }));
    private static readonly Lazy<byte[]> TheRsa = new(() => Issue(TestCa.CreateAsync(HsmKeyKind.Rsa2048).GetAwaiter().GetResult(), CrlIssuerTests.Request(CrlKind.Complete)));

    public static CrlLintContext Known { get; } = new() { Issuer = Ca.Certificate, MaximumValidity = TimeSpan.FromDays(1) };

    public static TestCa Ca => TheCa.Value;

    public static byte[] Complete => TheComplete.Value;

    public static byte[] Partition => ThePartition.Value;

    public static byte[] Delta => TheDelta.Value;

    public static byte[] OfRsa => TheRsa.Value;

    public static IReadOnlyDictionary<string, BadCrl> All { get; } = new Dictionary<string, BadCrl>
    {
        ["no SEQUENCE"] = new([0x31, 0x00], "crl-structure"),
        ["nothing"] = new([], "crl-structure"),
        ["a byte more"] = new([.. Complete, 0], "crl-structure"),
        ["a byte less"] = new(Complete[..^1], "crl-structure"),
        ["without signature"] = new(Replace(Complete, Signature, []), "crl-structure"),
        ["something behind the extensions"] = new(Replace(Complete, "0/6", [.. Find(Complete, "0/6"), 0x05, 0x00]), "crl-structure"),
        ["an extension without value"] = new(Replace(Complete, Number, Element(0x30, Find(Complete, Number + "/0"))), "crl-structure"),
        ["outermost length"] = new([0x30, 0x84, 0, 0, .. Complete[2..]], "crl-length-minimal"),
        ["length of the entries"] = new(Replace(Complete, Entries, [0x30, 0x82, 0x00, .. Find(Complete, Entries)[1..]]), "crl-length-minimal"),
        ["length of an extension"] = new(Replace(Complete, Number + "/1", [0x04, 0x81, 0x03, 0x02, 0x01, 0x07]), "crl-length-minimal"),
        ["TRUE that is 01"] = new(Replace(Partition, Third + "/1", [0x01, 0x01, 0x01]), "crl-der-values"),
        ["number with a leading zero"] = new(Replace(Complete, Number + "/1", [0x04, 0x04, 0x02, 0x02, 0x00, 0x07]), "crl-der-values"),
        ["no version"] = new(Replace(Complete, Version, []), "crl-version-2"),
        ["version 3"] = new(Replace(Complete, Version, [0x02, 0x01, 0x02]), "crl-version-2"),
        ["another algorithm outside"] = new(Replace(OfRsa, OuterAlgorithm, Element(0x30, Oid("2a864886f70d01010c"), [0x05, 0x00])), "crl-algorithms-agree"),
        ["SM2 with NULL"] = new(InBoth(Complete, Element(0x30, Oid("2a811ccf55018375"), [0x05, 0x00])), "crl-sm2-parameters-absent"),
        ["RSA without NULL"] = new(InBoth(OfRsa, Element(0x30, Oid("2a864886f70d01010b"))), "crl-rsa-parameters-null"),
        ["SHA-1"] = new(InBoth(OfRsa, Element(0x30, Oid("2a864886f70d010105"), [0x05, 0x00])), "crl-weak-hash"),
        ["PSS without parameters"] = new(InBoth(OfRsa, Element(0x30, Oid("2a864886f70d01010a"))), "crl-weak-hash"),
        ["unused bits"] = new(Replace(OfRsa, Signature, [.. Find(OfRsa, Signature)[..4], 1, .. Find(OfRsa, Signature)[5..^1], 0xfe]), "crl-signature-form"),
        ["short RSA"] = new(Replace(OfRsa, Signature, Element(0x03, new byte[256])), "crl-signature-form"),
        ["r of zero"] = new(Replace(Complete, Signature, [0x03, 0x09, 0x00, 0x30, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x01]), "crl-signature-form"),
        ["r above 2^256"] = new(Replace(Complete, Signature, Element(0x03, [0x00], Element(0x30, Element(0x02, [0x01, .. new byte[32]]), [0x02, 0x01, 0x01]))), "crl-signature-form"),
        ["raw r and s"] = new(Replace(Complete, Signature, Element(0x03, [0x00], new byte[64])), "crl-signature-form"),
        ["no name"] = new(Replace(Complete, Issuer, [0x30, 0x00]), "crl-issuer-not-empty"),
        ["another name"] = new(Replace(Complete, Issuer + "/1/0/1", Element(0x0c, "另一CA"u8.ToArray())), "crl-issuer-equals-subject") { Context = Known },
        ["issuer that may not"] = new(Complete, "crl-issuer-may-sign") { Context = new() { Issuer = Altered("0/7/0/2/2", [0x04, 0x04, 0x03, 0x02, 0x02, 0x04]) } },
        ["thisUpdate without seconds"] = new(Replace(Complete, ThisUpdate, Utc("2607010800Z")), "crl-this-update-form"),
        ["thisUpdate of 30 February"] = new(Replace(Complete, ThisUpdate, Utc("260230080000Z")), "crl-this-update-form"),
        ["thisUpdate generalized too early"] = new(Replace(Complete, ThisUpdate, Generalized("20260701080000Z")), "crl-this-update-form"),
        ["no nextUpdate"] = new(Replace(Complete, NextUpdate, []), "crl-next-update-present"),
        ["nextUpdate with an offset"] = new(Replace(Complete, NextUpdate, Utc("260702080000+0800")), "crl-next-update-form"),
        ["nextUpdate with a fraction"] = new(Replace(Complete, NextUpdate, Generalized("20520701080000.5Z")), "crl-next-update-form"),
        ["nextUpdate at thisUpdate"] = new(Replace(Complete, NextUpdate, Utc("260701080000Z")), "crl-next-update-later"),
        ["two days"] = new(Replace(Complete, NextUpdate, Utc("260703080000Z")), "crl-validity-bound") { Context = Known },
        ["before its issuer"] = new(Replace(Replace(Complete, ThisUpdate, Utc("251231235959Z")), Entries, []), "crl-within-issuer", "crl-validity-bound") { Context = Known },
        ["no extensions"] = new(Replace(Complete, "0/6", []), "crl-extensions-present", "crl-key-identifier-present", "crl-number-present"),
        ["an extension twice"] = new(Replace(Complete, Number, [.. Find(Complete, Number), .. Find(Complete, Number)]), "crl-extension-unique"),
        ["a critical one unheard of"] = new(Append(Complete, Extension(Unheard, True, [0x05, 0x00])), "crl-extension-critical-known"),
        ["critical FALSE"] = new(Replace(Complete, Number, Extension([0x55, 0x1d, 0x14], False, [0x02, 0x01, 0x07])), "crl-critical-default-absent"),
        ["no key identifier"] = new(Replace(Complete, KeyIdentifier, []), "crl-key-identifier-present"),
        ["empty key identifier"] = new(Replace(Complete, KeyIdentifier + "/1", [0x04, 0x02, 0x30, 0x00]), "crl-key-identifier-present"),
        ["another key"] = new(Replace(Complete, KeyIdentifier + "/1", [0x04, 0x05, 0x30, 0x03, 0x80, 0x01, 0x07]), "crl-key-identifier-equal") { Context = Known },
        ["key identifier critical"] = new(Critical(Complete, KeyIdentifier), "crl-key-identifier-not-critical"),
        ["no number"] = new(Replace(Complete, Number, []), "crl-number-present"),
        ["number of 21 octets"] = new(Replace(Complete, Number + "/1", Element(0x04, Element(0x02, [0x01, .. new byte[20]]))), "crl-number-form"),
        ["negative number"] = new(Replace(Complete, Number + "/1", [0x04, 0x03, 0x02, 0x01, 0x87]), "crl-number-form"),
        ["number that is an OCTET STRING"] = new(Replace(Complete, Number + "/1", [0x04, 0x03, 0x04, 0x01, 0x07]), "crl-number-form"),
        ["number critical"] = new(Critical(Complete, Number), "crl-number-not-critical"),
        ["delta not critical"] = new(Replace(Delta, Third + "/1", []), "crl-delta-critical"),
        ["base at the number"] = new(Replace(Delta, Third + "/2", [0x04, 0x03, 0x02, 0x01, 0x07]), "crl-delta-base-lower"),
        ["negative base"] = new(Replace(Delta, Third + "/2", [0x04, 0x03, 0x02, 0x01, 0x80]), "crl-delta-base-lower"),
        ["freshest critical"] = new(Append(Complete, Extension([0x55, 0x1d, 0x2e], True, Points)), "crl-freshest-not-critical"),
        ["freshest in a delta"] = new(Append(Delta, Extension([0x55, 0x1d, 0x2e], [], Points)), "crl-freshest-not-in-delta"),
        ["scope not critical"] = new(Replace(Partition, Third + "/1", []), "crl-scope-critical"),
        ["empty scope"] = new(Scope([0x30, 0x00]), "crl-scope-not-empty"),
        ["scope that says FALSE"] = new(Scope([0x30, 0x06, 0x81, 0x01, 0xff, 0x84, 0x01, 0x00]), "crl-scope-not-empty"),
        ["scope out of order"] = new(Scope([0x30, 0x07, 0x83, 0x02, 0x01, 0x06, 0x81, 0x01, 0xff]), "crl-scope-not-empty"),
        ["users and authorities"] = new(Scope([0x30, 0x06, 0x81, 0x01, 0xff, 0x82, 0x01, 0xff]), "crl-scope-one"),
        ["attribute certificates"] = new(Scope([0x30, 0x03, 0x85, 0x01, 0xff]), "crl-scope-no-attribute-certificates"),
        ["indirect"] = new(Scope([0x30, 0x03, 0x84, 0x01, 0xff]), "crl-scope-not-indirect"),
        ["another point"] = new(Partition, "crl-scope-point-equal") { Context = new() { DistributionPoint = Named("http://pki.example.cn/crl/8.crl") } },
        ["no point"] = new(Complete, "crl-scope-point-equal") { Context = new() { DistributionPoint = Named("http://pki.example.cn/crl/7.crl") } },
        ["empty list"] = new(Replace(Complete, Entries, [0x30, 0x00]), "crl-entries-not-empty"),
        ["an entry without date"] = new(Replace(Complete, LastDate, []), "crl-entry-structure"),
        ["an entry that ends beyond the end"] = new(Replace(Complete, Entries + "/2", [0x30, 0x20, 0x02, 0x01, 0x01]), "crl-entry-structure"),
        ["an entry with empty extensions"] = new(Replace(Complete, FirstExtensions, [0x30, 0x00]), "crl-entry-structure"),
        ["an entry that is a SET"] = new(Replace(Complete, Entries + "/2", [0x31, 0x00]), "crl-entry-structure"),
        ["an entry too long"] = new(Replace(Complete, FirstExtensions, Element(0x30, Extension(Unheard, [], Element(0x04, new byte[1 << 15])))), "crl-entry-structure"),
        ["length in an entry"] = new(Replace(Complete, FirstSerial, [0x02, 0x81, 0x02, 0x40, 0xaa]), "crl-entry-der"),
        ["serial number with a leading zero"] = new(Replace(Complete, FirstSerial, [0x02, 0x02, 0x00, 0x7f]), "crl-entry-der"),
        ["reason of two octets"] = new(Reason([], [0x0a, 0x02, 0x00, 0x01]), "crl-entry-der", "crl-entry-reason-value"),
        ["entry extension that says FALSE"] = new(Reason(False, [0x0a, 0x01, 0x01]), "crl-entry-der"),
        ["serial number zero"] = new(Replace(Complete, FirstSerial, [0x02, 0x01, 0x00]), "crl-entry-serial-number"),
        ["negative serial number"] = new(Replace(Complete, FirstSerial, [0x02, 0x01, 0x80]), "crl-entry-serial-number"),
        ["serial number of 21 octets"] = new(Replace(Complete, FirstSerial, Element(0x02, [0x01, .. new byte[20]])), "crl-entry-serial-number"),
        ["a serial number twice"] = new(Replace(Complete, FirstSerial, Find(Complete, "0/5/1/0")), "crl-entry-unique"),
        ["entry date generalized too early"] = new(Replace(Complete, LastDate, Generalized("20260701080000Z")), "crl-entry-date-form"),
        ["entry date no time"] = new(Replace(Complete, LastDate, [0x05, 0x00]), "crl-entry-date-form"),
        ["entry date after thisUpdate"] = new(Replace(Complete, LastDate, Utc("260701080001Z")), "crl-entry-date-past"),
        ["entry extension twice"] = new(Replace(Complete, FirstExtensions, Twice(Find(Complete, FirstExtensions + "/0"))), "crl-entry-extension-unique"),
        ["entry extension twice among many"] = new(
            Replace(Complete, FirstExtensions, Element(0x30, [.. Enumerable.Range(0, 41).Select(i => Extension([0x2a, (byte)(i % 40)], [], [0x05, 0x00]))])),
            "crl-entry-extension-unique"),
        ["critical entry extension unheard of"] = new(EntryExtension(Extension(Unheard, True, [0x05, 0x00])), "crl-entry-extension-critical-known"),
        ["reason critical"] = new(Reason(True, [0x0a, 0x01, 0x01]), "crl-entry-reason-not-critical"),
        ["reason 7"] = new(Reason([], [0x0a, 0x01, 0x07]), "crl-entry-reason-value"),
        ["reason 11"] = new(Reason([], [0x0a, 0x01, 0x0b]), "crl-entry-reason-value"),
        ["reason INTEGER"] = new(Reason([], [0x02, 0x01, 0x01]), "crl-entry-reason-value"),
        ["reason unspecified"] = new(Reason([], [0x0a, 0x01, 0x00]), "crl-entry-reason-not-unspecified"),
        ["removeFromCRL in a complete one"] = new(Reason([], [0x0a, 0x01, 0x08]), "crl-entry-remove-in-delta"),
        ["invalidity date UTCTime"] = new(EntryExtension(Extension(InvalidityDate, [], Utc("260628080000Z"))), "crl-entry-invalidity-date"),
        ["invalidity date critical"] = new(EntryExtension(Extension(InvalidityDate, True, Generalized("20260628080000Z"))), "crl-entry-invalidity-date"),
        ["certificate issuer not critical"] = new(
            Replace(Replace(Partition, Third + "/2", Element(0x04, [0x30, 0x03, 0x84, 0x01, 0xff])), FirstExtensions, Element(0x30, Extension(CertificateIssuer, [], Names))),
            "crl-entry-issuer-critical",
            "crl-scope-not-indirect"),
        ["certificate issuer in a CRL that is not indirect"] = new(EntryExtension(Extension(CertificateIssuer, True, Names)), "crl-entry-issuer-in-indirect"),
    };

    private static byte[] Names => Element(0x30, Element(0xa4, Find(Complete, Issuer)));

    private static byte[] Points => Element(0x30, Element(0x30, Element(0xa0, Element(0xa0, Element(0x86, "http://a.cn/"u8.ToArray())))));

    private static byte[] Issue(TestCa ca, CrlRequest request)
    {
        var at = new Time(TestCa.Now);
        CrlEntry[] entries =
        [
            new(SerialNumber.Parse("40aa"), at, RevocationReason.KeyCompromise, at), new(SerialNumber.Parse("40ab"), at, RevocationReason.Superseded), new(SerialNumber.Parse("40ac"), at),
        ];
        using var output = new MemoryStream();
        CrlIssuer.IssueAsync(ca.Issuer, request, entries, output).GetAwaiter().GetResult();
        return output.ToArray();
    }

    private static FullName Named(string uri) => new(new UniformResourceIdentifier(uri));

    private static Certificate Altered(string path, byte[] element) =>
        ZwCa.Asn1.Der.Decode<Certificate>(Replace(ZwCa.Asn1.Der.Encode(Ca.Certificate), path, element));

    private static byte[] Oid(string content) => Element(0x06, Convert.FromHexString(content));

    private static byte[] Utc(string text) => Element(0x17, Encoding.ASCII.GetBytes(text));

    private static byte[] Generalized(string text) => Element(0x18, Encoding.ASCII.GetBytes(text));

    private static byte[] Extension(byte[] id, byte[] critical, byte[] value) => Element(0x30, Element(0x06, id), critical, Element(0x04, value));

    private static byte[] InBoth(byte[] crl, byte[] algorithm) => Replace(Replace(crl, InnerAlgorithm, algorithm), OuterAlgorithm, algorithm);

    private static byte[] Append(byte[] crl, byte[] extension) => Replace(crl, Extensions, Element(0x30, Find(crl, Extensions)[2..], extension));

    private static byte[] Critical(byte[] crl, string path) => Replace(crl, path, Element(0x30, Find(crl, path + "/0"), True, Find(crl, path + "/1")));

    private static byte[] Scope(byte[] value) => Replace(Partition, Third + "/2", Element(0x04, value));

    private static byte[] Twice(byte[] extension) => Element(0x30, extension, extension);

    private static byte[] EntryExtension(byte[] extension) => Replace(Complete, FirstExtensions, Element(0x30, extension));

    private static byte[] Reason(byte[] critical, byte[] value) => EntryExtension(Extension(ReasonCode, critical, value));
}
