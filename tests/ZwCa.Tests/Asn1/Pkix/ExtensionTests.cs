using System.Formats.Asn1;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using PkixExtensions = ZwCa.Asn1.Pkix.Extensions;

namespace ZwCa.Tests.Asn1.Pkix;

public sealed class ExtensionTests
{
    public static TheoryData<string, string> Refused => new()
    {
        // type, DER
        { nameof(Extension), "300A 0603551D0F 010100 0400" }, // explicit FALSE
        { nameof(Extension), "300C 0603551D0F 010101 04020500" }, // TRUE that is not FF
        { "Extensions", "3000" },
        { "Extensions", "3016 3009 0603551D0F 04020500 3009 0603551D0F 04020500" }, // twice
        { nameof(KeyUsage), "030100" },
        { nameof(KeyUsage), "030200C0" }, // trailing zero bits
        { nameof(KeyUsage), "030206C1" }, // unused bits set
        { nameof(KeyUsage), "0303060040" }, // bit 9
        { nameof(BasicConstraints), "3003010100" },
        { nameof(BasicConstraints), "3003020100" }, // path length without cA
        { nameof(BasicConstraints), "30060101FF0201FF" }, // negative
        { nameof(BasicConstraints), "300A0101FF02050100000000" }, // 2^32
        { nameof(AuthorityKeyIdentifier), "3005 A103820161" }, // issuer without serial number
        { nameof(AuthorityKeyIdentifier), "3003 820101" }, // serial number without issuer
        { nameof(CertificatePolicies), "3000" },
        { nameof(CertificatePolicies), "300C 3004 06022A03 3004 06022A03" }, // twice
        { nameof(PolicyInformation), "3006 06022A03 3000" }, // no qualifier
        { nameof(PolicyMapping), "300A 0604551D2000 06022A03" }, // anyPolicy
        { nameof(PolicyConstraints), "3000" },
        { nameof(PolicyConstraints), "3003 8001FF" },
        { nameof(InhibitAnyPolicy), "0201FF" },
        { nameof(NameConstraints), "3000" },
        { nameof(NameConstraints), "3002 A000" },
        { nameof(GeneralSubtree), "3006 820161 800100" }, // default minimum
        { nameof(GeneralSubtree), "3006 820161 800101" }, // minimum 1
        { nameof(GeneralSubtree), "3006 820161 810101" }, // maximum
        { nameof(ExtendedKeyUsage), "3000" },
        { nameof(CrlDistributionPoints), "3000" },
        { nameof(DistributionPoint), "3000" },
        { nameof(DistributionPoint), "3004 81020640" }, // reasons alone
        { nameof(DistributionPoint), "3004 A002 A000" }, // a full name without a name
        { nameof(PrivateKeyUsagePeriod), "3000" },
        { nameof(PrivateKeyUsagePeriod), "3022 800F32303236303130323030303030305A 810F32303236303130313030303030305A" }, // reversed
        { nameof(IssuingDistributionPoint), "3000" },
        { nameof(IssuingDistributionPoint), "3003 810100" },
        { nameof(IssuingDistributionPoint), "3006 8101FF 8201FF" }, // users and CAs
        { nameof(IssuingDistributionPoint), "3006 8201FF 8101FF" }, // order
        { nameof(IssuingDistributionPoint), "3004 83020780" }, // reason "unused"
        { nameof(ReasonCode), "0A0107" },
        { nameof(ReasonCode), "0A010B" },
        { nameof(ReasonCode), "0A01FF" },
        { nameof(ReasonCode), "0A020001" },
        { nameof(CrlNumber), "0201FF" },
        { nameof(CrlNumber), "0215 01" + "0000000000000000000000000000000000000000" },
        { nameof(InvalidityDate), "170D3236303130313030303030305A" }, // UTCTime
        { nameof(GeneralName), "8703010203" }, // three octets
        { nameof(GeneralName), "820180" }, // not ASCII
        { nameof(GeneralName), "8300" }, // a primitive SEQUENCE
        { nameof(GeneralName), "8900" }, // [9]
        { nameof(GeneralName), "A400" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void Encodings_outside_the_standard_are_refused(string type, string hex)
    {
        Type der = typeof(Extension).Assembly.GetType($"ZwCa.Asn1.Pkix.{type}", throwOnError: true)!;
        byte[] bytes = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

        // The table is about meaning: lengths and nesting are right, or the entry would prove nothing.
        Assert.Equal(bytes, Tlv.Parse(bytes).Encode());
        var decode = typeof(Der).GetMethod(nameof(Der.Decode))!.MakeGenericMethod(der);
        var thrown = Assert.Throws<System.Reflection.TargetInvocationException>(() => decode.Invoke(null, [(ReadOnlyMemory<byte>)bytes]));
        Assert.IsType<DerException>(thrown.InnerException);
    }

    [Fact]
    public void Encodings_are_those_of_GMT_0015()
    {
        Assert.Equal("030206C0", Hex(KeyUsage.Signing));
        Assert.Equal("03020338", Hex(KeyUsage.Encryption));
        Assert.Equal("03020106", Hex(new KeyUsage(KeyUsages.KeyCertSign | KeyUsages.CrlSign)));
        Assert.Equal("0303070080", Hex(new KeyUsage(KeyUsages.DecipherOnly)));
        Assert.Equal("3000", Hex(BasicConstraints.EndEntity));
        Assert.Equal("30060101FF020100", Hex(BasicConstraints.Ca(0)));
    }

    [Fact]
    public void Constructors_refuse_what_reading_refuses()
    {
        Assert.Throws<ArgumentException>(() => new PkixExtensions());
        Assert.Throws<ArgumentException>(() => new PkixExtensions(Extension.Create(KeyUsage.Signing, true), Extension.Create(KeyUsage.Encryption, true)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new KeyUsage(KeyUsages.None));
        Assert.Throws<ArgumentOutOfRangeException>(() => new KeyUsage((KeyUsages)0x200));
        Assert.Throws<ArgumentOutOfRangeException>(() => BasicConstraints.Ca(-1));
        Assert.Throws<ArgumentException>(() => new CertificatePolicies(new PolicyInformation("1.2.3"), new PolicyInformation("1.2.3")));
        Assert.Throws<ArgumentException>(() => new PolicyMapping(Oids.AnyPolicy, "1.2.3"));
        Assert.Throws<ArgumentException>(() => new PolicyConstraints(null, null));
        Assert.Throws<ArgumentException>(() => new NameConstraints([], []));
        Assert.Throws<ArgumentException>(() => new DistributionPoint(null, ReasonFlags.KeyCompromise));
        Assert.Throws<ArgumentException>(() => new IssuingDistributionPoint());
        Assert.Throws<ArgumentException>(() => new IssuingDistributionPoint(onlyContainsCaCerts: true, onlyContainsUserCerts: true));
        Assert.Throws<ArgumentOutOfRangeException>(() => new IssuingDistributionPoint(onlySomeReasons: (ReasonFlags)1));
        Assert.Throws<ArgumentException>(() => new PrivateKeyUsagePeriod(null, null));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ReasonCode((RevocationReason)7));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CrlNumber(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CrlNumber(System.Numerics.BigInteger.Pow(2, 159)));
        Assert.Throws<ArgumentException>(() => new IpAddress(new byte[5]));
        Assert.Throws<ArgumentException>(() => new SubjectAltName());
        Assert.Throws<ArgumentException>(() => new ExtendedKeyUsage());
    }

    [Fact]
    public void Extensions_are_found_by_identifier_and_by_type()
    {
        var extensions = new PkixExtensions(
            Extension.Create(KeyUsage.Signing, critical: true),
            Extension.Create(BasicConstraints.Ca(1), critical: true),
            new Extension("1.2.3.4", true, (byte[])[0x05, 0x00]),
            new Extension(Oids.ExtendedKeyUsage, false, (byte[])[0x05, 0x00]));
        Assert.Equal(KeyUsage.Signing, extensions.Find<KeyUsage>());
        Assert.Equal(1, extensions.Find<BasicConstraints>()!.PathLength);
        Assert.Null(extensions.Find<SubjectKeyIdentifier>());
        Assert.Null(extensions.Find(Oids.SubjectAltName));
        Assert.True(extensions.Find(Oids.KeyUsage)!.Critical);
        Assert.Throws<DerException>(() => extensions.Find<ExtendedKeyUsage>());
        Assert.Throws<InvalidOperationException>(() => extensions[0].Decode<BasicConstraints>());
        Assert.Equal(["1.2.3.4"], extensions.CriticalExcept(new HashSet<string> { Oids.KeyUsage, Oids.BasicConstraints }).Select(e => e.Id));
    }

    [Fact]
    public void Dotnet_writes_what_we_write()
    {
        Assert.Equal(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.NonRepudiation, true).RawData, Der.Encode(KeyUsage.Signing));
        Assert.Equal(new X509KeyUsageExtension(X509KeyUsageFlags.DecipherOnly, true).RawData, Der.Encode(new KeyUsage(KeyUsages.DecipherOnly)));
        Assert.Equal(new X509BasicConstraintsExtension(true, true, 3, true).RawData, Der.Encode(BasicConstraints.Ca(3)));
        Assert.Equal(new X509BasicConstraintsExtension(false, false, 0, true).RawData, Der.Encode(BasicConstraints.EndEntity));
        Assert.Equal(new X509SubjectKeyIdentifierExtension([1, 2, 3], false).RawData, Der.Encode(new SubjectKeyIdentifier((byte[])[1, 2, 3])));
        Assert.Equal(
            X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier((byte[])[1, 2, 3]).RawData,
            Der.Encode(new AuthorityKeyIdentifier((byte[])[1, 2, 3])));
        Assert.Equal(
            new X509EnhancedKeyUsageExtension([new(Oids.ClientAuth), new(Oids.OcspSigning)], false).RawData,
            Der.Encode(new ExtendedKeyUsage(Oids.ClientAuth, Oids.OcspSigning)));
        Assert.Equal(
            CertificateRevocationListBuilder.BuildCrlDistributionPointExtension(["http://example.cn/a.crl"]).RawData,
            Der.Encode(new CrlDistributionPoints(DistributionPoint.At("http://example.cn/a.crl"))));
        Assert.Equal(
            new X509AuthorityInformationAccessExtension(["http://ocsp.example.cn"], ["http://example.cn/ca.cer"]).RawData,
            Der.Encode(new AuthorityInfoAccess(AccessDescription.Ocsp("http://ocsp.example.cn"), AccessDescription.CaIssuers("http://example.cn/ca.cer"))));

        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("example.cn");
        names.AddIpAddress(IPAddress.IPv6Loopback);
        names.AddEmailAddress("a@example.cn");
        names.AddUri(new Uri("http://example.cn/"));
        names.AddUserPrincipalName("张三@example.cn");
        byte[] theirs = names.Build().RawData;
        var ours = Der.Decode<SubjectAltName>(theirs);
        Assert.Equal(theirs, Der.Encode(ours));
        Assert.Contains(new DnsName("example.cn"), ours.Names);
        Assert.Contains(new IpAddress(IPAddress.IPv6Loopback.GetAddressBytes()), ours.Names);
        Assert.Contains(new Rfc822Name("a@example.cn"), ours.Names);
        Assert.Contains(new UniformResourceIdentifier("http://example.cn/"), ours.Names);
        var upn = Assert.Single(ours.Names.OfType<OtherName>());
        Assert.Equal("张三@example.cn", new AsnReader(upn.Value, AsnEncodingRules.DER).ReadCharacterString(UniversalTagNumber.UTF8String));
    }

    [Fact]
    public void Key_identifiers_are_SHA1_of_the_key_bits_as_dotnet_computes_them()
    {
        var theirs = new X509SubjectKeyIdentifierExtension(PublicKey.CreateFromSubjectPublicKeyInfo(Der.Encode(PkixSamples.Sm2Key), out _), false);
        Assert.Equal(theirs.RawData, Der.Encode(PkixSamples.KeyId));
    }

    [Fact]
    public void Bouncy_castle_reads_our_issuing_distribution_point()
    {
        var ours = new IssuingDistributionPoint(
            DistributionPoint.At("http://example.cn/a.crl").Name, onlyContainsUserCerts: true, onlySomeReasons: ReasonFlags.KeyCompromise, indirectCrl: true);
        var theirs = Org.BouncyCastle.Asn1.X509.IssuingDistributionPoint.GetInstance(Org.BouncyCastle.Asn1.Asn1Object.FromByteArray(Der.Encode(ours)));
        Assert.True(theirs.OnlyContainsUserCerts);
        Assert.True(theirs.IsIndirectCrl);
        Assert.False(theirs.OnlyContainsCACerts);
        Assert.False(theirs.OnlyContainsAttributeCerts);
        Assert.Equal(Org.BouncyCastle.Asn1.X509.ReasonFlags.KeyCompromise, theirs.OnlySomeReasons.IntValue);
        Assert.Contains("http://example.cn/a.crl", theirs.DistributionPoint.ToString(), StringComparison.Ordinal);
        Assert.Equal(theirs.GetDerEncoded(), Der.Encode(ours));
    }

    private static string Hex<T>(T value)
        where T : IDer<T> =>
        Convert.ToHexString(Der.Encode(value));
}
