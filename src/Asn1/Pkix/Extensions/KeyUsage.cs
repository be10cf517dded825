using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>Bit n of the BIT STRING is the value 2^n here.</summary>
[Flags]
public enum KeyUsages
{
    None = 0,
    DigitalSignature = 1 << 0,
    NonRepudiation = 1 << 1,
    KeyEncipherment = 1 << 2,
    DataEncipherment = 1 << 3,
    KeyAgreement = 1 << 4,
    KeyCertSign = 1 << 5,
    CrlSign = 1 << 6,
    EncipherOnly = 1 << 7,
    DecipherOnly = 1 << 8,
}

/// <summary>
/// <code>
/// KeyUsage ::= BIT STRING {
///     digitalSignature (0), nonRepudiation (1), keyEncipherment (2), dataEncipherment (3), keyAgreement (4),
///     keyCertSign (5), cRLSign (6), encipherOnly (7), decipherOnly (8) }
/// </code>
/// RFC 5280 §4.2.1.3: at least one bit is set, and no other bits exist.
/// </summary>
public sealed record KeyUsage : IExtensionValue<KeyUsage>
{
    private const KeyUsages All = (KeyUsages)0x1ff;

    /// <exception cref="ArgumentOutOfRangeException">No bit, or one beyond the nine.</exception>
    public KeyUsage(KeyUsages usages)
    {
        if (usages == KeyUsages.None || (usages & ~All) != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(usages), usages, "KeyUsage has at least one bit and only the nine of RFC 5280.");
        }

        Usages = usages;
    }

    /// <summary>GM/T 0015-2012 C.3, the signing certificate of a pair: <c>03 02 06 C0</c>.</summary>
    public static KeyUsage Signing { get; } = new(KeyUsages.DigitalSignature | KeyUsages.NonRepudiation);

    /// <summary>GM/T 0015-2012 C.4, the encryption certificate of a pair: <c>03 02 03 38</c>.</summary>
    public static KeyUsage Encryption { get; } = new(KeyUsages.KeyEncipherment | KeyUsages.DataEncipherment | KeyUsages.KeyAgreement);

    public static string Id => Oids.KeyUsage;

    public KeyUsages Usages { get; }

    public static KeyUsage Read(AsnReader reader)
    {
        var usages = reader.ReadNamedBitListValue<KeyUsages>();
        return usages == KeyUsages.None || (usages & ~All) != 0
            ? throw new AsnContentException("KeyUsage has at least one bit and only the nine of RFC 5280.")
            : new KeyUsage(usages);
    }

    public void Write(AsnWriter writer) => writer.WriteNamedBitList(Usages);
}
