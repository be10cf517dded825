using System.Collections.Concurrent;
using System.Security.Cryptography;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.Tests.Hsm.Simulator;

/// <summary>Many requests at a time on few connections.</summary>
public sealed class DriverPipelineTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AnswersInReverseOrder_ReachTheirRequests()
    {
        const int Count = 64;
        var waiting = new ConcurrentStack<(ScriptedPeer Peer, Frame Request)>();
        await using var device = new ScriptedDevice();
        device.Serve = async (peer, request) =>
        {
            waiting.Push((peer, request));
            if (waiting.Count == Count)
            {
                while (waiting.TryPop(out var next))
                {
                    await next.Peer.AnswerAsync(next.Request, new Bytes(MacOf(next.Request)));
                }
            }
        };
        await using SimulatorHsm hsm = await device.ConnectAsync(connections: 2);
        byte[][] inputs = [.. Enumerable.Range(0, Count).Select(i => new byte[] { (byte)i, 7 })];
        byte[][] macs = await Task.WhenAll(inputs.Select(input => hsm.ComputeHmacAsync(DriverCalls.HmacKey, input, Token))).WaitAsync(DriverCalls.Patience, Token);
        Assert.Equal(inputs.Select(SHA256.HashData), macs);
    }

    [Fact]
    public async Task ParallelRequests_UseBothConnections()
    {
        const int Count = 64;
        var perPeer = new ConcurrentDictionary<ScriptedPeer, ConcurrentQueue<Frame>>();
        await using var device = new ScriptedDevice();
        device.Serve = async (peer, request) =>
        {
            perPeer.GetOrAdd(peer, _ => []).Enqueue(request);
            if (perPeer.Values.Sum(q => q.Count) == Count)
            {
                foreach ((ScriptedPeer each, ConcurrentQueue<Frame> queue) in perPeer)
                {
                    foreach (Frame frame in queue)
                    {
                        await each.AnswerAsync(frame, new Bytes(MacOf(frame)));
                    }
                }
            }
        };
        await using SimulatorHsm hsm = await device.ConnectAsync(connections: 2);
        Task<byte[]>[] calls = [.. Enumerable.Range(0, Count).Select(i => hsm.ComputeHmacAsync(DriverCalls.HmacKey, new byte[i], Token))];
        await Task.WhenAll(calls).WaitAsync(DriverCalls.Patience, Token);
        Assert.Equal([Count / 2, Count / 2], perPeer.Values.Select(q => q.Count));
        Assert.Equal(2, device.Connections);
    }

    [Fact]
    public async Task RequestsBeyondTheLimit_WaitForAPlace()
    {
        const int Limit = 4;
        var open = new ConcurrentQueue<(ScriptedPeer Peer, Frame Request)>();
        using var arrived = new SemaphoreSlim(0);
        await using var device = new ScriptedDevice
        {
            Serve = (peer, request) =>
            {
                open.Enqueue((peer, request));
                arrived.Release();
                return Task.CompletedTask;
            },
        };
        await using SimulatorHsm hsm = await SimulatorHsm.ConnectAsync(device.Options(maxInFlight: Limit), Token);
        Task<byte[]>[] calls = [.. Enumerable.Range(0, 3 * Limit).Select(i => hsm.ComputeHmacAsync(DriverCalls.HmacKey, new byte[i], Token))];
        int most = 0;
        for (int answered = 0; answered < calls.Length; answered++)
        {
            Assert.True(await arrived.WaitAsync(DriverCalls.Patience, Token));
            most = Math.Max(most, open.Count);
            Assert.True(open.TryDequeue(out var next));
            await next.Peer.AnswerAsync(next.Request, new Bytes(MacOf(next.Request)));
        }

        await Task.WhenAll(calls).WaitAsync(DriverCalls.Patience, Token);
        Assert.InRange(most, 1, Limit);
    }

    [Fact]
    public async Task NoPlaceWithinTheTimeOut_IsBusy()
    {
        var time = new ManualTime();
        await using var device = new ScriptedDevice();
        await using SimulatorHsm hsm = await SimulatorHsm.ConnectAsync(device.Options(maxInFlight: 1, time: time), Token);

        // Between two looks at the clock (every quarter of a second): the second gives up before the first leaves it its place.
        time.Advance(TimeSpan.FromMilliseconds(100));
        Task<byte[]> first = hsm.GetRandomAsync(1, Token);
        Task<byte[]> second = hsm.GetRandomAsync(1, Token);
        time.Advance(TimeSpan.FromMilliseconds(60_050));
        Assert.Equal(HsmFailure.Busy, await DriverCalls.FailureOf(second));
        Assert.False(first.IsCompleted);
        time.Advance(TimeSpan.FromMilliseconds(250));
        Assert.Equal(HsmFailure.NoAnswer, await DriverCalls.FailureOf(first));
    }

    [Fact]
    public async Task LateAnswer_IsDroppedAndTheConnectionGoesOn()
    {
        Frame? kept = null;
        await using var device = new ScriptedDevice();
        device.Serve = async (peer, request) =>
        {
            if (request.Code == (ushort)Operation.Hmac)
            {
                kept = request;
                return;
            }

            await peer.AnswerAsync(request, new Bytes(new byte[4]));
        };
        var time = new ManualTime();
        await using SimulatorHsm hsm = await SimulatorHsm.ConnectAsync(device.Options(time: time), Token);
        Task<byte[]> slow = hsm.ComputeHmacAsync(DriverCalls.HmacKey, new byte[1], Token);

        // The connection is not quiet meanwhile, so it is the request that is slow.
        for (int seconds = 0; seconds < 60; seconds += 10)
        {
            Assert.False(slow.IsCompleted);
            await hsm.GetRandomAsync(4, Token);
            time.Advance(TimeSpan.FromSeconds(10));
        }

        Assert.Equal(HsmFailure.NoAnswer, await DriverCalls.FailureOf(slow));
        ScriptedPeer peer = Assert.Single(device.Peers);
        await peer.AnswerAsync(kept!.Value, new Bytes(new byte[32]));
        Assert.Equal(4, (await hsm.GetRandomAsync(4, Token)).Length);
        Assert.Equal(1, device.Connections);
    }

    [Fact]
    public async Task CancelledCall_EndsAtOnceAndTheConnectionGoesOn()
    {
        using var cancel = new CancellationTokenSource();
        await using var device = new ScriptedDevice();
        device.Serve = (peer, request) =>
        {
            cancel.Cancel();
            return request.Code == (ushort)Operation.Hmac ? Task.CompletedTask : peer.AnswerAsync(request, new Bytes(new byte[1]));
        };
        await using SimulatorHsm hsm = await device.ConnectAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => hsm.ComputeHmacAsync(DriverCalls.HmacKey, new byte[1], cancel.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => hsm.ComputeHmacAsync(DriverCalls.HmacKey, new byte[1], cancel.Token));
        Assert.Single(await hsm.GetRandomAsync(1, Token));
        Assert.Equal(1, device.Connections);
    }

    private static byte[] MacOf(Frame request) => SHA256.HashData(Message.Decode<KeyedData>(request.Body).Data.Span);
}
