using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit.Tree;

namespace ZwCa.Audit;

/// <summary>Something that was said about a log does not hold. The message says what, for people.</summary>
public sealed class LogNotProvenException(string message) : Exception(message);

/// <summary>
/// Judges what a log says: no database, no clock, no network; only bytes and the keys that the verifier trusts. Every method returns where all holds and throws
/// <see cref="LogNotProvenException"/> where not. docs/AUDIT-FORMAT.md has the same in steps.
/// </summary>
public sealed class AuditVerifier
{
    private readonly string _origin;
    private readonly IReadOnlyList<SubjectPublicKeyInfo> _keys;

    /// <param name="origin">The log's name.</param>
    /// <param name="keys">Its keys: the one that was given at the ceremony, and those after it.</param>
    public AuditVerifier(string origin, params IReadOnlyList<SubjectPublicKeyInfo> keys)
    {
        ArgumentException.ThrowIfNullOrEmpty(origin);
        ArgumentNullException.ThrowIfNull(keys);
        _origin = origin;
        _keys = [.. keys];
    }

    /// <summary>The checkpoint is this log's, signed by a key of it.</summary>
    public void VerifyCheckpoint(Checkpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        Require(checkpoint.Tbs.Origin == _origin, $"The checkpoint is of the log \"{checkpoint.Tbs.Origin}\", not of \"{_origin}\".");
        SubjectPublicKeyInfo? key = _keys.FirstOrDefault(each => checkpoint.Tbs.KeyId.Span.SequenceEqual(Checkpoint.KeyIdOf(each)));
        Require(key is not null, $"The checkpoint names the key {Hex(checkpoint.Tbs.KeyId)}, which is not trusted for this log.");
        Require(checkpoint.IsSignedBy(key!), $"The signature of the checkpoint at {checkpoint.Tbs.TreeSize} does not verify.");
        Require(
            checkpoint.Tbs.TreeSize > 0 || checkpoint.Tbs.RootHash.Span.SequenceEqual(MerkleHash.Empty()),
            "The checkpoint of the empty log has another root than the empty tree.");
    }

    /// <summary>The event is in the log that the checkpoint is of, at the place that the proof names.</summary>
    /// <param name="leaf">DER of the <see cref="AuditLeaf"/>, exactly as it was logged.</param>
    /// <returns>The event.</returns>
    public AuditLeaf VerifyInclusion(ReadOnlyMemory<byte> leaf, InclusionProof proof, Checkpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(proof);
        VerifyCheckpoint(checkpoint);
        AuditLeaf read;
        try
        {
            read = Der.Decode<AuditLeaf>(leaf);
        }
        catch (DerException e)
        {
            throw new LogNotProvenException($"The leaf is no event: {e.Message}");
        }

        Require(proof.TreeSize == checkpoint.Tbs.TreeSize, $"The proof is for a log of {proof.TreeSize} events, the checkpoint for one of {checkpoint.Tbs.TreeSize}.");
        Require(
            MerkleProof.Verify(proof, MerkleHash.Leaf(leaf.Span), checkpoint.Tbs.RootHash.Span),
            $"The event {Hex(read.Id)} is not proven to be in the log at place {proof.LeafIndex}.");
        return read;
    }

    /// <summary>
    /// The later checkpoint's log begins with all that the earlier one's had. Where their epochs differ, officers let the log go on from an older state in between
    /// (<see cref="VerifyOverride"/>): then only what was kept can be proven, and an earlier checkpoint beyond it cannot.
    /// </summary>
    public void VerifyConsistency(Checkpoint earlier, Checkpoint later, ConsistencyProof proof)
    {
        ArgumentNullException.ThrowIfNull(proof);
        VerifyCheckpoint(earlier);
        VerifyCheckpoint(later);
        (TbsCheckpoint first, TbsCheckpoint second) = (earlier.Tbs, later.Tbs);
        Require(
            first.TreeSize != second.TreeSize || first.RootHash.Span.SequenceEqual(second.RootHash.Span),
            $"Two checkpoints of {first.TreeSize} events have different roots: the log shows different people different things.");
        Require(
            proof.FirstSize == first.TreeSize && proof.SecondSize == second.TreeSize,
            $"The proof is from {proof.FirstSize} to {proof.SecondSize} events, the checkpoints are of {first.TreeSize} and {second.TreeSize}.");
        Require(
            MerkleProof.Verify(proof, first.RootHash.Span, second.RootHash.Span),
            $"The log of {second.TreeSize} events is not proven to begin with that of {first.TreeSize} events: something was removed or changed.");
        Require(
            first.Epoch <= second.Epoch && (first.TreeSize == second.TreeSize || first.Epoch < second.Epoch || first.Time <= second.Time),
            "The larger log's checkpoint is older than the smaller one's.");
    }

    /// <summary>The break between two epochs was decided, and gives up what the earlier checkpoint tells of.</summary>
    /// <param name="earlier">The highest that is known of the epoch before.</param>
    /// <param name="broken">The first checkpoint of the next epoch.</param>
    /// <returns>Who decided it stands behind its digest.</returns>
    public LogOverride VerifyOverride(Checkpoint earlier, Checkpoint broken)
    {
        VerifyCheckpoint(earlier);
        VerifyCheckpoint(broken);
        (TbsCheckpoint before, TbsCheckpoint after) = (earlier.Tbs, broken.Tbs);
        Require(after.Epoch == before.Epoch + 1, $"Epoch {after.Epoch} does not follow epoch {before.Epoch}.");
        Require(after.Override is not null, $"The checkpoint carries no decision that lets epoch {after.Epoch} begin.");
        LogOverride decided = after.Override!;
        Require(
            decided.AbandonedSize > before.TreeSize
                || (decided.AbandonedSize == before.TreeSize && decided.AbandonedRoot.Span.SequenceEqual(before.RootHash.Span)),
            $"The decision gives up a log of {decided.AbandonedSize} events; a checkpoint of {before.TreeSize} is known that it does not speak of.");
        Require(after.Time >= before.Time, "The new epoch begins before the old one ended.");
        return decided;
    }

    /// <summary>The value is the one whose hash stands in the leaf.</summary>
    /// <param name="name">Of the masked field.</param>
    /// <param name="salt">16 bytes.</param>
    public void VerifyPersonal(AuditLeaf leaf, string name, ReadOnlyMemory<byte> salt, string value)
    {
        ArgumentNullException.ThrowIfNull(leaf);
        AuditField.Masked? field = leaf.Fields.OfType<AuditField.Masked>().FirstOrDefault(each => each.Name == name);
        Require(field is not null, $"The event has no masked field \"{name}\".");
        Require(
            field!.Hash.Span.SequenceEqual(AuditLog.Mask(salt.Span, Encoding.UTF8.GetBytes(value))), $"The value is not the one that \"{name}\" was recorded with.");
    }

    /// <summary>The log has announced its next key under a checkpoint of a key that is trusted already.</summary>
    /// <param name="leaf">DER of the event <c>log.key</c>.</param>
    /// <returns>A verifier that trusts the next key too.</returns>
    public AuditVerifier AcceptKey(SubjectPublicKeyInfo next, ReadOnlyMemory<byte> leaf, InclusionProof proof, Checkpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(next);
        AuditLeaf announcement = VerifyInclusion(leaf, proof, checkpoint);
        Require(LogEvents.Announces(announcement, next), $"The event {Hex(announcement.Id)} does not announce the key {LogEvents.KeyId(next)}.");
        return new AuditVerifier(_origin, [.. _keys, next]);
    }

    private static string Hex(ReadOnlyMemory<byte> octets) => Convert.ToHexStringLower(octets.Span);

    private static void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new LogNotProvenException(otherwise);
        }
    }
}
