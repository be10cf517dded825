using System.Formats.Asn1;

namespace ZwCa.Asn1;

/// <summary>Context-specific tags by number; AsnReader and AsnWriter set the constructed bit themselves where the type asks for it.</summary>
internal static class Tags
{
    public static readonly Asn1Tag Context0 = new(TagClass.ContextSpecific, 0);
    public static readonly Asn1Tag Context1 = new(TagClass.ContextSpecific, 1);
    public static readonly Asn1Tag Context2 = new(TagClass.ContextSpecific, 2);
    public static readonly Asn1Tag Context3 = new(TagClass.ContextSpecific, 3);
    public static readonly Asn1Tag Context4 = new(TagClass.ContextSpecific, 4);
    public static readonly Asn1Tag Context5 = new(TagClass.ContextSpecific, 5);
    public static readonly Asn1Tag Context6 = new(TagClass.ContextSpecific, 6);
    public static readonly Asn1Tag Context7 = new(TagClass.ContextSpecific, 7);
    public static readonly Asn1Tag Context8 = new(TagClass.ContextSpecific, 8);
}
