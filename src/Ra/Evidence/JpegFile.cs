using System.Buffers.Binary;

namespace ZwCa.Ra.Evidence;

/// <summary>The segments of a JPEG (ITU-T T.81, annex B): walked by their lengths, their content is not looked at but the frame header's.</summary>
internal static class JpegFile
{
    private const byte StartOfImage = 0xD8;
    private const byte EndOfImage = 0xD9;
    private const byte StartOfScan = 0xDA;

    /// <summary>Start of image, and the first byte of the next marker.</summary>
    public static ReadOnlySpan<byte> Signature => [0xFF, StartOfImage, 0xFF];

    /// <returns>Whether there is a frame of a sane size, a scan, and an end where the file ends.</returns>
    public static bool IsWhole(ReadOnlySpan<byte> file)
    {
        bool hasFrame = false, hasScan = false;
        ReadOnlySpan<byte> rest = file[2..];
        while (TryReadMarker(ref rest, out byte marker))
        {
            switch (marker)
            {
                case EndOfImage:
                    return hasScan && rest.IsEmpty;

                // No second image inside, and nothing that stands outside of a scan alone.
                case 0x00 or 0x01 or StartOfImage or (>= 0xD0 and <= 0xD7):
                    return false;
            }

            int length = rest.Length >= 2 ? BinaryPrimitives.ReadUInt16BigEndian(rest) : 0;
            if (length < 2 || length > rest.Length)
            {
                return false;
            }

            ReadOnlySpan<byte> content = rest[2..length];
            rest = rest[length..];
            if (IsFrame(marker))
            {
                if (hasFrame || !IsSane(content))
                {
                    return false;
                }

                hasFrame = true;
            }
            else if (marker == StartOfScan)
            {
                if (!hasFrame)
                {
                    return false;
                }

                hasScan = true;
                rest = BehindScan(rest);
            }
        }

        return false;
    }

    /// <summary>B.1.1.2: FF, as many more of them as somebody likes, and the code.</summary>
    private static bool TryReadMarker(ref ReadOnlySpan<byte> rest, out byte marker)
    {
        int at = rest.IndexOfAnyExcept((byte)0xFF);
        marker = at > 0 ? rest[at] : (byte)0;
        rest = at > 0 ? rest[(at + 1)..] : [];
        return at > 0;
    }

    /// <summary>B.1.1.5: within a scan FF is followed by 00, or by one of the eight restart markers.</summary>
    private static ReadOnlySpan<byte> BehindScan(ReadOnlySpan<byte> rest)
    {
        while (true)
        {
            int at = rest.IndexOf((byte)0xFF);
            if (at < 0 || at + 1 >= rest.Length)
            {
                return [];
            }

            if (rest[at + 1] is not (0x00 or (>= 0xD0 and <= 0xD7)))
            {
                return rest[at..];
            }

            rest = rest[(at + 2)..];
        }
    }

    /// <summary>Table B.1: SOF0 to SOF15 but for the tables DHT and DAC, and JPG, which is reserved.</summary>
    private static bool IsFrame(byte marker) => marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC);

    /// <summary>B.2.2: precision, lines, dots in a line, components of three bytes each. Lines that are told behind the first scan only are not taken.</summary>
    private static bool IsSane(ReadOnlySpan<byte> frame)
    {
        const int fixedLength = 6;
        if (frame.Length < fixedLength)
        {
            return false;
        }

        ushort lines = BinaryPrimitives.ReadUInt16BigEndian(frame[1..]), dots = BinaryPrimitives.ReadUInt16BigEndian(frame[3..]);
        byte components = frame[5];
        return frame[0] is 8 or 12 or 16
            && lines is > 0 and <= (int)EvidenceFile.MaxSize
            && dots is > 0 and <= (int)EvidenceFile.MaxSize
            && components is >= 1 and <= 4
            && frame.Length == fixedLength + (3 * components);
    }
}
