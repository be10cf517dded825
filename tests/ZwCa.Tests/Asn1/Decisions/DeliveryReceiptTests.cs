using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Tests.Asn1.Custody;
using ZwCa.Tests.Asn1.Pkix;

namespace ZwCa.Tests.Asn1.Decisions;

/// <summary>What a token says about the key that it was sent.</summary>
public sealed class DeliveryReceiptTests : IDerSamples
{
    public IEnumerable<DerSample> Samples => [DerSample.Of(Receipt()), DerSample.Of(Receipt(DeliveryOutcome.KeyMismatch)), DerSample.Of(Signed(9))];

    [Fact]
    public void AReceipt_IsSignedByOneKey_OverItsBytes()
    {
        SignedReceipt signed = Signed(9);
        byte[] der = Der.Encode(signed);
        int outcome = der.AsSpan().IndexOf((byte[])[0x0a, 0x01, 0x00]);
        byte[] turned = [.. der];
        turned[outcome + 2] = (byte)DeliveryOutcome.KeyMismatch;

        Assert.True(Der.Decode<SignedReceipt>(der).Verify(CustodySamples.PublicKey(9)));
        Assert.False(signed.Verify(CustodySamples.PublicKey(8)));
        Assert.False(signed.Verify(SubjectPublicKeyInfo.ForP256(CustodySamples.PublicKey(9).PublicKey)));
        Assert.Equal(DeliveryOutcome.KeyMismatch, Der.Decode<SignedReceipt>(turned).Receipt.Outcome);
        Assert.False(Der.Decode<SignedReceipt>(turned).Verify(CustodySamples.PublicKey(9)));
    }

    [Fact]
    public void FieldsOfAnotherLength_AreRefused()
    {
        Assert.Throws<ArgumentException>(() => Receipt(pair: new byte[15]));
        Assert.Throws<ArgumentException>(() => Receipt(issuer: []));
        Assert.Throws<ArgumentException>(() => Receipt(issuer: new byte[65]));
        Assert.Throws<ArgumentException>(() => Receipt(envelope: new byte[31]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Receipt((DeliveryOutcome)2));

        byte[] der = Der.Encode(Receipt());
        der[der.AsSpan().IndexOf((byte[])[0x0a, 0x01, 0x00]) + 2] = 2;
        Assert.Throws<DerException>(() => Der.Decode<DeliveryReceipt>(der));
    }

    private static DeliveryReceipt Receipt(
        DeliveryOutcome outcome = DeliveryOutcome.Accepted, byte[]? pair = null, byte[]? issuer = null, byte[]? envelope = null) =>
        new(
            pair ?? new byte[16], issuer ?? PkixSamples.KeyId.KeyIdentifier, SerialNumber.Parse("7f01"), SerialNumber.Parse("7f02"), envelope ?? new byte[32], outcome, CustodySamples.NotAfter);

    private static SignedReceipt Signed(byte signer)
    {
        using Sm2PrivateKey key = CustodySamples.PrivateKey(signer);
        return SignedReceipt.Create(Receipt(), key);
    }
}
