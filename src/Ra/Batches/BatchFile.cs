using System.Globalization;
using System.Security.Cryptography;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Officers;

namespace ZwCa.Ra.Batches;

/// <summary>
/// The file of an import, read from its sealed parts, one at a time in memory, and to its end: half a file, because it was deleted meanwhile, never passes for a whole one. Not safe for concurrent use.
/// </summary>
internal sealed class BatchFile(Database database, PersonRegistry persons, Batch batch) : Stream
{
    private byte[] _part = [];
    private int _at;
    private int _next;
    private long _left = batch.FileLength ?? throw new ArgumentException("No file has come.", nameof(batch));

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>What a part is sealed to, besides the batch's id: parts of one file and of another do not go together.</summary>
    /// <param name="file">SM3 of the file.</param>
    public static string FieldOf(byte[] file, int number) => string.Create(CultureInfo.InvariantCulture, $"{Convert.ToHexStringLower(file)}/part{number}");

    /// <exception cref="RefusalException"><see cref="Refusal.WrongState"/>: it was deleted, or another one has come.</exception>
    /// <exception cref="PersonKeysException">A part was changed outside this program.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_left == 0)
        {
            return 0;
        }

        if (_at == _part.Length)
        {
            CryptographicOperations.ZeroMemory(_part);
            Part? part = await database.FindAsync<Part>(
                "SELECT bytes_sealed, data_key_id FROM batch_part WHERE batch_id = @Id AND number = @Number", new { Id = batch.BatchId, Number = (short)_next }, cancellationToken);
            if (part is null)
            {
                throw new RefusalException(Refusal.WrongState, "该批次的文件已按保存期限删除，不能再读取。");
            }

            _part = await persons.OpenAsync(part.DataKeyId, batch.BatchId, FieldOf(batch.FileHash!, _next), part.BytesSealed, cancellationToken);
            (_at, _next) = (0, _next + 1);
        }

        int length = Math.Min(buffer.Length, _part.Length - _at);
        _part.AsMemory(_at, length).CopyTo(buffer);
        _at += length;
        _left -= length;
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
        CryptographicOperations.ZeroMemory(_part);
        base.Dispose(disposing);
    }

    private sealed record Part
    {
        public required byte[] BytesSealed { get; init; }

        public required byte[] DataKeyId { get; init; }
    }
}
