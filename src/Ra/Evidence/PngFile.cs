using System.Buffers.Binary;

namespace ZwCa.Ra.Evidence;

/// <summary>The chunks of a PNG (ISO/IEC 15948, §5.3, §5.6): walked by their lengths, their content is not looked at but the header's.</summary>
internal static class PngFile
{
    /// <summary>Length, type, and the check sum behind the content.</summary>
    private const int ChunkOverhead = 12;

    private const int HeaderLength = 13;

    /// <summary>§5.2.</summary>
    public static ReadOnlySpan<byte> Signature => [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A];

    /// <returns>Whether it is one header of a sane size, image data, and ends where the file ends.</returns>
    public static bool IsWhole(ReadOnlySpan<byte> file)
    {
        ReadOnlySpan<byte> rest = file[Signature.Length..];
        bool hasHeader = false, hasData = false;
        while (rest.Length >= ChunkOverhead)
        {
            uint length = BinaryPrimitives.ReadUInt32BigEndian(rest);
            ReadOnlySpan<byte> type = rest.Slice(4, 4);
            if (length > rest.Length - ChunkOverhead || !IsLetters(type))
            {
                return false;
            }

            ReadOnlySpan<byte> content = rest.Slice(8, (int)length);
            bool isHeader = type.SequenceEqual("IHDR"u8);
            if (isHeader == hasHeader || (isHeader && !IsSane(content)))
            {
                // The header is the first, and there is no other.
                return false;
            }

            hasHeader = true;
            hasData |= type.SequenceEqual("IDAT"u8);
            rest = rest[(ChunkOverhead + (int)length)..];
            if (type.SequenceEqual("IEND"u8))
            {
                return length == 0 && hasData && rest.IsEmpty;
            }
        }

        return false;
    }

    /// <summary>§11.2.2: width, height, bits and colour, compression, filter, interlace.</summary>
    private static bool IsSane(ReadOnlySpan<byte> header)
    {
        if (header.Length != HeaderLength)
        {
            return false;
        }

        uint width = BinaryPrimitives.ReadUInt32BigEndian(header), height = BinaryPrimitives.ReadUInt32BigEndian(header[4..]);
        (byte bits, byte colour) = (header[8], header[9]);
        bool fits = colour switch
        {
            0 => bits is 1 or 2 or 4 or 8 or 16,
            3 => bits is 1 or 2 or 4 or 8,
            2 or 4 or 6 => bits is 8 or 16,
            _ => false,
        };
        return width is > 0 and <= EvidenceFile.MaxSize && height is > 0 and <= EvidenceFile.MaxSize && fits && header[10] == 0 && header[11] == 0 && header[12] <= 1;
    }

    private static bool IsLetters(ReadOnlySpan<byte> type)
    {
        foreach (byte letter in type)
        {
            if (!char.IsAsciiLetter((char)letter))
            {
                return false;
            }
        }

        return true;
    }
}
