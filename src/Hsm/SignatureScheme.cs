namespace ZwCa.Hsm;

/// <summary>How a digest is signed. The number is on the simulator's wire.</summary>
public enum SignatureScheme : byte
{
    /// <summary>GM/T 0003.2 over e = SM3(Z ‖ message), 32 bytes; gives r‖s, 64 bytes.</summary>
    Sm2 = 1,

    /// <summary>FIPS 186-5 on P-256 over SHA-256; gives r‖s, 64 bytes.</summary>
    EcdsaSha256 = 2,

    /// <summary>RFC 8017 §8.2 over SHA-256, 32 bytes; gives as many bytes as the modulus has; so do all that follow.</summary>
    RsaPkcs1Sha256 = 3,
    RsaPkcs1Sha384 = 4,
    RsaPkcs1Sha512 = 5,

    /// <summary>RFC 8017 §8.1, MGF1 with the same hash, salt as long as the hash.</summary>
    RsaPssSha256 = 6,
    RsaPssSha384 = 7,
    RsaPssSha512 = 8,
}

public static class SignatureSchemeExtensions
{
    /// <summary>Bytes of the digest that is signed.</summary>
    public static int DigestLength(this SignatureScheme scheme) => scheme switch
    {
        SignatureScheme.RsaPkcs1Sha384 or SignatureScheme.RsaPssSha384 => 48,
        SignatureScheme.RsaPkcs1Sha512 or SignatureScheme.RsaPssSha512 => 64,
        _ => 32,
    };

    /// <summary>Bytes of a signature by a key of that kind.</summary>
    public static int SignatureLength(this SignatureScheme scheme, HsmKeyKind kind) =>
        scheme is SignatureScheme.Sm2 or SignatureScheme.EcdsaSha256 ? 64 : kind.RsaBits() / 8;

    /// <summary>Whether a key of that kind signs so.</summary>
    public static bool Fits(this SignatureScheme scheme, HsmKeyKind kind) => scheme switch
    {
        SignatureScheme.Sm2 => kind == HsmKeyKind.Sm2,
        SignatureScheme.EcdsaSha256 => kind == HsmKeyKind.P256,
        _ => Enum.IsDefined(scheme) && kind.IsRsa(),
    };
}
