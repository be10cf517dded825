using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Issuance;

namespace ZwCa.Tests.Issuance.Issuing;

/// <summary>Whoever can write where intentions are kept has no say in what is signed: bytes that no Prepare would have made are refused.</summary>
public sealed class PrepareAgainTests
{
    /// <summary>Nothing is signed here, so all may share it.</summary>
    private static readonly Lazy<Task<SampleHierarchy>> Hierarchy = new(SampleHierarchy.CreateAsync);

    private static readonly Dictionary<string, Func<SampleHierarchy, Forged>> Forgeries = new()
    {
        ["a CA by the profile of a person"] = h => Of(h, "person-signing") with { Add = Extension.Create(BasicConstraints.Ca(), critical: true) },
        ["a second too long"] = h => Of(h, "tls-server") with { NotAfter = SampleHierarchy.Now.AddDays(398).AddSeconds(1) },
        ["beyond the issuer's end"] = h => Of(h, "officer") with { NotBefore = End(h.Sub).AddDays(-1), NotAfter = End(h.Sub).AddSeconds(1) },
        ["before the issuer's beginning"] = h => Of(h, "officer") with { NotBefore = SampleHierarchy.Now.AddSeconds(-1), NotAfter = SampleHierarchy.Now },
        ["another attribute"] = h => Of(h, "person-signing") with { Subject = Plus(h, "person-signing", Oids.Title, "局长") },
        ["a private character in a name"] = h => Of(h, "person-signing") with { Subject = Named(h, "person-signing", "张\ue000三") },
        ["a blank that is no space in a name"] = h => Of(h, "person-signing") with { Subject = Named(h, "person-signing", "张\u2800三") },
        ["an enclosing mark at the beginning of a name"] = h => Of(h, "person-signing") with { Subject = Named(h, "person-signing", "\u20dd张三") },
        ["the issuer's own name"] = h => Of(h, "sub-ca") with { Subject = SampleHierarchy.RootName },
        ["a demonstration's mark"] = h => Of(h, "sub-ca") with { Subject = Named(h, "sub-ca", "演示 DEMO CA") },
        ["a CA below the last"] = h => Of(h, "sub-ca", h.Sub) with { Subject = Named(h, "sub-ca", "示例签发CA S2"), NotAfter = SampleHierarchy.Now.AddDays(1) },
        ["a person by the root"] = h => Of(h, "person-signing", h.Root),
        ["a person by a root to be"] = h => Of(h, "person-signing", h.IssuerOf("root")),
        ["a root by a CA"] = h => Of(h, "root", h.Root),
        ["a root with another key"] = h => Of(h, "root", h.Root) with { Key = SampleHierarchy.PublicKey("stranger", KeyAlgorithm.Sm2) },
        ["a root to be with another key"] = h => Of(h, "root") with { Key = SampleHierarchy.PublicKey("stranger", KeyAlgorithm.Sm2) },
        ["another algorithm"] = h => Of(h, "person-signing") with { Key = Rsa(2048) },
        ["an RSA key with a factor that only KeyQuality looks for"] = h => Of(h, "cross") with { Key = WithFactor(757, 3072) },
        ["the issuer's own key crossed"] = h => Of(h, "cross") with { Key = h.Root.SubjectPublicKeyInfo },
        ["a key kind that the profile lacks"] = h => Of(h, "link") with { Key = SampleHierarchy.PublicKey("stranger", KeyAlgorithm.Sm2) },
        ["no subject key identifier"] = h => Of(h, "tls-server") with { Remove = Oids.SubjectKeyIdentifier },
        ["another CA's key identifier"] = h => Of(h, "sub-ca") with { Replace = Extension.Create(new SubjectKeyIdentifier(h.Root.KeyIdentifier), critical: false) },
        ["no authority key identifier"] = h => Of(h, "root") with { Remove = Oids.AuthorityKeyIdentifier },
        ["another authority key identifier"] = h => Of(h, "tls-server") with { Replace = Extension.Create(new AuthorityKeyIdentifier(h.Root.KeyIdentifier), critical: false) },
        ["this machine's name"] = h => Of(h, "tls-server") with { Replace = Extension.Create(new SubjectAltName(new DnsName("localhost")), critical: false) },
        ["a directory name as alternative name"] = h =>
            Of(h, "tls-server") with { Replace = Extension.Create(new SubjectAltName(new DirectoryName(SampleHierarchy.RootName)), critical: false) },
        ["no alternative name"] = h => Of(h, "tls-server") with { Remove = Oids.SubjectAltName },
        ["another key usage"] = h => Of(h, "tls-server") with { Replace = Extension.Create(KeyUsage.Encryption, critical: true) },
        ["another purpose"] = h => Of(h, "tls-server") with { Replace = Extension.Create(new ExtendedKeyUsage(Oids.ClientAuth), critical: false) },
        ["another policy"] = h => Of(h, "tls-server") with { Replace = Extension.Create(new CertificatePolicies([new PolicyInformation("1.2.3.4")]), critical: false) },
        ["no place of the CRL"] = h => Of(h, "tls-server") with { Remove = Oids.CrlDistributionPoints },
        ["another place of the CRL"] = h =>
            Of(h, "tls-server") with { Replace = Extension.Create(new CrlDistributionPoints(DistributionPoint.At("http://pki.example.gov.cn/crl")), critical: false) },
        ["no place of the issuer"] = h => Of(h, "tls-server") with { Remove = Oids.AuthorityInfoAccess },
        ["an extension that the profile lacks"] = h => Of(h, "tls-server") with { Add = new Extension("1.2.3.4", Critical: false, new byte[] { 5, 0 }) },
        ["an officer's identity that is none"] = h => Of(h, "officer") with { Replace = new Extension(Oids.OfficerIdentity, Critical: false, new byte[] { 5, 0 }) },
        ["a resident id with a wrong check character"] = h => Of(h, "person-signing-2023") with { Replace = Printable("1.2.156.10260.4.1.1.1", "110105194912310021") },
        ["a short serial number"] = h => Of(h, "tls-server") with { SerialNumber = SerialNumber.Parse("4012345678") },
    };

    public static TheoryData<string> Names => [.. Forgeries.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task WhatNoPrepareMade_IsRefused(string what)
    {
        Forged forged = Forgeries[what](await Hierarchy.Value);

        Exception? refusal = Record.Exception(() => forged.Issuer.PrepareAgain(forged.Encode(), forged.Profile));

        Assert.True(refusal is RefusalException or LintException or DerException, $"{refusal}");
    }

    public static TheoryData<string> Profiles => [.. ProfileCatalogue.Shipped.All.Select(profile => profile.Name)];

    /// <summary>What the forgeries are made of is good: each is refused for what is wrong in it.</summary>
    [Theory]
    [MemberData(nameof(Profiles))]
    public async Task WhatPrepareMade_IsPreparedAgain(string profile)
    {
        SampleHierarchy hierarchy = await Hierarchy.Value;
        Forged same = Of(hierarchy, profile);
        byte[] bytes = same.Encode();

        Assert.Equal(hierarchy.Prepare(hierarchy.Request(profile)).TbsBytes.ToArray(), bytes);
        Assert.Equal(bytes, same.Issuer.PrepareAgain(bytes, same.Profile).TbsBytes.ToArray());
    }

    private static Forged Of(SampleHierarchy hierarchy, string profile, Issuer? by = null)
    {
        IssuanceRequest request = hierarchy.Request(profile);
        return new Forged(by ?? hierarchy.IssuerOf(profile), request, Subject(hierarchy, profile), request.NotBefore, request.NotAfter);
    }

    private static Name Subject(SampleHierarchy hierarchy, string profile)
    {
        IssuanceRequest request = hierarchy.Request(profile);
        return request.Authority?.Tbs.Subject ?? Issuer.SubjectOf(request.Profile, request.Subject, request.Place);
    }

    private static Name Named(SampleHierarchy hierarchy, string profile, string commonName) => new(
    [
        .. Subject(hierarchy, profile).Rdns.Select(rdn =>
            rdn.Attributes[0].Type == Oids.CommonName ? new RelativeDistinguishedName(AttributeTypeAndValue.Create(Oids.CommonName, commonName)) : rdn),
    ]);

    private static Name Plus(SampleHierarchy hierarchy, string profile, string type, string text) =>
        new([.. Subject(hierarchy, profile).Rdns, new RelativeDistinguishedName(AttributeTypeAndValue.Create(type, text))]);

    private static DateTimeOffset End(Issuer issuer) => issuer.Certificate!.Tbs.Validity.NotAfter.Value;

    private static SubjectPublicKeyInfo Rsa(int bits)
    {
        using var rsa = RSA.Create(bits);
        return Der.Decode<SubjectPublicKeyInfo>(rsa.ExportSubjectPublicKeyInfo());
    }

    /// <summary>A modulus with a factor that rsa-small-factor does not look for, and with none that it does.</summary>
    private static SubjectPublicKeyInfo WithFactor(int factor, int bits)
    {
        var random = new Random(factor);
        while (true)
        {
            byte[] bytes = new byte[bits / 8];
            random.NextBytes(bytes);
            bytes[0] |= 0x80;
            BigInteger number = new(bytes, isUnsigned: true, isBigEndian: true);
            number -= number % factor;
            if (!number.IsEven && number.GetBitLength() == bits && Primes.Below(752).All(prime => number % prime != 0))
            {
                var writer = new AsnWriter(AsnEncodingRules.DER);
                using (writer.PushSequence())
                {
                    writer.WriteInteger(number);
                    writer.WriteInteger(65537);
                }

                return new SubjectPublicKeyInfo(AlgorithmIdentifier.Rsa, writer.Encode());
            }
        }
    }

    private static Extension Printable(string id, string text)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        writer.WriteCharacterString(UniversalTagNumber.PrintableString, text);
        return new Extension(id, Critical: false, writer.Encode());
    }

    /// <summary>A TBSCertificate as a profile has it, but for what is changed.</summary>
    private sealed record Forged(Issuer Issuer, IssuanceRequest Request, Name Subject, DateTimeOffset NotBefore, DateTimeOffset NotAfter)
    {
        public Profile Profile => Request.Profile;

        public SubjectPublicKeyInfo Key { get; init; } = Request.SubjectPublicKeyInfo;

        public SerialNumber SerialNumber { get; init; } = Request.SerialNumber;

        public Extension? Add { get; init; }

        public Extension? Replace { get; init; }

        public string? Remove { get; init; }

        public byte[] Encode()
        {
            // The key identifier belongs to the key, also to one that is changed.
            Extensions good = ExtensionsBuilder.Build(Issuer, Request with { SubjectPublicKeyInfo = Key, SerialNumber = SerialNumber });
            IEnumerable<Extension> extensions = good.Where(each => each.Id != Remove).Select(each => each.Id == Replace?.Id ? Replace : each);
            return Der.Encode(new TbsCertificate(
                SerialNumber,
                Issuer.Algorithm,
                Issuer.Name,
                new Validity(new Time(NotBefore), new Time(NotAfter)),
                Subject,
                Key,
                new Extensions([.. extensions, .. Add is null ? Array.Empty<Extension>() : [Add]])));
        }
    }
}
