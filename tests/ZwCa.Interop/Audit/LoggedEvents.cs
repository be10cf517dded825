using System.Globalization;
using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Audit.Sequencing;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;

namespace ZwCa.Interop.Audit;

/// <summary>A log as the service keeps it, with a checkpoint at each of some sizes.</summary>
public sealed class LoggedEvents : IAsyncLifetime
{
    public const string Origin = "zwca/测试";
    public const string Person = "张三";

    /// <summary>One leaf, both kinds of edge, complete trees and one leaf beyond.</summary>
    public static readonly int[] Sizes = [1, 2, 3, 7, 8, 33];

    private readonly MemoryHsm _hsm = new();
    private readonly TemporaryFolder _anchors = new();
    private readonly Dictionary<int, Checkpoint> _checkpoints = [];
    private readonly byte[][] _leaves = new byte[Sizes[^1]][];
    private readonly byte[][] _ids = new byte[Sizes[^1]][];
    private TestDatabase? _database;
    private HsmSigner? _signer;

    /// <summary>PEM.</summary>
    public byte[] Key { get; private set; } = [];

    public byte[] OtherKey { get; private set; } = [];

    private Database Database => _database!.Database;

    public async ValueTask InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite, MigrationSet.Data, AuditLog.Migrations);
        _signer = new HsmSigner(_hsm, await _hsm.GenerateKeyAsync(new KeyLabel("log"), HsmKeyKind.Sm2));
        Key = PemOf((await _hsm.FindKeyAsync(new KeyLabel("log")))!);
        OtherKey = PemOf(await _hsm.GenerateKeyAsync(new KeyLabel("other"), HsmKeyKind.Sm2));
        var sequencer = new Sequencer(
            Database,
            _signer,
            new LogOptions
            {
                Origin = Origin,
                Key = _signer.SubjectPublicKeyInfo,
                Anchors = [new Anchor(_anchors.File("anchor"))],
                MinInterval = TimeSpan.Zero,
            },
            TimeProvider.System);
        var log = new AuditLog(TimeProvider.System);
        var ids = new List<byte[]>();
        foreach (int size in Sizes)
        {
            while (ids.Count < size)
            {
                ids.Add(await Database.WriteAsync(transaction => log.AppendAsync(transaction, Event(ids.Count))));
            }

            _checkpoints[size] = (await sequencer.RunOnceAsync()).Signed ?? throw new InvalidOperationException("No checkpoint was due.");
        }

        var proofs = new LogProofs(Database);
        foreach (byte[] id in ids)
        {
            ProvenEvent proven = (await proofs.FindAsync(id))!;
            _ids[proven.Proof.LeafIndex] = id;
            _leaves[proven.Proof.LeafIndex] = proven.Leaf.ToArray();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _database!.DisposeAsync();
        await _hsm.DisposeAsync();
        _anchors.Dispose();
    }

    public Checkpoint Checkpoint(int size) => _checkpoints[size];

    public byte[] Leaf(int index) => _leaves[index];

    public async Task<InclusionProof> ProveAsync(int index, int size) =>
        (await new LogProofs(Database).ProveInclusionAsync(_ids[index], size, TestContext.Current.CancellationToken))!;

    public Task<ConsistencyProof> ProveConsistencyAsync(int first, int second) =>
        new LogProofs(Database).ProveConsistencyAsync(first, second, TestContext.Current.CancellationToken);

    /// <returns>Of a person's name in an event; in hexadecimal.</returns>
    public async Task<string> GetSaltAsync(int index) => Convert.ToHexStringLower((await Database.FindAsync<byte[]>(
        "SELECT salt FROM audit_personal WHERE event_id = @Id AND name = 'name'",
        new { Id = _ids[index] },
        TestContext.Current.CancellationToken))!);

    /// <summary>What the log's key would vouch for if its service were in wrong hands.</summary>
    /// <param name="tbs">Any bytes.</param>
    /// <returns>DER of the Checkpoint.</returns>
    internal async Task<byte[]> SignAsync(byte[] tbs) =>
        Forgery.Sequence([.. tbs, .. await _signer!.SignAsync(tbs, TestContext.Current.CancellationToken)]);

    /// <returns>A log of that one leaf, which may be anything.</returns>
    internal async Task<Evidence> AloneAsync(byte[] leaf)
    {
        var tbs = new TbsCheckpoint(Origin, 0, 1, Sm3.HashData([0, .. leaf]), DateTimeOffset.UnixEpoch, Checkpoint(1).Tbs.KeyId);
        return new Evidence(await SignAsync(Der.Encode(tbs)), Key, leaf, Der.Encode(new InclusionProof(0, 1, [])));
    }

    private static AuditEvent Event(int i) => new(
        new AuditActor(AuditActorKind.Officer, "7f01"),
        "certificate.issue",
        new AuditObject("certificate", i.ToString("x4", CultureInfo.InvariantCulture)),
        AuditOutcome.Done)
    {
        Fields =
        [
            new AuditField.Text("profile", "机构双证"),
            new AuditField.Number("days", 365),
            new AuditField.Octets("csr", Sm3.HashData([(byte)i])),
        ],
        Personal = new Dictionary<string, string> { ["name"] = Person, ["idNumber"] = "350100********0016" },
    };

    private static byte[] PemOf(HsmKey key) => Encoding.ASCII.GetBytes(Pem.Encode(Pem.PublicKey, Der.Encode(key.PublicKey!)));
}
