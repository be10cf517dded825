using Microsoft.Net.Http.Headers;
using ZwCa.Contracts;

namespace ZwCa.Ra.Evidence;

/// <summary>What a file is, by its bytes alone: PDF, PNG or JPEG, whole, and with nothing behind it. Nothing is decoded.</summary>
internal static class EvidenceFile
{
    /// <summary>In bytes.</summary>
    public const int MaxLength = 10 << 20;

    /// <summary>Each way, in dots.</summary>
    public const uint MaxSize = 20_000;

    public const string Pdf = "application/pdf";
    public const string Png = "image/png";
    public const string Jpeg = "image/jpeg";

    /// <param name="declared">The request's Content-Type.</param>
    /// <returns>The type: what it was declared to be, and is.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>, <see cref="Refusal.TooLarge"/>.</exception>
    public static string Judge(ReadOnlySpan<byte> file, string? declared)
    {
        if (file.Length > MaxLength)
        {
            throw new RefusalException(Refusal.TooLarge, "证明材料不得超过10 MiB。");
        }

        // Step 1: by how it begins.
        string? type =
            file.StartsWith("%PDF-1."u8) || file.StartsWith("%PDF-2."u8) ? Pdf
            : file.StartsWith(PngFile.Signature) ? Png
            : file.StartsWith(JpegFile.Signature) ? Jpeg
            : null;
        string named = MediaTypeHeaderValue.TryParse(declared, out MediaTypeHeaderValue? header) ? header.MediaType.ToString().ToLowerInvariant() : "";
        if (named is not (Pdf or Png or Jpeg))
        {
            throw new RefusalException(Refusal.Malformed, "证明材料只接受PDF、PNG、JPEG文件，并须注明文件类型。");
        }

        if (type != named)
        {
            throw new RefusalException(Refusal.Malformed, "证明材料的类型与内容不符。");
        }

        // Step 2: to its end, so that no second file is behind it.
        bool isWhole = type switch
        {
            Pdf => IsWholePdf(file),
            Png => PngFile.IsWhole(file),
            _ => JpegFile.IsWhole(file),
        };
        return isWhole ? type : throw new RefusalException(Refusal.Malformed, $"证明材料的文件不完整、已损坏，图片超过{MaxSize}×{MaxSize}，或者文件末尾另有内容。");
    }

    /// <summary>ISO 32000-2 §7.5.2, §7.5.5: version in the first line, <c>%%EOF</c> in the last. Readers look for it in the last 1,024 bytes; behind it we take white space (§7.2.3) and nothing else.</summary>
    private static bool IsWholePdf(ReadOnlySpan<byte> file)
    {
        const int lookedAt = 1024;
        int version = "%PDF-1.".Length;
        ReadOnlySpan<byte> last = file.Length > lookedAt ? file[^lookedAt..] : file;
        int end = last.LastIndexOf("%%EOF"u8);
        return file.Length > version && char.IsAsciiDigit((char)file[version]) && end >= 0 && last[(end + "%%EOF".Length)..].IndexOfAnyExcept("\0\t\n\f\r "u8) < 0;
    }
}
