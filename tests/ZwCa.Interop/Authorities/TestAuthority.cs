using System.Buffers.Binary;
using System.Collections.Concurrent;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Interop.Authorities;

/// <summary>A key and the certificate for it.</summary>
internal sealed record Holder(TestKey Key, Certificate Certificate)
{
    public Name Name => Certificate.Tbs.Subject;

    public ReadOnlyMemory<byte> KeyIdentifier => Certificate.Tbs.Extensions!.Find<SubjectKeyIdentifier>()!.KeyIdentifier;

    /// <returns>The name of the file.</returns>
    public string WriteTo(OpenSsl openssl, string name) => openssl.WritePem(name, Pem.Certificate, Certificate);
}

/// <summary>Root, issuing CA, a pair of end-entity certificates and an OCSP responder, all with keys of one kind. Made once and shared.</summary>
internal sealed class TestAuthority
{
    private static readonly ConcurrentDictionary<KeyKind, Lazy<TestAuthority>> Authorities = new();
    private static long _lastSerialNumber;

    private TestAuthority(KeyKind kind, Func<TestKey> generate)
    {
        TestKey root = generate();
        Root = new Holder(root, Certify(root, RootName, RootName, root.PublicKey, TestProfiles.Root(root.PublicKey)));
        Issuing = Issue(Root, generate(), IssuingName, TestProfiles.Issuing);
        Signing = Issue(Issuing, generate(), SubscriberName, TestProfiles.Signing);
        Encryption = Issue(Issuing, TestKey.Generate(kind), SubscriberName, TestProfiles.Encryption);
        Responder = Issue(Issuing, generate(), ResponderName, TestProfiles.Responder);
        Stranger = TestKey.Generate(kind);
    }

    public static Name RootName { get; } = Name.Create((Oids.CountryName, "CN"), (Oids.OrganizationName, "政务根"), (Oids.CommonName, "政务根CA"));

    public static Name IssuingName { get; } = Name.Create((Oids.CountryName, "CN"), (Oids.OrganizationName, "政务"), (Oids.CommonName, "政务运营CA"));

    public static Name SubscriberName { get; } = Name.Create(
        (Oids.CountryName, "CN"),
        (Oids.StateOrProvinceName, "浙江省"),
        (Oids.OrganizationName, "某市政务服务数据管理局"),
        (Oids.CommonName, "张三"));

    public static Name ResponderName { get; } = Name.Create((Oids.CountryName, "CN"), (Oids.OrganizationName, "政务"), (Oids.CommonName, "OCSP响应"));

    public Holder Root { get; }

    public Holder Issuing { get; }

    public Holder Signing { get; }

    /// <summary>The other half of the pair: same subject, other key.</summary>
    public Holder Encryption { get; }

    public Holder Responder { get; }

    /// <summary>A key that has nothing to do with the authority: what it signs must be refused.</summary>
    public TestKey Stranger { get; }

    public static TestAuthority Of(KeyKind kind) => Authorities.GetOrAdd(kind, k => new Lazy<TestAuthority>(() => new TestAuthority(k, () => TestKey.Generate(k)))).Value;

    /// <summary>One of its own, whose keys lie elsewhere: all that sign, and so not the encryption key.</summary>
    /// <param name="generate">Makes a key of the kind.</param>
    public static TestAuthority WithKeys(KeyKind kind, Func<TestKey> generate) => new(kind, generate);

    /// <summary>A certificate for a new key.</summary>
    public static Holder Issue(Holder issuer, KeyKind kind, Name subject, Func<SubjectPublicKeyInfo, Holder, Extensions> profile) =>
        Issue(issuer, TestKey.Generate(kind), subject, profile);

    public static Holder Issue(Holder issuer, TestKey key, Name subject, Func<SubjectPublicKeyInfo, Holder, Extensions> profile) =>
        new(key, Certify(issuer.Key, issuer.Name, subject, key.PublicKey, profile(key.PublicKey, issuer)));

    /// <summary>Whole seconds from now.</summary>
    public static Time In(TimeSpan span) => Time.Truncate(DateTimeOffset.UtcNow + span);

    /// <summary>20 octets, as long as they come.</summary>
    public static SerialNumber NextSerialNumber()
    {
        byte[] serialNumber = new byte[SerialNumber.MaxOctets];
        serialNumber[0] = 0x7f;
        BinaryPrimitives.WriteInt64BigEndian(serialNumber.AsSpan(12), Interlocked.Increment(ref _lastSerialNumber));
        return SerialNumber.FromBytes(serialNumber);
    }

    private static Certificate Certify(TestKey issuerKey, Name issuer, Name subject, SubjectPublicKeyInfo key, Extensions extensions)
    {
        var tbs = new TbsCertificate(
            NextSerialNumber(),
            issuerKey.Kind.SignatureAlgorithm(),
            issuer,
            new Validity(In(TimeSpan.FromHours(-1)), In(TimeSpan.FromDays(365))),
            subject,
            key,
            extensions);
        byte[] tbsBytes = Der.Encode(tbs);
        return Certificate.Assemble(tbsBytes, issuerKey.Sign(tbsBytes));
    }
}
