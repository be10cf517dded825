using System.Formats.Asn1;

namespace ZwCa.Asn1;

/// <summary>What X.509 needs of <see cref="AsnReader"/> and it does not say by itself. Every failure is an <see cref="AsnContentException"/>.</summary>
internal static class AsnReaderExtensions
{
    /// <summary><c>SEQUENCE SIZE (1..MAX) OF T</c>.</summary>
    public static IReadOnlyList<T> ReadSequenceOf<T>(this AsnReader reader, Asn1Tag? tag = null)
        where T : IDer<T> =>
        reader.ReadSequence(tag).AtLeastOne().ReadAll<T>();

    /// <summary><c>SET SIZE (1..MAX) OF T</c>, in DER order (X.690 §11.6).</summary>
    public static IReadOnlyList<T> ReadSetOf<T>(this AsnReader reader, Asn1Tag? tag = null)
        where T : IDer<T> =>
        reader.ReadSetOf(tag).AtLeastOne().ReadAll<T>();

    /// <summary>All elements that are left, perhaps none.</summary>
    public static IReadOnlyList<T> ReadAll<T>(this AsnReader elements)
        where T : IDer<T> =>
        elements.ReadAll(T.Read);

    /// <summary>All elements that are left, perhaps none.</summary>
    public static IReadOnlyList<T> ReadAll<T>(this AsnReader elements, Func<AsnReader, T> read)
    {
        var values = new List<T>(1);
        while (elements.HasData)
        {
            values.Add(read(elements));
        }

        return values;
    }

    /// <summary><c>SIZE (1..MAX)</c> of the elements that are left.</summary>
    public static AsnReader AtLeastOne(this AsnReader elements) =>
        elements.HasData ? elements : throw new AsnContentException("At least one element is required.");

    /// <summary><c>[tag] EXPLICIT T</c>.</summary>
    public static T ReadExplicit<T>(this AsnReader reader, Asn1Tag tag)
        where T : IDer<T> =>
        reader.ReadExplicit(tag, T.Read);

    /// <summary><c>[tag] EXPLICIT T</c>.</summary>
    /// <param name="read">Reads one element.</param>
    public static T ReadExplicit<T>(this AsnReader reader, Asn1Tag tag, Func<AsnReader, T> read)
    {
        AsnReader content = reader.ReadSequence(tag);
        T value = read(content);
        content.ThrowIfNotEmpty();
        return value;
    }

    /// <summary><c>[tag] EXPLICIT T OPTIONAL</c>.</summary>
    public static T? ReadOptionalExplicit<T>(this AsnReader reader, Asn1Tag tag)
        where T : class, IDer<T> =>
        reader.NextIs(tag) ? reader.ReadExplicit<T>(tag) : null;

    /// <summary>True when an element with the tag comes next; the constructed bit is left to the reading itself.</summary>
    public static bool NextIs(this AsnReader reader, Asn1Tag tag) => reader.HasData && reader.PeekTag().HasSameClassAndValue(tag);

    /// <summary><c>[tag] BOOLEAN DEFAULT FALSE</c>: X.690 §11.5 forbids an explicit FALSE.</summary>
    public static bool ReadDefaultFalse(this AsnReader reader, Asn1Tag tag)
    {
        if (!reader.NextIs(tag))
        {
            return false;
        }

        return reader.ReadBoolean(tag) ? true : throw new AsnContentException("The default FALSE must be absent.");
    }

    /// <summary>A BIT STRING that carries whole bytes: a key, a signature.</summary>
    public static ReadOnlyMemory<byte> ReadByteBitString(this AsnReader reader)
    {
        if (!reader.TryReadPrimitiveBitString(out int unusedBits, out ReadOnlyMemory<byte> value) || unusedBits != 0)
        {
            throw new AsnContentException("The BIT STRING must hold whole bytes.");
        }

        return value;
    }

    /// <summary>An OCTET STRING as a slice of the input.</summary>
    public static ReadOnlyMemory<byte> ReadOctets(this AsnReader reader, Asn1Tag? tag = null) =>
        reader.TryReadPrimitiveOctetString(out ReadOnlyMemory<byte> value, tag)
            ? value
            : throw new AsnContentException("The OCTET STRING must be primitive.");

    /// <summary><c>INTEGER (0..MAX)</c> for counters of certificates: beyond <see cref="int.MaxValue"/> no path exists.</summary>
    public static int ReadCount(this AsnReader reader, Asn1Tag? tag = null) =>
        reader.TryReadInt32(out int value, tag) && value >= 0
            ? value
            : throw new AsnContentException("The INTEGER is negative or beyond 2^31.");

    /// <summary>An INTEGER used as version.</summary>
    public static void ReadVersion(this AsnReader reader, int expected)
    {
        if (!reader.TryReadInt32(out int version) || version != expected)
        {
            throw new AsnContentException($"The version must be {expected}.");
        }
    }
}
