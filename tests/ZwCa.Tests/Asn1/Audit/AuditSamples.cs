using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Gm;
using ZwCa.Cryptography;
using ZwCa.Tests.Asn1.Custody;

namespace ZwCa.Tests.Asn1.Audit;

/// <summary>Events, checkpoints and proofs.</summary>
public sealed class AuditSamples : IDerSamples
{
    public const string Origin = "zwca/test";

    public static readonly DateTimeOffset Time = new(2026, 3, 1, 8, 30, 15, 250, TimeSpan.Zero);

    private static readonly byte[] Hash = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];

    public static AuditLeaf Leaf { get; } = new(
        new byte[16],
        Time,
        new AuditActor(AuditActorKind.Officer, "7f01"),
        "certificate.issue",
        new AuditObject("certificate", "1a2b"),
        AuditOutcome.Done,
        [new AuditField.Text("profile", "机构双证"), new AuditField.Number("days", 365), new AuditField.Octets("tbs", Hash), new AuditField.Masked("name", Hash)]);

    public static LogOverride Override { get; } = new(Hash, 200, Hash);

    public static TbsCheckpoint Tbs { get; } = new(Origin, 0, 2, Hash, Time, Checkpoint.KeyIdOf(CustodySamples.PublicKey(1)));

    public static TbsCheckpoint Overridden { get; } = new(Origin, 1, 120, Hash, Time, Tbs.KeyId, Override);

    public IEnumerable<DerSample> Samples => [
        DerSample.Of(Leaf.Actor),
        DerSample.Of(Leaf.Object),
        .. Leaf.Fields.Select(DerSample.Of),
        DerSample.Of(Leaf),
        DerSample.Of(new AuditLeaf(new byte[16], Time, Leaf.Actor, "log.key", Leaf.Object, AuditOutcome.Intended, [])),
        DerSample.Of(Override),
        DerSample.Of(Tbs),
        DerSample.Of(Overridden),
        DerSample.Of(Sign(Tbs, 1)),
        DerSample.Of(Sign(Overridden, 1)),
        DerSample.Of(new InclusionProof(3, 7, [Hash, new byte[32], Hash])),
        DerSample.Of(new InclusionProof(0, 1, [])),
        DerSample.Of(new ConsistencyProof(3, 7, [Hash, Hash, new byte[32], Hash])),
        DerSample.Of(new ConsistencyProof(0, 0, [])),
    ];

    /// <summary>By the key of that number.</summary>
    internal static Checkpoint Sign(TbsCheckpoint tbs, byte key)
    {
        byte[] bytes = Der.Encode(tbs);
        byte[] signature = new byte[Sm2.SignatureSizeInBytes];
        using Sm2PrivateKey signer = CustodySamples.PrivateKey(key);
        signer.Sign(bytes, signature);
        return Checkpoint.Assemble(bytes, Sm2Signature.FromRaw(signature));
    }
}
