namespace ZwCa.Hsm;

/// <summary>
/// What a key is and what it is for: a key does one thing. The number is on the simulator's wire and in its store.
/// </summary>
public enum HsmKeyKind : byte
{
    /// <summary>SM2, signs.</summary>
    Sm2 = 1,

    /// <summary>SM2, decrypts where the partition's policy allows it; never signs.</summary>
    Sm2Decryption = 2,

    /// <summary>RSA of 2048 bits, signs; so do the next two.</summary>
    Rsa2048 = 3,
    Rsa3072 = 4,
    Rsa4096 = 5,

    /// <summary>ECDSA on P-256, signs.</summary>
    P256 = 6,

    /// <summary>SM4, wraps and unwraps data keys of the client.</summary>
    DataKek = 7,

    /// <summary>SM4, wraps subscribers' private keys; the device unwraps them for <see cref="IHsm.EnvelopeKeyAsync"/> alone.</summary>
    EscrowKek = 8,

    /// <summary>HMAC-SM3.</summary>
    HmacSm3 = 9,
}

public static class HsmKeyKindExtensions
{
    /// <summary>Whether there is a public key.</summary>
    public static bool IsAsymmetric(this HsmKeyKind kind) => kind is >= HsmKeyKind.Sm2 and <= HsmKeyKind.P256;

    public static bool IsRsa(this HsmKeyKind kind) => kind is HsmKeyKind.Rsa2048 or HsmKeyKind.Rsa3072 or HsmKeyKind.Rsa4096;

    /// <summary>Bits of an RSA modulus.</summary>
    /// <exception cref="ArgumentException">Not RSA.</exception>
    public static int RsaBits(this HsmKeyKind kind) => kind switch
    {
        HsmKeyKind.Rsa2048 => 2048,
        HsmKeyKind.Rsa3072 => 3072,
        HsmKeyKind.Rsa4096 => 4096,
        _ => throw new ArgumentException($"{kind} is no RSA key.", nameof(kind)),
    };
}
