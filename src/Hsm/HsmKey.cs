using ZwCa.Asn1.Pkix;

namespace ZwCa.Hsm;

/// <summary>A key that lies in a device; here are only its name and its public half.</summary>
/// <param name="PublicKey">Null for symmetric keys.</param>
public sealed record HsmKey(KeyLabel Label, HsmKeyKind Kind, SubjectPublicKeyInfo? PublicKey);
