using System.Formats.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Asn1.Feed;

/// <summary>What a statement of the feed is; the object identifier stands first in it.</summary>
public enum FeedStatementKind
{
    /// <summary>The next piece: <see cref="TbsFeedStatement.Link"/> is SM3 of the TBS of the segment before (32 zero bytes: there is none), with one content.</summary>
    Segment = 1,

    /// <summary>How far the feed has come, and when: the link is SM3 of the TBS of the segment with that number. No content.</summary>
    Heartbeat = 2,

    /// <summary>All that segments up to that number have said of statuses: the link is SM3 of that segment's TBS. One content or more, in order.</summary>
    Snapshot = 3,
}

/// <summary>
/// <code>
/// TBSFeedStatement ::= SEQUENCE {
///     type     OBJECT IDENTIFIER,
///     version  INTEGER { v1(1) },
///     origin   UTF8String,
///     number   INTEGER (0..MAX),
///     link     OCTET STRING (SIZE (32)),
///     time     INTEGER,
///     keyId    OCTET STRING (SIZE (32)),
///     contents SEQUENCE OF OCTET STRING (SIZE (32)) }
/// </code>
/// What the key of a feed signs: docs/PUBLICATION.md. contents are SM3 of the bytes that travel beside the statement.
/// </summary>
public sealed class TbsFeedStatement : IDer<TbsFeedStatement>
{
    /// <summary>Contents of one snapshot.</summary>
    public const int MaxContents = 1 << 16;

    private const int Version = 1;
    private const string WrongContents = "A segment has one content, a heartbeat none, a snapshot one to 65,536.";
    private const string WrongNumber = "Segments begin with 1, and before the first there is none.";

    /// <param name="origin">Name of the feed, 1 to 256 characters: <c>zwca/ca</c>.</param>
    /// <param name="number">Of the segment itself, or of the last one that there is.</param>
    /// <param name="link">32 bytes.</param>
    /// <param name="time">Milliseconds count, less is cut off.</param>
    /// <param name="keyId">SM3 of the DER of the feed key's SubjectPublicKeyInfo.</param>
    /// <param name="contents">SM3 of each, 32 bytes.</param>
    /// <exception cref="ArgumentException">A field of another form.</exception>
    public TbsFeedStatement(
        FeedStatementKind kind, string origin, long number, ReadOnlyMemory<byte> link, DateTimeOffset time, ReadOnlyMemory<byte> keyId, params IReadOnlyList<ReadOnlyMemory<byte>> contents)
    {
        Kind = Enum.IsDefined(kind) ? kind : throw new ArgumentOutOfRangeException(nameof(kind), kind, "No such statement.");
        Origin = CustodyFields.Text(origin, nameof(origin));
        Number = LogFields.Count(number, nameof(number));
        Link = CustodyFields.Exactly(link, CustodyFields.HashLength, nameof(link));
        Time = AuditTime.Truncate(time, nameof(time));
        KeyId = CustodyFields.Exactly(keyId, CustodyFields.HashLength, nameof(keyId));
        Contents = [.. Require.NotNull(contents, nameof(contents)).Select(each => CustodyFields.Exactly(each, CustodyFields.HashLength, nameof(contents)))];
        if (Fault(Kind, Number, Contents.Count) is { } fault)
        {
            throw new ArgumentException(fault, nameof(contents));
        }
    }

    public FeedStatementKind Kind { get; }

    public string Origin { get; }

    public long Number { get; }

    /// <summary>32 bytes; as <see cref="FeedStatementKind"/> says.</summary>
    public ReadOnlyMemory<byte> Link { get; }

    /// <summary>When it was signed, in milliseconds, UTC.</summary>
    public DateTimeOffset Time { get; }

    public ReadOnlyMemory<byte> KeyId { get; }

    public IReadOnlyList<ReadOnlyMemory<byte>> Contents { get; }

    public static TbsFeedStatement Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        FeedStatementKind kind = sequence.ReadObjectIdentifier() switch
        {
            Oids.FeedSegment => FeedStatementKind.Segment,
            Oids.FeedHeartbeat => FeedStatementKind.Heartbeat,
            Oids.FeedSnapshot => FeedStatementKind.Snapshot,
            _ => throw new AsnContentException("The statement is of another type."),
        };
        sequence.ReadVersion(Version);
        string origin = CustodyFields.ReadText(sequence);
        long number = LogFields.ReadCount(sequence);
        ReadOnlyMemory<byte> link = CustodyFields.ReadExactly(sequence, CustodyFields.HashLength);
        DateTimeOffset time = AuditTime.Read(sequence);
        ReadOnlyMemory<byte> keyId = CustodyFields.ReadExactly(sequence, CustodyFields.HashLength);
        IReadOnlyList<ReadOnlyMemory<byte>> contents = sequence.ReadSequence().ReadAll(static each => CustodyFields.ReadExactly(each, CustodyFields.HashLength));
        sequence.ThrowIfNotEmpty();
        return Fault(kind, number, contents.Count) is { } fault ? throw new AsnContentException(fault) : new TbsFeedStatement(kind, origin, number, link, time, keyId, contents);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(Kind switch
            {
                FeedStatementKind.Segment => Oids.FeedSegment,
                FeedStatementKind.Heartbeat => Oids.FeedHeartbeat,
                _ => Oids.FeedSnapshot,
            });
            writer.WriteInteger(Version);
            CustodyFields.WriteText(writer, Origin);
            writer.WriteInteger(Number);
            writer.WriteOctetString(Link.Span);
            AuditTime.Write(writer, Time);
            writer.WriteOctetString(KeyId.Span);
            using (writer.PushSequence())
            {
                foreach (ReadOnlyMemory<byte> content in Contents)
                {
                    writer.WriteOctetString(content.Span);
                }
            }
        }
    }

    /// <returns>Null: none.</returns>
    private static string? Fault(FeedStatementKind kind, long number, int contents) => kind switch
    {
        FeedStatementKind.Segment when number == 0 => WrongNumber,
        FeedStatementKind.Segment => contents == 1 ? null : WrongContents,
        FeedStatementKind.Heartbeat => contents == 0 ? null : WrongContents,
        _ => contents is > 0 and <= MaxContents ? null : WrongContents,
    };
}

/// <summary>
/// <code>
/// FeedStatement ::= SEQUENCE { tbsFeedStatement TBSFeedStatement, signature SM2Signature }
/// </code>
/// The signature is the feed key's, under the default identity, over the DER of tbsFeedStatement, which is kept as read.
/// </summary>
public sealed class FeedStatement : IDer<FeedStatement>
{
    private FeedStatement(TbsFeedStatement tbs, ReadOnlyMemory<byte> tbsBytes, Sm2Signature signature)
    {
        Tbs = tbs;
        TbsBytes = tbsBytes;
        Signature = signature;
    }

    public TbsFeedStatement Tbs { get; }

    public ReadOnlyMemory<byte> TbsBytes { get; }

    public Sm2Signature Signature { get; }

    /// <returns>What <see cref="TbsFeedStatement.KeyId"/> says of this key.</returns>
    public static byte[] KeyIdOf(SubjectPublicKeyInfo key) => Sm3.HashData(Der.Encode(key));

    /// <param name="tbsBytes">DER of a <see cref="TbsFeedStatement"/>; kept, not copied.</param>
    /// <exception cref="DerException">Something else.</exception>
    public static FeedStatement Assemble(ReadOnlyMemory<byte> tbsBytes, Sm2Signature signature) =>
        new(Der.Decode<TbsFeedStatement>(tbsBytes), tbsBytes, Require.NotNull(signature));

    /// <summary>Whether the key is the one that the statement names, is SM2, and made the signature.</summary>
    public bool IsSignedBy(SubjectPublicKeyInfo key) =>
        Tbs.KeyId.Span.SequenceEqual(KeyIdOf(Require.NotNull(key)))
        && CustodyFields.FindSm2Key(key) is { } sm2Key
        && sm2Key.Verify(TbsBytes.Span, Signature.Raw.Span);

    /// <returns>SM3 of the TBS: what the next segment, heartbeats and snapshots link to.</returns>
    public byte[] HashTbs() => Sm3.HashData(TbsBytes.Span);

    public static FeedStatement Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        ReadOnlyMemory<byte> tbsBytes = sequence.PeekEncodedValue();
        var statement = new FeedStatement(TbsFeedStatement.Read(sequence), tbsBytes, Sm2Signature.Read(sequence));
        sequence.ThrowIfNotEmpty();
        return statement;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteEncodedValue(TbsBytes.Span);
            Signature.Write(writer);
        }
    }
}
