using ZwCa.Asn1;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Asn1.Pkix;
using ZwCa.Tests.Asn1.Pkix;
using static ZwCa.Tests.Asn1.Gm.KeyManagement.KeyManagementSamples;

namespace ZwCa.Tests.Asn1.Gm.KeyManagement;

public class CaRequestTests
{
    private const int MaxBytes = 64 * 1024;

    [Fact]
    public void Message_KeepsTheBytesThatAreSigned()
    {
        byte[] signed = Der.Encode(Asked);
        byte[] message = Der.Encode(SignedRequest);

        CaRequest read = CaRequest.Decode(message, MaxBytes, 3);

        Assert.Equal(signed, read.KsRequestBytes.ToArray());
        Assert.True(read.KsRequestBytes.Span.Overlaps(message), "a slice of what came in, not a re-encoding");
        Assert.Equal(AlgorithmIdentifier.Sm3WithSm2, read.SignatureAlgorithm);
        Assert.Equal(Signature, read.DecodeSm2Signature());
        Assert.Equal(message, Der.Encode(read));
        Assert.Equal(message, Der.Encode(CaRequest.Assemble(read.KsRequestBytes, read.SignatureAlgorithm, read.SignatureValue)));
    }

    [Fact]
    public void Fields_AreThoseThatWereWritten()
    {
        KsRequest read = Der.Decode<KsRequest>(Der.Encode(Asked));

        Assert.Equal(CaName, read.CaName);
        Assert.Equal(Requested, read.RequestTime);
        Assert.Equal("1000000007", read.TaskNo.ToString());
        Assert.Equal(3, read.RequestList.Count);
        var apply = Assert.IsType<ApplyKeyReq>(read.RequestList[0]);
        Assert.Equal(
            ["1.2.156.10197.1.301", "1.2.156.10197.1.301.3", "1.2.156.10197.1.104", "1.2.156.10197.1.401"],
            new[] { apply.AppKeyType, apply.RetAsymAlg, apply.RetSymAlg, apply.RetHashAlg }.Select(a => a.Algorithm));
        Assert.Equal(256, apply.AppKeyLen);
        Assert.False(apply.TagIsExplicit);
        Assert.Equal(UserCertNo, apply.AppUserInfo.UserCertNo);
        Assert.Equal(Der.Encode(PkixSamples.Sm2Key), Der.Encode(apply.AppUserInfo.UserPubKey));
        Assert.Equal(Requested, apply.AppUserInfo.NotBefore);
        Assert.Equal(NotAfter, apply.AppUserInfo.NotAfter);
        Assert.Equal("张三"u8.ToArray(), apply.AppUserInfo.UserName!.Value.ToArray());
        Assert.Equal(new Ia5Text("350100"), apply.AppUserInfo.DsCode);
        Assert.Equal(new Ia5Text("x=1"), apply.AppUserInfo.ExtendInfo);
        var restore = Assert.IsType<RestoreKeyReq>(read.RequestList[1]);
        Assert.Equal(UserCertNo, restore.UserCertNo);
        Assert.Equal(Der.Encode(PkixSamples.Sm2Key), Der.Encode(restore.UserPubKey));
        Assert.Equal(UserCertNo, Assert.IsType<RevokeKeyReq>(read.RequestList[2]).UserCertNo);
    }

    [Fact]
    public void MoreBytesOrRequestsThanAllowed_AreRefused()
    {
        byte[] message = Der.Encode(SignedRequest);

        Assert.NotNull(CaRequest.Decode(message, message.Length, 3));
        Assert.Throws<DerException>(() => CaRequest.Decode(message, message.Length - 1, 3));
        Assert.Throws<DerException>(() => CaRequest.Decode(message, message.Length, 2));
    }

    [Fact]
    public void SignatureAsRawBytes_IsReadAndReproduced_ButNotAssembled()
    {
        byte[] der = Der.Encode(Signature);
        byte[] strict = Der.Encode(SignedRequest);
        Tlv tree = Tlv.Parse(strict);
        tree.Children![2].Content = Signature.Raw.ToArray();
        byte[] raw = tree.Encode();

        var read = Der.Decode<CaRequest>(raw);

        Assert.NotEqual(strict, raw);
        Assert.Equal(64, read.SignatureValue.Length);
        Assert.Equal(Signature, read.DecodeSm2Signature());
        Assert.Equal(raw, Der.Encode(read));
        Assert.Throws<DerException>(() => CaRequest.Assemble(read.KsRequestBytes, AlgorithmIdentifier.Sm3WithSm2, Signature.Raw));
        Assert.Throws<DerException>(() => CaRequest.Assemble(read.KsRequestBytes.ToArray().AsMemory(1), AlgorithmIdentifier.Sm3WithSm2, der));

        tree.Children[2].Content = der[1..];
        Assert.Throws<DerException>(() => Der.Decode<CaRequest>(tree.Encode()).DecodeSm2Signature());
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    [InlineData(2, false)]
    public void Version_IsOne(byte version, bool accepted)
    {
        Tlv tree = Tlv.Parse(Der.Encode(Asked));
        tree.Children![0].Content = [version];

        Assert.Equal(accepted, Accepts<KsRequest>(tree.Encode()));
    }

    [Fact]
    public void EmptyRequestList_IsRefused()
    {
        Tlv tree = Tlv.Parse(Der.Encode(Asked));
        tree.Children![2].Children!.Clear();

        Assert.Throws<ArgumentException>(() => new KsRequest(CaName, [], Requested, new TaskNumber(1)));
        Assert.Throws<DerException>(() => Der.Decode<KsRequest>(tree.Encode()));
    }

    [Theory]
    [InlineData("020101", true)]
    [InlineData("0214 7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", true)]
    [InlineData("0214 0080000000000000000000000000000000000000", true)]
    [InlineData("020100", false)]
    [InlineData("0201FF", false)] // a signed 64-bit value of another CA
    [InlineData("0215 0080000000000000000000000000000000000000 00", false)]
    [InlineData("0214 8000000000000000000000000000000000000000", false)]
    public void TaskNumber_IsPositiveWithAtMost20Octets(string der, bool accepted) =>
        Assert.Equal(accepted, Accepts<TaskNumber>(Convert.FromHexString(der.Replace(" ", "", StringComparison.Ordinal))));

    [Fact]
    public void TaskNumberOutOfRange_IsNotMade()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new TaskNumber(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TaskNumber(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TaskNumber(System.Numerics.BigInteger.Pow(2, 159)));
        Assert.Equal(new TaskNumber(5), Der.Decode<TaskNumber>(Convert.FromHexString("020105")));
    }

    [Theory]
    [InlineData(0)] // applyKeyReq
    [InlineData(1)] // restoreKeyReq
    [InlineData(2)] // revokeKeyReq
    public void ExplicitTag_IsReadAsTheSameRequest_AndReproduced(int at)
    {
        Request strict = Asked.RequestList[at];
        Tlv tree = Tlv.Parse(Der.Encode(strict));
        Tlv sequence = Tlv.Parse([0x30, 0x00]);
        sequence.Children = tree.Children;
        tree.Children = [sequence];

        var read = Der.Decode<Request>(tree.Encode());

        Assert.True(read.TagIsExplicit);
        Assert.Equal(strict.GetType(), read.GetType());
        Assert.Equal(tree.Encode(), Der.Encode(read));
        Assert.Equal(Tlv.Parse(Der.Encode(strict)).Children!.Count, sequence.Children!.Count);

        // One SEQUENCE more is neither form.
        tree.Children = [sequence, sequence];
        Assert.Throws<DerException>(() => Der.Decode<Request>(tree.Encode()));
    }

    [Theory]
    [InlineData("A204 02024D2F")] // RevokeKeyReq, the control
    [InlineData("8204 02024D2F", false)] // primitive
    [InlineData("A304 02024D2F", false)] // no such alternative
    [InlineData("A404 02024D2F", false)]
    [InlineData("6204 02024D2F", false)] // application class
    [InlineData("3004 02024D2F", false)] // no tag
    [InlineData("A200", false)]
    [InlineData("A202 3000", false)]
    [InlineData("A203 020100", false)] // serial number 0
    [InlineData("A207 02024D2F 020101", false)]
    [InlineData("A204 04024D2F", false)]
    public void RequestInAnotherForm_IsRefused(string der, bool accepted = true) =>
        Assert.Equal(accepted, Accepts<Request>(Convert.FromHexString(der.Replace(" ", "", StringComparison.Ordinal))));

    [Theory]
    [InlineData("1606333530313030", typeof(Ia5Text), "350100")]
    [InlineData("0406333530313030", typeof(OctetText), "350100")]
    [InlineData("3008" + "0C06333530313030", typeof(Utf8Text), "350100")]
    [InlineData("3006" + "0C0161" + "0C0162", typeof(Utf8Text), "a\nb")]
    [InlineData("0402B0A1", typeof(OctetText), "\uFFFD\uFFFD")] // GBK, kept as bytes
    public void RegionCode_InAnyOfItsTypes_IsReadAndKeptAsRead(string der, Type type, string text)
    {
        var value = Der.Decode<FreeText>(Convert.FromHexString(der));
        Tlv tree = Tlv.Parse(Der.Encode(Person));
        tree.Children![5].Children = [Tlv.Parse(Convert.FromHexString(der))];

        var info = Der.Decode<AppUserInfo>(tree.Encode());

        Assert.IsType(type, info.DsCode);
        Assert.Equal(value, info.DsCode);
        Assert.Equal(text, info.DsCode!.Text);
        Assert.Equal(tree.Encode(), Der.Encode(info));
    }

    [Theory]
    [InlineData("0C0161")] // UTF8String alone
    [InlineData("130161")] // PrintableString
    [InlineData("160180")] // not ASCII
    [InlineData("3000")]
    [InlineData("3003160161")]
    [InlineData("30030C01FF")] // not UTF-8
    [InlineData("24030401AA")] // constructed
    public void TextInAnotherForm_IsRefused(string der) => Assert.Throws<DerException>(() => Der.Decode<FreeText>(Convert.FromHexString(der)));

    [Fact]
    public void TextThatIsNotAscii_IsNotWrittenAsIa5String() =>
        Assert.Throws<ArgumentException>(() => new AppUserInfo(UserCertNo, PkixSamples.Sm2Key, Requested, NotAfter, dsCode: "福州"));

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void EachOptionalField_MayBeAbsent_AndTheOrderIsFixed(int index)
    {
        Tlv tree = Tlv.Parse(Der.Encode(Person));
        Tlv field = tree.Children![index];
        tree.Children.RemoveAt(index);

        var info = Der.Decode<AppUserInfo>(tree.Encode());

        Assert.Equal([index != 4, index != 5, index != 6], [info.UserName is not null, info.DsCode is not null, info.ExtendInfo is not null]);
        Assert.Equal(tree.Encode(), Der.Encode(info));
        tree.Children.Insert(4, index == 4 ? tree.Children[4] : field);
        Assert.Throws<DerException>(() => Der.Decode<AppUserInfo>(tree.Encode()));
    }

    [Fact]
    public void PeriodThatEndsBeforeItBegins_IsRefused()
    {
        Tlv tree = Tlv.Parse(Der.Encode(Anonymous));
        (tree.Children![2], tree.Children[3]) = (tree.Children[3], tree.Children[2]);

        Assert.Throws<ArgumentException>(() => new AppUserInfo(UserCertNo, PkixSamples.Sm2Key, NotAfter, Requested));
        Assert.Throws<DerException>(() => Der.Decode<AppUserInfo>(tree.Encode()));
        Assert.Equal(Requested, new AppUserInfo(UserCertNo, PkixSamples.Sm2Key, Requested, Requested).NotAfter);
    }

    [Fact]
    public void TimesAreGeneralizedTime_BeforeAndAfter2050()
    {
        byte[] der = Der.Encode(new AppUserInfo(UserCertNo, PkixSamples.Sm2Key, Requested, PkixSamples.Year2051));

        Assert.Equal([0x18, 0x18], Tlv.Parse(der).Children!.Skip(2).Select(c => (int)c.Tag));
        Assert.Equal("20260701080000Z"u8.ToArray(), Tlv.Parse(der).Children![2].Content);
    }

    [Theory]
    [InlineData("00")]
    [InlineData("FF")]
    [InlineData("0080000000")]
    public void KeyLengthThatIsNoLength_IsRefused(string content)
    {
        Tlv tree = Tlv.Parse(Der.Encode<Request>(ApplyKeyReq.Sm2(Anonymous)));
        Assert.Equal([0x01, 0x00], tree.Children![1].Content);
        tree.Children[1].Content = Convert.FromHexString(content);

        Assert.Throws<DerException>(() => Der.Decode<Request>(tree.Encode()));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ApplyKeyReq(
            AlgorithmIdentifier.Sm3, 0, AlgorithmIdentifier.Sm3, AlgorithmIdentifier.Sm3, AlgorithmIdentifier.Sm3, Anonymous));
    }

    [Fact]
    public void SendersName_IsThatOfItsCertificate()
    {
        var certificate = Der.Decode<Certificate>(Fixtures.Read("gmt0010/gmcert-encryption-certificate.b64"));
        var digest = new Org.BouncyCastle.Crypto.Digests.SM3Digest();
        byte[] key = Der.Encode(certificate.Tbs.SubjectPublicKeyInfo);
        byte[] hash = new byte[32];
        digest.BlockUpdate(key, 0, key.Length);
        digest.DoFinal(hash, 0);

        var name = EntName.Of(certificate);

        Assert.Equal(hash, name.EntPubKeyHash.ToArray());
        Assert.Equal(Oids.Sm3, name.HashAlgorithm.Algorithm);
        Assert.Equal(certificate.Tbs.Subject, Assert.IsType<DirectoryName>(name.Name).Name);
        Assert.Equal(certificate.Tbs.SerialNumber, name.SerialNumber);
        Assert.Equal(name, Der.Decode<EntName>(Der.Encode(name)));
        Assert.Equal(name.GetHashCode(), Der.Decode<EntName>(Der.Encode(name)).GetHashCode());
        Assert.NotEqual(name, name with { SerialNumber = UserCertNo });
        Assert.NotEqual(name, name with { EntPubKeyHash = new byte[32] });
        Assert.NotEqual(name, name with { Name = new DnsName("ca") });
    }

    internal static bool Accepts<T>(byte[] der)
        where T : IDer<T>
    {
        try
        {
            return der.AsSpan().SequenceEqual(Der.Encode(Der.Decode<T>(der)));
        }
        catch (DerException)
        {
            return false;
        }
    }
}
