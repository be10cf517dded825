using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Ra.CertificationAuthority;
using ZwCa.Ra.Enrollments;
using ZwCa.Ra.Outbox;

namespace ZwCa.Tests.Ra.Outbox;

/// <summary>An RA whose outbox is sent to a CA of the test's, by senders that the test starts; an enrollment that two officers have approved, by which anything may be asked.</summary>
internal sealed class OutboxScene(RaStage stage, EnrollmentAnswer approved) : IAsyncDisposable
{
    private readonly List<SendOutbox> _senders = [];

    public RaStage Stage { get; } = stage;

    public EnrollmentAnswer Approved { get; } = approved;

    /// <summary>What was asked, by path, as often as it was.</summary>
    public ConcurrentQueue<string> Asked { get; } = [];

    /// <summary>What the CA does.</summary>
    public Func<string, CancellationToken, Task<HttpResponseMessage>> Answer { get; set; } = (_, _) => Task.FromResult(Refuse(Refusal.NotApproved));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Nothing waits, and nobody sends.</summary>
    public static async Task<OutboxScene> CreateAsync(RaStage stage)
    {
        await stage.App.Services.GetRequiredService<SendOutbox>().StopAsync(Token);
        EnrollmentAnswer approved = await stage.ApproveAsync(await stage.SubmitAsync(await stage.TakeInAsync(RaCounter.NewRequest(await stage.PersonAsync(), stage.Pairs.NewKey()))));
        var scene = new OutboxScene(stage, approved);
        await scene.RawAsync("UPDATE outbox SET state = 4 WHERE state = 0");
        return scene;
    }

    public static HttpResponseMessage Refuse(Refusal kind, string detail = "审批意见无效。", TimeSpan? retryAfter = null)
    {
        var content = new ByteArrayContent(Problem.Of(new RefusalException(kind, detail, retryAfter), "ab12").ToJson());
        content.Headers.ContentType = new MediaTypeHeaderValue(Problem.ContentType);
        return new HttpResponseMessage((HttpStatusCode)RefusalKinds.StatusOf(kind)) { Content = content };
    }

    public static HttpResponseMessage Say(string json) => new(HttpStatusCode.OK) { Content = new StringContent(json) };

    /// <summary>Receipts of pairs that there are not: a refusal of one changes nothing else.</summary>
    public async Task<IReadOnlyList<OutboxRow>> AddAsync(int rows, Func<OutboxRow, OutboxRow>? change = null)
    {
        Enrollment enrollment = (await Stage.Database.ReadAsync(transaction => EnrollmentStore.FindAsync(transaction, Convert.FromHexString(Approved.Id)), Token))!;
        PrepareRequest prepare = Stage.App.Services.GetRequiredService<PrepareRequest>();
        List<OutboxRow> added = [];
        for (int i = 0; i < rows; i++)
        {
            OutboxRow row = prepare.OfReceipt(enrollment, 1, RandomNumberGenerator.GetBytes(16), RandomNumberGenerator.GetBytes(64));
            added.Add(change?.Invoke(row) ?? row);
        }

        await Stage.Database.WriteAsync(
            async transaction =>
            {
                foreach (OutboxRow row in added)
                {
                    await OutboxStore.AddAsync(transaction, row);
                }
            },
            Token);
        return added;
    }

    /// <summary>A node's sender.</summary>
    public async Task<SendOutbox> StartAsync()
    {
        var client = new HttpClient(new Script(this)) { BaseAddress = new Uri("https://ca.test"), Timeout = TimeSpan.FromSeconds(30) };
        var ca = new CaClient(client, client, Stage.App.Services.GetRequiredService<Checkpoints>(), Stage.Time);
        SendOutbox sender = ActivatorUtilities.CreateInstance<SendOutbox>(Stage.App.Services, ca);
        _senders.Add(sender);
        await sender.StartAsync(Token);
        return sender;
    }

    public async Task<OutboxRow> GetAsync(OutboxRow row) =>
        (await Stage.Database.FindAsync<OutboxRow>($"SELECT {OutboxRow.Columns} FROM outbox WHERE outbox_id = @OutboxId", new { row.OutboxId }, Token))!;

    /// <returns>The row as it was then.</returns>
    public async Task<OutboxRow> UntilAsync(OutboxRow row, Func<OutboxRow, bool> reached)
    {
        OutboxRow now = row;
        await RaWaiting.UntilAsync(async () => reached(now = await GetAsync(row)), $"{row.Path}: {now.State}, {now.Tries} tries");
        return now;
    }

    public Task UntilEndedAsync(int rows, OutboxState state) => RaWaiting.UntilAsync(
        async () => await Stage.Database.FindAsync<long>("SELECT COUNT(*) FROM outbox WHERE state = @State AND ended_at IS NOT NULL AND enrollment_id = @Id", new { State = state, Id = Convert.FromHexString(Approved.Id) }, Token) == rows,
        $"{rows} rows are {state}");

    public Task<int> RawAsync(string sql, object? parameters = null) => Stage.Database.WriteAsync(transaction => transaction.ExecuteAsync(sql, parameters), Token);

    public async ValueTask DisposeAsync()
    {
        foreach (SendOutbox sender in _senders)
        {
            await sender.StopAsync(CancellationToken.None);
            sender.Dispose();
        }

        await RawAsync("UPDATE outbox SET state = 4 WHERE state = 0");
    }

    private sealed class Script(OutboxScene scene) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            string path = request.RequestUri!.AbsolutePath;
            scene.Asked.Enqueue(path);
            return scene.Answer(path, cancellationToken);
        }
    }
}
