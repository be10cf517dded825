using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Audit.Sequencing;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Tests.Asn1.Audit;
using ZwCa.Tests.Asn1.Custody;
using ZwCa.Tests.HsmSim.Device;

namespace ZwCa.Tests.Audit;

/// <summary>A log with a database, a key and two anchors of its own, and a clock that stands.</summary>
internal sealed class LogFixture : IAsyncDisposable
{
    public static readonly AuditActor Actor = new(AuditActorKind.Officer, "7f01");

    private readonly TestDatabase _test;
    private readonly TemporaryFolder _folder = new();

    private LogFixture(TestDatabase test)
    {
        _test = test;
        Anchors = [new Anchor(_folder.File("one")), new Anchor(_folder.File("two"))];
        Key = Hsm.AddSm2Key(new KeyLabel("log"), CustodySamples.PrivateKey(1));
        Log = new AuditLog(Clock);
    }

    public Database Database => _test.Database;

    public ManualClock Clock { get; } = new(AuditSamples.Time);

    public MemoryHsm Hsm { get; } = new();

    public HsmKey Key { get; }

    public IReadOnlyList<Anchor> Anchors { get; }

    public AuditLog Log { get; }

    public LogProofs Proofs => new(Database);

    /// <summary>The lease is over when it is taken: the clock stands, and a second sequencer is the first one started again.</summary>
    public LogOptions Options => new()
    {
        Origin = AuditSamples.Origin,
        Key = Key.PublicKey!,
        Anchors = Anchors,
        LeaseDuration = TimeSpan.FromMilliseconds(-1),
    };

    public AuditVerifier Verifier => new(AuditSamples.Origin, Key.PublicKey!);

    public static async Task<LogFixture> CreateAsync(DatabaseKind kind)
    {
        TestDatabase test = await TestDatabase.CreateAsync(kind, MigrationSet.Data, AuditLog.Migrations);
        return new LogFixture(test);
    }

    public DatabaseOptions DatabaseOptions => _test.Options;

    public static AuditEvent Event(int number) =>
        new(Actor, "certificate.issue", new AuditObject("certificate", $"{number:x4}"), AuditOutcome.Done) { Fields = [new AuditField.Number("number", number)] };

    public Sequencer Sequencer(LogOptions? options = null, HsmKey? key = null, Database? database = null) =>
        new(database ?? Database, new HsmSigner(Hsm, key ?? Key), options ?? Options, Clock);

    public async Task<byte[][]> AppendAsync(int count, AuditLog? log = null)
    {
        byte[][] ids = new byte[count][];
        await Task.WhenAll(Enumerable.Range(0, count).Select(
            async i => ids[i] = await Database.WriteAsync(transaction => (log ?? Log).AppendAsync(transaction, Event(i)))));
        return ids;
    }

    /// <summary>Appends, and has all of it under a checkpoint.</summary>
    public async Task<byte[][]> LogAsync(int count, Sequencer? sequencer = null)
    {
        byte[][] ids = await AppendAsync(count);
        Clock.Advance(TimeSpan.FromSeconds(1));
        SequencerRound round = await (sequencer ?? Sequencer()).RunOnceAsync();
        Assert.Equal(count, round.Sequenced);
        Assert.NotNull(round.Signed);
        return ids;
    }

    /// <summary>Everything fits, nothing waits, and each event is proven.</summary>
    public async Task CheckAsync(IEnumerable<byte[]> ids)
    {
        LogCheckReport report = await new LogCheck(Database, Options).RunAsync();
        Assert.Empty(report.Findings);
        Assert.Equal(0, report.Pending);
        Assert.True(report.Checkpoints > 0);
        foreach (byte[] id in ids)
        {
            ProvenEvent proven = (await Proofs.FindAsync(id))!;
            AuditLeaf leaf = Verifier.VerifyInclusion(proven.Leaf, proven.Proof, proven.Checkpoint);
            Assert.Equal(id, leaf.Id.ToArray());
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Hsm.DisposeAsync();
        await _test.DisposeAsync();
        _folder.Dispose();
    }
}
