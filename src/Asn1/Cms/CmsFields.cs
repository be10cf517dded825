using System.Formats.Asn1;

namespace ZwCa.Asn1.Cms;

/// <summary>Fields that occur in several of the messages.</summary>
internal static class CmsFields
{
    /// <summary>Versions differ between GM/T 0010, PKCS #7 and RFC 5652, so they are kept as read.</summary>
    public static int ReadVersion(AsnReader sequence, int lowest, int highest) =>
        sequence.TryReadInt32(out int version) && version >= lowest && version <= highest
            ? version
            : throw new AsnContentException($"The version must be {lowest} to {highest}.");

    /// <summary><c>SET OF T</c>, which unlike SET SIZE (1..MAX) may be empty.</summary>
    public static IReadOnlyList<T> ReadSet<T>(AsnReader sequence)
        where T : IDer<T>
    {
        AsnReader set = sequence.ReadSetOf();
        var values = new List<T>(1);
        while (set.HasData)
        {
            values.Add(T.Read(set));
        }

        return values;
    }

    /// <summary>
    /// <c>[tag] IMPLICIT SET OF Certificate</c> or <c>CertificateList</c>, OPTIONAL, each element as its bytes.
    /// Tolerance: producers write certificates in the order of the chain, so the order is kept and not that of DER (X.690 §11.6).
    /// </summary>
    public static IReadOnlyList<ReadOnlyMemory<byte>>? ReadEncodedSet(AsnReader sequence, Asn1Tag tag)
    {
        if (!sequence.NextIs(tag))
        {
            return null;
        }

        AsnReader set = sequence.ReadSetOf(skipSortOrderValidation: true, tag);
        var elements = new List<ReadOnlyMemory<byte>>(2);
        while (set.HasData)
        {
            if (set.PeekTag() != Asn1Tag.Sequence)
            {
                throw new AsnContentException("Only certificates and CRLs belong here.");
            }

            elements.Add(set.ReadEncodedValue());
        }

        return elements;
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
}
