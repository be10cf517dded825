namespace ZwCa.Asn1;

/// <summary>Tag and definite length (X.690 §8.1.3, §10.1) for writers that stream and cannot use AsnWriter.</summary>
internal static class DerHeader
{
    public const byte Sequence = 0x30;

    /// <summary>Tag, length octet and four octets of length.</summary>
    public const int MaxLength = 6;

    /// <summary>Octets of tag and length before a content of the given length.</summary>
    public static int Length(long contentLength) => contentLength switch
    {
        < 0x80 => 2,
        <= 0xff => 3,
        <= 0xffff => 4,
        <= 0xff_ffff => 5,
        _ => 6,
    };

    /// <returns>Octets written, <see cref="Length"/>.</returns>
    public static int Write(Span<byte> destination, byte tag, long contentLength)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(contentLength, int.MaxValue);
        int length = Length(contentLength);
        destination[0] = tag;
        if (length == 2)
        {
            destination[1] = (byte)contentLength;
            return length;
        }

        destination[1] = (byte)(0x80 | (length - 2));
        for (int i = length - 1; i >= 2; i--)
        {
            destination[i] = (byte)(contentLength & 0xff);
            contentLength >>= 8;
        }

        return length;
    }
}
