using ZwCa.Asn1;
using ZwCa.Asn1.Feed;
using ZwCa.Asn1.Gm;
using ZwCa.Cryptography;
using ZwCa.Tests.Asn1.Custody;

namespace ZwCa.Tests.Asn1.Feed;

/// <summary>Segments, heartbeats and snapshots.</summary>
public sealed class FeedSamples : IDerSamples
{
    private static readonly DateTimeOffset Time = new(2026, 3, 1, 8, 30, 15, 250, TimeSpan.Zero);
    private static readonly byte[] Hash = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];

    public IEnumerable<DerSample> Samples =>
    [
        DerSample.Of(Tbs(FeedStatementKind.Segment, 7, Hash)),
        DerSample.Of(Tbs(FeedStatementKind.Heartbeat, 0)),
        DerSample.Of(Tbs(FeedStatementKind.Snapshot, 7, Hash, new byte[32])),
        DerSample.Of(Sign(Tbs(FeedStatementKind.Segment, 7, Hash), 1)),
    ];

    internal static TbsFeedStatement Tbs(FeedStatementKind kind, long number, params ReadOnlyMemory<byte>[] contents) =>
        new(kind, "zwca/test", number, Hash, Time, FeedStatement.KeyIdOf(CustodySamples.PublicKey(1)), contents);

    /// <summary>By the key of that number.</summary>
    internal static FeedStatement Sign(TbsFeedStatement tbs, byte key)
    {
        byte[] bytes = Der.Encode(tbs);
        byte[] signature = new byte[Sm2.SignatureSizeInBytes];
        using Sm2PrivateKey signer = CustodySamples.PrivateKey(key);
        signer.Sign(bytes, signature);
        return FeedStatement.Assemble(bytes, Sm2Signature.FromRaw(signature));
    }
}
