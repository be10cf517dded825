namespace ZwCa.Asn1;

public static partial class Oids
{
    // RFC 6960 §4.4 and appendix B
    public const string OcspBasic = "1.3.6.1.5.5.7.48.1.1";
    public const string OcspNonce = "1.3.6.1.5.5.7.48.1.2";
    public const string OcspNoCheck = "1.3.6.1.5.5.7.48.1.5";
    public const string OcspArchiveCutoff = "1.3.6.1.5.5.7.48.1.6";
    public const string OcspExtendedRevoke = "1.3.6.1.5.5.7.48.1.9";
}
