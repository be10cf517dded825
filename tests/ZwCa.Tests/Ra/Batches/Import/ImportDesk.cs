using System.Security.Cryptography;
using ZwCa.Contracts.Ra;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.Ra;
using ZwCa.Ra.Batches;
using ZwCa.Ra.Batches.Import;
using ZwCa.Ra.Enrollments;
using ZwCa.Ra.Enrollments.Steps;
using ZwCa.Ra.Subscribers;

namespace ZwCa.Tests.Ra.Batches.Import;

/// <summary>Imports on the tables of an RA, without its service: what the service does by itself, a test does when it wants.</summary>
internal sealed class ImportDesk
{
    private readonly RaRecords _records;
    private readonly RaOptions _options;

    public ImportDesk(RaRecords records)
    {
        _records = records;
        _options = RaDesk.Options with { Profiles = Profiles };
        Batches = new OpenBatch(_options, records.Database, records.Story.Log, records.Story.Persons, Signal, records.Story.Clock);
    }

    public static IReadOnlyDictionary<string, EnrollmentProfileOptions> Profiles { get; } = new Dictionary<string, EnrollmentProfileOptions>
    {
        ["person"] = Profile("个人双证书", SubscriberKind.Person),
        ["person-other"] = Profile("个人其他证书", SubscriberKind.Person),
        ["same-1"] = Profile("同名", SubscriberKind.Person),
        ["same-2"] = Profile("同名", SubscriberKind.Person),
        ["organization"] = Profile("机构双证书", SubscriberKind.Organization),
        ["device"] = Profile("设备双证书", SubscriberKind.Device),
    };

    public BatchSignal Signal { get; } = new();

    public OpenBatch Batches { get; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <returns>Id of a batch whose file waits for its dry run.</returns>
    public async Task<string> OpenAsync(byte[] file, int? rows = null, Officer? officer = null, string region = RaRecords.City)
    {
        officer ??= _records.OfCity;
        string id = await Batches.OpenAsync(officer, new BatchRequest { Kind = "import", Region = region, Title = "档案局新办", Rows = rows }, (_, _) => Task.CompletedTask, Token);
        await Batches.TakeFileAsync(officer, id, file, _ => Task.CompletedTask, Token);
        return id;
    }

    /// <summary>Dry run and drafts.</summary>
    /// <returns>The latter's task.</returns>
    public async Task<BatchTask> ImportAsync(byte[] file, Officer? officer = null)
    {
        string id = await OpenAsync(file, officer: officer);
        await RunAsync(id);
        await MakeAsync(id, officer);
        return await RunAsync(id);
    }

    public Task MakeAsync(string id, Officer? officer = null) => Batches.DoAsync(officer ?? _records.OfCity, id, BatchTaskKind.Making, null, _ => Task.CompletedTask, Token);

    /// <summary>As a node does: takes the batch's task and does it as far as it gets.</summary>
    /// <param name="time">Asked once for each part, before it is written.</param>
    /// <returns>The task as it stands then.</returns>
    public async Task<BatchTask> RunAsync(string id, TimeProvider? time = null, CancellationToken? cancellationToken = null)
    {
        byte[] claim = RandomNumberGenerator.GetBytes(16);
        DateTimeOffset now = _records.Story.Clock.GetUtcNow();
        Batch batch = (await _records.Database.ReadAsync(transaction => BatchStore.FindAsync(transaction, Convert.FromHexString(id)), Token))!;
        await _records.Database.WriteAsync(
            transaction => transaction.ExecuteAsync("UPDATE batch_task SET claim = @Claim, claimed_until = @Until WHERE batch_id = @BatchId AND state = 0", new { batch.BatchId, Claim = claim, Until = now + _options.BatchClaimFor }),
            Token);
        BatchTask task = await LastAsync(id);
        var run = new BatchRun(_records.Database, _records.Story.Log, time ?? _records.Story.Clock, batch, task, (await _records.Story.Directory.FindAsync(ZwCa.Asn1.Pkix.SerialNumber.Parse(task.OfficerSerial), Token))!, claim, _options.BatchClaimFor);
        await Works().Single(each => each.Does(batch, task.Kind)).RunAsync(run, cancellationToken ?? Token);
        return await LastAsync(id);
    }

    public async Task<BatchTask> LastAsync(string id) => (await _records.Database.ReadAsync(transaction => BatchStore.ListTasksAsync(transaction, Convert.FromHexString(id)), Token))[^1];

    /// <returns>Reasons of the last task by rows.</returns>
    public async Task<IReadOnlyDictionary<long, string>> RefusalsAsync(string id)
    {
        BatchTask last = await LastAsync(id);
        return (await _records.Database.ReadAsync(transaction => BatchStore.ListRefusalsAsync(transaction, last.BatchId, last.Number, 0, 1_000_000), Token)).ToDictionary(each => each.RowNumber, each => each.Reason);
    }

    /// <summary>The dry run of a file of which each row is refused or good.</summary>
    public async Task<IReadOnlyDictionary<long, string>> CheckAsync(Officer officer, string region, params IEnumerable<string> rows)
    {
        string id = await OpenAsync(ApplicantText.File(rows), officer: officer, region: region);
        await RunAsync(id);
        return await RefusalsAsync(id);
    }

    public Task<long> CountAsync(string table) => _records.Database.ReadAsync(transaction => transaction.GetAsync<long>($"SELECT COUNT(*) FROM {table}"), Token);

    private static EnrollmentProfileOptions Profile(string title, SubscriberKind kind) =>
        new() { Title = title, Subscriber = kind, Certificate = "c", Encryption = "e", Issuer = "01", Days = 365 };

    private IBatchWork[] Works()
    {
        (Database database, TimeProvider clock, PersonRegistry persons) = (_records.Database, _records.Story.Clock, _records.Story.Persons);

        // What the CA has in use, nobody asks here.
        var profiles = new EnrollmentProfiles(_options, database, null!, clock);
        var check = new CheckEnrollment(database, profiles, _records.Store, clock);
        var enrollments = new EnrollmentStore(_records.Story.Log, clock);
        var judge = new JudgeApplicants(database, _records.Store, check, clock);
        return
        [
            new CheckApplicants(database, persons, _options, judge),
            new MakeDrafts(
                database, _records.Story.Log, persons, _options, judge, _records.Store, enrollments, new TakeInEnrollment(database, enrollments, check, persons, new TimeLimits(), clock), clock),
        ];
    }
}
