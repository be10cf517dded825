using System.Data.Common;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Audit.Sequencing;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Hsm;

namespace ZwCa.Admin.Demo;

/// <summary>The log in the CA's records on SQLite, from which nothing can be taken out unseen. The CA goes on writing it.</summary>
internal sealed class DemoRecords : IAsyncDisposable
{
    private const string CheckpointFile = "log/checkpoint";
    private const string KeyFile = "log/key.pem";
    private const string EventFile = "log/event.der";
    private const string ProofFile = "log/proof.der";

    private readonly OutputFolder _output;
    private readonly DemoCeremony _ceremony;
    private readonly string _copy;
    private readonly LogOptions _options;
    private readonly Database _database;

    private DemoRecords(OutputFolder output, DemoCeremony ceremony, string copy, LogOptions options)
    {
        _output = output;
        _ceremony = ceremony;
        _copy = copy;
        _options = options;
        _database = new Database(ceremony.CaRecords);
    }

    /// <summary>What <see cref="ShowAsync"/> leaves for another verifier, in the order that it wants them.</summary>
    public static IReadOnlyList<string> ProofFiles { get; } = [CheckpointFile, KeyFile, EventFile, ProofFile];

    /// <param name="anchor">The CA's.</param>
    /// <param name="copy">Path of a copy of the records, which is made where there is none: as they were when the services had just been started.</param>
    public static async Task<DemoRecords> OpenAsync(DemoCeremony ceremony, OutputFolder output, string anchor, string copy)
    {
        HsmSigner signer = await ceremony.SignerAsync("ca", "ca-log");
        var records = new DemoRecords(output, ceremony, copy, new LogOptions { Origin = "zwca/ca", Key = signer.SubjectPublicKeyInfo, Anchors = [new Anchor(anchor)] });
        if (!File.Exists(copy))
        {
            await records.CopyAsync();
        }

        return records;
    }

    public async Task ShowAsync()
    {
        DemoScreen.Open("The log · 审计日志", "Every change is an event of a Merkle tree whose root the device signs each second: nothing goes missing unseen, and anybody can check.");

        // Step 1: proofs that anybody can check.
        var proofs = new LogProofs(_database);
        Checkpoint latest = await proofs.FindLatestCheckpointAsync() ?? throw new DemoException("The log signed no checkpoint.");
        var verifier = new AuditVerifier(_options.Origin, _options.Key);
        verifier.VerifyCheckpoint(latest);
        DemoScreen.Report($"{latest.Tbs.TreeSize} events are in the log; the device signed its root {Convert.ToHexStringLower(latest.Tbs.RootHash.Span[..8])}…", latest.Tbs.TreeSize > 0);
        await RefusesAsync("somebody deletes an event from the database", () => _database.WriteAsync(transaction => transaction.ExecuteAsync("DELETE FROM audit_event")));
        ListedEvent some = (await new EventList(_database).ListAsync(new EventFilter(), rows: EventList.MaxRows)).First(each => each.Leaf.Outcome == AuditOutcome.Refused);
        ProvenEvent proven = (await proofs.FindAsync(some.EventId))!;
        AuditLeaf leaf = verifier.VerifyInclusion(proven.Leaf, proven.Proof, proven.Checkpoint);
        DemoScreen.Report($"proven with {proven.Proof.Path.Count} hashes to be in it: {leaf.Action} by {leaf.Actor.Id}, {leaf.Outcome}", true);
        byte[] altered = proven.Leaf.ToArray();
        altered[^1] ^= 1;
        DemoScreen.Report("the same event with one bit changed is not proven", !IsProven(verifier, altered, proven));
        _output.Write(CheckpointFile, Der.Encode(proven.Checkpoint));
        _output.Write(EventFile, proven.Leaf.Span);
        _output.Write(ProofFile, Der.Encode(proven.Proof));
        _output.Write(KeyFile, Pem.Encode(Pem.PublicKey, Der.Encode(_options.Key)));
        _output.Describe(new IndexEntry(CheckpointFile, "the log's checkpoint: size and root of the tree, signed by the device"));
        _output.Describe(new IndexEntry(KeyFile, "the key that signs checkpoints"));
        _output.Describe(new IndexEntry(EventFile, "an event of the log"));
        _output.Describe(new IndexEntry(ProofFile, "the proof that it is in the tree"));

        // Step 2: a backup put back would make the log forget; the anchor remembers.
        await using var old = new Database(_ceremony.CaRecords with { ConnectionString = $"Data Source={_copy};Pooling=False" });
        if (await new LogProofs(old).FindLatestCheckpointAsync() is { } first && first.Tbs.TreeSize < latest.Tbs.TreeSize)
        {
            verifier.VerifyConsistency(first, latest, await proofs.ProveConsistencyAsync(first.Tbs.TreeSize, latest.Tbs.TreeSize));
            DemoScreen.Report($"the log of {latest.Tbs.TreeSize} events begins with the log of {first.Tbs.TreeSize}", true);
            await RefusesAsync("an older copy of the database is put back", () => new LogGuard(old, _options).CheckAsync());
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
    }

    private static bool IsProven(AuditVerifier verifier, byte[] leaf, ProvenEvent proven)
    {
        try
        {
            verifier.VerifyInclusion(leaf, proven.Proof, proven.Checkpoint);
            return true;
        }
        catch (LogNotProvenException)
        {
            return false;
        }
    }

    private static async Task RefusesAsync(string attempt, Func<Task> action)
    {
        try
        {
            await action();
            DemoScreen.Report($"{attempt}: should have been refused", false);
        }
        catch (Exception e) when (e is RefusalException or DbException or LogRolledBackException)
        {
            DemoScreen.Report($"{attempt}: refused ({e.Message})", true);
        }
    }

    /// <summary>A copy as a backup would have it.</summary>
    private async Task CopyAsync()
    {
        await using var source = new Microsoft.Data.Sqlite.SqliteConnection(_ceremony.CaRecords.ConnectionString);
        await source.OpenAsync();
        await using DbCommand vacuum = source.CreateCommand();
        vacuum.CommandText = "VACUUM INTO @Path";
        DbParameter target = vacuum.CreateParameter();
        target.ParameterName = "@Path";
        target.Value = _copy;
        vacuum.Parameters.Add(target);
        await vacuum.ExecuteNonQueryAsync();
    }
}
