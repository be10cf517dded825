using System.Buffers.Binary;
using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Issuance.Feed;

/// <summary>
/// Reads the content of a segment or a part of a snapshot, entry by entry: docs/PUBLICATION.md has the bytes. What it gives out lies in the content, and is not copied. Any bytes are entries or a
/// <see cref="DerException"/>; memory does not grow with what they claim.
/// </summary>
public sealed class FeedReader(ReadOnlyMemory<byte> content)
{
    internal const int MaxSerial = 20;
    internal const int MaxShard = 8;
    internal const int HashLength = 32;
    internal const byte NoReason = 0xFF;

    private const int MaxSignature = 1024;

    private static readonly long LastSecond = DateTimeOffset.MaxValue.ToUnixTimeSeconds();

    private int _at;
    private int _left;

    /// <summary>Of the entry that was read.</summary>
    public FeedEntryKind Kind { get; private set; }

    /// <summary>Number of a CA; of a <see cref="FeedEntryKind.Authority"/>, <see cref="FeedEntryKind.Signer"/>.</summary>
    public short Authority { get; private set; }

    /// <summary>Number of a signer; of a <see cref="FeedEntryKind.Signer"/>.</summary>
    public short Signer { get; private set; }

    /// <summary>DER of a Certificate or, of a <see cref="FeedEntryKind.NextKey"/>, of a SubjectPublicKeyInfo. Empty: the CA is its own signer.</summary>
    public ReadOnlyMemory<byte> Encoded { get; private set; }

    public FeedStatus Status { get; private set; }

    /// <summary>Of a <see cref="FeedEntryKind.Responses"/>: <see cref="TryReadResponse"/> reads what follows; what is not read of it is passed over.</summary>
    public FeedBatch Batch { get; private set; }

    /// <summary>Of the responses that follow.</summary>
    public int Count { get; private set; }

    public FeedCrl Crl { get; private set; }

    /// <returns>False: it has ended.</returns>
    /// <exception cref="DerException">No entry.</exception>
    public bool Read()
    {
        while (TryReadResponse(out _))
        {
        }

        if (_at == content.Length)
        {
            return false;
        }

        Kind = (FeedEntryKind)Take(1).Span[0];
        switch (Kind)
        {
            case FeedEntryKind.Authority:
                Authority = Number16();
                Encoded = Take(Number32());
                break;
            case FeedEntryKind.Signer:
                Signer = Number16();
                Authority = Number16();
                Encoded = Take(Number32());
                break;
            case FeedEntryKind.Status:
                Status = ReadStatus();
                break;
            case FeedEntryKind.Responses:
                Batch = new FeedBatch(Number16(), Number16(), ReadHash(), Seconds(), Seconds());
                Count = Number32();
                _left = Count;
                break;
            case FeedEntryKind.Crl:
                Crl = new FeedCrl(Number16(), Encoding.ASCII.GetString(Short(MaxShard).Span), Number64(), Number64(), Take(HashLength));
                break;
            case FeedEntryKind.NextKey:
                Encoded = Take(Number32());
                break;
            default:
                throw Wrong($"there is no entry of kind {(int)Kind}");
        }

        return true;
    }

    /// <returns>False: the batch has ended.</returns>
    /// <exception cref="DerException">No response.</exception>
    public bool TryReadResponse(out FeedResponse response)
    {
        if (_left == 0)
        {
            response = default;
            return false;
        }

        _left--;
        ReadOnlyMemory<byte> serial = Short(MaxSerial);
        long version = Number64();
        int length = Number16();
        response = new FeedResponse(serial, version, Take(length <= MaxSignature ? length : throw Wrong("the signature is too long")));
        return true;
    }

    private FeedStatus ReadStatus()
    {
        short authority = Number16();
        ReadOnlyMemory<byte> serial = Short(MaxSerial);
        long version = Number64();
        DateTimeOffset revokedAt = Seconds();
        byte reason = Take(1).Span[0];
        DateTimeOffset notAfter = Seconds();
        return reason == NoReason ? new FeedStatus(authority, serial, version, null, RevocationReason.Unspecified, notAfter)
            : Enum.IsDefined((RevocationReason)reason) ? new FeedStatus(authority, serial, version, revokedAt, (RevocationReason)reason, notAfter)
            : throw Wrong($"there is no reason {reason}");
    }

    private CertIdHash ReadHash()
    {
        byte hash = Take(1).Span[0];
        return hash <= (byte)CertIdHash.Sm3 ? (CertIdHash)hash : throw Wrong($"there is no hash {hash}");
    }

    private DateTimeOffset Seconds()
    {
        long seconds = Number64();
        return seconds >= 0 && seconds <= LastSecond ? DateTimeOffset.FromUnixTimeSeconds(seconds) : throw Wrong("a time is out of range");
    }

    private ReadOnlyMemory<byte> Short(int max)
    {
        int length = Take(1).Span[0];
        return Take(length > 0 && length <= max ? length : throw Wrong($"a name has 1 to {max} bytes"));
    }

    private short Number16()
    {
        short number = BinaryPrimitives.ReadInt16BigEndian(Take(sizeof(short)).Span);
        return number >= 0 ? number : throw Wrong("a number is negative");
    }

    private int Number32()
    {
        int number = BinaryPrimitives.ReadInt32BigEndian(Take(sizeof(int)).Span);
        return number >= 0 ? number : throw Wrong("a number is negative");
    }

    private long Number64()
    {
        long number = BinaryPrimitives.ReadInt64BigEndian(Take(sizeof(long)).Span);
        return number >= 0 ? number : throw Wrong("a number is negative");
    }

    private ReadOnlyMemory<byte> Take(int length)
    {
        if (length > content.Length - _at)
        {
            throw Wrong("it ends within an entry");
        }

        ReadOnlyMemory<byte> taken = content.Slice(_at, length);
        _at += length;
        return taken;
    }

    private DerException Wrong(string why) => new($"The feed's content is wrong at byte {_at}: {why}.");
}
