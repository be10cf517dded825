using ZwCa.Admin.Token;
using ZwCa.Contracts;

namespace ZwCa.Admin.Ra;

/// <summary>A file that proves what is applied for.</summary>
internal sealed record EvidenceFile(string Title, string MediaType, byte[] Bytes)
{
    private const int MaxLength = 10 << 20;

    private static readonly (byte[] Magic, string MediaType, string Extension)[] Types =
    [
        ("%PDF-"u8.ToArray(), "application/pdf", "pdf"),
        ([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], "image/png", "png"),
        ([0xFF, 0xD8, 0xFF], "image/jpeg", "jpg"),
    ];

    /// <param name="text"><c>标题=文件</c>, or a file alone, whose name is the title.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>, <see cref="Refusal.TooLarge"/>, <see cref="Refusal.Malformed"/>.</exception>
    public static EvidenceFile Read(string text)
    {
        int sign = text.IndexOf('=', StringComparison.Ordinal);
        string path = text[(sign + 1)..];
        byte[] bytes = TokenFiles.Read(path, MaxLength);
        return new EvidenceFile(sign > 0 ? text[..sign] : Path.GetFileNameWithoutExtension(path), TypeOf(bytes)?.MediaType ?? throw new RefusalException(Refusal.Malformed, $"{path} 不是PDF、PNG或JPEG文件。"), bytes);
    }

    public static string ExtensionOf(byte[] file) => TypeOf(file)?.Extension ?? "bin";

    private static (string MediaType, string Extension)? TypeOf(byte[] file)
    {
        foreach ((byte[] magic, string mediaType, string extension) in Types)
        {
            if (file.AsSpan().StartsWith(magic))
            {
                return (mediaType, extension);
            }
        }

        return null;
    }
}
