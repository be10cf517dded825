using ZwCa.Asn1.Pkix;

namespace ZwCa.Issuance;

public static class NameText
{
    public static void Require(string type, string text) => _ = AttributeTypeAndValue.Create(type, text);
}
