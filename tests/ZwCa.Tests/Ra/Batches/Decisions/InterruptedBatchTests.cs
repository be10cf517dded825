using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1.Decisions;
using ZwCa.Audit;
using ZwCa.Contracts.Ra;
using ZwCa.Officers;
using ZwCa.Ra.Batches;
using ZwCa.Ra.Batches.Decisions;
using ZwCa.Ra.Enrollments.Steps;

namespace ZwCa.Tests.Ra.Batches.Decisions;

/// <summary>A node ends in the middle of a part, or finds that another has taken its task over: nothing is done twice, and nothing is left out.</summary>
public sealed class InterruptedBatchTests(RaFixture fixture) : IClassFixture<RaFixture>, IDisposable
{
    private const int Rows = 40;

    private readonly BatchDesk _desk = new(fixture.Stage);

    private RaStage Stage => fixture.Stage;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _desk.Dispose();

    [Fact]
    public async Task TheNodeEndsInTheMiddleOfAPart_AnotherGoesOn()
    {
        (BatchAnswer batch, BatchRun run, byte[] claim) = await BeginAsync();
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Token);
        int begun = 0;
        Task work = WalkAsync(run, (submit, cancellation) => Interlocked.Increment(ref begun) <= 10 ? submit() : Task.Delay(Timeout.Infinite, cancellation), end.Token);
        await RaWaiting.UntilAsync(async () => await SubmittedAsync(batch) == 10, "ten rows are submitted");
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => work);
        Assert.Equal(10, await SubmittedAsync(batch));
        Assert.Equal(0, await Stage.Database.FindAsync<long>("SELECT reached FROM batch_task WHERE batch_id = @Id", new { Id = Convert.FromHexString(batch.Id) }, Token));

        await ExpireAsync(batch, claim);

        await RequireWholeAsync(batch);
    }

    [Fact]
    public async Task AnotherHasTakenItOver_TheFirstWritesNothingMore()
    {
        (BatchAnswer batch, BatchRun run, byte[] claim) = await BeginAsync();
        int begun = 0;
        await Assert.ThrowsAsync<ClaimLostException>(() => WalkAsync(
            run,
            async (submit, _) =>
            {
                if (Interlocked.Increment(ref begun) == 10)
                {
                    await ExpireAsync(batch, claim, RandomNumberGenerator.GetBytes(16));
                }

                await submit();
            },
            Token));

        await RequireWholeAsync(batch);
    }

    [Fact]
    public async Task TheFirstIsOnlySlow_BothDoTheSameRows_AndNoneIsRefused()
    {
        (BatchAnswer batch, BatchRun run, byte[] claim) = await BeginAsync();
        var other = new BatchRun(Stage.Database, Stage.App.Services.GetRequiredService<AuditLog>(), Stage.Time, run.Batch, run.Task, run.Officer, claim, TimeSpan.FromHours(1));
        DecideBatch decide = Stage.App.Services.GetServices<IBatchWork>().OfType<DecideBatch>().Single();

        // Whoever is the last finds that it is done.
        Task[] both = [.. new[] { run, other }.Select(each => Task.Run(() => decide.RunAsync(each, Token), Token))];
        await Task.WhenAll(both).ContinueWith(static _ => { }, Token, TaskContinuationOptions.None, TaskScheduler.Default);
        Assert.All(both, each => Assert.True(each.IsCompletedSuccessfully || each.Exception!.InnerException is ClaimLostException, $"{each.Exception}"));

        await RequireWholeAsync(batch);
    }

    /// <summary>What <see cref="DecideBatch"/> does, in the hands of the test.</summary>
    /// <param name="each">Is given what submits one row.</param>
    private async Task WalkAsync(BatchRun run, Func<Func<Task>, CancellationToken, Task> each, CancellationToken cancellationToken)
    {
        IServiceProvider services = Stage.App.Services;
        SubmitEnrollment submission = services.GetRequiredService<SubmitEnrollment>();
        var given = GivenApproval.Known((await services.GetRequiredService<KnownApprovals>().FindAsync(run.Task.ApprovalHash, cancellationToken))!, run.Task.ApprovalHash!);
        await services.GetRequiredService<BatchWalk>().RunAsync(
            run,
            async (row, cancellation) =>
            {
                await each(async () => await submission.RunAsync(run.Officer, await submission.BuildAsync(row, cancellation), given, static _ => Task.CompletedTask, cancellation), cancellation);
                return true;
            },
            cancellationToken);
    }

    /// <summary>A submission of forty that a node has the claim to, which is this test.</summary>
    private async Task<(BatchAnswer Answer, BatchRun Run, byte[] Claim)> BeginAsync()
    {
        BatchAnswer answer = await _desk.OfServersAsync(Rows);
        var given = GivenApproval.Read(_desk.Sign(Stage.City, ApprovalStep.Entry, await _desk.ReadAsync(Stage.City, answer, ApprovalStep.Entry)), "录入意见");
        Officer officer = (await Stage.App.Services.GetRequiredService<OfficerDirectory>().FindAsync(Stage.City.SerialNumber, Token))!;
        byte[] claim = RandomNumberGenerator.GetBytes(16);
        (Batch batch, BatchTask task) = await Stage.Database.WriteAsync(
            async transaction =>
            {
                Batch found = (await BatchStore.FindAsync(transaction, Convert.FromHexString(answer.Id)))!;
                BatchTask started = OpenBatch.Task(officer, found, BatchTaskKind.Submission, Stage.Time.GetUtcNow()) with { ApprovalHash = given.Hash };
                await given.KeepAsync(transaction, Stage.Time.GetUtcNow(), always: true);
                Assert.True(await BatchStore.TryStartAsync(transaction, started));
                await transaction.ExecuteAsync(
                    "UPDATE batch_task SET claim = @Claim, claimed_until = @Until WHERE batch_id = @BatchId", new { Claim = claim, Until = Stage.Time.GetUtcNow().AddHours(1), found.BatchId });
                return (found, started);
            },
            Token);
        return (answer, new BatchRun(Stage.Database, Stage.App.Services.GetRequiredService<AuditLog>(), Stage.Time, batch, task, officer, claim, TimeSpan.FromHours(1)), claim);
    }

    /// <param name="other">Whose it is then; null: nobody's yet.</param>
    private async Task ExpireAsync(BatchAnswer batch, byte[] claim, byte[]? other = null) => Assert.Equal(1, await Stage.Database.WriteAsync(
        transaction => transaction.ExecuteAsync(
            "UPDATE batch_task SET claim = @Other, claimed_until = 0 WHERE batch_id = @Id AND claim = @Claim", new { Id = Convert.FromHexString(batch.Id), Claim = claim, Other = other ?? claim }),
        Token));

    private Task<long> SubmittedAsync(BatchAnswer batch) => Stage.Database.FindAsync<long>(
        "SELECT COUNT(*) FROM submission s JOIN batch_row r ON r.enrollment_id = s.enrollment_id WHERE r.batch_id = @Id", new { Id = Convert.FromHexString(batch.Id) }, Token);

    private async Task RequireWholeAsync(BatchAnswer batch)
    {
        BatchAnswer after = await _desk.UntilIdleAsync(batch);
        BatchTaskAnswer task = Assert.Single(after.Tasks);
        Assert.Equal(("done", (long)Rows, (long)Rows, 0L), (task.State, task.Reached, task.Done, task.Refused));
        Assert.Equal(Rows, after.States["submitted"]);
        Assert.Equal(Rows, await SubmittedAsync(batch));
        Assert.Equal(
            2 * Rows,
            await Stage.Database.FindAsync<long>(
                "SELECT COUNT(*) FROM enrollment_step s JOIN batch_row r ON r.enrollment_id = s.enrollment_id WHERE r.batch_id = @Id", new { Id = Convert.FromHexString(batch.Id) }, Token));
    }
}
