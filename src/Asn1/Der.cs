using System.Formats.Asn1;

namespace ZwCa.Asn1;

/// <summary>The only way in and out of DER.</summary>
public static class Der
{
    /// <returns>The DER encoding.</returns>
    public static byte[] Encode<T>(T value)
        where T : IDer<T>
    {
        var writer = new AsnWriter(AsnEncodingRules.DER, value is IBoundedDer bounded ? bounded.MaxEncodedLength : 0);
        value.Write(writer);
        byte[] encoded = writer.Encode();
        // Clears the buffer: the value may have been a private key.
        writer.Reset();
        return encoded;
    }

    /// <summary>
    /// Reads exactly one value. The value may keep slices of <paramref name="bytes"/>: the caller must not change them afterwards.
    /// </summary>
    /// <param name="bytes">One DER element and nothing after it.</param>
    /// <exception cref="DerException">Not DER, not a <typeparamref name="T"/>, or bytes left over.</exception>
    public static T Decode<T>(ReadOnlyMemory<byte> bytes)
        where T : IDer<T> =>
        Decode<T>(bytes, static b => b);

    /// <summary>Reads exactly one value that is DER only after a repair.</summary>
    /// <param name="repair">Makes DER of the bytes; may throw <see cref="AsnContentException"/>.</param>
    /// <exception cref="DerException">As for <see cref="Decode{T}(ReadOnlyMemory{byte})"/>, after the repair.</exception>
    internal static T Decode<T>(ReadOnlyMemory<byte> bytes, Func<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>> repair)
        where T : IDer<T> =>
        Decode(bytes, repair, T.Read, typeof(T).Name);

    /// <summary>Reads exactly one element for which there is no type, such as an OBJECT IDENTIFIER.</summary>
    /// <param name="name">For the message: what is expected.</param>
    /// <exception cref="DerException">As for <see cref="Decode{T}(ReadOnlyMemory{byte})"/>.</exception>
    internal static T Decode<T>(ReadOnlyMemory<byte> bytes, Func<AsnReader, T> read, string name) => Decode(bytes, static b => b, read, name);

    /// <summary>The one place that catches <see cref="AsnContentException"/>.</summary>
    private static T Decode<T>(
        ReadOnlyMemory<byte> bytes, Func<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>> repair, Func<AsnReader, T> read, string name)
    {
        try
        {
            var reader = new AsnReader(repair(bytes), AsnEncodingRules.DER);
            T value = read(reader);
            reader.ThrowIfNotEmpty();
            return value;
        }
        catch (AsnContentException e)
        {
            throw new DerException($"Not a DER {name}: {e.Message}", e);
        }
    }
}
