using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;
using ZwCa.Ocsp.Answers;
using ZwCa.Tests.Issuance.Crls;

namespace ZwCa.Tests.Ocsp;

/// <summary>The short way reads what the plain types read, and nothing that they do not.</summary>
public sealed class PlainRequestTests
{
    [Fact]
    public async Task WhatItReads_TheTypesReadLikewise()
    {
        await using TestCa ca = await TestCa.CreateAsync();
        var random = new TestRandom();
        int plain = 0;
        for (int i = 0; i < (TestRandom.Long ? 5_000_000 : 50_000); i++)
        {
            byte[] serial = random.Bytes(1 + random.Next(20));
            serial[0] = (byte)(random.Next(4) == 0 ? serial[0] : (serial[0] & 0x7F) | 1);
            bool isSerial = serial[0] is > 0 and < 0x80;
            CertId certId = CertIds.Of(ca.Certificate, SerialNumber.FromBytes(isSerial ? serial : [0x01]), (CertIdHash)random.Next(3), nullParameters: random.Next(8) > 0);
            byte[] request = Der.Encode(new OcspRequest(new TbsRequest([new Request(certId)], random.Next(8) == 0 ? new Extensions(Extension.Create(new Nonce(random.Bytes(8)), critical: false)) : null)));
            for (int changes = random.Next(4); changes > 0; changes--)
            {
                request = Mutate(random, request);
            }

            plain += Agrees(request) ? 1 : 0;
        }

        Assert.True(plain > 5_000, $"Only {plain} were read.");
    }

    /// <summary>Each byte of a request, and each length of its end.</summary>
    [Theory]
    [InlineData(CertIdHash.Sha1)]
    [InlineData(CertIdHash.Sha256)]
    [InlineData(CertIdHash.Sm3)]
    public async Task EveryChangeOfOneByte_IsJudgedAsTheTypesDo(CertIdHash hash)
    {
        await using TestCa ca = await TestCa.CreateAsync();
        byte[] request = Der.Encode(new OcspRequest(new TbsRequest([new Request(CertIds.Of(ca.Certificate, SerialNumber.Parse("40ffee"), hash))])));
        Assert.True(Agrees(request));
        for (int at = 0; at < request.Length; at++)
        {
            Assert.False(Agrees(request[..at]));
            for (int value = 0; value < 256; value++)
            {
                byte[] changed = [.. request];
                changed[at] = (byte)value;
                Agrees(changed);
            }
        }

        Assert.False(Agrees([.. request, 0]));
    }

    private static byte[] Mutate(TestRandom random, byte[] request)
    {
        List<byte> bytes = [.. request];
        int at = random.Next(bytes.Count);
        switch (random.Next(3))
        {
            case 0:
                bytes[at] = (byte)random.Next(256);
                break;
            case 1:
                bytes.Insert(at, (byte)random.Next(256));
                break;
            default:
                bytes.RemoveAt(at);
                break;
        }

        return bytes.Count == 0 ? [0] : [.. bytes];
    }

    /// <returns>Whether it was read.</returns>
    private static bool Agrees(byte[] request)
    {
        if (!PlainRequest.TryRead(request, out PlainRequest plain))
        {
            return false;
        }

        OcspRequest decoded = OcspRequest.Decode(request, 1 << 16, 1);
        CertId certId = decoded.Tbs.RequestList[0].ReqCert;
        Assert.Null(decoded.Tbs.RequestExtensions);
        Assert.Null(decoded.OptionalSignature);
        Assert.Null(decoded.Tbs.RequestList[0].SingleRequestExtensions);
        Assert.NotNull(certId.HashAlgorithm.Parameters);
        Assert.Equal(CertIds.HashOf(certId), plain.Hash);
        Assert.Equal(Convert.ToHexString(certId.SerialNumber.Content), Convert.ToHexString(plain.SerialNumber));
        Assert.Equal(Convert.ToHexString(certId.IssuerNameHash.Span), Convert.ToHexString(plain.NameHash));
        Assert.Equal(Convert.ToHexString(certId.IssuerKeyHash.Span), Convert.ToHexString(plain.KeyHash));
        return true;
    }
}
