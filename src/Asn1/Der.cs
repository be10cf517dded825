using System.Formats.Asn1;

namespace ZwCa.Asn1;

/// <summary>The only way in and out of DER.</summary>
public static class Der
{
    /// <returns>The DER encoding.</returns>
    public static byte[] Encode<T>(T value)
        where T : IDer<T>
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
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
        where T : IDer<T>
    {
        try
        {
            var reader = new AsnReader(bytes, AsnEncodingRules.DER);
            T value = T.Read(reader);
            reader.ThrowIfNotEmpty();
            return value;
        }
        catch (AsnContentException e)
        {
            throw new DerException($"Not a DER {typeof(T).Name}: {e.Message}", e);
        }
    }
}
