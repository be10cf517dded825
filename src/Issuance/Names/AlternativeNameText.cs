using ZwCa.Asn1.Pkix;

namespace ZwCa.Issuance;

public static class AlternativeNameText
{
    public static void Require(GeneralName name) => ArgumentNullException.ThrowIfNull(name);
}
