using ZwCa.Asn1.Pkix;

namespace ZwCa.Interop;

/// <summary>The key algorithms of the product, each with its one signature algorithm: SM2 with SM3, ECDSA and RSA with SHA-256.</summary>
public enum KeyKind
{
    Sm2,
    P256,
    Rsa,
}

internal static class KeyKinds
{
    /// <summary>What openssl 3.0 does not assume by itself: the default identity of GM/T 0009-2012 §10.</summary>
    public const string DefaultId = "distid:1234567812345678";

    public static TheoryData<KeyKind> All => [.. Enum.GetValues<KeyKind>()];

    public static AlgorithmIdentifier SignatureAlgorithm(this KeyKind kind) => kind switch
    {
        KeyKind.Sm2 => AlgorithmIdentifier.Sm3WithSm2,
        KeyKind.P256 => AlgorithmIdentifier.EcdsaWithSha256,
        _ => AlgorithmIdentifier.Sha256WithRsa,
    };

    /// <summary>The digest, as <c>-md</c> wants it; with a dash as other commands want it.</summary>
    public static string Digest(this KeyKind kind) => kind == KeyKind.Sm2 ? "sm3" : "sha256";

    /// <summary>How openssl prints <see cref="SignatureAlgorithm"/>.</summary>
    public static string SignatureAlgorithmName(this KeyKind kind) => kind switch
    {
        KeyKind.Sm2 => "SM2-with-SM3",
        KeyKind.P256 => "ecdsa-with-SHA256",
        _ => "sha256WithRSAEncryption",
    };

    /// <summary>For <c>verify</c> and <c>req -verify</c> of something that a key of this kind has signed.</summary>
    public static string[] VerifyOptions(this KeyKind kind) => kind == KeyKind.Sm2 ? ["-vfyopt", DefaultId] : [];

    /// <summary>For every command that signs, and for <c>dgst -verify</c>.</summary>
    public static string[] SignOptions(this KeyKind kind) => kind == KeyKind.Sm2 ? ["-sigopt", DefaultId] : [];

    public static string[] GenerateOptions(this KeyKind kind) => kind switch
    {
        KeyKind.Sm2 => ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2"],
        KeyKind.P256 => ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        _ => ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    };
}
