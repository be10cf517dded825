using System.Security.Cryptography;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Data;
using ZwCa.Ra.Outbox;

namespace ZwCa.Tests.Ra.Outbox;

/// <summary>The sender and its rows, with a CA that does what the test wants.</summary>
public sealed class SendOutboxTests(RaFixture fixture) : IClassFixture<RaFixture>
{
    private static readonly DateTimeOffset Never = DateTimeOffset.UtcNow.AddYears(10);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>What waits is not all tried again and again, and all of it goes out when the CA is back.</summary>
    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task WhileNobodyAnswers_OneASecondAsks(DatabaseKind kind)
    {
        await using OutboxScene scene = await OutboxScene.CreateAsync(await fixture.OnAsync(kind));
        scene.Answer = (_, _) => throw new HttpRequestException(HttpRequestError.ConnectionError);
        await scene.AddAsync(40);
        await scene.StartAsync();
        await RaWaiting.UntilAsync(() => Task.FromResult(scene.Asked.Count >= 40), "all are tried once");
        await scene.RawAsync("UPDATE outbox SET try_after = 0 WHERE state = 0");
        int before = scene.Asked.Count;
        await Task.Delay(TimeSpan.FromSeconds(3.5), Token);
        Assert.InRange(scene.Asked.Count - before, 1, 5);

        scene.Answer = (_, _) => Task.FromResult(OutboxScene.Refuse(Refusal.NotApproved));
        await scene.RawAsync("UPDATE outbox SET try_after = 0 WHERE state = 0");
        await scene.UntilEndedAsync(40, OutboxState.Refused);
    }

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task OneThatNobodyCanSendOrRead_IsTriedAgain_IsSeen_AndKeepsNoOtherWaiting(DatabaseKind kind)
    {
        await using OutboxScene scene = await OutboxScene.CreateAsync(await fixture.OnAsync(kind));
        OutboxRow unopened = Assert.Single(await scene.AddAsync(1, row => row with { BodySealed = RandomNumberGenerator.GetBytes(80) }));
        OutboxRow unread = Assert.Single(await scene.AddAsync(1)), unknown = Assert.Single(await scene.AddAsync(1));
        scene.Answer = (path, _) => Task.FromResult(
            path == unread.Path ? OutboxScene.Say("[1, 2") : path == unknown.Path ? OutboxScene.Say(/*lang=json*/ """{"id":"x","signing":null,"encryption":null,"delivery":"delivered","keySerial":"1"}""")
            : OutboxScene.Refuse(Refusal.NotApproved));
        await scene.AddAsync(5);
        await scene.StartAsync();
        await scene.UntilEndedAsync(5, OutboxState.Refused);
        foreach (OutboxRow each in (OutboxRow[])[unopened, unread, unknown])
        {
            OutboxRow waiting = await scene.UntilAsync(each, row => row.Tries > 1 && row.ClaimedUntil <= DateTimeOffset.UtcNow && row.Refusal is not null);
            Assert.Equal((OutboxState.Waiting, nameof(Refusal.Unavailable)), (waiting.State, waiting.Refusal));
            Assert.Contains(waiting.Detail!, c => c >= 0x4E00);
        }

        // Its clerk reads that it waits.
        Assert.NotNull((await scene.Stage.ShowAsync(scene.Approved)).Waiting);
    }

    [Fact]
    public async Task APause_Grows_UpToAMinute_AndIsWhatTheCaSaysWhereItSays()
    {
        await using OutboxScene scene = await OutboxScene.CreateAsync(fixture.Stage);
        OutboxRow told = Assert.Single(await scene.AddAsync(1));
        scene.Answer = (path, _) => path == told.Path
            ? Task.FromResult(OutboxScene.Refuse(Refusal.QuotaExhausted, "配额已用完。", TimeSpan.FromSeconds(17)))
            : throw new HttpRequestException(HttpRequestError.ResponseEnded);
        List<(OutboxRow Row, int Seconds)> expected = [(told, 17)];
        foreach ((long tries, int seconds) in ((long, int)[])[(0, 1), (1, 2), (2, 4), (5, 32), (6, 60), (1_000_000, 60)])
        {
            OutboxRow row = Assert.Single(await scene.AddAsync(1));
            await scene.RawAsync("UPDATE outbox SET tries = @Tries WHERE outbox_id = @OutboxId", new { Tries = tries, row.OutboxId });
            expected.Add((row with { Tries = tries }, seconds));
        }

        DateTimeOffset before = DateTimeOffset.UtcNow;
        SendOutbox sender = await scene.StartAsync();
        foreach ((OutboxRow row, int seconds) in expected)
        {
            OutboxRow waiting = await scene.UntilAsync(row, now => now.Refusal is not null);
            if (waiting.Tries == row.Tries + 1)
            {
                Assert.InRange((waiting.TryAfter - before).TotalSeconds, seconds - 0.1, seconds + 8);
            }
            else
            {
                Assert.True(seconds <= 2, $"after {row.Tries} tries it was tried again within {seconds} seconds");
            }
        }

        await sender.StopAsync(Token);
    }

    /// <summary>A node that was held up, and comes back when another has the row.</summary>
    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task WhoseClaimHasExpired_DoesNotTakeTheRowFromTheNext(DatabaseKind kind)
    {
        await using OutboxScene scene = await OutboxScene.CreateAsync(await fixture.OnAsync(kind));
        OutboxRow row = Assert.Single(await scene.AddAsync(1));
        DateTimeOffset now = DateTimeOffset.UtcNow, later = now.AddMinutes(2);
        OutboxRow slow = Assert.Single(await ClaimAsync(row, now, now.AddMinutes(1)));
        Assert.Empty(await ClaimAsync(slow, now, now.AddMinutes(1)));
        OutboxRow next = Assert.Single(await ClaimAsync(slow, later, later.AddMinutes(1)));
        Assert.Equal((1L, 2L), (slow.Tries, next.Tries));
        Assert.Equal(0, await scene.Stage.Database.WriteAsync(transaction => OutboxStore.PostponeAsync(transaction, slow, now, "Unavailable", "迟到"), Token));
        Assert.Equal(later.AddMinutes(1).ToUnixTimeMilliseconds(), (await scene.GetAsync(row)).ClaimedUntil.ToUnixTimeMilliseconds());
        Assert.Equal(1, await scene.Stage.Database.WriteAsync(transaction => OutboxStore.PostponeAsync(transaction, next, Never, null, null), Token));

        Task<IReadOnlyList<OutboxRow>> ClaimAsync(OutboxRow which, DateTimeOffset at, DateTimeOffset until) =>
            scene.Stage.Database.WriteAsync(transaction => OutboxStore.ClaimAsync(transaction, [which], at, until), Token);
    }

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task WhatAWrongClockHadPutOffOrClaimed_IsSent_AndWhatANodeIsAtIsLeftToIt(DatabaseKind kind)
    {
        await using OutboxScene scene = await OutboxScene.CreateAsync(await fixture.OnAsync(kind));
        await scene.AddAsync(1, row => row with { TryAfter = Never });
        await scene.AddAsync(1, row => row with { ClaimedUntil = Never });
        OutboxRow running = Assert.Single(await scene.AddAsync(1, row => row with { ClaimedUntil = DateTimeOffset.UtcNow.AddMinutes(1) }));
        OutboxRow paused = Assert.Single(await scene.AddAsync(1, row => row with { TryAfter = DateTimeOffset.UtcNow.AddMinutes(1) }));
        await scene.StartAsync();
        await scene.UntilEndedAsync(2, OutboxState.Refused);
        Assert.Equal((0L, 0L), ((await scene.GetAsync(running)).Tries, (await scene.GetAsync(paused)).Tries));
    }

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task ANodeThatStops_LeavesItsRowsToTheNext_WhichSendsTheSame(DatabaseKind kind)
    {
        await using OutboxScene scene = await OutboxScene.CreateAsync(await fixture.OnAsync(kind));
        OutboxRow row = Assert.Single(await scene.AddAsync(1));
        scene.Answer = async (_, cancellationToken) =>
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            throw new InvalidOperationException("It never answers.");
        };
        SendOutbox first = await scene.StartAsync();
        await RaWaiting.UntilAsync(() => Task.FromResult(!scene.Asked.IsEmpty), "it is asked");
        await first.StopAsync(Token);
        OutboxRow left = await scene.GetAsync(row);
        Assert.Equal((OutboxState.Waiting, 1L), (left.State, left.Tries));
        Assert.InRange(left.ClaimedUntil, DateTimeOffset.UnixEpoch, DateTimeOffset.UtcNow);
        Assert.InRange(left.TryAfter, DateTimeOffset.UnixEpoch, DateTimeOffset.UtcNow);

        scene.Answer = (_, _) => Task.FromResult(OutboxScene.Refuse(Refusal.NotApproved));
        await scene.StartAsync();
        await scene.UntilEndedAsync(1, OutboxState.Refused);
        Assert.Equal([row.Path, row.Path], scene.Asked);
        Assert.Equal((row.RequestId, 2L), ((await scene.GetAsync(row)).RequestId, (await scene.GetAsync(row)).Tries));
    }

    /// <summary>PostgreSQL takes no half of a character, and nothing longer than its column.</summary>
    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task ARefusalOfManyWords_ReachesTheClerk_WithWholeCharacters(DatabaseKind kind)
    {
        await using OutboxScene scene = await OutboxScene.CreateAsync(await fixture.OnAsync(kind));
        scene.Answer = (_, _) => Task.FromResult(OutboxScene.Refuse(Refusal.SubjectNotAllowed, new string('名', 499) + string.Concat(Enumerable.Repeat("𠀀", 2000))));
        await scene.RawAsync("UPDATE outbox SET state = 0 WHERE enrollment_id = @Id AND purpose = 1", new { Id = Convert.FromHexString(scene.Approved.Id) });
        await scene.StartAsync();
        EnrollmentAnswer returned = await RaWaiting.UntilAsync(scene.Stage, scene.Approved, now => now.State == "returned");
        Assert.Equal("CA未受理：" + new string('名', 499), returned.Reason);
    }

    [Fact]
    public async Task WhatNobodySends_IsAmber()
    {
        await using OutboxScene scene = await OutboxScene.CreateAsync(fixture.Stage);
        var health = new OutboxHealth(scene.Stage.Database, TimeProvider.System);
        await scene.AddAsync(1);
        Assert.Equal(HealthStatus.Healthy, (await health.CheckHealthAsync(new HealthCheckContext(), Token)).Status);
        await scene.RawAsync("UPDATE outbox SET try_after = @Past WHERE state = 0", new { Past = DateTimeOffset.UtcNow.AddMinutes(-3) });
        HealthCheckResult late = await health.CheckHealthAsync(new HealthCheckContext(), Token);
        Assert.Equal(HealthStatus.Degraded, late.Status);
        Assert.StartsWith("1 requests wait", late.Description, StringComparison.Ordinal);
    }
}
