using System.Data.Common;
using Spectre.Console;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Audit.Sequencing;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Hsm;

namespace ZwCa.Admin.Demo;

/// <summary>
/// The log in the CA's records on SQLite, from which nothing can be taken out unseen. Its key is in the device.
/// </summary>
internal sealed class DemoRecords : IAsyncDisposable
{
    private const string CheckpointFile = "checkpoint.der";
    private const string KeyFile = "log-key.pem";
    private const string EventFile = "event.der";
    private const string ProofFile = "proof.der";

    private static readonly AuditActor Actor = new(AuditActorKind.Job, "demo");

    private readonly DirectoryInfo _folder;
    private readonly DemoCeremony _ceremony;
    private readonly HsmSigner _logSigner;
    private readonly LogOptions _logOptions;
    private readonly Database _database;
    private readonly AuditLog _log = new(TimeProvider.System);

    private DemoRecords(DirectoryInfo folder, DemoCeremony ceremony, HsmSigner logSigner, string anchor)
    {
        _folder = folder;
        _ceremony = ceremony;
        _logSigner = logSigner;
        _database = new Database(ceremony.CaRecords);
        _logOptions = new LogOptions { Origin = "zwca/ca", Key = logSigner.SubjectPublicKeyInfo, Anchors = [new Anchor(anchor)] };
    }

    /// <summary>What <see cref="ShowLogAsync"/> leaves for another verifier, in the order that it wants them.</summary>
    public static IReadOnlyList<string> ProofFiles { get; } = [CheckpointFile, KeyFile, EventFile, ProofFile];

    /// <summary>The CA's, after it has ended: on one anchor there is one that writes.</summary>
    /// <param name="folder">Made anew.</param>
    /// <param name="anchor">The CA's.</param>
    /// <exception cref="DemoException">The folder is not a demo's.</exception>
    public static async Task<DemoRecords> OpenAsync(DemoCeremony ceremony, DirectoryInfo folder, string anchor)
    {
        DemoFolder.Renew(folder);
        return new DemoRecords(folder, ceremony, await ceremony.SignerAsync("ca", "ca-log"), anchor);
    }

    /// <returns>Whether all came out as it should.</returns>
    public async Task<bool> ShowLogAsync()
    {
        AnsiConsole.MarkupLine("\n[bold]The log: nothing goes missing unseen[/]");

        // Step 1: a place for each event, and a signature over all.
        var sequencer = new Sequencer(_database, _logSigner, _logOptions, TimeProvider.System);
        await sequencer.RunOnceAsync();
        Checkpoint first = await new LogProofs(_database).FindLatestCheckpointAsync() ?? throw new DemoException("The log signed no checkpoint.");
        bool good = DemoCommand.Report($"{first.Tbs.TreeSize} events are in the log; the device signed its root {Short(first.Tbs.RootHash)}", first.Tbs.TreeSize > 0);
        good &= await RefusesAsync("somebody deletes an event from the database", () => _database.WriteAsync(transaction => transaction.ExecuteAsync("DELETE FROM audit_event")));

        // Step 2: proofs that anybody can check.
        var verifier = new AuditVerifier(_logOptions.Origin, _logOptions.Key);
        ListedEvent refused = (await new EventList(_database).ListAsync(new EventFilter(), rows: EventList.MaxRows)).First(each => each.Leaf.Outcome == AuditOutcome.Refused);
        ProvenEvent proven = (await new LogProofs(_database).FindAsync(refused.EventId))!;
        verifier.VerifyCheckpoint(proven.Checkpoint);
        AuditLeaf leaf = verifier.VerifyInclusion(proven.Leaf, proven.Proof, proven.Checkpoint);
        good &= DemoCommand.Report($"proven with {proven.Proof.Path.Count} hashes to be in it: {leaf.Action} by {leaf.Actor.Id}, {leaf.Outcome}", true);
        byte[] altered = proven.Leaf.ToArray();
        altered[^1] ^= 1;
        good &= DemoCommand.Report("the same event with one bit changed is not proven", !IsProven(verifier, altered, proven));
        Save(CheckpointFile, Der.Encode(proven.Checkpoint));
        Save(EventFile, proven.Leaf.Span);
        Save(ProofFile, Der.Encode(proven.Proof));
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, KeyFile), Pem.Encode(Pem.PublicKey, Der.Encode(_logOptions.Key)));

        // Step 3: a backup put back would make the log forget; the anchor remembers.
        string yesterday = await CopyAsync("yesterday.db");
        await _database.WriteAsync(transaction => _log.AppendAsync(transaction, new AuditEvent(Actor, "demo.event", new AuditObject("demo", "one more"), AuditOutcome.Done)));
        await Task.Delay(_logOptions.MinInterval);
        Checkpoint second = (await sequencer.RunOnceAsync()).Signed ?? throw new DemoException("The log signed no checkpoint.");
        verifier.VerifyConsistency(first, second, await new LogProofs(_database).ProveConsistencyAsync(first.Tbs.TreeSize, second.Tbs.TreeSize));
        good &= DemoCommand.Report($"the log of {second.Tbs.TreeSize} events begins with the log of {first.Tbs.TreeSize}", true);
        await using var old = new Database(_ceremony.CaRecords with { ConnectionString = $"Data Source={yesterday};Pooling=False" });
        good &= await RefusesAsync("yesterday's database is put back", () => new LogGuard(old, _logOptions).CheckAsync());
        return good;
    }

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
    }

    private static string Short(ReadOnlyMemory<byte> hash) => Convert.ToHexStringLower(hash.Span[..8]) + "…";

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

    private static async Task<bool> RefusesAsync(string attempt, Func<Task> action)
    {
        try
        {
            await action();
            return DemoCommand.Report($"{attempt}: should have been refused", false);
        }
        catch (Exception e) when (e is RefusalException or DbException or LogRolledBackException)
        {
            return DemoCommand.Report($"{attempt}: refused ({e.Message})", true);
        }
    }

    /// <summary>A copy as a backup would have it.</summary>
    private async Task<string> CopyAsync(string name)
    {
        string path = Path.Combine(_folder.FullName, name);
        await using var source = new Microsoft.Data.Sqlite.SqliteConnection(_ceremony.CaRecords.ConnectionString);
        await source.OpenAsync();
        await using DbCommand vacuum = source.CreateCommand();
        vacuum.CommandText = "VACUUM INTO @Path";
        DbParameter target = vacuum.CreateParameter();
        target.ParameterName = "@Path";
        target.Value = path;
        vacuum.Parameters.Add(target);
        await vacuum.ExecuteNonQueryAsync();
        return path;
    }

    private void Save(string name, ReadOnlySpan<byte> bytes) => File.WriteAllBytes(Path.Combine(_folder.FullName, name), bytes);
}
