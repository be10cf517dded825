using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Ra.CertificationAuthority;
using ZwCa.Tests.HsmSim.Device;

namespace ZwCa.Tests.Ra.Officers;

/// <summary>An RA notices when the CA's log is not what it was.</summary>
public sealed class CheckpointTests
{
    private static readonly DateTimeOffset Start = new(2026, 3, 2, 9, 0, 0, TimeSpan.Zero);

    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ASmallerTreeIsATreeThatWentBack_UnlessItIsOneOfTheLastSecond()
    {
        using var log = new KnownLog();
        Assert.Equal(HealthStatus.Degraded, await log.StatusAsync());
        log.See(10, Start);
        Assert.Equal(HealthStatus.Healthy, await log.StatusAsync());

        // Another node of the CA, which has not read since.
        log.See(8, Start.AddSeconds(-1));
        Assert.Equal(HealthStatus.Healthy, await log.StatusAsync());
        Assert.Equal(10, log.Checkpoints.Highest!.Tbs.TreeSize);

        // One that goes on saying so has lost something. Told of once a minute.
        log.Clock.Advance(TimeSpan.FromSeconds(6));
        log.See(8, Start.AddSeconds(-1));
        log.See(8, Start.AddSeconds(-1));
        Assert.Equal(HealthStatus.Unhealthy, await log.StatusAsync());
        Assert.Single(log.Lines.All);
        log.Clock.Advance(TimeSpan.FromSeconds(60));
        log.See(8, Start.AddSeconds(-1));
        Assert.Equal(2, log.Lines.All.Count);
        Assert.All(log.Lines.All, line => Assert.StartsWith("Error", line, StringComparison.Ordinal));

        // As before, and further.
        log.See(10, Start);
        Assert.Equal(HealthStatus.Healthy, await log.StatusAsync());
        log.See(12, Start.AddSeconds(66));
        Assert.Equal(12, log.Checkpoints.Highest!.Tbs.TreeSize);
    }

    [Fact]
    public async Task WhatCannotBe_IsNoticedAtOnce()
    {
        using var log = new KnownLog();
        log.See(10, Start);

        await UnhealthyAsync(() => log.See(9, Start.AddSeconds(1)));
        await UnhealthyAsync(() => log.See(10, Start, root: 7));
        await UnhealthyAsync(() => log.See(11, Start.AddSeconds(-1)));
        await UnhealthyAsync(() => log.See(11, Start.AddSeconds(1), origin: "zwca/kmc"));
        using var stranger = Sm2PrivateKey.Generate();
        await UnhealthyAsync(() => log.See(11, Start.AddSeconds(1), key: stranger));
        await UnhealthyAsync(() => log.Checkpoints.See("!"));
        await UnhealthyAsync(() => log.Checkpoints.See(Convert.ToBase64String([5, 0])));
        Assert.Equal(10, log.Checkpoints.Highest!.Tbs.TreeSize);

        async Task UnhealthyAsync(Action see)
        {
            see();
            Assert.Equal(HealthStatus.Unhealthy, await log.StatusAsync());
            log.See(10, Start);
            Assert.Equal(HealthStatus.Healthy, await log.StatusAsync());
        }
    }

    [Fact]
    public async Task ALogThatIsNotHeardOf_OrStandsStill_ShowsInReadiness()
    {
        using var log = new KnownLog();
        log.See(10, Start);
        log.Clock.Advance(TimeSpan.FromMinutes(4));
        Assert.Equal(HealthStatus.Healthy, await log.StatusAsync());
        log.Clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(HealthStatus.Degraded, await log.StatusAsync());
        log.See(10, Start);
        Assert.Equal(HealthStatus.Degraded, await log.StatusAsync());
        log.See(10, Start.AddMinutes(6));
        Assert.Equal(HealthStatus.Healthy, await log.StatusAsync());
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task TheHighestIsKept_ForAllNodes_AndEachIsProvenToFollow(DatabaseKind kind)
    {
        await using CaStage ca = await CaStage.StartAsync();
        await using RaSide ra = await RaSide.CreateAsync(ca, kind);
        RaNode node = ra.Node();
        await SeeAsync(node, 0);
        await node.Kept.RunAsync(Token);
        long first = await KeptSizeAsync(ra);
        Assert.True(first > 0);

        // Another node knows it before it has heard anything.
        RaNode other = ra.Node();
        await other.Kept.RunAsync(Token);
        Assert.Equal(first, other.Checkpoints.Highest!.Tbs.TreeSize);

        await ca.IssueAsync();
        await SeeAsync(other, first);
        await other.Kept.RunAsync(Token);
        long second = await KeptSizeAsync(ra);
        Assert.True(second > first);
        Assert.Equal(HealthStatus.Healthy, await RaNode.StatusAsync(other.LogHealth));

        // The node that has an older one keeps that of the other; what was signed meanwhile follows as well.
        await node.Kept.RunAsync(Token);
        Assert.Equal(second, node.Checkpoints.Highest!.Tbs.TreeSize);
        Assert.Equal(second, await KeptSizeAsync(ra));
        Assert.Empty(node.CheckpointLines.All);
    }

    [Fact]
    public async Task ALogThatShowsSomethingElseThanBefore_IsFoundOut_AndNotKept()
    {
        await using CaStage ca = await CaStage.StartAsync();
        await using RaSide ra = await RaSide.CreateAsync(ca);
        RaNode node = ra.Node();
        await SeeAsync(node, 0);

        // The log's own key has signed another tree, smaller than what there is now.
        Checkpoint now = node.Checkpoints.Highest!;
        Checkpoint forged = await SignAsync(ca, new TbsCheckpoint(CaScene.LogOrigin, 0, now.Tbs.TreeSize - 3, Sm3.HashData([1]), now.Tbs.Time.AddSeconds(-1), now.Tbs.KeyId));
        await KeepAsync(ra, forged);
        await node.Kept.RunAsync(Token);
        Assert.Equal(HealthStatus.Unhealthy, await RaNode.StatusAsync(node.LogHealth));
        Assert.Equal(forged.Tbs.TreeSize, await KeptSizeAsync(ra));
        Assert.StartsWith("Error", Assert.Single(node.CheckpointLines.All), StringComparison.Ordinal);

        // Nor is one believed that is larger than the log.
        Checkpoint larger = await SignAsync(ca, new TbsCheckpoint(CaScene.LogOrigin, 0, 1_000_000, Sm3.HashData([1]), now.Tbs.Time, now.Tbs.KeyId));
        await ra.RawAsync("DELETE FROM ca_checkpoint");
        await KeepAsync(ra, larger);
        RaNode fresh = ra.Node();
        await fresh.Kept.RunAsync(Token);
        await SeeAsync(fresh, -1);
        Assert.False(await fresh.Kept.TryAsync(now, Token));
        Assert.Equal(HealthStatus.Unhealthy, await RaNode.StatusAsync(fresh.LogHealth));

        // By what is true it is healthy again.
        await ra.RawAsync("DELETE FROM ca_checkpoint");
        await KeepAsync(ra, now);
        await node.Kept.RunAsync(Token);
        Assert.Equal(HealthStatus.Healthy, await RaNode.StatusAsync(node.LogHealth));
    }

    [Fact]
    public async Task ALogThatTwoOfficersSetBack_IsFollowed_AndAPersonIsTold()
    {
        await using CaStage ca = await CaStage.StartAsync();
        await using RaSide ra = await RaSide.CreateAsync(ca);
        RaNode plain = ra.Node();
        await SeeAsync(plain, 0);
        await plain.Kept.RunAsync(Token);
        TbsCheckpoint kept = plain.Checkpoints.Highest!.Tbs;
        await ra.StoreAsync("00", "01", [1], TimeSpan.FromMinutes(2));
        await ra.RawAsync("UPDATE certificate SET proven_at = stored_at");

        // The new epoch began with less; its first checkpoint says what was given up.
        Checkpoint answer = null!;
        RaNode node = ra.Node(handler: inner => new ChangedAnswers(inner, (request, response) => Task.FromResult(
            request.RequestUri!.ToString().Contains("/log/epochs/1", StringComparison.Ordinal)
                ? new HttpResponseMessage(HttpStatusCode.OK) { Content = JsonContent.Create(new EpochAnswer { Checkpoint = Der.Encode(answer) }) }
                : response)));
        answer = await BeginAsync(kept.TreeSize - 1);
        Assert.False(await node.Kept.TryAsync(answer, Token));
        Assert.Equal(HealthStatus.Unhealthy, await RaNode.StatusAsync(node.LogHealth));
        Assert.Equal(kept.TreeSize, await KeptSizeAsync(ra));
        Assert.Empty(node.KeptLines.All);
        Assert.Single(await ra.ProvenAsync());

        answer = await BeginAsync(kept.TreeSize + 1);
        Assert.True(await node.Kept.TryAsync(answer, Token));
        Assert.Equal(5, await KeptSizeAsync(ra));
        Assert.StartsWith("Critical", Assert.Single(node.KeptLines.All), StringComparison.Ordinal);

        // What was in the log that was given up is to be proven again.
        Assert.Empty(await ra.ProvenAsync());

        // There is no way back.
        Assert.False(await node.Kept.TryAsync(plain.Checkpoints.Highest, Token));

        Task<Checkpoint> BeginAsync(long abandoned) => SignAsync(
            ca, new TbsCheckpoint(CaScene.LogOrigin, 1, 5, Sm3.HashData([2]), kept.Time.AddMinutes(1), kept.KeyId, new LogOverride(Sm3.HashData([3]), abandoned, Sm3.HashData([4]))));
    }

    /// <summary>Asks until the CA names a checkpoint with more than so many events.</summary>
    private static async Task SeeAsync(RaNode node, long above)
    {
        do
        {
            await node.Ca.LookAsync<DirectoryDigest>("/directory/digest", Token);
            await Task.Delay(50, Token);
        }
        while (node.Checkpoints.Highest is not { } highest || highest.Tbs.TreeSize <= above);
    }

    private static Task<long> KeptSizeAsync(RaSide ra) => ra.Database.FindAsync<long>("SELECT tree_size FROM ca_checkpoint", cancellationToken: Token);

    private static Task KeepAsync(RaSide ra, Checkpoint checkpoint) => ra.RawAsync(
        "INSERT INTO ca_checkpoint (checkpoint_number, tree_size, checkpoint, seen_at) VALUES (1, @Size, @Der, 1)", new { Size = checkpoint.Tbs.TreeSize, Der = Der.Encode(checkpoint) });

    private static async Task<Checkpoint> SignAsync(CaStage ca, TbsCheckpoint tbs)
    {
        var signer = new HsmSigner(ca.Hsm, (await ca.Hsm.FindKeyAsync(new KeyLabel("ca-log"), Token))!);
        byte[] bytes = Der.Encode(tbs);
        return Checkpoint.Assemble(bytes, Der.Decode<Sm2Signature>(await signer.SignAsync(bytes, Token)));
    }

    /// <summary>Checkpoints of a log that a test makes up, as an RA with a clock of its own sees them.</summary>
    private sealed class KnownLog : IDisposable
    {
        private readonly Sm2PrivateKey _key = Sm2PrivateKey.Generate();
        private readonly CaLogHealth _health;

        public KnownLog()
        {
            Checkpoints = new Checkpoints(new AuditVerifier(CaScene.LogOrigin, Of(_key)), Clock, Lines);
            _health = new CaLogHealth(Checkpoints, Clock);
        }

        public ManualClock Clock { get; } = new(Start);

        public Lines<Checkpoints> Lines { get; } = new();

        public Checkpoints Checkpoints { get; }

        public Task<HealthStatus> StatusAsync() => RaNode.StatusAsync(_health);

        public void See(long size, DateTimeOffset time, byte root = 0, string origin = CaScene.LogOrigin, Sm2PrivateKey? key = null)
        {
            key ??= _key;
            byte[] tbs = Der.Encode(new TbsCheckpoint(origin, 0, size, Sm3.HashData([root, (byte)size]), time, Checkpoint.KeyIdOf(Of(key))));
            byte[] signature = new byte[Sm2Signature.RawLength];
            key.Sign(tbs, signature);
            Checkpoints.See(Convert.ToBase64String(Der.Encode(Checkpoint.Assemble(tbs, Sm2Signature.FromRaw(signature)))));
        }

        public void Dispose() => _key.Dispose();

        private static SubjectPublicKeyInfo Of(Sm2PrivateKey key) => SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes());
    }
}
