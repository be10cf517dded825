using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Tests.Asn1.Pkix;

public sealed class EqualityTests
{
    private static readonly byte[] Null = [0x05, 0x00];

    public static TheoryData<Pair> Pairs => [
        new Pair(() => SubjectPublicKeyInfo.ForSm2(Point(1)), () => SubjectPublicKeyInfo.ForSm2(Point(2)), () => SubjectPublicKeyInfo.ForP256(Point(1))),
        new Pair(() => new SubjectKeyIdentifier(new byte[20]), () => new SubjectKeyIdentifier(Octets(20, 1)), () => new SubjectKeyIdentifier(new byte[19])),
        new Pair(() => new AuthorityKeyIdentifier(new byte[20]), () => new AuthorityKeyIdentifier(Octets(20, 1)), () => Decode<AuthorityKeyIdentifier>("3000")),
        new Pair(
            () => Decode<AuthorityKeyIdentifier>("300B 800102 A103820161 820103"),
            () => Decode<AuthorityKeyIdentifier>("300B 800102 A103820162 820103"),
            () => Decode<AuthorityKeyIdentifier>("300B 800102 A103820161 820104"),
            () => Decode<AuthorityKeyIdentifier>("3003 800102")),
        new Pair(
            () => new RsaPublicKey(new byte[] { 5 }, new byte[] { 3 }),
            () => new RsaPublicKey(new byte[] { 7 }, new byte[] { 3 }),
            () => new RsaPublicKey(new byte[] { 5 }, new byte[] { 5 })),
        new Pair(
            () => new Extension("1.2.3", false, new byte[] { 1 }),
            () => new Extension("1.2.3", true, new byte[] { 1 }),
            () => new Extension("1.2.3", false, new byte[] { 2 }),
            () => new Extension("1.2.4", false, new byte[] { 1 })),
        new Pair(
            () => new AlgorithmIdentifier("1.2.3", Null.ToArray()),
            () => new AlgorithmIdentifier("1.2.3"),
            () => new AlgorithmIdentifier("1.2.3", new byte[] { 0x30, 0x00 }),
            () => new AlgorithmIdentifier("1.2.4", Null)),
        new Pair(() => new PolicyQualifierInfo("1.2.3", Null.ToArray()), () => new PolicyQualifierInfo("1.2.3", new byte[] { 0x30, 0x00 })),
        new Pair(() => new UniqueIdentifier(new byte[] { 0xf0 }, 4), () => new UniqueIdentifier(new byte[] { 0xf0 }, 3), () => new UniqueIdentifier(new byte[] { 0xe0 }, 4)),
        new Pair(() => new OtherName("1.2.3", Null.ToArray()), () => new OtherName("1.2.3", new byte[] { 0x30, 0x00 }), () => new OtherName("1.2.4", Null)),
        new Pair(() => Decode<GeneralName>("A302 0500"), () => Decode<GeneralName>("A302 0400"), () => Decode<GeneralName>("A502 0500")),
        new Pair(() => Decode<GeneralName>("A502 0500"), () => Decode<GeneralName>("A502 0400")),
        new Pair(() => new IpAddress(new byte[4]), () => new IpAddress(new byte[] { 0, 0, 0, 1 })),
        new Pair(() => new DirectoryName(Name.Create((Oids.CommonName, "张三"))), () => new DirectoryName(Name.Create((Oids.CommonName, "李四")))),
    ];

    [Theory]
    [MemberData(nameof(Pairs), DisableDiscoveryEnumeration = true)]
    public void Content_decides(Pair pair)
    {
        object value = pair.Value();
        Assert.Equal(value, pair.Value());
        Assert.NotSame(value, pair.Value());
        Assert.Equal(value.GetHashCode(), pair.Value().GetHashCode());
        foreach (Func<object> other in pair.Others)
        {
            Assert.False(value.Equals(other()));
            Assert.False(other().Equals(value));
        }
    }

    [Fact]
    public void Hash_codes_tell_values_of_one_length_apart()
    {
        Assert.Equal(1000, Enumerable.Range(0, 1000).Select(i => new Extension("1.2.3", false, BitConverter.GetBytes(i)).GetHashCode()).Distinct().Count());
        Assert.Equal(256, Enumerable.Range(0, 256).Select(i => Decode<GeneralName>($"A303 0401{i:X2}").GetHashCode()).Distinct().Count());
    }

    [Fact]
    public void Distribution_point_names_compare_by_their_DER()
    {
        DistributionPointName name = DistributionPoint.At("http://example.cn/1.crl").Name!;
        Assert.True(name.DerEquals(DistributionPoint.At("http://example.cn/1.crl").Name!));
        Assert.False(name.DerEquals(DistributionPoint.At("http://example.cn/2.crl").Name!));
        Assert.False(name.DerEquals(new FullName(new DnsName("http://example.cn/1.crl"))));
        Assert.False(name.DerEquals(new NameRelativeToCrlIssuer(PkixSamples.PersonName.Rdns[3])));
    }

    [Fact]
    public void Names_of_people_are_not_printed()
    {
        GeneralName[] names = [
            new Rfc822Name("zhangsan@example.cn"),
            new DirectoryName(Name.Create((Oids.CommonName, "zhangsan"))),
            new UniformResourceIdentifier("http://zhangsan.example.cn/"),
        ];
        foreach (object value in (object[])[.. names, new GeneralSubtree(names[0]), new AccessDescription("1.2.3", names[0]), new SubjectAltName(names)])
        {
            Assert.DoesNotContain("zhangsan", value.ToString(), StringComparison.Ordinal);
        }

        Assert.Equal(nameof(Rfc822Name), names[0].ToString());
    }

    private static T Decode<T>(string hex)
        where T : IDer<T> =>
        Der.Decode<T>(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)));

    private static byte[] Octets(int length, byte last)
    {
        byte[] octets = new byte[length];
        octets[^1] = last;
        return octets;
    }

    private static byte[] Point(byte last) => [0x04, .. Octets(64, last)];

    /// <summary>Makes a value anew at each call, and others that differ in one field.</summary>
    public sealed record Pair(Func<object> Value, params Func<object>[] Others);
}
