using System.Security.Cryptography.X509Certificates;
using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Tests.Asn1.Pkix;

public sealed class NameTests
{
    private const string Astral = "𠮷";

    [Fact]
    public void Wire_order_is_the_order_of_building_and_strings_have_the_type_of_their_attribute()
    {
        var name = Name.Create(
            (Oids.CountryName, "CN"),
            (Oids.OrganizationName, "某局"),
            (Oids.SerialNumber, "7"),
            (Oids.EmailAddress, "a@b"),
            (Oids.DomainComponent, "cn"),
            (Oids.DnQualifier, "q"));
        const string Expected =
            "305E"
            + "310B300906035504061302434E"
            + "310F300D060355040A0C06E69F90E5B180"
            + "310A300806035504051301" + "37"
            + "3112301006092A864886F70D010901" + "1603614062"
            + "31123010060A0992268993F22C640119" + "1602636E"
            + "310A3008060355042E1301" + "71";
        Assert.Equal(Expected, Convert.ToHexString(Der.Encode(name)));
    }

    /// <summary>RFC 5280 §7.1 and RFC 4518 §2: case, width, spaces and what is invisible make no other name; everything else does.</summary>
    [Theory]
    [InlineData("ABC", "abc", true)]
    [InlineData("Example  Bureau ", " example bureau", true)]
    [InlineData("ＡＢＣ　１", "abc 1", true)]
    [InlineData("a\u00A0b", "a b", true)]
    [InlineData("e\u0301", "\u00E9", true)]
    [InlineData("\u00C9", "\u00E9", true)]
    [InlineData("a\u200Db\u00ADc", "abc", true)]
    [InlineData("ΣΑΣ", "σας", true)]
    [InlineData("\u2121", "tel", true)]
    [InlineData("张三", "张三", true)]
    [InlineData("张三", "张叁", false)]
    [InlineData("a b", "ab", false)]
    [InlineData("阿·里", "阿里", false)]
    [InlineData("𠮷", "吉", false)]
    [InlineData("é", "e", false)]
    public void Names_that_people_take_for_one_have_one_canonical_hash(string one, string other, bool same)
    {
        byte[] first = Name.Create((Oids.OrganizationName, "某局"), (Oids.CommonName, one)).HashCanonical();
        byte[] second = Name.Create((Oids.OrganizationName, "某局"), (Oids.CommonName, other)).HashCanonical();
        Assert.Equal(same, first.AsSpan().SequenceEqual(second));
    }

    [Fact]
    public void The_canonical_hash_knows_types_and_order_and_no_string_types()
    {
        static Name Read(string value) => Der.Decode<Name>(Convert.FromHexString($"30{9 + (value.Length / 2):X2}31{7 + (value.Length / 2):X2}30{5 + (value.Length / 2):X2}0603550403{value}"));
        byte[] utf8 = Read("0C0141").HashCanonical();
        Assert.Equal(utf8, Read("130141").HashCanonical());
        Assert.Equal(utf8, Read("1E020061").HashCanonical());
        Assert.NotEqual(utf8, Read("020141").HashCanonical());
        Assert.Equal(utf8, Name.Create((Oids.CommonName, "a")).HashCanonical());
        Assert.NotEqual(utf8, Name.Create((Oids.OrganizationName, "a")).HashCanonical());
        Assert.NotEqual(
            Name.Create((Oids.CommonName, "a"), (Oids.OrganizationName, "b")).HashCanonical(), Name.Create((Oids.OrganizationName, "b"), (Oids.CommonName, "a")).HashCanonical());
    }

    [Fact]
    public void Dotnet_reads_the_same_attributes_in_the_same_order()
    {
        Name name = PkixSamples.PersonName;
        var theirs = new X500DistinguishedName(Der.Encode(name));
        X500RelativeDistinguishedName[] rdns = [.. theirs.EnumerateRelativeDistinguishedNames(reversed: false)];
        Assert.Equal(name.Rdns.Count, rdns.Length);
        for (int i = 0; i < rdns.Length; i++)
        {
            Assert.Equal(rdns[i].HasMultipleElements, name.Rdns[i].Attributes.Count > 1);
            if (!rdns[i].HasMultipleElements)
            {
                Assert.Equal(rdns[i].GetSingleElementType().Value, name.Rdns[i].Attributes[0].Type);
                Assert.Equal(rdns[i].GetSingleElementValue(), name.Rdns[i].Attributes[0].Text);
            }
        }
    }

    [Theory]
    [InlineData("CN=a, O=b, C=CN")]
    [InlineData("E=a@example.cn, CN=\"x,y\", OU=政务, DC=example, DC=cn")]
    [InlineData("CN=x + OU=y, O=z")]
    public void Names_built_by_dotnet_are_reproduced(string text)
    {
        var theirs = new X500DistinguishedName(text);
        var name = Der.Decode<Name>(theirs.RawData);
        Assert.Equal(theirs.RawData, Der.Encode(name));
        Assert.Equal(theirs.RawData, Der.Encode(new Name(name.Rdns)));
    }

    [Fact]
    public void People_read_RFC_4514_and_the_wire_form()
    {
        Assert.Equal("emailAddress=zhangsan@example.cn,CN=张三𠮷+serialNumber=0001,O=政务外网管理中心,ST=福建省,C=CN", ByTypeText(PkixSamples.PersonName.ToString()));
        Assert.Equal("C=CN,ST=福建省,O=政务外网管理中心,CN=政务CA 签发一", PkixSamples.CaName.ToWireString());
        Assert.Equal(["张三𠮷"], PkixSamples.PersonName.Texts(Oids.CommonName));
    }

    [Theory]
    [InlineData("a,b", "CN=a\\,b")]
    [InlineData(" a ", "CN=\\ a\\ ")]
    [InlineData("#a#", "CN=\\#a#")]
    [InlineData("a+\"b\"\\<c>;d=e", "CN=a\\+\\\"b\\\"\\\\\\<c\\>\\;d=e")]
    [InlineData(" ", "CN=\\ ")]
    [InlineData("a\u202Eb", "CN=a\\e2\\80\\aeb")]
    [InlineData("张三", "CN=张三")]
    public void Special_characters_are_escaped(string text, string expected)
    {
        Assert.Equal(expected, Name.Create((Oids.CommonName, text)).ToString());
    }

    [Fact]
    public void Types_without_a_short_name_and_values_that_are_no_text_are_shown_as_hexadecimal()
    {
        Assert.Equal("1.2.3.4=#0c0161", Name.Create(("1.2.3.4", "a")).ToString());
        Assert.Equal("CN=#020101", Der.Decode<AttributeTypeAndValue>(Convert.FromHexString("3008" + "0603550403" + "020101")).ToString());
    }

    [Theory]
    [InlineData("0C03E5BCA0", "张")]
    [InlineData("1E025F20", "张")]
    [InlineData("130141", "A")]
    [InlineData("160141", "A")]
    [InlineData("120131", "1")]
    [InlineData("1A0141", "A")]
    [InlineData("140141", "A")]
    [InlineData("1C0400005F20", null)]
    public void String_types_of_X509_are_read_and_kept(string value, string? text)
    {
        byte[] der = Convert.FromHexString($"30{5 + (value.Length / 2):X2}0603550403{value}");
        var attribute = Der.Decode<AttributeTypeAndValue>(der);
        Assert.Equal(text, attribute.Text);
        Assert.Equal(der, Der.Encode(attribute));
    }

    [Theory]
    [InlineData("0C01FF", "not UTF-8")]
    [InlineData("0C02C080", "overlong UTF-8")]
    [InlineData("0C03EDA080", "surrogate in UTF-8")]
    [InlineData("130140", "@ is not printable")]
    [InlineData("160180", "not ASCII")]
    [InlineData("1E015F", "half a character")]
    [InlineData("2C050C03E5BCA0", "constructed")]
    public void Bytes_that_are_not_what_the_string_type_says_are_refused(string value, string why)
    {
        Assert.NotEmpty(why);
        byte[] der = Convert.FromHexString($"30{5 + (value.Length / 2):X2}0603550403{value}");
        Assert.Throws<DerException>(() => Der.Decode<AttributeTypeAndValue>(der));
    }

    [Theory]
    [InlineData(Oids.CountryName, 2, 2)]
    [InlineData(Oids.CommonName, 1, 64)]
    [InlineData(Oids.OrganizationName, 1, 64)]
    [InlineData(Oids.OrganizationalUnitName, 1, 64)]
    [InlineData(Oids.Title, 1, 64)]
    [InlineData(Oids.SerialNumber, 1, 64)]
    [InlineData(Oids.LocalityName, 1, 128)]
    [InlineData(Oids.StateOrProvinceName, 1, 128)]
    [InlineData(Oids.Pseudonym, 1, 128)]
    [InlineData(Oids.EmailAddress, 1, 255)]
    [InlineData(Oids.Surname, 1, 32768)]
    public void Bounds_of_RFC_5280_are_enforced_when_building(string type, int min, int max)
    {
        Assert.Throws<ArgumentException>(() => AttributeTypeAndValue.Create(type, new string('A', min - 1)));
        Assert.Equal(min, AttributeTypeAndValue.Create(type, new string('A', min)).Text!.Length);
        Assert.Equal(max, AttributeTypeAndValue.Create(type, new string('A', max)).Text!.Length);
        Assert.Throws<ArgumentException>(() => AttributeTypeAndValue.Create(type, new string('A', max + 1)));
    }

    [Fact]
    public void Bounds_count_characters_and_not_UTF16_or_UTF8_units()
    {
        string text = string.Concat(Enumerable.Repeat(Astral, 64));
        AttributeTypeAndValue attribute = AttributeTypeAndValue.Create(Oids.CommonName, text);
        Assert.Equal(text, Der.Decode<AttributeTypeAndValue>(Der.Encode(attribute)).Text);
        Assert.Throws<ArgumentException>(() => AttributeTypeAndValue.Create(Oids.CommonName, text + "a"));
    }

    [Fact]
    public void Longer_names_of_others_are_read()
    {
        byte[] text = Encoding.UTF8.GetBytes(new string('张', 40));
        byte[] der = [0x30, 0x81, 0x82, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x7b, .. text, .. "abc"u8];
        Assert.Equal(43, Der.Decode<AttributeTypeAndValue>(der).Text!.Length);
        byte[] ninety = [0x30, 0x61, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x5a, .. Enumerable.Repeat((byte)'a', 90)];
        Assert.Equal(90, Der.Decode<AttributeTypeAndValue>(ninety).Text!.Length);
    }

    [Theory]
    [InlineData(Oids.CommonName, "a\0b")]
    [InlineData(Oids.CommonName, "a\nb")]
    [InlineData(Oids.CommonName, "a\u0085b")]
    [InlineData(Oids.CountryName, "中国")]
    [InlineData(Oids.EmailAddress, "张@example.cn")]
    [InlineData(Oids.SerialNumber, "a_b")]
    public void Characters_that_do_not_belong_are_refused_when_building(string type, string text)
    {
        Assert.ThrowsAny<ArgumentException>(() => AttributeTypeAndValue.Create(type, text));
    }

    [Fact]
    public void An_unpaired_surrogate_is_refused_when_building()
    {
        Assert.Throws<ArgumentException>(() => AttributeTypeAndValue.Create(Oids.CommonName, Astral[..1]));
    }

    [Fact]
    public void Names_are_equal_when_their_bytes_are()
    {
        var utf8 = Name.Create((Oids.CommonName, "a"));
        var printable = Der.Decode<Name>(Convert.FromHexString("300C310A30080603550403" + "130161"));
        Assert.Equal(utf8.ToString(), printable.ToString());
        Assert.False(utf8.DerEquals(printable));
        Assert.NotEqual(utf8, printable);
        Assert.Equal(utf8, Der.Decode<Name>(Der.Encode(utf8)));
        Assert.Equal(utf8.GetHashCode(), Der.Decode<Name>(Der.Encode(utf8)).GetHashCode());
    }

    [Fact]
    public void A_set_out_of_order_is_refused_and_one_built_in_any_order_is_sorted()
    {
        Tlv tree = Tlv.Parse(Der.Encode(PkixSamples.PersonName));
        tree.Children![3].Children!.Reverse();
        Assert.Throws<DerException>(() => Der.Decode<Name>(tree.Encode()));

        RelativeDistinguishedName rdn = PkixSamples.PersonName.Rdns[3];
        Assert.Equal(Der.Encode(rdn), Der.Encode(new RelativeDistinguishedName([.. rdn.Attributes.Reverse()])));
    }

    /// <summary>The order within a multi-valued RDN has no meaning.</summary>
    private static string ByTypeText(string name) => name.Replace("serialNumber=0001+CN=张三𠮷", "CN=张三𠮷+serialNumber=0001", StringComparison.Ordinal);
}
