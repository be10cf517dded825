using System.Net.Http.Json;
using Microsoft.AspNetCore.Http;
using ZwCa.Hsm;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Tests.ServiceDefaults.Messages;

/// <summary>The client's side, against the service.</summary>
public sealed class MessageSigningHandlerTests
{
    [Theory]
    [InlineData("/echo-signed")]
    [InlineData("/echo-signed?name=张三&x=a b%2F%7e")]
    [InlineData("/./x/../echo-signed?a=1#fragment")]
    public async Task WhatItSends_IsAccepted(string target)
    {
        await using MessageService service = await MessageService.StartAsync();
        Party ra = await service.AddPartyAsync("4a01", "ra-1");
        using HttpClient client = Connect(service, ra);
        RequestId id = RequestId.Create(TimeProvider.System);

        foreach (int _ in (int[])[1, 2])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, target) { Content = JsonContent.Create(new { name = "李四" }) };
            MessageSigningHandler.SetRequestId(request, id);
            Reply reply = await Reply.SendAsync(client, request);
            Assert.Equal((200, true), (reply.Status, reply.Text.Contains("name", StringComparison.Ordinal)));
        }

        Assert.Equal(1, service.Runs);
    }

    [Fact]
    public async Task WithoutABody_IsAccepted()
    {
        await using MessageService service = await MessageService.StartAsync();
        using HttpClient client = Connect(service, await service.AddPartyAsync("4a01", "ra-1"));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/status/204");
        MessageSigningHandler.SetRequestId(request, RequestId.Create(TimeProvider.System));

        Assert.Equal(StatusCodes.Status204NoContent, (await Reply.SendAsync(client, request)).Status);
    }

    [Fact]
    public async Task RequestWithoutAnId_IsABug()
    {
        await using MessageService service = await MessageService.StartAsync();
        using HttpClient client = Connect(service, await service.AddPartyAsync("4a01", "ra-1"));

        await Assert.ThrowsAsync<InvalidOperationException>(() => client.PostAsync("/echo-signed", null, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task DeviceIsAway_NothingIsSent()
    {
        await using MessageService service = await MessageService.StartAsync();
        await using var hsm = new MemoryHsm { Fault = _ => throw new HsmException(HsmFailure.Unreachable, "test") };
        HsmKey key = await hsm.GenerateKeyAsync(new KeyLabel("message"), HsmKeyKind.Sm2, TestContext.Current.CancellationToken);
        Party ra = await service.AddPartyAsync("4a01", "ra-1");
        using HttpClient client = Connect(service, ra with { Signer = new MessageSigner(ra.Signer.Sender, new HsmSigner(hsm, key)) });
        using var request = new HttpRequestMessage(HttpMethod.Post, "/echo-signed");
        MessageSigningHandler.SetRequestId(request, RequestId.Create(TimeProvider.System));

        await Assert.ThrowsAsync<HsmException>(() => Reply.SendAsync(client, request));
        Assert.DoesNotContain("echo-signed", service.Sample.Logged, StringComparison.Ordinal);
    }

    private static HttpClient Connect(MessageService service, Party party) => LinkTls.CreateClient(
        service.Sample.Address,
        () => party.Certificate,
        service.Sample.Trust,
        TimeSpan.FromMinutes(1),
        new MessageSigningHandler(party.Signer, SampleService.Name, service.Clock));
}
