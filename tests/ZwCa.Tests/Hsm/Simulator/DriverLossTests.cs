using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.Tests.Hsm.Simulator;

/// <summary>Devices that die, fall silent, come back or come back as others.</summary>
public sealed class DriverLossTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task SilentDevice_IsNoAnswerInTimeAndAskedAgainOnAFreshConnection()
    {
        bool silent = true;
        await using var device = new ScriptedDevice();
        device.Serve = (peer, request) => silent ? Task.CompletedTask : peer.AnswerAsync(request, new Bytes(new byte[4]));
        var time = new ManualTime();
        await using SimulatorHsm hsm = await SimulatorHsm.ConnectAsync(device.Options(time: time), Token);
        Task<byte[]> call = hsm.GetRandomAsync(4, Token);
        time.Advance(TimeSpan.FromSeconds(59));
        Assert.False(call.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(HsmFailure.NoAnswer, await DriverCalls.FailureOf(call));
        silent = false;
        Assert.Equal(4, (await hsm.GetRandomAsync(4, Token)).Length);
        Assert.Equal(2, device.Connections);
    }

    [Fact]
    public async Task DeviceThatDiesAndComesBack_NeedsNoRestart()
    {
        await using var device = new ScriptedDevice();
        device.Serve = (peer, request) => peer.AnswerAsync(request, new Bytes(new byte[4]));
        await using SimulatorHsm hsm = await device.ConnectAsync(connections: 2);
        await hsm.GetRandomAsync(4, Token);
        await device.StopAsync();

        // As long as the driver has not noticed, a request is sent and lost.
        HsmFailure failure = HsmFailure.NoAnswer;
        while (failure == HsmFailure.NoAnswer)
        {
            failure = await DriverCalls.FailureOf(hsm.GetRandomAsync(4, Token));
        }

        Assert.Equal(HsmFailure.Unreachable, failure);

        device.Welcome = device.Welcome with { Model = "scripted 2", Capabilities = HsmCapabilities.Random };
        device.Restart();
        Assert.Equal(4, (await DriverCalls.EventuallyAsync(() => hsm.GetRandomAsync(4, Token))).Length);
        Assert.Equal("scripted 2", hsm.Token.Model);
        await Assert.ThrowsAsync<NotSupportedException>(() => hsm.ComputeHmacAsync(DriverCalls.HmacKey, new byte[1], Token));
    }

    [Fact]
    public async Task DeadDevice_IsNotHammered()
    {
        await using var device = new ScriptedDevice();
        var time = new ManualTime();
        await using SimulatorHsm hsm = await SimulatorHsm.ConnectAsync(device.Options(time: time), Token);
        device.Greet = (peer, request) => peer.RefuseAsync(request, HsmFailure.Locked, "Two shares are missing.");
        Assert.Single(device.Peers).Close();
        await DriverCalls.UntilAsync(async () => await DriverCalls.FailureOf(hsm.GetRandomAsync(1, Token)) == HsmFailure.Locked);
        for (int i = 0; i < 100; i++)
        {
            Assert.Equal(HsmFailure.Locked, await DriverCalls.FailureOf(hsm.GetRandomAsync(1, Token)));
        }

        Assert.Equal(2, device.Connections);
        time.Advance(TimeSpan.FromMilliseconds(250));
        Assert.Equal(HsmFailure.Locked, await DriverCalls.FailureOf(hsm.GetRandomAsync(1, Token)));
        Assert.Equal(3, device.Connections);
    }

    [Fact]
    public async Task AnotherPartitionAtTheSameAddress_IsNotUsed()
    {
        await using var device = new ScriptedDevice();
        device.Serve = (peer, request) => peer.AnswerAsync(request, new Bytes(new byte[1]));
        await using SimulatorHsm hsm = await device.ConnectAsync();
        device.Welcome = device.Welcome with { PartitionId = new byte[Welcome.IdLength] };
        Assert.Single(device.Peers).Close();
        await DriverCalls.UntilAsync(async () => await DriverCalls.FailureOf(hsm.GetRandomAsync(1, Token)) == HsmFailure.TokenNotFound);
        HsmException e = await Assert.ThrowsAsync<HsmException>(() => hsm.GetRandomAsync(1, Token));
        Assert.Contains("00000000000000000000000000000000", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ConnectionLostWithARequestInFlight_IsNoAnswer()
    {
        await using var device = new ScriptedDevice();
        device.Serve = (peer, request) =>
        {
            peer.Close();
            return Task.CompletedTask;
        };
        await using SimulatorHsm hsm = await device.ConnectAsync();
        Assert.Equal(HsmFailure.NoAnswer, await DriverCalls.FailureOf(hsm.GetRandomAsync(1, Token)));
    }

    /// <summary>A device that does not read: what lies in the driver when the connection ends has not been asked, and may be asked again.</summary>
    [Fact]
    public async Task RequestsThatHadNotLeft_AreUnreachable()
    {
        const int Steps = 8;
        const int PerStep = 64;
        using var never = new SemaphoreSlim(0);
        await using var device = new ScriptedDevice { Serve = (_, _) => never.WaitAsync() };
        await using SimulatorHsm hsm = await SimulatorHsm.ConnectAsync(device.Options(maxInFlight: Steps * PerStep), Token);
        List<Task<byte[]>> calls = [];
        for (int step = 0; step < Steps; step++)
        {
            // 32 MiB in all: far more than the buffers of both sockets.
            calls.AddRange(Enumerable.Range(0, PerStep).Select(_ => hsm.ComputeHmacAsync(DriverCalls.HmacKey, new byte[KeyedData.MaxDataBytes], Token)));
            await Task.Delay(50, Token);
        }

        Assert.Single(device.Peers).Close();
        HsmFailure[] failures = await Task.WhenAll(calls.Select(DriverCalls.FailureOf));
        Assert.Equal([HsmFailure.Unreachable, HsmFailure.NoAnswer], failures.Distinct().Order());
        Assert.Equal(HsmFailure.NoAnswer, failures[0]);
        Assert.Equal(HsmFailure.Unreachable, failures[^1]);
        never.Release();
    }

    [Fact]
    public async Task FrameCutInTheMiddle_IsNoAnswer()
    {
        await using var device = new ScriptedDevice();
        device.Serve = async (peer, request) =>
        {
            await peer.SendAsync(ScriptedPeer.Encode(request.Id, Frame.Done, Message.Encode(new Bytes(new byte[100])))[..50]);
            peer.Close();
        };
        await using SimulatorHsm hsm = await device.ConnectAsync();
        Assert.Equal(HsmFailure.NoAnswer, await DriverCalls.FailureOf(hsm.GetRandomAsync(100, Token)));
    }

    [Fact]
    public async Task DisposedDriver_FailsWhatIsInFlightAndTakesNothingMore()
    {
        using var arrived = new SemaphoreSlim(0);
        await using var device = new ScriptedDevice();
        device.Serve = (_, _) =>
        {
            arrived.Release();
            return Task.CompletedTask;
        };
        SimulatorHsm hsm = await device.ConnectAsync();
        Task<byte[]> call = hsm.GetRandomAsync(1, Token);
        Assert.True(await arrived.WaitAsync(DriverCalls.Patience, Token));
        await hsm.DisposeAsync();
        await hsm.DisposeAsync();
        Assert.Equal(HsmFailure.NoAnswer, await DriverCalls.FailureOf(call));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => hsm.GetRandomAsync(1, Token));
    }
}
