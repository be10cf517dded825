using ZwCa.Asn1;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Tests.Asn1.Pkix;
using static ZwCa.Tests.Asn1.Gm.KeyManagement.KeyManagementSamples;

namespace ZwCa.Tests.Asn1.Gm.KeyManagement;

public class KmRespondTests
{
    [Fact]
    public void Message_KeepsTheBytesThatAreSigned()
    {
        byte[] message = Der.Encode(SignedRespond);

        KmRespond read = KmRespond.Decode(message, message.Length, 4);

        Assert.Equal(Der.Encode(Answered), read.KsRespondBytes.ToArray());
        Assert.True(read.KsRespondBytes.Span.Overlaps(message), "a slice of what came in, not a re-encoding");
        Assert.Equal(Signature, read.DecodeSm2Signature());
        Assert.Equal(message, Der.Encode(read));
        Assert.Equal(message, Der.Encode(KmRespond.Assemble(read.KsRespondBytes, read.SignatureAlgorithm, read.SignatureValue)));
        Assert.Throws<DerException>(() => KmRespond.Assemble(read.KsRespondBytes, read.SignatureAlgorithm, Signature.Raw));
        Assert.Throws<DerException>(() => KmRespond.Decode(message, message.Length - 1, 4));
        Assert.Throws<DerException>(() => KmRespond.Decode(message, message.Length, 3));
    }

    [Fact]
    public void Fields_AreThoseThatWereWritten()
    {
        KsRespond read = Der.Decode<KsRespond>(Der.Encode(Answered));

        Assert.Equal(CaName, read.KmName);
        Assert.Equal(Requested, read.RespondTime);
        Assert.Equal(Asked.TaskNo, read.TaskNo);
        Assert.Equal(4, read.RespondList.Count);
        foreach (RetKeyRespond key in (RetKeyRespond[])[
            Assert.IsType<ApplyKeyRespond>(read.RespondList[0]).RetKeyRespond, Assert.IsType<RestoreKeyRespond>(read.RespondList[1]).RetKeyRespond])
        {
            Assert.Equal(UserCertNo, key.UserCertNo);
            Assert.Equal(Der.Encode(PkixSamples.Sm2Key), Der.Encode(key.RetPubKey));
            Assert.Equal(Der.Encode(RetKey.RetPriKey), Der.Encode(key.RetPriKey));
        }

        Assert.Equal(UserCertNo, Assert.IsType<RevokeKeyRespond>(read.RespondList[2]).UserCertNo);
        var error = Assert.IsType<ErrorPkgRespond>(read.RespondList[3]);
        Assert.Equal(7, error.ErrNo);
        Assert.Equal(new Utf8Text("没有该密钥"), error.ErrDesc);
    }

    /// <summary>Bare, as published: a real CA's envelope with recipients and signers of its own.</summary>
    [Fact]
    public void PublishedEnvelope_IsCarriedUnchanged()
    {
        byte[] published = Fixtures.Read("gmt0010/anxin-signed-and-enveloped.b64");
        Tlv tree = Tlv.Parse(Der.Encode(RetKey));
        tree.Children![2] = Tlv.Parse(published);

        var read = Der.Decode<RetKeyRespond>(tree.Encode());

        Assert.Equal(published, Der.Encode(read.RetPriKey));
        Assert.Equal(tree.Encode(), Der.Encode(read));
    }

    [Theory]
    [InlineData("A303020107", null, null)]
    [InlineData("A3080201FFA003160161", typeof(Ia5Text), "a")]
    [InlineData("A308020107A003040161", typeof(OctetText), "a")]
    [InlineData("A30A020107A00530030C0161", typeof(Utf8Text), "a")]
    [InlineData("A30C300A020107A00530030C0161", typeof(Utf8Text), "a")] // [3] EXPLICIT
    public void ErrorDescription_InAnyOfItsTypes_IsReadAndKeptAsRead(string der, Type? type, string? text)
    {
        var error = Assert.IsType<ErrorPkgRespond>(Der.Decode<Respond>(Convert.FromHexString(der)));

        Assert.Equal(type, error.ErrDesc?.GetType());
        Assert.Equal(text, error.ErrDesc?.Text);
        Assert.Equal(der, Convert.ToHexString(Der.Encode<Respond>(error)));
    }

    [Theory]
    [InlineData("A303020107", true)]
    [InlineData("A4 03 020107", false)]
    [InlineData("83 03 020107", false)]
    [InlineData("A3 07 02050080000000", false)] // beyond 32 bits
    [InlineData("A3 06 020107 040161", false)] // untagged description
    [InlineData("A3 06 020107 800161", false)] // [0] IMPLICIT
    [InlineData("A3 05 020107 A000", false)]
    [InlineData("A3 0B 020107 A006160161160162", false)]
    [InlineData("A3 08 020107 A103160161", false)]
    [InlineData("A3 05 0C0137 0C00", false)] // number and description as two UTF8Strings
    [InlineData("A2 04 02024D2F", true)]
    [InlineData("A0 04 02024D2F", false)]
    public void AnswerInAnotherForm_IsRefused(string der, bool accepted) =>
        Assert.Equal(accepted, CaRequestTests.Accepts<Respond>(Convert.FromHexString(der.Replace(" ", "", StringComparison.Ordinal))));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void ExplicitTag_IsReadAsTheSameAnswer_AndReproduced(int at)
    {
        Tlv tree = Tlv.Parse(Der.Encode(Answered.RespondList[at]));
        Tlv sequence = Tlv.Parse([0x30, 0x00]);
        sequence.Children = tree.Children;
        tree.Children = [sequence];

        var read = Der.Decode<Respond>(tree.Encode());

        Assert.True(read.TagIsExplicit);
        Assert.Equal(Answered.RespondList[at].GetType(), read.GetType());
        Assert.Equal(tree.Encode(), Der.Encode(read));
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    [InlineData(2, false)]
    public void Version_IsOne(byte version, bool accepted)
    {
        Tlv tree = Tlv.Parse(Der.Encode(Answered));
        tree.Children![0].Content = [version];

        Assert.Equal(accepted, CaRequestTests.Accepts<KsRespond>(tree.Encode()));
    }

    [Fact]
    public void EmptyRespondList_IsRefused()
    {
        Tlv tree = Tlv.Parse(Der.Encode(Answered));
        tree.Children![2].Children!.Clear();

        Assert.Throws<ArgumentException>(() => new KsRespond(CaName, [], Requested, new TaskNumber(1)));
        Assert.Throws<DerException>(() => Der.Decode<KsRespond>(tree.Encode()));
    }
}
