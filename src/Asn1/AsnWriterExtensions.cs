using System.Formats.Asn1;

namespace ZwCa.Asn1;

internal static class AsnWriterExtensions
{
    public static void WriteSequenceOf<T>(this AsnWriter writer, IReadOnlyList<T> values, Asn1Tag? tag = null)
        where T : IDer<T>
    {
        using (writer.PushSequence(tag))
        {
            foreach (T value in values)
            {
                value.Write(writer);
            }
        }
    }

    public static void WriteSetOf<T>(this AsnWriter writer, IReadOnlyList<T> values, Asn1Tag? tag = null)
        where T : IDer<T>
    {
        using (writer.PushSetOf(tag))
        {
            foreach (T value in values)
            {
                value.Write(writer);
            }
        }
    }

    /// <summary><c>[tag] EXPLICIT T</c>.</summary>
    public static void WriteExplicit<T>(this AsnWriter writer, T value, Asn1Tag tag)
        where T : IDer<T>
    {
        using (writer.PushSequence(tag))
        {
            value.Write(writer);
        }
    }

    /// <summary><c>[tag] EXPLICIT T OPTIONAL</c>.</summary>
    public static void WriteOptionalExplicit<T>(this AsnWriter writer, T? value, Asn1Tag tag)
        where T : class, IDer<T>
    {
        if (value is not null)
        {
            writer.WriteExplicit(value, tag);
        }
    }

    /// <summary><c>[tag] BOOLEAN DEFAULT FALSE</c>.</summary>
    public static void WriteDefaultFalse(this AsnWriter writer, bool value, Asn1Tag tag)
    {
        if (value)
        {
            writer.WriteBoolean(true, tag);
        }
    }
}
