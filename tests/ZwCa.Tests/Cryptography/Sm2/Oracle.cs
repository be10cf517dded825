using System.Numerics;
using System.Security.Cryptography;
using Org.BouncyCastle.Asn1.X9;
using Org.BouncyCastle.Crypto.EC;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;
using BcPoint = Org.BouncyCastle.Math.EC.ECPoint;

namespace ZwCa.Tests.Cryptography;

/// <summary>SM2 as others do it: OpenSSL through .NET's ECDsa on the SM2 curve (a signature over e there is an SM2 signature; Linux), and BouncyCastle.</summary>
internal static class Oracle
{
    internal static readonly BigInteger P = Hex("FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF");
    internal static readonly BigInteger N = Hex("FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123");
    internal static readonly BigInteger A = P - 3;
    internal static readonly BigInteger B = Hex("28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93");

    private static readonly X9ECParameters Curve = CustomNamedCurves.GetByName("sm2p256v1");
    private static readonly ECDomainParameters Domain = new(Curve.Curve, Curve.G, Curve.N, Curve.H);

    internal static BcPoint Generator => Curve.G;

    internal static BigInteger Hex(string hex) => BigInteger.Parse("0" + hex, System.Globalization.NumberStyles.HexNumber, System.Globalization.CultureInfo.InvariantCulture);

    internal static BigInteger Integer(ReadOnlySpan<byte> bigEndian) => new(bigEndian, isUnsigned: true, isBigEndian: true);

    internal static BigInteger ModN(BigInteger value) => ((value % N) + N) % N;

    internal static byte[] Bytes(BigInteger value)
    {
        byte[] bytes = new byte[32];
        byte[] raw = value.ToByteArray(isUnsigned: true, isBigEndian: true);
        raw.CopyTo(bytes, 32 - raw.Length);
        return bytes;
    }

    internal static BcPoint Multiply(BcPoint point, BigInteger k) => point.Multiply(new Org.BouncyCastle.Math.BigInteger(1, Bytes(ModN(k)))).Normalize();

    internal static BcPoint Point(ReadOnlySpan<byte> encoded) => Curve.Curve.DecodePoint(encoded.ToArray());

    /// <returns>04‖X‖Y.</returns>
    internal static byte[] Encode(BcPoint point) => point.Normalize().GetEncoded(false);

    /// <summary>A point with this x, or null.</summary>
    internal static BcPoint? WithX(BigInteger x)
    {
        try
        {
            return Curve.Curve.DecodePoint([2, .. Bytes(x)]);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    internal static ECDsa OpenSsl(ReadOnlySpan<byte> publicKey, byte[]? d = null)
    {
        Requires.OpenSslUnderDotNet();
        return ECDsa.Create(new ECParameters
        {
            Curve = ECCurve.CreateFromValue("1.2.156.10197.1.301"),
            Q = new ECPoint { X = publicKey.Slice(1, 32).ToArray(), Y = publicKey.Slice(33, 32).ToArray() },
            D = d,
        });
    }

    /// <summary>BouncyCastle's SM2 signature over a message, r‖s.</summary>
    internal static byte[] BouncyCastleSign(byte[] d, byte[] message, byte[] id)
    {
        SM2Signer signer = new(PlainDsaEncoding.Instance);
        signer.Init(true, new ParametersWithID(new ECPrivateKeyParameters(new Org.BouncyCastle.Math.BigInteger(1, d), Domain), id));
        signer.BlockUpdate(message, 0, message.Length);
        return signer.GenerateSignature();
    }

    internal static bool BouncyCastleVerify(byte[] publicKey, byte[] message, byte[] signature, byte[] id)
    {
        SM2Signer signer = new(PlainDsaEncoding.Instance);
        signer.Init(false, new ParametersWithID(new ECPublicKeyParameters(Point(publicKey), Domain), id));
        signer.BlockUpdate(message, 0, message.Length);
        return signer.VerifySignature(signature);
    }

    /// <summary>BouncyCastle's ciphertext is C1‖C2‖C3; this turns it into C1‖C3‖C2.</summary>
    internal static byte[] BouncyCastleEncrypt(byte[] publicKey, byte[] plaintext)
    {
        var engine = new Org.BouncyCastle.Crypto.Engines.SM2Engine();
        engine.Init(true, new ParametersWithRandom(new ECPublicKeyParameters(Point(publicKey), Domain)));
        byte[] old = engine.ProcessBlock(plaintext, 0, plaintext.Length);
        return [.. old[..65], .. old[^32..], .. old[65..^32]];
    }

    internal static byte[] BouncyCastleDecrypt(byte[] d, byte[] ciphertext)
    {
        var engine = new Org.BouncyCastle.Crypto.Engines.SM2Engine();
        engine.Init(false, new ECPrivateKeyParameters(new Org.BouncyCastle.Math.BigInteger(1, d), Domain));
        byte[] old = [.. ciphertext[..65], .. ciphertext[97..], .. ciphertext[65..97]];
        return engine.ProcessBlock(old, 0, old.Length);
    }
}
