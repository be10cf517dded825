using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Audit.Tree;
using ZwCa.Tests.Asn1.Audit;
using ZwCa.Tests.Asn1.Custody;

namespace ZwCa.Tests.Audit;

/// <summary>Each thing that does not hold is said.</summary>
public sealed class AuditVerifierTests
{
    private static readonly AuditVerifier Verifier = new(AuditSamples.Origin, CustodySamples.PublicKey(1));
    private static readonly byte[] Leaf = Der.Encode(AuditSamples.Leaf);
    private static readonly byte[][] Hashes = [.. Enumerable.Range(0, 6).Select(i => MerkleHash.Leaf([(byte)i])), MerkleHash.Leaf(Leaf)];

    public static TheoryData<string, Action> Untrue => new()
    {
        { "is of the log", () => Verifier.VerifyCheckpoint(Sign(7, origin: "zwca/other")) },
        { "which is not trusted", () => Verifier.VerifyCheckpoint(Sign(7, key: 2)) },
        { "does not verify", () => Verifier.VerifyCheckpoint(AuditSamples.Sign(Tbs(7, key: 1), 2)) },
        { "another root than the empty tree", () => Verifier.VerifyCheckpoint(Sign(0, root: new byte[32])) },
        { "is no event", () => Verifier.VerifyInclusion(new byte[3], NaiveTree.Include(6, Hashes), Sign(7)) },
        { "for a log of 7 events, the checkpoint for one of 6", () => Verifier.VerifyInclusion(Leaf, NaiveTree.Include(6, Hashes), Sign(6)) },
        { "is not proven to be in the log at place 5", () => Verifier.VerifyInclusion(Leaf, NaiveTree.Include(5, Hashes), Sign(7)) },
        { "different people different things", () => Verifier.VerifyConsistency(Sign(7, root: new byte[32]), Sign(7), Connect(7, 7)) },
        { "The proof is from 3 to 7 events", () => Verifier.VerifyConsistency(Sign(4), Sign(7), Connect(3, 7)) },
        { "something was removed or changed", () => Verifier.VerifyConsistency(Sign(3, root: new byte[32]), Sign(7), Connect(3, 7)) },
        { "is older than the smaller one's", () => Verifier.VerifyConsistency(Sign(3, minutes: 8), Sign(7), Connect(3, 7)) },
        { "is older than the smaller one's", () => Verifier.VerifyConsistency(Sign(3, epoch: 1), Sign(7), Connect(3, 7)) },
        { "does not follow epoch 0", () => Verifier.VerifyOverride(Sign(7), Sign(5, epoch: 2, given: 7)) },
        { "carries no decision", () => Verifier.VerifyOverride(Sign(7), Sign(5, epoch: 1)) },
        { "that it does not speak of", () => Verifier.VerifyOverride(Sign(7), Sign(5, epoch: 1, given: 6)) },
        { "that it does not speak of", () => Verifier.VerifyOverride(Sign(7, root: new byte[32]), Sign(5, epoch: 1, given: 7)) },
        { "before the old one ended", () => Verifier.VerifyOverride(Sign(6, minutes: 9), Sign(5, epoch: 1, given: 7, minutes: 8)) },
    };

    [Theory]
    [MemberData(nameof(Untrue), DisableDiscoveryEnumeration = true)]
    public void What_does_not_hold_is_said(string said, Action verify) =>
        Assert.Contains(said, Assert.Throws<LogNotProvenException>(verify).Message, StringComparison.Ordinal);

    [Fact]
    public void What_holds_is_accepted()
    {
        Verifier.VerifyCheckpoint(Sign(0));
        Assert.Equal("certificate.issue", Verifier.VerifyInclusion(Leaf, NaiveTree.Include(6, Hashes), Sign(7)).Action);
        Verifier.VerifyConsistency(Sign(0), Sign(7), Connect(0, 7));
        Verifier.VerifyConsistency(Sign(3), Sign(7), Connect(3, 7));
        Verifier.VerifyConsistency(Sign(7, minutes: 9), Sign(7), Connect(7, 7));
        Verifier.VerifyConsistency(Sign(3), Sign(7, epoch: 2), Connect(3, 7));
        Assert.Equal(7, Verifier.VerifyOverride(Sign(7), Sign(5, epoch: 1, given: 7, minutes: 8)).AbandonedSize);
        Assert.Equal(7, Verifier.VerifyOverride(Sign(6), Sign(5, epoch: 1, given: 7, minutes: 8)).AbandonedSize);
    }

    private static Checkpoint Sign(int size, string origin = AuditSamples.Origin, byte key = 1, byte[]? root = null, long epoch = 0, long? given = null, int? minutes = null) =>
        AuditSamples.Sign(Tbs(size, origin, key, root, epoch, given, minutes), key);

    private static TbsCheckpoint Tbs(
        int size, string origin = AuditSamples.Origin, byte key = 1, byte[]? root = null, long epoch = 0, long? given = null, int? minutes = null) => new(
        origin,
        epoch,
        size,
        root ?? NaiveTree.Root(Hashes[..size]),
        AuditSamples.Time.AddMinutes(minutes ?? size),
        Checkpoint.KeyIdOf(CustodySamples.PublicKey(key)),
        given is { } abandoned ? new LogOverride(new byte[32], abandoned, NaiveTree.Root(Hashes[..(int)abandoned])) : null);

    private static ConsistencyProof Connect(int first, int second) =>
        new(first, second, [.. MerkleTree.ConsistencyPath(first, second).Select(range => (ReadOnlyMemory<byte>)NaiveTree.Hash(Hashes, range))]);
}
