using System.Formats.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Asn1.Audit;

/// <summary>
/// <code>
/// LogOverride ::= SEQUENCE {
///     decision      OCTET STRING (SIZE (32)),
///     abandonedSize INTEGER (0..MAX),
///     abandonedRoot OCTET STRING (SIZE (32)) }
/// </code>
/// Two officers let the log go on from an older state.
/// </summary>
/// <param name="Decision">SM3 of what they signed.</param>
/// <param name="AbandonedSize">Of the largest tree that a checkpoint was known of.</param>
/// <param name="AbandonedRoot">Of that tree, 32 bytes.</param>
public sealed record LogOverride(ReadOnlyMemory<byte> Decision, long AbandonedSize, ReadOnlyMemory<byte> AbandonedRoot) : IDer<LogOverride>
{
    public ReadOnlyMemory<byte> Decision { get; } = CustodyFields.Exactly(Decision, CustodyFields.HashLength, nameof(Decision));

    public long AbandonedSize { get; } = LogFields.Count(AbandonedSize, nameof(AbandonedSize));

    public ReadOnlyMemory<byte> AbandonedRoot { get; } = CustodyFields.Exactly(AbandonedRoot, CustodyFields.HashLength, nameof(AbandonedRoot));

    public static LogOverride Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        ReadOnlyMemory<byte> decision = CustodyFields.ReadExactly(sequence, CustodyFields.HashLength);
        long size = LogFields.ReadCount(sequence);
        ReadOnlyMemory<byte> root = CustodyFields.ReadExactly(sequence, CustodyFields.HashLength);
        sequence.ThrowIfNotEmpty();
        return new LogOverride(decision, size, root);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteOctetString(Decision.Span);
            writer.WriteInteger(AbandonedSize);
            writer.WriteOctetString(AbandonedRoot.Span);
        }
    }

    public bool Equals(LogOverride? other) =>
        other is not null && AbandonedSize == other.AbandonedSize && Decision.ContentEquals(other.Decision) && AbandonedRoot.ContentEquals(other.AbandonedRoot);

    public override int GetHashCode() => HashCode.Combine(AbandonedSize, Decision.ContentHash(), AbandonedRoot.ContentHash());
}

/// <summary>
/// <code>
/// TBSCheckpoint ::= SEQUENCE {
///     type     OBJECT IDENTIFIER,
///     version  INTEGER { v1(1) },
///     origin   UTF8String,
///     epoch    INTEGER (0..MAX),
///     treeSize INTEGER (0..MAX),
///     rootHash OCTET STRING (SIZE (32)),
///     time     INTEGER,
///     keyId    OCTET STRING (SIZE (32)),
///     override LogOverride OPTIONAL }
/// </code>
/// The state of a log: all checkpoints of one epoch are of one growing tree.
/// </summary>
public sealed class TbsCheckpoint : IDer<TbsCheckpoint>
{
    private const int Version = 1;
    private const string WrongOverride = "Epoch 0 begins without an override.";

    /// <param name="origin">Name of the log, 1 to 256 characters: <c>zwca/ca</c>.</param>
    /// <param name="rootHash">32 bytes.</param>
    /// <param name="time">Milliseconds count, less is cut off.</param>
    /// <param name="keyId">SM3 of the DER of the log key's SubjectPublicKeyInfo.</param>
    /// <param name="override">Of the first checkpoint of an epoch, save the first.</param>
    /// <exception cref="ArgumentException">A field of another form.</exception>
    public TbsCheckpoint(
        string origin, long epoch, long treeSize, ReadOnlyMemory<byte> rootHash, DateTimeOffset time, ReadOnlyMemory<byte> keyId, LogOverride? @override = null)
    {
        Origin = CustodyFields.Text(origin, nameof(origin));
        Epoch = LogFields.Count(epoch, nameof(epoch));
        TreeSize = LogFields.Count(treeSize, nameof(treeSize));
        RootHash = CustodyFields.Exactly(rootHash, CustodyFields.HashLength, nameof(rootHash));
        Time = AuditTime.Truncate(time, nameof(time));
        KeyId = CustodyFields.Exactly(keyId, CustodyFields.HashLength, nameof(keyId));
        Override = @override is null || epoch > 0 ? @override : throw new ArgumentException(WrongOverride, nameof(@override));
    }

    public string Origin { get; }

    /// <summary>How many times officers let the log go on from an older state.</summary>
    public long Epoch { get; }

    public long TreeSize { get; }

    public ReadOnlyMemory<byte> RootHash { get; }

    /// <summary>When it was signed, in milliseconds, UTC.</summary>
    public DateTimeOffset Time { get; }

    public ReadOnlyMemory<byte> KeyId { get; }

    public LogOverride? Override { get; }

    public static TbsCheckpoint Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        CustodyFields.ReadType(sequence, Oids.Checkpoint);
        sequence.ReadVersion(Version);
        string origin = CustodyFields.ReadText(sequence);
        long epoch = LogFields.ReadCount(sequence);
        long treeSize = LogFields.ReadCount(sequence);
        ReadOnlyMemory<byte> rootHash = CustodyFields.ReadExactly(sequence, CustodyFields.HashLength);
        DateTimeOffset time = AuditTime.Read(sequence);
        ReadOnlyMemory<byte> keyId = CustodyFields.ReadExactly(sequence, CustodyFields.HashLength);
        LogOverride? @override = sequence.HasData ? LogOverride.Read(sequence) : null;
        sequence.ThrowIfNotEmpty();
        return @override is null || epoch > 0
            ? new TbsCheckpoint(origin, epoch, treeSize, rootHash, time, keyId, @override)
            : throw new AsnContentException(WrongOverride);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(Oids.Checkpoint);
            writer.WriteInteger(Version);
            CustodyFields.WriteText(writer, Origin);
            writer.WriteInteger(Epoch);
            writer.WriteInteger(TreeSize);
            writer.WriteOctetString(RootHash.Span);
            AuditTime.Write(writer, Time);
            writer.WriteOctetString(KeyId.Span);
            Override?.Write(writer);
        }
    }
}

/// <summary>
/// <code>
/// Checkpoint ::= SEQUENCE { tbsCheckpoint TBSCheckpoint, signature SM2Signature }
/// </code>
/// The signature is the log key's, under the default identity, over the DER of tbsCheckpoint, which is kept as read.
/// </summary>
public sealed class Checkpoint : IDer<Checkpoint>
{
    private Checkpoint(TbsCheckpoint tbs, ReadOnlyMemory<byte> tbsBytes, Sm2Signature signature)
    {
        Tbs = tbs;
        TbsBytes = tbsBytes;
        Signature = signature;
    }

    public TbsCheckpoint Tbs { get; }

    public ReadOnlyMemory<byte> TbsBytes { get; }

    public Sm2Signature Signature { get; }

    /// <returns>What <see cref="TbsCheckpoint.KeyId"/> says of this key.</returns>
    public static byte[] KeyIdOf(SubjectPublicKeyInfo key) => Sm3.HashData(Der.Encode(key));

    /// <param name="tbsBytes">DER of a <see cref="TbsCheckpoint"/>; kept, not copied.</param>
    /// <exception cref="DerException">Something else.</exception>
    public static Checkpoint Assemble(ReadOnlyMemory<byte> tbsBytes, Sm2Signature signature) =>
        new(Der.Decode<TbsCheckpoint>(tbsBytes), tbsBytes, Require.NotNull(signature));

    /// <summary>Whether the key is the one that the checkpoint names, is SM2, and made the signature.</summary>
    public bool IsSignedBy(SubjectPublicKeyInfo key) =>
        Tbs.KeyId.Span.SequenceEqual(KeyIdOf(Require.NotNull(key)))
        && CustodyFields.FindSm2Key(key) is { } sm2Key
        && sm2Key.Verify(TbsBytes.Span, Signature.Raw.Span);

    public static Checkpoint Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        ReadOnlyMemory<byte> tbsBytes = sequence.PeekEncodedValue();
        var checkpoint = new Checkpoint(TbsCheckpoint.Read(sequence), tbsBytes, Sm2Signature.Read(sequence));
        sequence.ThrowIfNotEmpty();
        return checkpoint;
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
