using System.Formats.Asn1;
using System.Runtime.CompilerServices;

namespace ZwCa.Asn1.Cms;

/// <summary>Fields that occur in several of the messages.</summary>
internal static class CmsFields
{
    /// <summary>Versions differ between GM/T 0010, PKCS #7 and RFC 5652, so they are kept as read.</summary>
    public static int ReadVersion(AsnReader sequence, int lowest, int highest) =>
        sequence.TryReadInt32(out int version) && version >= lowest && version <= highest
            ? version
            : throw new AsnContentException($"The version must be {lowest} to {highest}.");

    /// <summary>
    /// <c>[tag] IMPLICIT SET OF Certificate</c> or <c>CertificateList</c>, OPTIONAL, each element as its bytes.
    /// Tolerance: producers write certificates in the order of the chain, so the order is kept and not that of DER (X.690 §11.6).
    /// </summary>
    public static IReadOnlyList<ReadOnlyMemory<byte>>? ReadEncodedSet(AsnReader sequence, Asn1Tag tag) =>
        sequence.NextIs(tag) ? sequence.ReadSetOf(skipSortOrderValidation: true, tag).ReadAll(ReadEncoded) : null;

    /// <returns>The elements, which are certificates or CRLs; copied as a list, not byte by byte.</returns>
    /// <exception cref="ArgumentException">One of them is not a SEQUENCE.</exception>
    public static IReadOnlyList<ReadOnlyMemory<byte>>? RequireEncoded(
        IReadOnlyList<ReadOnlyMemory<byte>>? elements, [CallerArgumentExpression(nameof(elements))] string? name = null)
    {
        if (elements is null)
        {
            return null;
        }

        IReadOnlyList<ReadOnlyMemory<byte>> copy = [.. elements];
        return copy.All(e => e.Span is [DerHeader.Sequence, ..]) ? copy : throw new ArgumentException("Only certificates and CRLs belong here.", name);
    }

    public static void WriteEncodedSet(AsnWriter writer, IReadOnlyList<ReadOnlyMemory<byte>>? elements, Asn1Tag tag)
    {
        if (elements is null)
        {
            return;
        }

        // A SEQUENCE under the implicit tag, because a SET OF would be sorted.
        using (writer.PushSequence(tag))
        {
            foreach (ReadOnlyMemory<byte> element in elements)
            {
                writer.WriteEncodedValue(element.Span);
            }
        }
    }

    private static ReadOnlyMemory<byte> ReadEncoded(AsnReader set) =>
        set.PeekTag() == Asn1Tag.Sequence ? set.ReadEncodedValue() : throw new AsnContentException("Only certificates and CRLs belong here.");
}
