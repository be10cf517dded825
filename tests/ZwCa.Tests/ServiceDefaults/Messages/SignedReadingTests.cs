using ZwCa.Data;

namespace ZwCa.Tests.ServiceDefaults.Messages;

/// <summary>Messages to endpoints that change nothing: signed like all others, and nothing of them is kept.</summary>
public sealed class SignedReadingTests
{
    [Fact]
    public async Task AskedTwice_ItIsRunTwice_AndNothingIsKept()
    {
        await using MessageService service = await MessageService.StartAsync();
        Letter letter = service.Write(await service.AddPartyAsync("4a01", "ra-1"), "/read");

        Assert.Equal("""{"run":1}""", (await letter.SendAsync()).Text);
        Assert.Equal("""{"run":2}""", (await letter.SendAsync()).Text);
        Assert.Equal(0, await service.Database.FindAsync<long>("SELECT COUNT(*) FROM message_answer", cancellationToken: TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task StolenStaleOrUnsigned_ItIsRefused()
    {
        await using MessageService service = await MessageService.StartAsync();
        Party ra = await service.AddPartyAsync("4a01", "ra-1");
        Party thief = await service.AddPartyAsync("4a02", "ra-2");
        Letter letter = service.Write(ra, "/read");

        Assert.Equal("BadSignature", (await letter.SendAsync(over: thief.Link)).Refusal);
        Assert.Equal("BadSignature", (await (letter with { Recipient = "kmc" }).SendAsync()).Refusal);
        Assert.Equal("Expired", (await (letter with { Created = letter.Created.AddMinutes(-6) }).SendAsync()).Refusal);
        Assert.Equal("Expired", (await (letter with { Created = letter.Created.AddMinutes(6) }).SendAsync()).Refusal);
        service.Clock.Advance(TimeSpan.FromMinutes(6));
        Assert.Equal("Expired", (await letter.SendAsync()).Refusal);
        Assert.Equal(0, service.Runs);
    }

    /// <summary>Whoever wants to keep an answer there has made a mistake.</summary>
    [Fact]
    public async Task WhatKeepsAnAnswer_Fails()
    {
        await using MessageService service = await MessageService.StartAsync();
        service.Act = message => service.Database.WriteAsync((Transaction transaction) => message.AnswerWithRowsAsync(transaction, "rows"));

        Assert.Equal(500, (await service.Write(await service.AddPartyAsync("4a01", "ra-1"), "/read").SendAsync()).Status);
    }
}
