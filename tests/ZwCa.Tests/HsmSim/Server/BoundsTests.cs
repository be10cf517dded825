using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Hsm.Simulator.Wire;
using ZwCa.HsmSim.Server;

namespace ZwCa.Tests.HsmSim.Server;

/// <summary>What one peer, or many, can take from the device: memory and connections.</summary>
public sealed class BoundsTests
{
    private static readonly byte[] Body = Message.Encode(new Number(1));
    private static readonly int Each = Request.BytesOf(Operation.Random, Body.Length);

    /// <summary>Answers are delayed, so that requests stay in flight; three fit.</summary>
    [Theory]
    [InlineData(3, 100, 1)]
    [InlineData(100, 3, 2)]
    public async Task BytesInFlight_AreBounded(int ofAConnection, int ofAll, int connections)
    {
        ServerLimits limits = TestDevice.Limits with
        {
            ConnectionBytes = ofAConnection * (long)Each,
            AllBytes = ofAll * (long)Each,
            Stop = TimeSpan.FromMilliseconds(100),
        };
        await using TestDevice device = await TestDevice.StartAsync(limits, faults: true);
        await using ConsoleClient console = await device.OpenConsoleAsync();
        await console.AskAsync<Fault, Nothing>(Operation.SetFault, new Fault(FaultKind.DelayAnswers, 600_000), TestContext.Current.CancellationToken);
        byte[] requests = [.. Enumerable.Range(2, 12).SelectMany(id => RawClient.Encode(id, (ushort)Operation.Random, Body))];
        var clients = new List<RawClient>();
        for (int i = 0; i < connections; i++)
        {
            clients.Add(await device.ConnectAsync());
            await clients[i].SendAsync(requests);
        }

        await TestDevice.UntilAsync(() => device.BytesInFlight >= 3L * Each, () => $"{device.BytesInFlight} bytes are in flight.");

        // The console is served meanwhile, which takes longer than reading what has arrived.
        await console.AskAsync<Nothing, DeviceStatus>(Operation.Status, default, TestContext.Current.CancellationToken);
        Assert.Equal(3L * Each, device.BytesInFlight);
        foreach (RawClient client in clients)
        {
            await client.DisposeAsync();
        }
    }

    [Fact]
    public async Task BytesInFlight_ComeBack_WhateverBecameOfTheRequests()
    {
        await using TestDevice device = await TestDevice.StartAsync(TestDevice.Limits with { ConnectionBytes = Each });
        await using RawClient client = await device.ConnectAsync();

        // One at a time fits: answered, refused, malformed, and one that never ends.
        for (int i = 0; i < 10; i++)
        {
            Assert.Equal(Frame.Done, (await client.AskAsync(Operation.Random, new Number(1))).Code);
            Assert.Equal(HsmFailure.BadInput, (await client.AskAsync(Operation.Random, new Number(0))).Failure);
            Assert.Equal(HsmFailure.Protocol, (await client.AskAsync(Operation.Random, default(Nothing))).Failure);
        }

        await client.SendAsync(RawClient.Encode(99, (ushort)Operation.Hmac, new byte[50_000]).AsMemory(0, 40_000));
        await TestDevice.UntilAsync(() => device.BytesInFlight > 0, () => "The frame that has begun does not count.");
        client.CloseSending();

        Assert.Null(await client.ReadAsync());
        await TestDevice.UntilAsync(() => device.BytesInFlight == 0, () => $"{device.BytesInFlight} bytes never came back.");
    }

    [Fact]
    public async Task ConnectionsWithoutACredential_MakeRoomForOthers_TheOldestFirst()
    {
        await using TestDevice device = await TestDevice.StartAsync(TestDevice.Limits with { Connections = 3 });
        await using RawClient client = await device.ConnectAsync();
        await using RawClient oldest = await device.DialAsync("ca");
        await using RawClient silent = await device.DialAsync("ca");

        await using RawClient welcome = await device.ConnectAsync("kmc");

        Assert.Null(await oldest.ReadAsync());
        Assert.Contains("#2 ", Assert.Single(device.Log.Split('\n'), line => line.Contains("made room", StringComparison.Ordinal)), StringComparison.Ordinal);
        (await client.AskAsync(Operation.Random, new Number(1))).Read<Bytes>();
        (await welcome.AskAsync(Operation.Random, new Number(1))).Read<Bytes>();
        Assert.Equal(HsmFailure.WrongCredential, (await silent.AskAsync(Operation.Hello, new Hello(Frame.ProtocolVersion, "ca", new byte[32]))).Failure);
    }

    [Fact]
    public async Task WrongCredential_HoldsItsConnectionNoLongerThanTheTimeForHello()
    {
        await using TestDevice device = await TestDevice.StartAsync(TestDevice.Limits with
        {
            Handshake = TimeSpan.FromMilliseconds(500),
            WrongCredential = TimeSpan.FromHours(1),
        });
        await using RawClient client = await device.DialAsync("ca");

        await client.SendAsync(1, Operation.Hello, new Hello(Frame.ProtocolVersion, "ca", new byte[32]));

        Assert.Null(await client.ReadAsync());
        await TestDevice.UntilAsync(() => device.Connections == 0, () => "The connection is still there.");
    }
}
