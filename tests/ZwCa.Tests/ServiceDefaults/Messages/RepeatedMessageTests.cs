using ZwCa.Contracts;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Tests.ServiceDefaults.Messages;

/// <summary>One request id, one run, one answer.</summary>
public sealed class RepeatedMessageTests
{
    public static TheoryData<Refusal, bool> Refusals => new()
    {
        { Refusal.Malformed, true },
        { Refusal.TooLarge, true },
        { Refusal.LinkNotTrusted, false },
        { Refusal.BadSignature, false },
        { Refusal.Expired, false },
        { Refusal.Duplicate, true },
        { Refusal.InProgress, false },
        { Refusal.NotFound, true },
        { Refusal.NotAllowed, true },
        { Refusal.OutOfScope, true },
        { Refusal.SecondOfficerRequired, true },
        { Refusal.RolesNotDisjoint, true },
        { Refusal.NotApproved, true },
        { Refusal.WrongState, true },
        { Refusal.RecertificationDue, true },
        { Refusal.TooManyRequests, false },
        { Refusal.AuditUnavailable, false },
        { Refusal.Unavailable, false },
    };

    [Fact]
    public async Task Retry_GetsTheStoredAnswer()
    {
        await using MessageService service = await MessageService.StartAsync();
        Letter letter = service.Write(await service.AddPartyAsync("4a01", "ra-1"));

        Reply first = await letter.SendAsync();
        service.Clock.Advance(TimeSpan.FromSeconds(10));
        Reply signedAgain = await (letter with { Created = service.Clock.GetUtcNow() }).SendAsync();

        Assert.Equal(201, first.Status);
        Assert.Equal(first, signedAgain);
        Assert.Equal(first, await letter.SendAsync());
        Assert.Equal(1, service.Runs);
    }

    [Theory]
    [InlineData(5 * 60 * 1000, 201)]
    [InlineData((5 * 60 * 1000) + 1, 401)]
    [InlineData(-5 * 60 * 1000, 201)]
    [InlineData((-5 * 60 * 1000) - 1, 401)]
    public async Task UnknownId_IsRunOnlyWithinFiveMinutes(int milliseconds, int status)
    {
        await using MessageService service = await MessageService.StartAsync();
        Letter letter = service.Write(await service.AddPartyAsync("4a01", "ra-1"));
        service.Clock.Advance(TimeSpan.FromMilliseconds(milliseconds));

        Reply reply = await letter.SendAsync();

        Assert.Equal((status, status == 401 ? "Expired" : null), (reply.Status, reply.Refusal));
        Assert.Equal(status == 401 ? 0 : 1, service.Runs);
    }

    /// <summary>Whatever its age, and however the service's clock jumps.</summary>
    [Fact]
    public async Task KnownId_IsAnsweredForEver()
    {
        await using MessageService service = await MessageService.StartAsync();
        Letter letter = service.Write(await service.AddPartyAsync("4a01", "ra-1"));
        Reply first = await letter.SendAsync();

        foreach (TimeSpan jump in (TimeSpan[])[TimeSpan.FromMinutes(6), TimeSpan.FromDays(20), TimeSpan.FromDays(-40)])
        {
            service.Clock.Advance(jump);
            Assert.Equal(first, await letter.SendAsync());
        }

        Assert.Equal(1, service.Runs);
    }

    [Fact]
    public async Task SameIdForSomethingElse_IsADuplicate()
    {
        await using MessageService service = await MessageService.StartAsync();
        Letter letter = service.Write(await service.AddPartyAsync("4a01", "ra-1"));
        Reply first = await letter.SendAsync();

        foreach (Letter other in (Letter[])[letter with { Body = "{} " }, letter with { Target = "/count/a?x=2" }, letter with { Method = HttpMethod.Put }])
        {
            Reply reply = await other.SendAsync();
            Assert.Equal((409, "Duplicate", null), (reply.Status, reply.Refusal, reply.RetryAfter));
        }

        Assert.Equal(first, await letter.SendAsync());
        Assert.Equal(1, service.Runs);
    }

    [Fact]
    public async Task SameIdOfAnotherSender_IsAnotherRequest()
    {
        await using MessageService service = await MessageService.StartAsync();
        Letter letter = service.Write(await service.AddPartyAsync("4a01", "ra-1"));
        Letter others = letter with { Party = await service.AddPartyAsync("4a02", "ra-2"), Body = "other" };

        Assert.Equal(["""{"run":1,"name":"a","x":"1"}""", """{"run":2,"name":"a","x":"1"}"""], [(await letter.SendAsync()).Text, (await others.SendAsync()).Text]);
    }

    [Fact]
    public async Task SecondCallWhileTheFirstRuns_HasToWait()
    {
        await using MessageService service = await MessageService.StartAsync();
        Letter letter = service.Write(await service.AddPartyAsync("4a01", "ra-1"), "/slow");

        Task<Reply> first = letter.SendAsync();
        await service.Begun.WaitAsync(TestContext.Current.CancellationToken);
        Reply second = await letter.SendAsync();
        service.Continue.Release();

        Assert.Equal((409, "InProgress", TimeSpan.FromSeconds(2)), (second.Status, second.Refusal, second.RetryAfter));
        Assert.Equal("done", (await first).Text);
        Assert.Equal("done", (await letter.SendAsync()).Text);
        Assert.Equal(1, service.Runs);
    }

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task RefusalThatStays_IsStored_TroubleThatPasses_IsNot(Refusal refusal, bool stays)
    {
        await using MessageService service = await MessageService.StartAsync();
        Letter letter = service.Write(await service.AddPartyAsync("4a01", "ra-1"));
        service.Act = _ => throw new RefusalException(refusal, "测试");
        Reply first = await letter.SendAsync();
        Assert.Equal(refusal.ToString(), first.Refusal);

        service.Act = _ => Task.CompletedTask;
        Reply second = await letter.SendAsync();

        if (stays)
        {
            Assert.Equal(first, second);
        }

        Assert.Equal(stays ? 1 : 2, service.Runs);
        Assert.Equal(stays ? first.Status : 201, second.Status);
    }

    /// <summary>Asking again may help, says the refusal: so it is not the last word.</summary>
    [Fact]
    public async Task RefusalWithATimeToWait_IsNotStored()
    {
        await using MessageService service = await MessageService.StartAsync();
        Letter letter = service.Write(await service.AddPartyAsync("4a01", "ra-1"));
        service.Act = _ => throw new RefusalException(Refusal.WrongState, "测试", TimeSpan.FromSeconds(7));
        Assert.Equal(TimeSpan.FromSeconds(7), (await letter.SendAsync()).RetryAfter);

        service.Act = _ => Task.CompletedTask;
        Assert.Equal(201, (await letter.SendAsync()).Status);
    }

    [Theory]
    [InlineData(200, 1)]
    [InlineData(204, 1)]
    [InlineData(302, 2)]
    [InlineData(401, 2)]
    [InlineData(404, 1)]
    [InlineData(422, 1)]
    [InlineData(429, 2)]
    [InlineData(500, 2)]
    [InlineData(503, 2)]
    public async Task StatusWithoutARefusal_IsStoredWhereItIsFinal(int status, int runs)
    {
        await using MessageService service = await MessageService.StartAsync();
        Letter letter = service.Write(await service.AddPartyAsync("4a01", "ra-1"), $"/status/{status}");

        Assert.Equal(status, (await letter.SendAsync()).Status);
        Assert.Equal(status, (await letter.SendAsync()).Status);
        Assert.Equal(runs, service.Runs);
    }

    [Fact]
    public async Task FaultOfTheEndpoint_IsNotStored_ButItsIdIsSpent()
    {
        await using MessageService service = await MessageService.StartAsync();
        Letter letter = service.Write(await service.AddPartyAsync("4a01", "ra-1"));
        service.Act = _ => throw new InvalidOperationException("test");
        Assert.Equal(500, (await letter.SendAsync()).Status);

        service.Act = _ => Task.CompletedTask;
        Assert.Equal("Duplicate", (await (letter with { Body = "other" }).SendAsync()).Refusal);

        // To be run, also again, a message has to be new: somebody may have kept the one that failed.
        service.Clock.Advance(TimeSpan.FromMinutes(6));
        Assert.Equal("Expired", (await letter.SendAsync()).Refusal);
        Assert.Equal(201, (await (letter with { Created = service.Clock.GetUtcNow() }).SendAsync()).Status);
    }

    [Fact]
    public async Task SenderDisabledInBetween_GetsNoStoredAnswer()
    {
        await using MessageService service = await MessageService.StartAsync();
        Party ra = await service.AddPartyAsync("4a01", "ra-1");
        Letter letter = service.Write(ra);
        Assert.Equal(201, (await letter.SendAsync()).Status);

        service.Disabled[ra.Signer.Sender] = true;

        Assert.Equal("NotAllowed", (await letter.SendAsync()).Refusal);
    }

    [Theory]
    [InlineData("/make")]
    [InlineData("/make-and-more")]
    public async Task AnswerInTheTransaction_IsWhatTheClientGets(string target)
    {
        await using MessageService service = await MessageService.StartAsync();
        Letter letter = service.Write(await service.AddPartyAsync("4a01", "ra-1"), target);

        Reply first = await letter.SendAsync();

        Assert.Equal((201, "application/json; charset=utf-8", """{"name":"made"}"""), (first.Status, first.ContentType, first.Text));
        Assert.Equal(first, await letter.SendAsync());
        Assert.Equal((1, 1), (service.Runs, await service.CountThingsAsync()));
    }

    /// <summary>The change is done and its answer is kept; what goes wrong afterwards changes neither.</summary>
    [Fact]
    public async Task EndpointFailsAfterItsTransaction_ClientGetsTheAnswer()
    {
        await using MessageService service = await MessageService.StartAsync();
        Letter letter = service.Write(await service.AddPartyAsync("4a01", "ra-1"), "/make-and-more");
        service.Act = _ => throw new InvalidOperationException("test");

        Reply first = await letter.SendAsync();

        Assert.Equal("""{"name":"made"}""", first.Text);
        Assert.Equal(first, await letter.SendAsync());
        Assert.Contains("InvalidOperationException", service.Sample.Logged, StringComparison.Ordinal);
        Assert.Equal((1, 1), (service.Runs, await service.CountThingsAsync()));
    }

    [Fact]
    public async Task AnswerFromRows_IsMadeAgain()
    {
        await using MessageService service = await MessageService.StartAsync();
        Letter letter = service.Write(await service.AddPartyAsync("4a01", "ra-1"), "/pair");

        Assert.Equal("""{"envelope":"bytes"}""", (await letter.SendAsync()).Text);
        Assert.Equal("""{"envelope":"bytes"}""", (await letter.SendAsync()).Text);
        await service.Database.WriteAsync(async transaction => await transaction.ExecuteAsync("DELETE FROM thing"), TestContext.Current.CancellationToken);
        service.Clock.Advance(TimeSpan.FromDays(1));

        Assert.Equal("""{"envelope":"delivered"}""", (await letter.SendAsync()).Text);
    }

    [Fact]
    public async Task BodyThatTheEndpointCannotRead_IsMalformedForEver()
    {
        await using MessageService service = await MessageService.StartAsync();
        Letter letter = service.Write(await service.AddPartyAsync("4a01", "ra-1"), "/json", "{");

        Reply first = await letter.SendAsync();

        Assert.Equal((400, "Malformed"), (first.Status, first.Refusal));
        Assert.Equal(first, await letter.SendAsync());
    }

    [Fact]
    public async Task AnswerLargerThanIsKept_IsAFault()
    {
        await using MessageService service = await MessageService.StartAsync(options: new MessageOptions { MaxAnswerLength = 100 });
        Party ra = await service.AddPartyAsync("4a01", "ra-1");

        Assert.Equal(200, (await service.Write(ra, "/echo-signed", new string('x', 100)).SendAsync()).Status);
        Assert.Equal(500, (await service.Write(ra, "/echo-signed", new string('x', 101)).SendAsync()).Status);
    }

    /// <summary>The rows are what is kept; the answer may have any length.</summary>
    [Fact]
    public async Task AnswerFromRows_MayBeLargerThanIsKept()
    {
        await using MessageService service = await MessageService.StartAsync(options: new MessageOptions { MaxAnswerLength = 10 });
        Letter letter = service.Write(await service.AddPartyAsync("4a01", "ra-1"), "/pair");

        Assert.Equal("""{"envelope":"bytes"}""", (await letter.SendAsync()).Text);
        Assert.Equal("""{"envelope":"bytes"}""", (await letter.SendAsync()).Text);
    }

    /// <summary>The end of the time is answered as without a signature, and not kept; what the endpoint says all the same is kept and told.</summary>
    [Theory]
    [InlineData("/wait", 503, "Unavailable", 2)]
    [InlineData("/wait?then=refuse", 409, "WrongState", 1)]
    [InlineData("/wait?then=answer", 200, null, 1)]
    public async Task TimeIsUp(string target, int status, string? refusal, int runs)
    {
        await using MessageService service = await MessageService.StartAsync(requestTimeout: TimeSpan.FromSeconds(3));
        Letter letter = service.Write(await service.AddPartyAsync("4a01", "ra-1"), target);

        Reply first = await letter.SendAsync();
        Reply second = await letter.SendAsync();

        Assert.Equal((status, refusal, status == 503), (first.Status, first.Refusal, first.RetryAfter is not null));
        Assert.Equal((status, refusal), (second.Status, second.Refusal));
        Assert.Equal(runs, service.Runs);
    }

    /// <summary>Nobody is told, and the operator is not woken.</summary>
    [Fact]
    public async Task ClientThatHasGone_IsNoFailure()
    {
        await using MessageService service = await MessageService.StartAsync();
        Party ra = await service.AddPartyAsync("4a01", "ra-1");
        using HttpRequestMessage request = await service.Write(ra, "/wait").SealAsync();
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        Task<HttpResponseMessage> call = ra.Link.SendAsync(request, gone.Token);
        while (Volatile.Read(ref service.Runs) == 0)
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        await gone.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        while (!service.Sample.Logged.Contains("/wait", StringComparison.Ordinal))
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        Assert.Contains("\"status\":499", service.Sample.Logged, StringComparison.Ordinal);
        Assert.DoesNotContain("\"level\":\"Error\"", service.Sample.Logged, StringComparison.Ordinal);
    }

    /// <summary>Any number of calls at once, one run.</summary>
    [Fact]
    public async Task ManyCallsAtOnce_OneRun()
    {
        await using MessageService service = await MessageService.StartAsync();
        Letter letter = service.Write(await service.AddPartyAsync("4a01", "ra-1"), "/make");

        Reply[] replies = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => letter.SendAsync()));

        Assert.All(replies, reply => Assert.True(reply.Status == 201 || reply.Refusal == "InProgress", reply.ToString()));
        Assert.Contains(replies, reply => reply.Status == 201);
        Assert.Equal((1, 1), (service.Runs, await service.CountThingsAsync()));
    }
}
