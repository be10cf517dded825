namespace ZwCa.Asn1;

public static partial class Oids
{
    // GM/T 0010-2012 §5 (GB/T 35275): content types, arc 1.2.156.10197.6.1.4.2
    public const string GmData = "1.2.156.10197.6.1.4.2.1";
    public const string GmSignedData = "1.2.156.10197.6.1.4.2.2";
    public const string GmEnvelopedData = "1.2.156.10197.6.1.4.2.3";
    public const string GmSignedAndEnvelopedData = "1.2.156.10197.6.1.4.2.4";

    // GM/T 0015-2012 §5.2.4.2 (GB/T 20518): identities of the subject, arc 1.2.156.10260.4.1
    public const string IdentifyCode = "1.2.156.10260.4.1.1";
    public const string InsuranceNumber = "1.2.156.10260.4.1.2";
    public const string IcRegistrationNumber = "1.2.156.10260.4.1.3";
    public const string OrganizationCode = "1.2.156.10260.4.1.4";
    public const string TaxationNumber = "1.2.156.10260.4.1.5";
}
