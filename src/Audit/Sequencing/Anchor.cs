using System.Buffers.Text;
using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Data;

namespace ZwCa.Audit.Sequencing;

/// <summary>An anchor cannot be read or holds something else than this log's checkpoints. The message names the file.</summary>
public sealed class AnchorException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// A file outside the database to which every checkpoint is appended: one line each, base64 of its DER, on stable storage when <see cref="Append"/> returns.
/// A line that a crash tore off at the end counts for nothing. When the file has grown to a mebibyte, its newest 1,000 lines, and every checkpoint with an
/// override, take its place. Safe for concurrent use; one process writes at a time.
/// </summary>
public sealed class Anchor(string path)
{
    private const int MaxLength = 1 << 20;
    private const int KeptLines = 1000;
    private const byte LineEnd = (byte)'\n';
    private const UnixFileMode OwnerWritesAllRead = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private readonly Lock _gate = new();
    private bool _isNamed;

    public string Path { get; } = System.IO.Path.GetFullPath(path);

    /// <returns>What was appended, in that order; nothing where there is no file.</returns>
    /// <exception cref="AnchorException">The file cannot be read, or a line is no checkpoint.</exception>
    public IReadOnlyList<Checkpoint> Read()
    {
        lock (_gate)
        {
            return Parse(ReadFile());
        }
    }

    /// <exception cref="AnchorException">The file cannot be written.</exception>
    public void Append(Checkpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        lock (_gate)
        {
            try
            {
                using (FileStream file = Open(Path, FileMode.OpenOrCreate))
                {
                    // What was torn off goes, or the new line would continue it.
                    file.SetLength(EndOfLastLine(file));
                    file.Position = file.Length;
                    bool mayBeNew = !_isNamed || file.Length == 0;
                    file.Write(Line(checkpoint));
                    file.Flush(flushToDisk: true);
                    if (mayBeNew)
                    {
                        FlushName();
                    }

                    if (file.Length < MaxLength)
                    {
                        return;
                    }
                }

                Shorten();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new AnchorException($"The anchor {Path} cannot be written: {e.Message}", e);
            }
        }
    }

    private static byte[] Line(Checkpoint checkpoint) => [.. Encoding.ASCII.GetBytes(Convert.ToBase64String(Der.Encode(checkpoint))), LineEnd];

    private static FileStream Open(string path, FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = FileShare.Read, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerWritesAllRead;
        }

        return new FileStream(path, options);
    }

    private static long EndOfLastLine(FileStream file)
    {
        Span<byte> last = stackalloc byte[1];
        for (long end = file.Length; end > 0; end--)
        {
            file.Position = end - 1;
            file.ReadExactly(last);
            if (last[0] == LineEnd)
            {
                return end;
            }
        }

        return 0;
    }

    /// <summary>The whole new file first, then its name: after a crash there is the one or the other, and both hold the newest checkpoint.</summary>
    private void Shorten()
    {
        IReadOnlyList<Checkpoint> all = Parse(ReadFile());
        int tooOld = Math.Max(0, all.Count - KeptLines);
        string unfinished = Path + ".new";
        using (FileStream file = Open(unfinished, FileMode.Create))
        {
            file.Write([.. all.Where((checkpoint, i) => i >= tooOld || checkpoint.Tbs.Override is not null).SelectMany(Line)]);
            file.Flush(flushToDisk: true);
        }

        File.Move(unfinished, Path, overwrite: true);
        FlushName();
    }

    /// <summary>The file's bytes are on stable storage; here its name.</summary>
    private void FlushName()
    {
        Folder.Flush(System.IO.Path.GetDirectoryName(Path)!);
        _isNamed = true;
    }

    private byte[] ReadFile()
    {
        try
        {
            return File.ReadAllBytes(Path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AnchorException($"The anchor {Path} cannot be read: {e.Message}", e);
        }
    }

    private List<Checkpoint> Parse(ReadOnlyMemory<byte> content)
    {
        var checkpoints = new List<Checkpoint>();
        for (int end = content.Span.IndexOf(LineEnd); end >= 0; end = content.Span.IndexOf(LineEnd))
        {
            checkpoints.Add(ParseLine(content.Span[..end], checkpoints.Count + 1));
            content = content[(end + 1)..];
        }

        return checkpoints;
    }

    private Checkpoint ParseLine(ReadOnlySpan<byte> line, int number)
    {
        byte[] der = new byte[Base64.GetMaxDecodedFromUtf8Length(line.Length)];
        if (Base64.DecodeFromUtf8(line, der, out int consumed, out int written) != System.Buffers.OperationStatus.Done
            || consumed != line.Length
            || Base64.GetMaxEncodedToUtf8Length(written) != line.Length)
        {
            throw new AnchorException($"Line {number} of the anchor {Path} is not base64.");
        }

        try
        {
            return Der.Decode<Checkpoint>(der.AsMemory(0, written));
        }
        catch (DerException e)
        {
            throw new AnchorException($"Line {number} of the anchor {Path} is no checkpoint: {e.Message}", e);
        }
    }
}
