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

        return hsm.ToTestKey(hsm.GenerateKeyAsync(label, keyKind).GetAwaiter().GetResult(), kind, scheme);
    }

    /// <summary>A TestKey signs in the middle of building documents, without a task.</summary>
    public static TestKey ToTestKey(this IHsm hsm, HsmKey key, KeyKind kind, SignatureScheme scheme)
    {
        var signer = new HsmSigner(hsm, key, scheme);
        return TestKey.HeldElsewhere(kind, key.PublicKey!, message => signer.SignAsync(message).GetAwaiter().GetResult());
    }
}
