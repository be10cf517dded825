using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// SEQUENCE { userCertificate CertificateSerialNumber, revocationDate Time, crlEntryExtensions Extensions OPTIONAL }
/// </code>
/// RFC 5280 §5.1.2.6, an element of revokedCertificates.
/// </summary>
public sealed record RevokedCertificate(SerialNumber UserCertificate, Time RevocationDate, Extensions? CrlEntryExtensions) : IDer<RevokedCertificate>
{
    public SerialNumber UserCertificate { get; } = Require.NotNull(UserCertificate);

    /// <summary>With the entry extensions that GM/T 0015-2012 §5.3 knows: reasonCode unless unspecified, then invalidityDate.</summary>
    public static RevokedCertificate Create(
        SerialNumber userCertificate,
        Time revocationDate,
        RevocationReason reason = RevocationReason.Unspecified,
        Time? invalidityDate = null)
    {
        var extensions = new List<Extension>(2);
        if (reason != RevocationReason.Unspecified)
        {
            extensions.Add(Extension.Create(new ReasonCode(reason), critical: false));
        }

        if (invalidityDate is { } date)
        {
            extensions.Add(Extension.Create(new InvalidityDate(date), critical: false));
        }

        return new RevokedCertificate(userCertificate, revocationDate, extensions.Count > 0 ? new Extensions(extensions) : null);
    }

    public static RevokedCertificate Read(AsnReader reader) => Read(reader, new SharedExtensions());

    /// <summary><c>SEQUENCE OF</c>, one element at least.</summary>
    internal static IReadOnlyList<RevokedCertificate> ReadList(AsnReader reader)
    {
        var shared = new SharedExtensions();
        return reader.ReadSequence().AtLeastOne().ReadAll(r => Read(r, shared));
    }

    internal int MaxEncodedLength =>
        DerHeader.MaxLength + 2 + SerialNumber.MaxOctets + CrlEntry.GeneralizedTimeLength + (CrlEntryExtensions?.MaxEncodedLength ?? 0);

    private static RevokedCertificate Read(AsnReader reader, SharedExtensions shared)
    {
        AsnReader sequence = reader.ReadSequence();
        SerialNumber userCertificate = SerialNumber.Read(sequence);
        Time revocationDate = Time.Read(sequence);
        Extensions? extensions = sequence.HasData ? shared.Read(sequence) : null;
        sequence.ThrowIfNotEmpty();
        return new RevokedCertificate(userCertificate, revocationDate, extensions);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            UserCertificate.Write(writer);
            RevocationDate.Write(writer);
            CrlEntryExtensions?.Write(writer);
        }
    }

    /// <summary>
    /// A million entries have a dozen different extensions between them, most of them a reasonCode alone, which ends in the reason. Equal bytes
    /// share one object: a third of the memory.
    /// </summary>
    private sealed class SharedExtensions
    {
        private const int Slots = 16;

        private (ReadOnlyMemory<byte> Encoded, Extensions? Value)[]? _slots;

        public Extensions Read(AsnReader reader)
        {
            ReadOnlyMemory<byte> encoded = reader.PeekEncodedValue();
            _slots ??= new (ReadOnlyMemory<byte>, Extensions?)[Slots];
            ref (ReadOnlyMemory<byte> Encoded, Extensions? Value) slot = ref _slots[encoded.Span[^1] % Slots];
            if (slot.Value is not null && slot.Encoded.Span.SequenceEqual(encoded.Span))
            {
                reader.ReadEncodedValue();
                return slot.Value;
            }

            Extensions value = Extensions.Read(reader);
            slot = (encoded, value);
            return value;
        }
    }
}
