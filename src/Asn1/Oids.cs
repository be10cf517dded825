namespace ZwCa.Asn1;

/// <summary>Object identifiers in dotted form, each with the document that assigns it.</summary>
public static partial class Oids
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
    public const string Mgf1 = "1.2.840.113549.1.1.8";
    public const string RsaPss = "1.2.840.113549.1.1.10";
    public const string Sha256WithRsa = "1.2.840.113549.1.1.11";
    public const string Sha384WithRsa = "1.2.840.113549.1.1.12";
    public const string Sha512WithRsa = "1.2.840.113549.1.1.13";

    // FIPS 180-4
    public const string Sha1 = "1.3.14.3.2.26";
    public const string Sha256 = "2.16.840.1.101.3.4.2.1";
    public const string Sha384 = "2.16.840.1.101.3.4.2.2";
    public const string Sha512 = "2.16.840.1.101.3.4.2.3";

    // RFC 8018 (PKCS #5)
    public const string Pbkdf2 = "1.2.840.113549.1.5.12";
    public const string Pbes2 = "1.2.840.113549.1.5.13";
    public const string HmacWithSha256 = "1.2.840.113549.2.9";
    public const string Aes256Cbc = "2.16.840.1.101.3.4.1.42";

    // RFC 5280 §4.1.2.4 and appendix A.1 (X.520 attribute types)
    public const string CommonName = "2.5.4.3";
    public const string Surname = "2.5.4.4";
    public const string SerialNumber = "2.5.4.5";
    public const string CountryName = "2.5.4.6";
    public const string LocalityName = "2.5.4.7";
    public const string StateOrProvinceName = "2.5.4.8";
    public const string StreetAddress = "2.5.4.9";
    public const string OrganizationName = "2.5.4.10";
    public const string OrganizationalUnitName = "2.5.4.11";
    public const string Title = "2.5.4.12";
    public const string GivenName = "2.5.4.42";
    public const string Initials = "2.5.4.43";
    public const string GenerationQualifier = "2.5.4.44";
    public const string DnQualifier = "2.5.4.46";
    public const string Pseudonym = "2.5.4.65";

    // RFC 4519
    public const string UserId = "0.9.2342.19200300.100.1.1";
    public const string DomainComponent = "0.9.2342.19200300.100.1.25";

    // RFC 2985 (PKCS #9)
    public const string EmailAddress = "1.2.840.113549.1.9.1";
    public const string ChallengePassword = "1.2.840.113549.1.9.7";
    public const string ExtensionRequest = "1.2.840.113549.1.9.14";

    // RFC 5280 §4.2: certificate extensions
    public const string SubjectDirectoryAttributes = "2.5.29.9";
    public const string SubjectKeyIdentifier = "2.5.29.14";
    public const string KeyUsage = "2.5.29.15";
    public const string PrivateKeyUsagePeriod = "2.5.29.16";
    public const string SubjectAltName = "2.5.29.17";
    public const string IssuerAltName = "2.5.29.18";
    public const string BasicConstraints = "2.5.29.19";
    public const string NameConstraints = "2.5.29.30";
    public const string CrlDistributionPoints = "2.5.29.31";
    public const string CertificatePolicies = "2.5.29.32";
    public const string AnyPolicy = "2.5.29.32.0";
    public const string PolicyMappings = "2.5.29.33";
    public const string AuthorityKeyIdentifier = "2.5.29.35";
    public const string PolicyConstraints = "2.5.29.36";
    public const string ExtendedKeyUsage = "2.5.29.37";
    public const string FreshestCrl = "2.5.29.46";
    public const string InhibitAnyPolicy = "2.5.29.54";
    public const string AuthorityInfoAccess = "1.3.6.1.5.5.7.1.1";
    public const string SubjectInfoAccess = "1.3.6.1.5.5.7.1.11";

    // RFC 5280 §5.2, §5.3: CRL and CRL entry extensions
    public const string CrlNumber = "2.5.29.20";
    public const string ReasonCode = "2.5.29.21";
    public const string InvalidityDate = "2.5.29.24";
    public const string DeltaCrlIndicator = "2.5.29.27";
    public const string IssuingDistributionPoint = "2.5.29.28";
    public const string CertificateIssuer = "2.5.29.29";

    // RFC 5280 §4.2.1.4: a policy qualifier
    public const string CpsQualifier = "1.3.6.1.5.5.7.2.1";

    // RFC 5280 §4.2.1.12: key purposes
    public const string ServerAuth = "1.3.6.1.5.5.7.3.1";
    public const string ClientAuth = "1.3.6.1.5.5.7.3.2";
    public const string EmailProtection = "1.3.6.1.5.5.7.3.4";
    public const string TimeStamping = "1.3.6.1.5.5.7.3.8";
    public const string OcspSigning = "1.3.6.1.5.5.7.3.9";

    // RFC 5280 §4.2.2: access methods
    public const string OcspAccess = "1.3.6.1.5.5.7.48.1";
    public const string CaIssuersAccess = "1.3.6.1.5.5.7.48.2";
    public const string CaRepositoryAccess = "1.3.6.1.5.5.7.48.5";
}
