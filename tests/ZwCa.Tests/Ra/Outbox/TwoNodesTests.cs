using Microsoft.Extensions.DependencyInjection;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Ra.Outbox;

namespace ZwCa.Tests.Ra.Outbox;

/// <summary>Two nodes of an RA over one database, with officers at both. Not with SQLite, where one process writes (docs/DATA.md).</summary>
public sealed class TwoNodesTests
{
    private const int Enrollments = 16;
    private const int Burst = 8;
    private const int KilledBySignal = 137;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WhateverBothDoAtOnce_EachEnrollmentIsReviewedIssuedAndDeliveredOnce()
    {
        await using RaStage first = await StartAsync();
        await using RaNode second = await first.StartNodeAsync();
        EnrollmentAnswer[] delivered = await Task.WhenAll(Enumerable.Range(0, Enrollments).Select(i => i % 2 == 0 ? WorkAsync(first, second) : WorkAsync(second, first)));

        // Here: a review, a pair and an end for each, each step once, and nothing that waits.
        Assert.All(delivered, each => Assert.Equal(["draft", "submitted", "issuing", "issued", "delivered"], each.Steps.Select(step => step.State)));
        Assert.Equal(Enrollments, await CountAsync(first.Database, "SELECT COUNT(*) FROM review"));
        Assert.Equal(2 * Enrollments, await CountAsync(first.Database, "SELECT COUNT(*) FROM certificate"));
        Assert.Equal((2 * Enrollments, 0), (await CountAsync(first.Database, "SELECT COUNT(*) FROM outbox WHERE state = 2"), await CountAsync(first.Database, "SELECT COUNT(*) FROM outbox WHERE state <> 2")));
        Assert.Equal(0, await CountAsync(first.Database, "SELECT COUNT(*) FROM enrollment e WHERE e.version <> (SELECT COUNT(*) FROM enrollment_step s WHERE s.enrollment_id = e.enrollment_id)"));

        // At the CA: each row of the outbox is one message that was answered, each enrollment one pair.
        IReadOnlyList<string> rows = await first.Database.QueryAsync<string>("SELECT request_id FROM outbox ORDER BY request_id", cancellationToken: Token);
        IReadOnlyList<string> messages = await first.Ca.Database.QueryAsync<string>("SELECT request_id FROM message_answer WHERE state <> 0 ORDER BY request_id", cancellationToken: Token);
        Assert.Equal(rows, messages.Where(rows.Contains));
        IReadOnlyList<string> references = await first.Ca.Database.QueryAsync<string>("SELECT reference FROM decision WHERE requester = @Name", new { Name = CaScene.RaName }, Token);
        Assert.Equal(delivered.SelectMany(each => (string[])[each.Id, each.Id]).Order(StringComparer.Ordinal), references.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task WhatANodeHadClaimedAndDiedWith_TheOtherSends_WhenTheClaimHasExpired()
    {
        await using RaStage first = await StartAsync(new Dictionary<string, string?> { ["Ra:Ca:Timeout"] = "00:00:02" });
        await using RaNode second = await first.StartNodeAsync();
        SendOutbox[] senders = [first.App.Services.GetRequiredService<SendOutbox>(), second.App.Services.GetRequiredService<SendOutbox>()];
        await Task.WhenAll(senders.Select(sender => sender.StopAsync(Token)));
        Sm2PrivateKey key = first.Pairs.NewKey();
        EnrollmentAnswer approved = await first.ApproveAsync(await first.SubmitAsync(await first.TakeInAsync(RaCounter.NewRequest(await first.PersonAsync(), key))));

        // It has claimed what was due, and sent it; nobody hears the answer.
        DateTimeOffset now = DateTimeOffset.UtcNow, until = now.AddSeconds(5);
        OutboxRow claimed = Assert.Single(await first.Database.WriteAsync(
            async transaction => await OutboxStore.ClaimAsync(transaction, await OutboxStore.ListDueAsync(transaction, now, 64), now, until), Token));
        await senders[1].StartAsync(Token);
        EnrollmentAnswer issued = await second.UntilAsync(approved, "issued");
        OutboxRow sent = (await first.Database.FindAsync<OutboxRow>($"SELECT {OutboxRow.Columns} FROM outbox WHERE outbox_id = @OutboxId", new { claimed.OutboxId }, Token))!;
        Assert.True(sent.EndedAt >= until, $"claimed until {until:O}, and sent by the other at {sent.EndedAt:O}");
        Assert.InRange(sent.Tries, 2, 10);
        Assert.Equal(2, issued.Certificates.Count);
        Assert.Equal(2L, await first.Ca.Database.FindAsync<long>("SELECT COUNT(*) FROM decision WHERE reference = @Id", new { approved.Id }, Token));
    }

    [Fact]
    public async Task ANodeThatIsKilledWithRowsInItsHands_LosesNone_AndNoneIsIssuedTwice()
    {
        Requires.Condition(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "SIGKILL");
        Requires.Condition(TestDatabase.IsHere(DatabaseKind.PostgreSql), "a PostgreSQL (ZWCA_TEST_POSTGRES)");
        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql);
        var kmc = new KmcProcess(new Dictionary<string, string?> { ["Kmc:Pool:Threshold"] = "32", ["Kmc:Pool:Full"] = "64" });
        var dying = new RaProcess(new Dictionary<string, string?> { ["Ra:Ca:Timeout"] = "00:00:02" }, test.Options);
        await using CaProcess ca = await CaProcess.CreateAsync(new CaProcessSetup { RaProfiles = RaScene.Profiles, Inside = kmc, Prepare = kmc.PrepareAsync, Fill = dying.PrepareAsync });
        await using RaProcess ends = dying;
        await kmc.AdmitAsync();
        await kmc.StartAsync();
        await ca.StartAsync();
        await dying.StartAsync();
        await dying.WaitForCaAsync();

        // One that sends a row after the other, so that the other one finds some.
        await using RaNodeProcess living = dying.AddNode(new Dictionary<string, string?> { ["Ra:Ca:RequestsAtOnce"] = "1" });
        await living.StartAsync();
        List<EnrollmentAnswer> approved = [];
        foreach (string point in (string[])["outbox-claimed", "outbox-answered", "outbox-applied"])
        {
            await dying.KillAsync();
            dying.Launch($"{point}:2");
            Task<int> end = dying.WaitForExitAsync(TimeSpan.FromMinutes(2));
            while (!end.IsCompleted)
            {
                EnrollmentAnswer[] submitted = await Task.WhenAll(Enumerable.Range(0, Burst).Select(_ => SubmitAsync(living.Counter)));
                approved.AddRange(await Task.WhenAll(submitted.Select(each => living.Counter.ApproveAsync(each))));
            }

            Assert.True(await end == KilledBySignal, dying.Log);
        }

        foreach (EnrollmentAnswer each in approved)
        {
            Assert.Equal(2, (await living.Counter.UntilAsync(each, "issued")).Certificates.Count);
        }

        await using Database issuing = ca.OpenDatabase();
        IReadOnlyList<string> references = await issuing.QueryAsync<string>("SELECT reference FROM decision WHERE requester = @Name", new { RaProcess.Name }, Token);
        Assert.Equal(approved.SelectMany(each => (string[])[each.Id, each.Id]).Order(StringComparer.Ordinal), references.Order(StringComparer.Ordinal));
        Assert.Equal((2 * approved.Count, 0), (await CountAsync(test.Database, "SELECT COUNT(*) FROM certificate"), await CountAsync(test.Database, "SELECT COUNT(*) FROM outbox WHERE state <> 2")));
        Assert.True(await CountAsync(test.Database, "SELECT COUNT(*) FROM outbox WHERE tries > 1") >= 2, "nothing was taken over");
    }

    private static async Task<EnrollmentAnswer> SubmitAsync(RaCounter counter)
    {
        using var key = Sm2PrivateKey.Generate();
        return await counter.SubmitAsync(await counter.TakeInAsync(RaCounter.NewRequest(await counter.PersonAsync(), key)));
    }

    private static async Task<RaStage> StartAsync(IReadOnlyDictionary<string, string?>? settings = null)
    {
        Requires.Condition(TestDatabase.IsHere(DatabaseKind.PostgreSql), "a PostgreSQL (ZWCA_TEST_POSTGRES)");
        return await RaStage.StartAsync(new RaSetup { Kind = DatabaseKind.PostgreSql, Settings = settings ?? new Dictionary<string, string?>() });
    }

    /// <summary>Taken in here, entered there, then reviewed and received at both at once.</summary>
    private static async Task<EnrollmentAnswer> WorkAsync(RaCounter here, RaCounter there)
    {
        using var key = Sm2PrivateKey.Generate();
        EnrollmentAnswer draft = await here.TakeInAsync(RaCounter.NewRequest(await there.PersonAsync(), key));
        EnrollmentAnswer submitted = await there.SubmitAsync(draft);
        await OneOfTwoAsync(() => here.ApproveAsync(submitted, here.CityReviewer), () => there.ApproveAsync(submitted, there.Province));
        EnrollmentAnswer issued = await there.UntilAsync(submitted, "issued");
        DeliveryAnswer delivery = await here.FetchAsync(issued, key);
        PairScene.Open(delivery.Pair!.Envelope!, key).Dispose();
        PairReceipt receipt = PairScene.Receipt(delivery.Pair, key);
        await OneOfTwoAsync(() => ReceiveAsync(here), () => ReceiveAsync(there));
        return await here.UntilAsync(issued, "delivered");

        Task<EnrollmentAnswer> ReceiveAsync(RaCounter counter) => counter.PostAsync<EnrollmentAnswer>(counter.City, $"/enrollments/{issued.Id}/receipt", receipt);
    }

    private static async Task OneOfTwoAsync(params Func<Task<EnrollmentAnswer>>[] both)
    {
        int[] done = await Task.WhenAll(both.Select(each => Task.Run(
            async () =>
            {
                try
                {
                    await each();
                    return 1;
                }
                catch (RefusalException e)
                {
                    Assert.True(e.Kind == Refusal.WrongState, $"{e.Kind}: {e.Message}");
                    return 0;
                }
            },
            Token)));
        Assert.Equal(1, done.Sum());
    }

    private static async Task<long> CountAsync(Database database, string sql) => await database.FindAsync<long>(sql, cancellationToken: Token);
}
