using System.Text.Json;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Crls;
using ZwCa.Contracts.Ca;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Officers;
using ZwCa.Tests.Ca.Registrations;
using ZwCa.Tests.Ca.Status;

namespace ZwCa.Tests.Ca.Crls;

/// <summary>A CA whose complete CRL was published with one certificate revoked and one held, and whose clock obeys.</summary>
internal sealed class CrlStory : IAsyncDisposable
{
    public const string Health = CrlHealth.Name;

    private readonly TemporaryFolder _folder = new();
    private readonly TemporaryFolder _work = new();
    private TestDatabase _database = null!;

    public MovedTime Clock { get; } = new();

    public CaStage Stage { get; private set; } = null!;

    public CertificateAnswer Revoked { get; private set; } = null!;

    public CertificateAnswer Held { get; private set; } = null!;

    public CertificateAnswer Valid { get; private set; } = null!;

    /// <summary>The complete one.</summary>
    public CrlScope Scope { get; private set; } = null!;

    /// <summary>Where it is published.</summary>
    public string Folder => _folder.Path;

    public string File => Path.Combine(Folder, Scope.Path);

    public DatabaseOptions Database => _database.Options;

    public IServiceProvider Services => Stage.App.Services;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <param name="prepare">Gives the device more keys.</param>
    public static async Task<CrlStory> StartAsync(DatabaseKind kind = DatabaseKind.Sqlite, IReadOnlyDictionary<string, string?>? settings = null, Action<MemoryHsm>? prepare = null)
    {
        var story = new CrlStory();
        try
        {
            story._database = await TestDatabase.CreateAsync(kind);
            story.Stage = await CaStage.StartAsync(new CaSetup
            {
                Database = story._database.Options,
                Time = story.Clock,
                Add = builder => prepare?.Invoke((MemoryHsm)builder.Services.Single(service => service.ServiceType == typeof(IHsm)).ImplementationInstance!),
                Settings = new Dictionary<string, string?>(settings ?? new Dictionary<string, string?>())
                {
                    ["Ca:Crls:PublicationFolders:0"] = story.Folder, ["Ca:Crls:WorkFolder"] = story._work.Path,
                },
            });
            story.Revoked = await story.IssueAsync();
            story.Held = await story.IssueAsync();
            story.Valid = await story.IssueAsync();
            story.Scope = story.Stage.CompleteScopeOf(story.Revoked);
            await story.Stage.ChangeAsync(story.Revoked, DecisionKind.Revoke, RevocationReason.KeyCompromise);
            await story.Stage.ChangeAsync(story.Held, DecisionKind.Suspend);
            await story.GoOnAsync();
            return story;
        }
        catch
        {
            await story.DisposeAsync();
            throw;
        }
    }

    public async Task<CertificateAnswer> IssueAsync() => (await SignedCalls.UntilAnsweredAsync(() => Stage.IssueAsync(), Token)).Answer;

    public byte[] Served() => System.IO.File.ReadAllBytes(File);

    /// <summary>What is served says so.</summary>
    public IReadOnlyDictionary<string, RevocationReason> Entries(CrlScope? scope = null) => CrlCalls.Read(scope ?? Scope, Folder);

    /// <summary>One CRL after another needs another second. While the gate waits for the log, time goes by faster.</summary>
    /// <returns>How it ended; null: another made it.</returns>
    public async Task<CrlRow?> TryMakeAsync(CrlScope? scope = null)
    {
        Clock.Pass(TimeSpan.FromSeconds(2));
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task hurry = HurryAsync(ended.Token);
        try
        {
            return await Stage.MakeAsync(scope ?? Scope);
        }
        catch (InvalidOperationException e) when (e.Message == CrlCalls.NotMade)
        {
            return null;
        }
        catch (Exception e) when (e is not Xunit.Sdk.XunitException)
        {
            return (await LastAsync(scope ?? Scope))!;
        }
        finally
        {
            await ended.CancelAsync();
            await hurry;
        }
    }

    public Task<CrlRow?> LastAsync(CrlScope scope) => Stage.Database.ReadAsync(transaction => CrlStore.FindLastAsync(transaction, scope), Token);

    /// <summary>Makes and publishes the next one.</summary>
    public async Task GoOnAsync(CrlScope? scope = null)
    {
        CrlRow row = (await TryMakeAsync(scope))!;
        Assert.True(row.State == CrlState.Judged, row.Detail);
        await Stage.PublishAsync();
        Assert.Equal(row.Hash, ZwCa.Cryptography.Sm3.HashData(System.IO.File.ReadAllBytes(Path.Combine(Folder, (scope ?? Scope).Path))));
    }

    /// <summary>The next one does not leave, for this reason: the old one is served byte for byte, and row, log and readiness say why.</summary>
    public async Task RefusedAsync(string because)
    {
        byte[] before = Served();
        CrlRow row = (await TryMakeAsync())!;
        Assert.True(row.State is CrlState.Refused or CrlState.GivenUp, $"{row.State} of number {row.CrlNumber}");
        Assert.Contains(because, row.Detail, StringComparison.Ordinal);
        await Stage.PublishAsync();
        Assert.Equal(before, Served());
        Assert.Empty(await Stage.Database.QueryAsync<long>("SELECT part FROM crl_part WHERE crl_id = @CrlId", row, Token));
        AuditLeaf leaf = (await LeavesAsync(row.State == CrlState.Refused ? MakeCrl.RefuseAction : MakeCrl.GiveUpAction))[^1];
        Assert.Equal(MakeCrl.ObjectOf(Scope), leaf.Object);
        Assert.Contains(leaf.Fields.OfType<AuditField.Text>(), field => field.Name == "reason" && field.Value.Contains(because, StringComparison.Ordinal));
        await ReadyAsync("unhealthy", because);
    }

    /// <summary>What <c>/health/ready</c> says of CRLs.</summary>
    public async Task ReadyAsync(string status, string because)
    {
        (string found, string reason) = await ReadinessAsync();
        Assert.True(found == status && reason.Contains(because, StringComparison.Ordinal), $"{found}: {reason}");
    }

    public async Task<(string Status, string Reason)> ReadinessAsync()
    {
        using var http = new HttpClient { BaseAddress = Stage.Management };
        using HttpResponseMessage answer = await http.GetAsync("/health/ready", Token);
        using var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Token));
        JsonElement check = json.RootElement.GetProperty("checks").EnumerateArray().Single(each => each.GetProperty("name").GetString() == Health);
        string status = check.GetProperty("status").GetString()!;
        if (status == "unhealthy")
        {
            Assert.Equal(System.Net.HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        }

        return (status, check.TryGetProperty("reason", out JsonElement reason) ? reason.GetString()! : "");
    }

    /// <summary>The cause is gone: the next one passes.</summary>
    public async Task HealedAsync()
    {
        Clock.Pass(CrlNode.TryAgainAfter);
        byte[] before = Served();
        await GoOnAsync();
        Assert.NotEqual(before, Served());
        (string status, string reason) = await ReadinessAsync();
        Assert.True(status != "unhealthy", reason);
    }

    /// <summary>Two officers order all CRLs of the CA, and the log has it.</summary>
    public async Task OrderAsync()
    {
        Application application = StageCommands.Command(CrlActions.Emergency, RegionCode.Nation.Value, Der.Encode(new CrlOrder(Scope.Authority.Issuer.KeyIdentifier)));
        await Stage.ProposeAsync(Stage.FirstAdministrator, application);
        await Stage.ApproveAsync(Stage.SecondAdministrator, application);
        await StaleDataTests.SettleAsync(this);
    }

    /// <summary>Of that action, in their order.</summary>
    public async Task<IReadOnlyList<AuditLeaf>> LeavesAsync(string action) =>
        [.. (await Stage.Database.QueryAsync<byte[]>("SELECT leaf FROM audit_event ORDER BY event_id", cancellationToken: Token)).Select(each => Der.Decode<AuditLeaf>(each)).Where(leaf => leaf.Action == action)];

    /// <summary>Remembers the rows that say what is revoked; <see cref="PutBackAsync"/> brings them back.</summary>
    public async Task KeepAsync()
    {
        await Stage.RawAsync("CREATE TABLE kept_revocation AS SELECT * FROM revocation");
        await Stage.RawAsync("CREATE TABLE kept_certificate AS SELECT certificate_id, state, state_version, tbs, not_after FROM certificate");
    }

    public async Task PutBackAsync()
    {
        await Stage.RawAsync("DELETE FROM revocation");
        await Stage.RawAsync("INSERT INTO revocation SELECT * FROM kept_revocation");
        await Stage.RawAsync(
            """
            UPDATE certificate SET
                state = (SELECT k.state FROM kept_certificate k WHERE k.certificate_id = certificate.certificate_id),
                state_version = (SELECT k.state_version FROM kept_certificate k WHERE k.certificate_id = certificate.certificate_id),
                tbs = (SELECT k.tbs FROM kept_certificate k WHERE k.certificate_id = certificate.certificate_id),
                not_after = (SELECT k.not_after FROM kept_certificate k WHERE k.certificate_id = certificate.certificate_id)
            """);
    }

    public async ValueTask DisposeAsync()
    {
        if (Stage is not null)
        {
            await Stage.DisposeAsync();
        }

        if (_database is not null)
        {
            await _database.DisposeAsync();
        }

        _folder.Dispose();
        _work.Dispose();
    }

    private async Task HurryAsync(CancellationToken ended)
    {
        // A CRL takes a moment; what takes longer waits.
        await Task.Delay(TimeSpan.FromSeconds(2), ended).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        while (!ended.IsCancellationRequested)
        {
            Clock.Pass(TimeSpan.FromSeconds(5));
            await Task.Delay(TimeSpan.FromMilliseconds(100), CancellationToken.None);
        }
    }
}
