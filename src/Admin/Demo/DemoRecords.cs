using System.Data.Common;
using Spectre.Console;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Audit;
using ZwCa.Audit.Sequencing;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Officers;

namespace ZwCa.Admin.Demo;

/// <summary>
/// The CA's records on SQLite, begun by the ceremony: persons put into office by the level above, each time by two; a log from which nothing can be taken out unseen. The
/// log's key, the index of ID numbers and the key of the data keys are in the device.
/// </summary>
internal sealed class DemoRecords : IAsyncDisposable
{
    private const string Nation = "000000";
    private const string ServiceName = "某省政务CA 演示 DEMO";
    private const string CheckpointFile = "checkpoint.der";
    private const string KeyFile = "log-key.pem";
    private const string EventFile = "event.der";
    private const string ProofFile = "proof.der";

    private static readonly AuditActor Actor = new(AuditActorKind.Job, "demo");

    private readonly DirectoryInfo _folder;
    private readonly DemoCeremony _ceremony;
    private readonly Issuer _issuer;
    private readonly HsmSigner _logSigner;
    private readonly LogOptions _logOptions;
    private readonly Database _database;
    private readonly AuditLog _log = new(TimeProvider.System);
    private readonly PersonRegistry _persons;
    private readonly OfficerDirectory _directory;
    private readonly OfficerCommands _commands;
    private readonly List<DemoOfficer> _officers = [];

    private DemoRecords(DirectoryInfo folder, DemoCeremony ceremony, Database database, Issuer issuer, HsmSigner logSigner, PersonRegistry persons)
    {
        _folder = folder;
        _ceremony = ceremony;
        _issuer = issuer;
        _logSigner = logSigner;
        _database = database;
        _persons = persons;
        _logOptions = new LogOptions
        {
            Origin = "zwca/demo",
            Key = logSigner.SubjectPublicKeyInfo,
            Anchors = [new Anchor(Path.Combine(folder.FullName, "log.anchor"))],
        };
        _directory = new OfficerDirectory(database, _log, new OfficerIssuers([issuer.SubjectPublicKeyInfo]), RoleCatalogue.Standard, TimeProvider.System);
        _commands = new OfficerCommands(
            ServiceName, database, _log, _directory, new OfficerActions(_directory, OfficerActions.DefaultCertifiedFor).Standard, TimeProvider.System);
    }

    /// <summary>What <see cref="ShowLogAsync"/> leaves for another verifier, in the order that it wants them.</summary>
    public static IReadOnlyList<string> ProofFiles { get; } = [CheckpointFile, KeyFile, EventFile, ProofFile];

    /// <summary>On the records that the ceremony began for the CA.</summary>
    /// <param name="folder">Made anew.</param>
    /// <exception cref="DemoException">The folder is not a demo's.</exception>
    public static async Task<DemoRecords> OpenAsync(DemoCeremony ceremony, DirectoryInfo folder)
    {
        DemoFolder.Renew(folder);
        var database = new Database(ceremony.CaRecords);
        return new DemoRecords(
            folder,
            ceremony,
            database,
            await ceremony.IssuerAsync("ops-s1"),
            await ceremony.SignerAsync("ca", "ca-log"),
            await PersonRegistry.OpenAsync(
                database,
                new AuditLog(TimeProvider.System),
                ceremony.Device("ca"),
                await ceremony.KeyAsync("ca", "person-index"),
                await ceremony.KeyAsync("ca", "data-kek"),
                TimeProvider.System));
    }

    /// <returns>Whether all came out as it should.</returns>
    public async Task<bool> ShowOfficersAsync()
    {
        AnsiConsole.MarkupLine("\n[bold]Officers: nobody decides alone[/]");

        // Step 1: the two highest, whom the ceremony put into office together.
        var super = DemoOfficer.WithToken(_ceremony.Token("ca-super"), _ceremony.Certificate("officer-ca-super"));
        var audit = DemoOfficer.WithToken(_ceremony.Token("ca-audit"), _ceremony.Certificate("officer-ca-audit"));
        bool good = true;

        // Step 2: each creates the level below, and somebody else agrees.
        DemoOfficer first = await CertifyAsync("110101197001010059", "房玄龄", OfficerKind.Administrator, RoleCatalogue.BusinessAdministrator);
        DemoOfficer second = await CertifyAsync("110101197001010067", "杜如晦", OfficerKind.Administrator, RoleCatalogue.BusinessAdministrator);
        foreach (DemoOfficer administrator in (DemoOfficer[])[first, second])
        {
            await DecideAsync(super, audit, OfficerActions.Create, Der.Encode(administrator.Certificate));
        }

        good &= DemoCommand.Report("超级管理员 proposes two 业务管理员, 审计管理员 approves", true);
        DemoOfficer clerk = await CertifyAsync("110101197001010075", "李四", OfficerKind.Operator, RoleCatalogue.BusinessOperator);
        Application proposal = await ProposeAsync(first, OfficerActions.Create, Der.Encode(clerk.Certificate));
        good &= await RefusesAsync("a 业务管理员 approves his own proposal", () => ApproveAsync(first, proposal));
        good &= await RefusesAsync("超级管理员 tries to create a 业务操作员, two levels down", () => ProposeAsync(super, OfficerActions.Create, Der.Encode(clerk.Certificate)));
        await ApproveAsync(second, proposal);
        good &= DemoCommand.Report("another 业务管理员 approves: there is a 业务操作员", true);

        // Step 3: who is disabled is out with his next step.
        await ProposeAsync(super, OfficerActions.Disable, Der.Encode(new OfficerChange(second.Certificate.Tbs.SerialNumber, "调离岗位")));
        good &= await RefusesAsync("the disabled 业务管理员 goes on", () => ProposeAsync(second, OfficerActions.Create, Der.Encode(clerk.Certificate)));
        IReadOnlyList<OfficerEntry> list = await _directory.ListAsync(_persons, RegionCode.Nation, default, 100);
        var table = new Table().AddColumns("role", "name", "ID number", "in office");
        foreach (OfficerEntry entry in list)
        {
            table.AddRow(entry.Role, entry.Name, entry.IdNumber, entry.Enabled ? "yes" : "disabled");
        }

        AnsiConsole.Write(table);
        return good;
    }

    /// <returns>Whether all came out as it should.</returns>
    public async Task<bool> ShowLogAsync()
    {
        AnsiConsole.MarkupLine("\n[bold]The log: nothing goes missing unseen[/]");

        // Step 1: a place for each event, and a signature over all.
        var sequencer = new Sequencer(_database, _logSigner, _logOptions, TimeProvider.System);
        Checkpoint first = (await sequencer.RunOnceAsync()).Signed ?? throw new DemoException("The log signed no checkpoint.");
        bool good = DemoCommand.Report($"{first.Tbs.TreeSize} events are in the log; the device signed its root {Short(first.Tbs.RootHash)}", first.Tbs.TreeSize > 0);
        good &= await RefusesAsync("somebody deletes an event from the database", () => _database.WriteAsync(transaction => transaction.ExecuteAsync("DELETE FROM audit_event")));

        // Step 2: proofs that anybody can check.
        var verifier = new AuditVerifier(_logOptions.Origin, _logOptions.Key);
        ListedEvent refused = (await new EventList(_database).ListAsync(new EventFilter(), default, 100)).First(each => each.Leaf.Outcome == AuditOutcome.Refused);
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
        await _persons.EnrollAsync(IdNumber.Parse("110101197001010083"), PersonName.Parse("王五"), Actor);
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
        _persons.Dispose();
        _officers.ForEach(officer => officer.Dispose());
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

    private async Task<DemoOfficer> CertifyAsync(string idNumber, string name, OfficerKind kind, string role)
    {
        Person person = await _persons.EnrollAsync(IdNumber.Parse(idNumber), PersonName.Parse(name), Actor);
        DemoOfficer officer = await DemoOfficer.CertifyAsync(_issuer, person, kind, role, Nation);
        _officers.Add(officer);
        return officer;
    }

    private async Task DecideAsync(DemoOfficer proposer, DemoOfficer approver, string action, byte[] parameters) =>
        await ApproveAsync(approver, await ProposeAsync(proposer, action, parameters));

    private async Task<Application> ProposeAsync(DemoOfficer proposer, string action, byte[] parameters)
    {
        Application application = _commands.Draft(action, RegionCode.Nation, parameters);
        await _commands.ProposeAsync(application, proposer.Sign(ApprovalStep.Entry, application));
        return application;
    }

    private Task ApproveAsync(DemoOfficer approver, Application application) =>
        _commands.ApproveAsync(Convert.FromHexString(application.EnrollmentId), approver.Sign(ApprovalStep.Review, application));

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
