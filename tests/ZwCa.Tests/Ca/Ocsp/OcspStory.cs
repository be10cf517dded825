using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Ca.Ocsp;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.ServiceDefaults;
using ZwCa.Tests.Ca.Crls;

namespace ZwCa.Tests.Ca.Ocsp;

/// <summary>A CA that tells what the test asks it to tell, when the test asks; its clock obeys.</summary>
internal sealed class OcspStory : IAsyncDisposable
{
    private TestDatabase _database = null!;

    public MovedTime Clock { get; } = new();

    public CaStage Stage { get; private set; } = null!;

    public IServiceProvider Services => Stage.App.Services;

    public OcspOptions Options => Services.GetRequiredService<OcspOptions>();

    public FeedKey Key => Services.GetRequiredService<FeedKeys>().Configured;

    public PresignResponses Responses => Services.GetRequiredService<PresignResponses>();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <param name="nextKey">Label of a key that is made, and is to follow that of the feed.</param>
    public static async Task<OcspStory> StartAsync(
        DatabaseKind kind = DatabaseKind.Sqlite, IReadOnlyDictionary<string, string?>? settings = null, bool tells = false, string? nextKey = null)
    {
        var story = new OcspStory();
        try
        {
            story._database = await TestDatabase.CreateAsync(kind);
            story.Stage = await CaStage.StartAsync(new CaSetup
            {
                Database = story._database.Options, Time = story.Clock, Settings = settings ?? new Dictionary<string, string?>(), TellsChanges = tells,
                Prepare = async (hsm, _, _) =>
                {
                    if (nextKey is null)
                    {
                        return new Dictionary<string, string?>();
                    }

                    await hsm.GenerateKeyAsync(new KeyLabel(nextKey), HsmKeyKind.Sm2, Token);
                    return new Dictionary<string, string?> { ["Ca:Ocsp:NextFeedKey"] = nextKey };
                },
            });
            return story;
        }
        catch
        {
            await story.DisposeAsync();
            throw;
        }
    }

    /// <summary>As soon as the log has come up to the clock.</summary>
    public async Task<CertificateAnswer> IssueAsync()
    {
        await Pairs.PairStage.UntilAsync(async () =>
        {
            try
            {
                await Services.GetRequiredService<AuditGate>().RequireAsync(Token);
                return true;
            }
            catch (RefusalException e) when (e.Kind == Refusal.AuditUnavailable)
            {
                return false;
            }
        });
        return (await Stage.IssueAsync()).Answer;
    }

    /// <summary>Tells what has changed.</summary>
    /// <returns>How many changes.</returns>
    public async Task<int> TellAsync()
    {
        await Services.GetRequiredService<IntroduceSigners>().RunAsync(Token);
        return await Responses.RunChangesAsync(Token);
    }

    /// <summary>Signs anew what is due.</summary>
    public async Task RenewAsync()
    {
        await Services.GetRequiredService<IntroduceSigners>().RunAsync(Token);
        await Responses.RunDueAsync(Token);
    }

    public Task<FeedCopy> CopyAsync() => FeedCopy.ReadAsync(Stage.Database, Key.PublicKey);

    public Task<long> CountAsync(string table) => Stage.Database.FindAsync<long>($"SELECT COUNT(*) FROM {table}", cancellationToken: Token);

    /// <returns>Refusals of the gate in the log; waits for the first.</returns>
    public async Task<long> CountEventsAsync()
    {
        while (true)
        {
            long count = await Stage.Database.FindAsync<long>("SELECT COUNT(*) FROM audit_search WHERE action = @Action", new { Action = PresignResponses.RefuseAction }, Token);
            if (count > 0)
            {
                return count;
            }

            await Task.Delay(50, Token);
        }
    }

    public async Task<(HealthStatus Status, string Reason)> HealthAsync()
    {
        HealthReport report = await Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(each => each.Name == OcspHealth.Name, Token);
        HealthReportEntry entry = report.Entries[OcspHealth.Name];
        return (entry.Status, entry.Description ?? "");
    }

    /// <summary>Once, while the device signs responses: after the store was read, and before anything is appended.</summary>
    /// <param name="key">Another key that signs.</param>
    public void WhileSigning(Func<Task> work, string key = "ocsp-issuing-s1")
    {
        int done = 0;
        Stage.Hsm.Signing = label =>
        {
            if (label == new KeyLabel(key) && Interlocked.Exchange(ref done, 1) == 0)
            {
                Task.Run(work).GetAwaiter().GetResult();
            }
        };
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
    }
}
