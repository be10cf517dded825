using System.Text;
using ZwCa.Contracts;

namespace ZwCa.Ra.Batches.Import;

/// <summary>A character that no text has.</summary>
internal sealed class ControlCharacterException() : Exception("A control character.");

/// <summary>Lets no control character through but tab, CR and LF.</summary>
internal sealed class PlainText(TextReader text) : TextReader
{
    public override async ValueTask<int> ReadAsync(Memory<char> buffer, CancellationToken cancellationToken = default)
    {
        int count = await text.ReadAsync(buffer, cancellationToken);
        ReadOnlySpan<char> read = buffer.Span[..count];
        return !read.ContainsAnyInRange('\0', '\x08') && !read.ContainsAny('\x0B', '\x0C') && !read.ContainsAnyInRange('\x0E', '\x1F') ? count : throw new ControlCharacterException();
    }

    public override Task<int> ReadAsync(char[] buffer, int index, int count) => ReadAsync(buffer.AsMemory(index, count)).AsTask();

    public override int Read(char[] buffer, int index, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            text.Dispose();
        }

        base.Dispose(disposing);
    }
}

/// <summary>A stream whose beginning was read already, to see what it is.</summary>
internal sealed class StartedStream(Stream rest, byte[] start) : Stream
{
    private int _at;

    public ReadOnlySpan<byte> Start => start;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <returns>The first bytes, fewer only where there are no more.</returns>
    public static async Task<byte[]> ReadStartAsync(Stream stream, int length, CancellationToken cancellationToken)
    {
        byte[] start = new byte[length];
        int count = 0;
        int last;
        do
        {
            last = await stream.ReadAsync(start.AsMemory(count), cancellationToken);
            count += last;
        }
        while (last > 0 && count < length);
        return start[..count];
    }

    public void Skip(int count) => _at += count;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_at == start.Length)
        {
            return await rest.ReadAsync(buffer, cancellationToken);
        }

        int length = Math.Min(buffer.Length, start.Length - _at);
        start.AsMemory(_at, length).CopyTo(buffer);
        _at += length;
        return length;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
        // Nothing is written.
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            rest.Dispose();
        }

        base.Dispose(disposing);
    }
}

/// <summary>The encodings that files of applicants come in. Nothing is guessed and nothing replaced: what is no character refuses the file.</summary>
internal static class TextEncodings
{
    private static readonly byte[] Utf8Mark = [0xEF, 0xBB, 0xBF];

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>GBK and GB2312 are parts of it.</summary>
    private static readonly Encoding Gb18030 = CodePagesEncodingProvider.Instance.GetEncoding("GB18030", EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback)!;

    /// <param name="start">Of the file, with the heading.</param>
    /// <returns>And the length of the mark before the text.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: neither.</exception>
    public static (Encoding Encoding, int Mark) Find(ReadOnlySpan<byte> start)
    {
        if (start.StartsWith(Utf8Mark))
        {
            return (Utf8, Utf8Mark.Length);
        }

        int end = start.IndexOfAny((byte)'\r', (byte)'\n');
        ReadOnlySpan<byte> heading = end < 0 ? start : start[..end];
        return IsIn(Utf8, heading) ? (Utf8, 0)
            : IsIn(Gb18030, heading) ? (Gb18030, 0)
            : throw new RefusalException(Refusal.Malformed, "文件的文字编码有误：应为UTF-8或GB18030，请在表格软件中另存为“CSV UTF-8”。");
    }

    private static bool IsIn(Encoding encoding, ReadOnlySpan<byte> bytes)
    {
        try
        {
            // UTF-16 is seen by the zeros of its commas.
            return !bytes.Contains((byte)0) && encoding.GetCharCount(bytes) >= 0;
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
    }
}
