using System.Formats.Asn1;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Cms;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Tests.Asn1.Gm;

namespace ZwCa.Tests.Kmc;

/// <summary>The exchange of tests/testdata/gmt0014 is what docs/KMC.md says of it.</summary>
public sealed class CapturedExchangeTests
{
    private const string RequestFile = "apply-request";
    private const string ResponseFile = "apply-response";

    /// <summary>Bytes that are written out whole, and how many of longer ones.</summary>
    private const int Whole = 20;
    private const int Shown = 12;

    private static readonly Certificate Ca = Der.Decode<Certificate>(Read("ca-certificate"));
    private static readonly Certificate Kmc = Der.Decode<Certificate>(Read("kmc-certificate"));

    [Theory]
    [InlineData(RequestFile)]
    [InlineData(ResponseFile)]
    public void EachValue_IsInTheTable_AndNothingElse(string file)
    {
        byte[] der = Read(file);
        var values = new List<string>();
        List(values, der, 0, der.Length, 0);
        string[][] rows = [.. RowsOf(file).Select(Cells)];
        Assert.Equal(values, rows.Select(row => $"{row[0]} | {row[1]} | {row[2]} | {row[3].Count(c => c == '·')} | {row[4]}"));
        Assert.All(rows, row => Assert.NotEmpty(row[3].Trim('·', ' ')));
    }

    [Fact]
    public void BothSignatures_Hold_AndTheAnswerIsToTheRequest()
    {
        CaRequest request = Der.Decode<CaRequest>(Read(RequestFile));
        KmRespond respond = Der.Decode<KmRespond>(Read(ResponseFile));
        Assert.True(KeyOf(Ca).Verify(request.KsRequestBytes.Span, request.DecodeSm2Signature().Raw.Span));
        Assert.True(KeyOf(Kmc).Verify(respond.KsRespondBytes.Span, respond.DecodeSm2Signature().Raw.Span));
        Assert.False(KeyOf(Kmc).Verify(request.KsRequestBytes.Span, request.DecodeSm2Signature().Raw.Span));
        Assert.Equal(EntName.Of(Ca), request.KsRequest.CaName);
        Assert.Equal(EntName.Of(Kmc), respond.KsRespond.KmName);
        Assert.Equal(request.KsRequest.TaskNo, respond.KsRespond.TaskNo);

        ApplyKeyReq apply = Assert.IsType<ApplyKeyReq>(Assert.Single(request.KsRequest.RequestList));
        Assert.Equal(Applied(respond).UserCertNo, apply.AppUserInfo.UserCertNo);
        Assert.Equal((256, "350100"), (apply.AppKeyLen, apply.AppUserInfo.DsCode?.Text));
        Assert.Null(apply.AppUserInfo.UserName);
        using Sm2PrivateKey recipient = Recipient();
        Assert.Equal(PairScene.Of(recipient), apply.AppUserInfo.UserPubKey);
    }

    [Fact]
    public void TheRecipient_OpensTheEnvelope_AndTheKmcHasSignedWhatIsInIt()
    {
        RetKeyRespond answer = Applied(Der.Decode<KmRespond>(Read(ResponseFile)));
        SignedAndEnvelopedData envelope = answer.RetPriKey;
        using Sm2PrivateKey recipient = Recipient();
        RecipientInfo to = Assert.Single(envelope.RecipientInfos);
        using var sm4 = new Sm4(recipient.Decrypt(to.DecodeSm2Cipher().Raw.Span));
        byte[] d = sm4.DecryptEcb(envelope.EncryptedContentInfo.EncryptedContent!.Value.Span, PaddingMode.None);
        using Sm2PrivateKey key = Sm2PrivateKey.FromBytes(d);
        Assert.Equal(answer.RetPubKey, PairScene.Of(key));

        SignerInfo signer = Assert.Single(envelope.SignerInfos);
        Assert.Equal(new IssuerAndSerialNumber(Kmc.Tbs.Issuer, Kmc.Tbs.SerialNumber), signer.IssuerAndSerialNumber);
        Assert.True(KeyOf(Kmc).Verify(d, signer.DecodeSm2Signature().Raw.Span));

        // The stand-in for the subscriber's certificate, and the zero bytes that a token's blob has before d.
        Assert.Equal(new ByIssuerAndSerialNumber(new IssuerAndSerialNumber(Ca.Tbs.Issuer, Ca.Tbs.SerialNumber)), to.Recipient);
        byte[] blob = ZwCa.Hsm.KeyEnvelope.FindEncryptedPrivateKey(envelope)!.Value.ToArray();
        Assert.Equal([.. new byte[32], .. d], sm4.DecryptEcb(blob, PaddingMode.None));
    }

    private static byte[] Read(string file) => Fixtures.Read($"gmt0014/{file}.der");

    private static Sm2PrivateKey Recipient() => Sm2PrivateKey.FromBytes(Fixtures.Read("gmt0014/recipient-key.hex"));

    private static RetKeyRespond Applied(KmRespond respond) => Assert.IsType<ApplyKeyRespond>(Assert.Single(respond.KsRespond.RespondList)).RetKeyRespond;

    private static Sm2PublicKey KeyOf(Certificate certificate) =>
        certificate.Tbs.SubjectPublicKeyInfo.TryGetSm2Key(out Sm2PublicKey? key) ? key : throw new InvalidOperationException("No SM2 key.");

    /// <summary>The table below the file's name.</summary>
    private static IEnumerable<string> RowsOf(string file) => Fixtures.ReadLines("../../docs/KMC.md")
        .SkipWhile(line => line != $"`{file}.der`:").Skip(1).SkipWhile(line => line.Length == 0).TakeWhile(line => line.StartsWith('|')).Skip(2);

    private static string[] Cells(string row) => [.. row.Split('|')[1..^1].Select(cell => cell.Trim())];

    /// <summary>What the table has of each value of DER, in its order, but for names: offset, tag, length of the content, depth, content.</summary>
    private static void List(List<string> values, byte[] der, int begin, int end, int depth)
    {
        for (int at = begin; at < end;)
        {
            Asn1Tag tag = AsnDecoder.ReadEncodedValue(der.AsSpan(at), AsnEncodingRules.DER, out int content, out int length, out int consumed);
            string value = tag.IsConstructed ? "" : $"`{TextOf(der[at], der[at..(at + consumed)], der[(at + content)..(at + content + length)])}`";
            values.Add(string.Create(CultureInfo.InvariantCulture, $"{at} | {der[at]:X2} | {length} | {depth} | {value}"));
            if (tag.IsConstructed)
            {
                List(values, der, at + content, at + content + length, depth + 1);
            }

            at += consumed;
        }
    }

    private static string TextOf(byte tag, byte[] whole, byte[] content) => (UniversalTagNumber)tag switch
    {
        UniversalTagNumber.ObjectIdentifier => AsnDecoder.ReadObjectIdentifier(whole, AsnEncodingRules.DER, out _),
        UniversalTagNumber.UTF8String or UniversalTagNumber.PrintableString or UniversalTagNumber.IA5String or UniversalTagNumber.GeneralizedTime => Encoding.UTF8.GetString(content),
        _ => content.Length <= Whole ? Convert.ToHexStringLower(content) : $"{Convert.ToHexStringLower(content[..Shown])}…",
    };
}
