namespace ZwCa.Asn1;

public static partial class Oids
{
    // RFC 2315 §14: the PKCS #7 content types, met in SM2 messages of some producers
    public const string Pkcs7Data = "1.2.840.113549.1.7.1";
    public const string Pkcs7SignedData = "1.2.840.113549.1.7.2";
    public const string Pkcs7EnvelopedData = "1.2.840.113549.1.7.3";
    public const string Pkcs7SignedAndEnvelopedData = "1.2.840.113549.1.7.4";

    // RFC 2985 §5.3: attributes of SignerInfo
    public const string ContentTypeAttribute = "1.2.840.113549.1.9.3";
    public const string MessageDigestAttribute = "1.2.840.113549.1.9.4";
}
