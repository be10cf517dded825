using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Issuance;

/// <summary>One extension of what is judged.</summary>
/// <param name="Id">Dotted OID.</param>
/// <param name="Critical">As a reader takes it: any octet but 00.</param>
/// <param name="CriticalField">The BOOLEAN; missing when the default applies.</param>
/// <param name="Value">The element inside extnValue; missing when there is not exactly one.</param>
public readonly record struct ExtensionView(string Id, bool Critical, DerNode CriticalField, DerNode Value)
{
    /// <summary>RFC 5280 §4.1, §5.1: of a certificate or a CRL.</summary>
    /// <returns>False: one of them is not a SEQUENCE of OBJECT IDENTIFIER, BOOLEAN and OCTET STRING.</returns>
    internal static bool TryReadAll(DerNode field, List<ExtensionView> extensions)
    {
        foreach (DerNode extension in field)
        {
            DerNode id = extension.First;
            DerNode critical = id.Next.Is(DerTag.Boolean) ? id.Next : default;
            DerNode value = critical.Exists ? critical.Next : id.Next;
            if (!extension.Is(DerTag.Sequence) || KnownOid.Name(id) is not { } name || !value.Is(DerTag.OctetString) || value.Next.Exists)
            {
                return false;
            }

            extensions.Add(new ExtensionView(name, critical.Exists && !critical.Content.SequenceEqual<byte>([0]), critical, value.Inside));
        }

        return true;
    }
}

/// <summary>
/// A certificate taken apart for <see cref="CertificateRule"/>s, however badly it is made: fields that are missing are nodes that do not exist. Only where
/// <see cref="Fault"/> is null do the fields stand where X.509 puts them.
/// </summary>
public sealed class CertificateView
{
    private readonly List<ExtensionView> _extensions = [];

    private CertificateView(ReadOnlyMemory<byte> bytes)
    {
        Bytes = bytes;
        Tree = DerTree.Parse(bytes);
        Fault = Tree.Broken ?? ReadFields() ?? ReadExtensions();
    }

    public ReadOnlyMemory<byte> Bytes { get; }

    public DerTree Tree { get; }

    /// <summary>Why it is no certificate, in English; null: it is one.</summary>
    public string? Fault { get; }

    public DerNode Tbs { get; private set; }

    /// <summary>The INTEGER inside [0]; missing: version 1.</summary>
    public DerNode Version { get; private set; }

    public DerNode SerialNumber { get; private set; }

    public DerNode InnerAlgorithm { get; private set; }

    public DerNode Issuer { get; private set; }

    public DerNode NotBefore { get; private set; }

    public DerNode NotAfter { get; private set; }

    public DerNode Subject { get; private set; }

    public DerNode SubjectPublicKeyInfo { get; private set; }

    /// <summary>The BIT STRING; missing when the form is another.</summary>
    public DerNode PublicKey { get; private set; }

    /// <summary>The element inside the bits of an rsaEncryption key; missing when there is not exactly one.</summary>
    public DerNode RsaPublicKey { get; private set; }

    public DerNode IssuerUniqueId { get; private set; }

    public DerNode SubjectUniqueId { get; private set; }

    /// <summary>The SEQUENCE OF Extension; missing: none.</summary>
    public DerNode ExtensionsField { get; private set; }

    public DerNode OuterAlgorithm { get; private set; }

    public DerNode Signature { get; private set; }

    /// <summary>The element inside the bits of an SM2 or ECDSA signature; missing when there is not exactly one.</summary>
    public DerNode SignaturePair { get; private set; }

    /// <summary>In wire order, one that occurs twice twice.</summary>
    public IReadOnlyList<ExtensionView> Extensions => _extensions;

    /// <summary>The same, for <c>foreach</c> without an enumerator on the heap.</summary>
    internal List<ExtensionView> ExtensionList => _extensions;

    /// <summary>Dotted; null when it cannot be read.</summary>
    public string? SignatureAlgorithm { get; private set; }

    /// <summary>Dotted: id-ecPublicKey, rsaEncryption …; null when it cannot be read.</summary>
    public string? KeyAlgorithm { get; private set; }

    /// <summary>Dotted: the curve of an id-ecPublicKey with a named curve.</summary>
    public string? NamedCurve { get; private set; }

    public bool IsSm2Key => NamedCurve == Oids.Sm2;

    public bool IsSm2Signed => SignatureAlgorithm == Oids.Sm3WithSm2;

    /// <summary>RFC 5758 §3.2.</summary>
    public bool IsEcdsaSigned => SignatureAlgorithm?.StartsWith("1.2.840.10045.4.3.", StringComparison.Ordinal) == true;

    public bool IsRsaKey => KeyAlgorithm == Oids.RsaEncryption;

    /// <summary>cA of BasicConstraints is TRUE.</summary>
    public bool IsCa { get; private set; }

    /// <summary>Null: the extension is missing or cannot be read.</summary>
    public KeyUsages? KeyUsage { get; private set; }

    /// <summary>Dotted OIDs of ExtendedKeyUsage; empty when it is missing.</summary>
    public IReadOnlyList<string> Purposes { get; private set; } = [];

    /// <summary>Issuer and subject are the same bytes.</summary>
    public bool IsSelfIssued { get; private set; }

    /// <param name="bytes">Kept, not copied.</param>
    public static CertificateView Read(ReadOnlyMemory<byte> bytes) => new(bytes);

    /// <param name="id">Dotted.</param>
    /// <returns>The first with the id; null: there is none.</returns>
    public ExtensionView? Find(string id)
    {
        foreach (ExtensionView extension in _extensions)
        {
            if (extension.Id == id)
            {
                return extension;
            }
        }

        return null;
    }

    /// <returns>The element inside extnValue; missing when the extension is, or holds no element.</returns>
    public DerNode Value(string id) => Find(id)?.Value ?? default;

    /// <summary>RFC 5280 §4.1.</summary>
    private string? ReadFields()
    {
        DerNode root = Tree.Root;
        Tbs = root.First;
        OuterAlgorithm = Tbs.Next;
        Signature = OuterAlgorithm.Next;
        if (!root.Is(DerTag.Sequence) || !Tbs.Is(DerTag.Sequence) || !OuterAlgorithm.Is(DerTag.Sequence) || !Signature.Is(DerTag.BitString) || Signature.Next.Exists)
        {
            return "not a SEQUENCE of TBSCertificate, AlgorithmIdentifier and BIT STRING";
        }

        DerNode field = Tbs.First;
        if (field.Is(DerTag.ContextConstructed(0)))
        {
            Version = field.Only;
            field = field.Next;
        }

        SerialNumber = field;
        InnerAlgorithm = SerialNumber.Next;
        Issuer = InnerAlgorithm.Next;
        DerNode validity = Issuer.Next;
        NotBefore = validity.First;
        NotAfter = NotBefore.Next;
        Subject = validity.Next;
        SubjectPublicKeyInfo = Subject.Next;
        if (!SerialNumber.Is(DerTag.Integer) || !InnerAlgorithm.Is(DerTag.Sequence) || !Issuer.Is(DerTag.Sequence) || !validity.Is(DerTag.Sequence)
            || !NotAfter.Exists || NotAfter.Next.Exists || !Subject.Is(DerTag.Sequence) || !SubjectPublicKeyInfo.Is(DerTag.Sequence))
        {
            return "the fields of TBSCertificate are not those of RFC 5280 §4.1";
        }

        field = SubjectPublicKeyInfo.Next;
        if (field.Tag is 0x81 or 0xa1)
        {
            IssuerUniqueId = field;
            field = field.Next;
        }

        if (field.Tag is 0x82 or 0xa2)
        {
            SubjectUniqueId = field;
            field = field.Next;
        }

        if (field.Is(DerTag.ContextConstructed(3)))
        {
            ExtensionsField = field.Only;
            field = field.Next;
            if (!ExtensionsField.Is(DerTag.Sequence))
            {
                return "[3] does not hold a SEQUENCE OF Extension";
            }
        }

        IsSelfIssued = Issuer.Encoded.SequenceEqual(Subject.Encoded);
        SignatureAlgorithm = KnownOid.Name(InnerAlgorithm.First);
        DerNode keyAlgorithm = SubjectPublicKeyInfo.First;
        KeyAlgorithm = KnownOid.Name(keyAlgorithm.First);
        NamedCurve = KeyAlgorithm == Oids.EcPublicKey ? KnownOid.Name(keyAlgorithm.First.Next) : null;
        PublicKey = keyAlgorithm.Next is { Tag: DerTag.BitString } bits ? bits : default;
        RsaPublicKey = IsRsaKey ? PublicKey.InsideBits : default;
        SignaturePair = IsSm2Signed || IsEcdsaSigned ? Signature.InsideBits : default;
        return field.Exists ? "something stands behind the extensions" : null;
    }

    private string? ReadExtensions()
    {
        if (!ExtensionView.TryReadAll(ExtensionsField, _extensions))
        {
            return "an extension is not a SEQUENCE of OBJECT IDENTIFIER, BOOLEAN and OCTET STRING";
        }

        IsCa = Value(Oids.BasicConstraints).First is { } cA && cA.Is(DerTag.Boolean) && !cA.Content.SequenceEqual<byte>([0]);
        KeyUsage = ReadBits(Value(Oids.KeyUsage));
        DerNode purposes = Value(Oids.ExtendedKeyUsage);
        if (purposes.Is(DerTag.Sequence))
        {
            var list = new List<string>();
            foreach (DerNode purpose in purposes)
            {
                list.Add(KnownOid.Name(purpose) ?? "");
            }

            Purposes = list;
        }

        return null;
    }

    /// <summary>Bit 0 is the highest of the first octet (X.680 §22.2).</summary>
    private static KeyUsages? ReadBits(DerNode bits)
    {
        if (!bits.Is(DerTag.BitString) || bits.Content.Length is < 1 or > 3)
        {
            return null;
        }

        int usages = 0;
        for (int bit = 0; bit < 8 * (bits.Content.Length - 1); bit++)
        {
            if ((bits.Content[1 + (bit / 8)] & (0x80 >> (bit % 8))) != 0)
            {
                usages |= 1 << bit;
            }
        }

        return (KeyUsages)usages;
    }
}
