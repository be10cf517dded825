namespace ZwCa.Asn1;

/// <summary>Object identifiers in dotted form, each with the document that assigns it.</summary>
public static class Oids
{
    // GM/T 0006: algorithms, arc 1.2.156.10197.1
    public const string Sm4 = "1.2.156.10197.1.104";
    public const string Sm4Ecb = "1.2.156.10197.1.104.1";
    public const string Sm4Cbc = "1.2.156.10197.1.104.2";
    public const string Sm2 = "1.2.156.10197.1.301";
    public const string Sm2Sign = "1.2.156.10197.1.301.1";
    public const string Sm2Encrypt = "1.2.156.10197.1.301.3";
    public const string Sm3 = "1.2.156.10197.1.401";
    public const string Sm3WithSm2 = "1.2.156.10197.1.501";

    // RFC 5480, RFC 5758
    public const string EcPublicKey = "1.2.840.10045.2.1";
    public const string P256 = "1.2.840.10045.3.1.7";
    public const string EcdsaWithSha256 = "1.2.840.10045.4.3.2";

    // RFC 8017
    public const string RsaEncryption = "1.2.840.113549.1.1.1";
    public const string Sha256WithRsa = "1.2.840.113549.1.1.11";

    // FIPS 180-4
    public const string Sha1 = "1.3.14.3.2.26";
    public const string Sha256 = "2.16.840.1.101.3.4.2.1";
}
