using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using Attribute = ZwCa.Asn1.Pkix.Attribute;

namespace ZwCa.Tests.Asn1.Pkix;

/// <summary>What constructors refuse, and that nobody changes afterwards what they accepted.</summary>
public sealed class InvariantTests
{
    [Theory]
    [InlineData("a\0b")]
    [InlineData("a\nb")]
    [InlineData("a\u007f")]
    [InlineData("中.cn")]
    public void Names_are_ASCII_without_control_characters_and_not_quoted_in_errors(string text)
    {
        foreach (Func<GeneralName> make in (Func<GeneralName>[])[() => new DnsName(text), () => new Rfc822Name(text), () => new UniformResourceIdentifier(text)])
        {
            Assert.DoesNotContain(text, Assert.Throws<ArgumentException>(make).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("8203610062")] // dNSName a NUL b
    [InlineData("8103610A62")] // rfc822Name
    [InlineData("86017F")] // uniformResourceIdentifier
    [InlineData("8600")]
    [InlineData("820180")]
    public void Such_names_are_not_read_either(string der)
    {
        Assert.Throws<DerException>(() => Der.Decode<GeneralName>(Convert.FromHexString(der)));
    }

    /// <summary>RFC 5280 §4.2.1.6 against §4.2.1.10, where an empty name covers all.</summary>
    [Fact]
    public void Empty_names_are_for_constraints_only()
    {
        Assert.Throws<ArgumentException>(() => new UniformResourceIdentifier(""));
        GeneralName[] empty = [new DnsName(""), new Rfc822Name(""), new DirectoryName(Name.Empty)];
        foreach (GeneralName name in empty)
        {
            Assert.Throws<ArgumentException>(() => new SubjectAltName(new DnsName("example.cn"), name));
            Assert.Throws<ArgumentException>(() => new IssuerAltName(name));
            byte[] der = Der.Encode(name);
            Assert.Throws<DerException>(() => Der.Decode<SubjectAltName>((byte[])[0x30, (byte)der.Length, .. der]));
            Assert.Equal(name, Der.Decode<GeneralSubtree>(Der.Encode(new GeneralSubtree(name))).Base);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("1")]
    [InlineData("1.2.")]
    [InlineData(".1.2")]
    [InlineData("1..2")]
    [InlineData("1.02")]
    [InlineData("3.1")]
    [InlineData("1.40")]
    [InlineData("0.100")]
    [InlineData("1.2.-3")]
    [InlineData("1.2.3 ")]
    [InlineData("1.2.３")]
    public void Identifiers_are_dotted_OIDs(string oid)
    {
        byte[] value = [0x05, 0x00];
        Assert.Throws<ArgumentException>(() => new ExtendedKeyUsage(Oids.ClientAuth, oid));
        Assert.Throws<ArgumentException>(() => new RegisteredId(oid));
        Assert.Throws<ArgumentException>(() => new OtherName(oid, value));
        Assert.Throws<ArgumentException>(() => new Extension(oid, false, value));
        Assert.Throws<ArgumentException>(() => new AlgorithmIdentifier(oid));
        Assert.Throws<ArgumentException>(() => new Attribute(oid, value));
        Assert.Throws<ArgumentException>(() => new PolicyInformation(oid));
        Assert.Throws<ArgumentException>(() => new PolicyMapping("1.2.3", oid));
        Assert.Throws<ArgumentException>(() => AttributeTypeAndValue.Create(oid, "a"));
        Assert.Throws<ArgumentException>(() => new EcPrivateKey(value, oid));
    }

    [Theory]
    [InlineData("0.0")]
    [InlineData("1.39")]
    [InlineData("2.999.3")]
    [InlineData("2.5.29.32.0")]
    [InlineData("1.2.18446744073709551616")]
    public void All_others_are_taken_as_dotnet_takes_them(string oid)
    {
        var usage = new ExtendedKeyUsage(oid);
        Assert.Equal([oid], Der.Decode<ExtendedKeyUsage>(Der.Encode(usage)).Purposes);
    }

    [Fact]
    public void Null_is_refused_where_it_is_given()
    {
        Assert.Throws<ArgumentException>(() => new ZwCa.Asn1.Pkix.Extensions([null!]));
        Assert.Throws<ArgumentException>(() => new SubjectAltName(new DnsName("a"), null!));
        Assert.Throws<ArgumentException>(() => new Name([null!]));
        Assert.Throws<ArgumentNullException>(() => new DnsName(null!));
        Assert.Throws<ArgumentNullException>(() => new DirectoryName(null!));
        Assert.Throws<ArgumentNullException>(() => new RevokedCertificate(null!, PkixSamples.ThisUpdate, null));
        Assert.Throws<ArgumentNullException>(() => new CertificationRequestInfo(null!, PkixSamples.Sm2Key));
        Assert.Throws<ArgumentNullException>(() => new SubjectPublicKeyInfo(null!, new byte[1]));
        Assert.Throws<ArgumentNullException>(() => new TbsCertificate(
            SerialNumber.Parse("01"),
            AlgorithmIdentifier.Sm3WithSm2,
            null!,
            new Validity(PkixSamples.ThisUpdate, PkixSamples.NextUpdate),
            PkixSamples.PersonName,
            PkixSamples.Sm2Key,
            PkixSamples.CrlExtensions));
    }

    [Fact]
    public void Lists_are_copied()
    {
        AreCopied(PkixSamples.CrlExtensions[0], PkixSamples.CrlExtensions[1], list => new ZwCa.Asn1.Pkix.Extensions(list));
        AreCopied(PkixSamples.CaName.Rdns[0], PkixSamples.CaName.Rdns[1], list => new Name(list));
        AreCopied(PkixSamples.PersonName.Rdns[3].Attributes[0], PkixSamples.PersonName.Rdns[3].Attributes[1], list => new RelativeDistinguishedName(list));
        AreCopied((GeneralName)new DnsName("a"), new DnsName("b"), list => new SubjectAltName(list));
        AreCopied((GeneralName)new DnsName("a"), new DnsName("b"), list => new DistributionPoint(null, ReasonFlags.None, list));
        AreCopied((GeneralName)new DnsName("a"), new DnsName("b"), list => new DistributionPoint(new FullName(list)));
        AreCopied(new PolicyInformation("1.2.3"), new PolicyInformation("1.2.4"), list => new CertificatePolicies(list));
        AreCopied(Oids.ClientAuth, Oids.EmailProtection, list => new ExtendedKeyUsage(list));
        AreCopied(new GeneralSubtree(new DnsName("a")), new GeneralSubtree(new DnsName("b")), list => new NameConstraints(list, []));
        AreCopied(
            new Attribute("1.2.3", (byte[])[5, 0]),
            new Attribute("1.2.4", (byte[])[5, 0]),
            list => new CertificationRequestInfo(PkixSamples.CaName, PkixSamples.Sm2Key, list));
        AreCopied(
            RevokedCertificate.Create(SerialNumber.Parse("01"), PkixSamples.ThisUpdate),
            RevokedCertificate.Create(SerialNumber.Parse("02"), PkixSamples.ThisUpdate),
            list => new TbsCertList(
                AlgorithmIdentifier.Sm3WithSm2, PkixSamples.CaName, PkixSamples.ThisUpdate, PkixSamples.NextUpdate, list, PkixSamples.CrlExtensions));
    }

    private static void AreCopied<TElement, TValue>(TElement first, TElement second, Func<List<TElement>, TValue> make)
        where TValue : IDer<TValue>
    {
        List<TElement> list = [first];
        TValue value = make(list);
        byte[] before = Der.Encode(value);
        list[0] = second;
        list.Add(first);
        Assert.Equal(before, Der.Encode(value));
    }
}
