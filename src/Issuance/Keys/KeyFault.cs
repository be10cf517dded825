using System.Diagnostics;

namespace ZwCa.Issuance;

/// <summary>Why no certificate may carry a public key. In the order in which <see cref="KeyQuality"/> looks: the first that is found is the one told.</summary>
public enum KeyFault
{
    /// <summary>Neither SM2 nor P-256 nor RSA by its algorithm identifier, or one written in another way: curve by parameters, RSA without NULL.</summary>
    Algorithm,

    /// <summary>Not an uncompressed point of 65 bytes.</summary>
    PointForm,

    /// <summary>A point off the curve, or a coordinate not below p.</summary>
    OffCurve,

    /// <summary>Its private key is known to everybody: printed in a standard, or one of the first that anybody would try.</summary>
    KnownKey,

    /// <summary>Not a DER RSAPublicKey.</summary>
    RsaForm,

    /// <summary>A modulus of another size than <see cref="KeyQuality.MinRsaBits"/> to <see cref="KeyQuality.MaxRsaBits"/> in steps of 8.</summary>
    RsaSize,

    /// <summary>A public exponent that is even, below 65537 or of more than 256 bits.</summary>
    RsaExponent,

    /// <summary>The modulus has a prime factor below 2^16.</summary>
    SmallFactor,

    /// <summary>The two primes are so close that Fermat's method finds them.</summary>
    CloseFactors,

    /// <summary>CVE-2017-15361 (ROCA): primes of the form k·M + (65537^a mod M), as Infineon's library made them.</summary>
    Roca,

    /// <summary>CVE-2008-0166: made by the OpenSSL of Debian whose random numbers depended on the process number only.</summary>
    DebianRandom,

    /// <summary>The modulus is itself prime, or a power of one prime.</summary>
    OnePrime,
}

public static class KeyFaults
{
    /// <summary>For lint: one sentence in English.</summary>
    public static string Describe(this KeyFault fault) => fault switch
    {
        KeyFault.Algorithm => "The key is neither SM2, P-256 nor RSA as their algorithm identifiers are written.",
        KeyFault.PointForm => "The point is not 65 bytes, 04, X and Y.",
        KeyFault.OffCurve => "The point is not on the curve.",
        KeyFault.KnownKey => "The private key is known to everybody.",
        KeyFault.RsaForm => "The key is not a DER RSAPublicKey.",
        KeyFault.RsaSize => $"The modulus has not {KeyQuality.MinRsaBits} to {KeyQuality.MaxRsaBits} bits in steps of 8.",
        KeyFault.RsaExponent => "The public exponent is even, below 65537 or longer than 256 bits.",
        KeyFault.SmallFactor => "The modulus has a small factor.",
        KeyFault.OnePrime => "The modulus is a prime or a power of one.",
        KeyFault.CloseFactors => "The primes are so close that Fermat's method finds them.",
        KeyFault.Roca => "The primes are of the form of CVE-2017-15361 (ROCA).",
        KeyFault.DebianRandom => "The key was made with Debian's predictable random numbers (CVE-2008-0166).",
        _ => throw new UnreachableException(),
    };

    /// <summary>For who brought the key: what is wrong and what to do, in Chinese.</summary>
    public static string Explain(this KeyFault fault) => fault switch
    {
        KeyFault.Algorithm => "公钥算法不受支持：只接受SM2、RSA和P-256公钥，且算法标识须按标准编码。请改用受支持的算法重新生成密钥对。",
        KeyFault.PointForm => "公钥不是未压缩形式的椭圆曲线点（04‖X‖Y，65字节）。请以未压缩形式重新导出公钥或重新生成密钥对。",
        KeyFault.OffCurve => "公钥不是该曲线上的点。请检查密码设备，并重新生成密钥对。",
        KeyFault.KnownKey => "该公钥对应的私钥是公开的（标准文本中的示例或极易猜中的数值）。请用密码设备重新生成密钥对。",
        KeyFault.RsaForm => "RSA公钥的编码不正确。请重新生成密钥对和证书申请。",
        KeyFault.RsaSize => $"RSA密钥长度应为{KeyQuality.MinRsaBits}至{KeyQuality.MaxRsaBits}位，且为8的整数倍。请按规定长度重新生成密钥对。",
        KeyFault.RsaExponent => "RSA公钥指数应为奇数，不小于65537且不超过256位。请以指数65537重新生成密钥对。",
        KeyFault.SmallFactor => "RSA模数含有小素因子，密钥可被分解。请更换密钥生成工具，重新生成密钥对。",
        KeyFault.OnePrime => "RSA模数为素数或素数的幂，密钥可被破解。请更换密钥生成工具，重新生成密钥对。",
        KeyFault.CloseFactors => "RSA模数的两个素因子过于接近，密钥可被分解。请更换密钥生成工具，重新生成密钥对。",
        KeyFault.Roca => "RSA密钥存在ROCA缺陷（CVE-2017-15361），可被分解。请停用生成该密钥的芯片或介质，换用其他设备重新生成密钥对。",
        KeyFault.DebianRandom => "RSA密钥由Debian的缺陷随机数生成（CVE-2008-0166），私钥可被枚举。请在已修复的系统上重新生成密钥对，并停用旧密钥。",
        _ => throw new UnreachableException(),
    };
}
