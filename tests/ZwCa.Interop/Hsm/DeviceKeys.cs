using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Interop.Authorities;

namespace ZwCa.Interop.Hsm;

/// <summary>Keys of a device where tests expect keys of their own.</summary>
internal static class DeviceKeys
{
    public static TestKey GenerateTestKey(this IHsm hsm, KeyLabel label, KeyKind kind)
    {
        (HsmKeyKind keyKind, SignatureScheme scheme) = kind switch
        {
            KeyKind.Sm2 => (HsmKeyKind.Sm2, SignatureScheme.Sm2),
            KeyKind.P256 => (HsmKeyKind.P256, SignatureScheme.EcdsaSha256),
            _ => (HsmKeyKind.Rsa2048, SignatureScheme.RsaPkcs1Sha256),
        };

        // A TestKey signs in the middle of building documents, without a task.
        HsmKey key = hsm.GenerateKeyAsync(label, keyKind).GetAwaiter().GetResult();
        return TestKey.HeldElsewhere(kind, key.PublicKey!, message =>
            DeviceSignatures.Encode(scheme, hsm.SignAsync(key, scheme, Digest(key, scheme, message)).GetAwaiter().GetResult()));
    }

    /// <summary>For SM2 e = SM3(Z ‖ message) with the default identity.</summary>
    private static byte[] Digest(HsmKey key, SignatureScheme scheme, byte[] message)
    {
        if (scheme != SignatureScheme.Sm2)
        {
            return scheme.Digest(message);
        }

        byte[] e = new byte[32];
        Sm2PublicKey.FromBytes(key.PublicKey!.PublicKey.Span).ComputeDigest(message, e);
        return e;
    }
}
