using System.Buffers.Binary;
using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Issuance.Feed;

/// <summary>Writes the content of a segment or a part of a snapshot: docs/PUBLICATION.md has the bytes. Not safe for concurrent use.</summary>
public sealed class FeedWriter
{
    private readonly MemoryStream _bytes = new();
    private long _batchAt = -1;
    private int _batchCount;

    /// <summary>Bytes so far.</summary>
    public long Length => _bytes.Length;

    /// <param name="number">By which entries name it; its certificate may be another later, with the same name and key.</param>
    public void Authority(short number, Certificate certificate)
    {
        Begin(FeedEntryKind.Authority);
        Number16(number);
        Bytes(Der.Encode(certificate));
    }

    /// <param name="number">By which responses name it. Never that of another.</param>
    /// <param name="certificate">Of the responder. Null: the CA itself.</param>
    public void Signer(short number, short authority, Certificate? certificate)
    {
        Begin(FeedEntryKind.Signer);
        Number16(number);
        Number16(authority);
        Bytes(certificate is null ? [] : Der.Encode(certificate));
    }

    public void Status(in FeedStatus status)
    {
        Begin(FeedEntryKind.Status);
        Number16(status.Authority);
        Serial(status.SerialNumber.Span);
        Number64(status.Version);
        Number64(status.RevokedAt?.ToUnixTimeSeconds() ?? 0);
        _bytes.WriteByte(status.RevokedAt is null ? FeedReader.NoReason : (byte)status.Reason);
        Number64(status.NotAfter.ToUnixTimeSeconds());
    }

    /// <summary>Begins an entry of responses; they follow.</summary>
    public void Batch(in FeedBatch batch)
    {
        Begin(FeedEntryKind.Responses);
        Number16(batch.Authority);
        Number16(batch.Signer);
        _bytes.WriteByte((byte)batch.Hash);
        Number64(batch.ThisUpdate.ToUnixTimeSeconds());
        Number64(batch.NextUpdate.ToUnixTimeSeconds());
        _batchAt = _bytes.Position;
        _batchCount = 0;
        Number32(0);
    }

    /// <exception cref="InvalidOperationException">No batch was begun.</exception>
    public void Response(in FeedResponse response)
    {
        if (_batchAt < 0)
        {
            throw new InvalidOperationException("A response belongs to a batch.");
        }

        Serial(response.SerialNumber.Span);
        Number64(response.Version);
        Number16(checked((short)response.Signature.Length));
        _bytes.Write(response.Signature.Span);
        _batchCount++;
    }

    public void Crl(in FeedCrl crl)
    {
        Begin(FeedEntryKind.Crl);
        Number16(crl.Authority);
        byte[] shard = Encoding.ASCII.GetBytes(crl.Shard);
        if (shard.Length is 0 or > FeedReader.MaxShard)
        {
            throw new ArgumentException("A partition's name has 1 to 8 characters.", nameof(crl));
        }

        _bytes.WriteByte((byte)shard.Length);
        _bytes.Write(shard);
        Number64(crl.Number);
        Number64(crl.Length);
        _bytes.Write(crl.Hash.Length == FeedReader.HashLength ? crl.Hash.Span : throw new ArgumentException("SM3 has 32 bytes.", nameof(crl)));
    }

    public void NextKey(SubjectPublicKeyInfo key)
    {
        Begin(FeedEntryKind.NextKey);
        Bytes(Der.Encode(key));
    }

    /// <returns>The content.</returns>
    public byte[] ToArray()
    {
        EndBatch();
        return _bytes.ToArray();
    }

    private void Begin(FeedEntryKind kind)
    {
        EndBatch();
        _bytes.WriteByte((byte)kind);
    }

    private void EndBatch()
    {
        if (_batchAt < 0)
        {
            return;
        }

        _bytes.Position = _batchAt;
        Number32(_batchCount);
        _bytes.Position = _bytes.Length;
        _batchAt = -1;
    }

    private void Serial(ReadOnlySpan<byte> serial)
    {
        if (serial.Length is 0 or > FeedReader.MaxSerial)
        {
            throw new ArgumentException("A serial number has 1 to 20 bytes.", nameof(serial));
        }

        _bytes.WriteByte((byte)serial.Length);
        _bytes.Write(serial);
    }

    private void Bytes(byte[] bytes)
    {
        Number32(bytes.Length);
        _bytes.Write(bytes);
    }

    private void Number16(short number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(short)];
        BinaryPrimitives.WriteInt16BigEndian(bytes, number);
        _bytes.Write(bytes);
    }

    private void Number32(int number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(bytes, number);
        _bytes.Write(bytes);
    }

    private void Number64(long number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(bytes, number);
        _bytes.Write(bytes);
    }
}
