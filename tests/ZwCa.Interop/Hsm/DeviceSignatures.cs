using System.Formats.Asn1;
using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;

namespace ZwCa.Interop.Hsm;

/// <summary>Signatures of a device, as openssl takes them, and its verdict.</summary>
internal static class DeviceSignatures
{
    public static byte[] Digest(this SignatureScheme scheme, ReadOnlySpan<byte> message) => scheme.DigestLength() switch
    {
        48 => SHA384.HashData(message),
        64 => SHA512.HashData(message),
        _ => SHA256.HashData(message),
    };

    /// <returns>For r‖s the DER of SEQUENCE { r INTEGER, s INTEGER } (RFC 3279 §2.2.3); an RSA signature as it is.</returns>
    public static byte[] Encode(SignatureScheme scheme, byte[] signature)
    {
        if (scheme is not (SignatureScheme.Sm2 or SignatureScheme.EcdsaSha256))
        {
            return signature;
        }

        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            // AsnWriter refuses leading zeros.
            writer.WriteIntegerUnsigned(signature.AsSpan(0, signature.Length / 2).TrimStart((byte)0));
            writer.WriteIntegerUnsigned(signature.AsSpan(signature.Length / 2).TrimStart((byte)0));
        }

        return writer.Encode();
    }

    /// <summary>openssl accepts it for the message and refuses it for another. For all but SM2.</summary>
    public static void VerifiesDeviceSignature(this OpenSsl openssl, SignatureScheme scheme, SubjectPublicKeyInfo key, byte[] message, byte[] signature)
    {
        byte[] another = [.. message, 0];
        Assert.Equal("Verified OK", openssl.Run(Arguments(openssl, scheme, key, message, signature)).Text.Trim());
        openssl.Refuses("Verification failure", Arguments(openssl, scheme, key, another, signature));
    }

    private static string[] Arguments(OpenSsl openssl, SignatureScheme scheme, SubjectPublicKeyInfo key, byte[] message, byte[] signature)
    {
        bool pss = scheme is SignatureScheme.RsaPssSha256 or SignatureScheme.RsaPssSha384 or SignatureScheme.RsaPssSha512;
        return
        [
            "dgst", $"-sha{8 * scheme.DigestLength()}",
            .. pss ? ["-sigopt", "rsa_padding_mode:pss", "-sigopt", $"rsa_pss_saltlen:{scheme.DigestLength()}"] : Array.Empty<string>(),
            "-verify", openssl.WritePem("device.pem", Pem.PublicKey, key),
            "-signature", openssl.Write("signature.bin", Encode(scheme, signature)),
            openssl.Write("message.bin", message),
        ];
    }
}
