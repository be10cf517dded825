using Org.BouncyCastle.Asn1.GM;
using Org.BouncyCastle.Asn1.Pkcs;
using Org.BouncyCastle.Crypto.Engines;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;
using Org.BouncyCastle.Math;
using Org.BouncyCastle.Security;
using ZwCa.Asn1.Gm;

namespace ZwCa.Tests.Asn1.Gm;

/// <summary>SM2 and SM4 of Portable.BouncyCastle over our containers: the judge of what we took out of them.</summary>
internal static class BouncyCastleSm2
{
    private static readonly ECDomainParameters Domain = new(GMNamedCurves.GetByName("sm2p256v1"));

    public static ECPrivateKeyParameters PrivateKey(string d) => new(new BigInteger(d, 16), Domain);

    public static ECPrivateKeyParameters PrivateKeyOfPkcs8(byte[] pkcs8) =>
        new(((ECPrivateKeyParameters)PrivateKeyFactory.CreateKey(PrivateKeyInfo.GetInstance(pkcs8))).D, Domain);

    public static byte[] Decrypt(ECPrivateKeyParameters key, Sm2Cipher cipher)
    {
        var engine = new SM2Engine();
        engine.Init(false, key);
        byte[] raw = cipher.Raw.ToArray();
        byte[] c1c2c3 = [.. raw[..65], .. raw[97..], .. raw[65..97]];
        return engine.ProcessBlock(c1c2c3, 0, c1c2c3.Length);
    }

    public static Sm2Cipher Encrypt(ECPrivateKeyParameters receiver, byte[] plaintext)
    {
        var engine = new SM2Engine();
        engine.Init(true, new ParametersWithRandom(new ECPublicKeyParameters(Domain.G.Multiply(receiver.D).Normalize(), Domain)));
        byte[] c1c2c3 = engine.ProcessBlock(plaintext, 0, plaintext.Length);
        return Sm2Cipher.FromRaw([.. c1c2c3[..65], .. c1c2c3[^32..], .. c1c2c3[65..^32]]);
    }

    public static byte[] PublicKey(ECPrivateKeyParameters key) => Domain.G.Multiply(key.D).Normalize().GetEncoded(false);

    /// <param name="publicKey">04‖X‖Y.</param>
    public static bool Verify(ReadOnlyMemory<byte> publicKey, byte[] message, Sm2Signature signature)
    {
        var signer = new SM2Signer();
        signer.Init(false, new ECPublicKeyParameters(Domain.Curve.DecodePoint(publicKey.ToArray()), Domain));
        signer.BlockUpdate(message, 0, message.Length);
        return signer.VerifySignature(ZwCa.Asn1.Der.Encode(signature));
    }

    public static byte[] Sign(ECPrivateKeyParameters key, byte[] message)
    {
        var signer = new SM2Signer();
        signer.Init(true, key);
        signer.BlockUpdate(message, 0, message.Length);
        return signer.GenerateSignature();
    }

    /// <summary>SM4-ECB without padding.</summary>
    public static byte[] Sm4Ecb(bool encrypt, byte[] key, ReadOnlySpan<byte> input)
    {
        var engine = new SM4Engine();
        engine.Init(encrypt, new KeyParameter(key));
        byte[] bytes = input.ToArray();
        for (int at = 0; at < bytes.Length; at += 16)
        {
            engine.ProcessBlock(bytes, at, bytes, at);
        }

        return bytes;
    }
}
