namespace ZwCa.Asn1;

public static partial class Oids
{
    // GM/T 0010-2012 §5 (GB/T 35275): content types, arc 1.2.156.10197.6.1.4.2
    public const string GmData = "1.2.156.10197.6.1.4.2.1";
    public const string GmSignedData = "1.2.156.10197.6.1.4.2.2";
    public const string GmEnvelopedData = "1.2.156.10197.6.1.4.2.3";
    public const string GmSignedAndEnvelopedData = "1.2.156.10197.6.1.4.2.4";
    public const string GmEncryptedData = "1.2.156.10197.6.1.4.2.5";
    public const string GmKeyAgreementInfo = "1.2.156.10197.6.1.4.2.6";

    // RFC 2315 §14: the PKCS #7 content types, met in SM2 messages of some producers
    public const string Pkcs7Data = "1.2.840.113549.1.7.1";
    public const string Pkcs7SignedData = "1.2.840.113549.1.7.2";
    public const string Pkcs7EnvelopedData = "1.2.840.113549.1.7.3";
    public const string Pkcs7SignedAndEnvelopedData = "1.2.840.113549.1.7.4";
    public const string Pkcs7EncryptedData = "1.2.840.113549.1.7.6";

    // RFC 2985 §5.3: attributes of SignerInfo
    public const string ContentTypeAttribute = "1.2.840.113549.1.9.3";
    public const string MessageDigestAttribute = "1.2.840.113549.1.9.4";
    public const string SigningTimeAttribute = "1.2.840.113549.1.9.5";

    // RFC 3161 §2.4.2
    public const string TstInfo = "1.2.840.113549.1.9.16.1.4";

    // GM/T 0015-2012 §5.2.4.2 (GB/T 20518): identities of the subject, arc 1.2.156.10260.4.1
    public const string IdentifyCode = "1.2.156.10260.4.1.1";
    public const string InsuranceNumber = "1.2.156.10260.4.1.2";
    public const string IcRegistrationNumber = "1.2.156.10260.4.1.3";
    public const string OrganizationCode = "1.2.156.10260.4.1.4";
    public const string TaxationNumber = "1.2.156.10260.4.1.5";

    // GM/T 0015-2023: the identity code is split by kind; .2 stays. The identifier that the 2023 edition gives the unified social credit
    // code is not settled by any public text (1.2.156.10260.4.4 and 1.2.156.10260.4.4.4 are both met), so it is a setting of the profile.
    public const string ResidentIdCardNumber2023 = "1.2.156.10260.4.1.1.1";
    public const string PassportNumber2023 = "1.2.156.10260.4.1.1.2";

    // RFC 6960 §4.4 and appendix B
    public const string OcspBasic = "1.3.6.1.5.5.7.48.1.1";
    public const string OcspNonce = "1.3.6.1.5.5.7.48.1.2";
    public const string OcspNoCheck = "1.3.6.1.5.5.7.48.1.5";
    public const string OcspArchiveCutoff = "1.3.6.1.5.5.7.48.1.6";
    public const string OcspExtendedRevoke = "1.3.6.1.5.5.7.48.1.9";
}
