using System.Collections.Concurrent;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.Tests.Hsm.Simulator;

/// <summary>What the device answers, right or wrong.</summary>
public sealed class DriverAnswerTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string, byte[]> Garbage => new()
    {
        { "shorter than a header", [0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0] },
        { "oversized", [0x7f, 0xff, 0xff, 0xff] },
        { "no request of that id", ScriptedPeer.Encode(99, Frame.Done, new byte[5]) },
        { "id 0", ScriptedPeer.Encode(0, Frame.Done, new byte[5]) },
        { "a body that ends early", ScriptedPeer.Encode(2, Frame.Done, [0, 0, 0, 9, 1]) },
        { "a body that is too long", ScriptedPeer.Encode(2, Frame.Done, [0, 0, 0, 1, 1, 1]) },
        { "another number of bytes", ScriptedPeer.Encode(2, Frame.Done, [0, 0, 0, 2, 1, 1]) },
        { "no body", ScriptedPeer.Encode(2, Frame.Done, []) },
    };

    [Theory]
    [MemberData(nameof(Garbage))]
    public async Task MalformedAnswer_IsProtocolAndTheConnectionIsClosed(string what, byte[] frame)
    {
        bool garbage = true;
        await using var device = new ScriptedDevice();
        device.Serve = (peer, request) => garbage ? peer.SendAsync(frame) : peer.AnswerAsync(request, new Bytes(new byte[1]));
        await using SimulatorHsm hsm = await device.ConnectAsync();
        Assert.Equal((what, HsmFailure.Protocol), (what, await DriverCalls.FailureOf(hsm.GetRandomAsync(1, Token))));
        garbage = false;
        Assert.Single(await DriverCalls.EventuallyAsync(() => hsm.GetRandomAsync(1, Token)));
        Assert.Equal(2, device.Connections);
    }

    [Theory]
    [InlineData((ushort)3, HsmFailure.Locked)]
    [InlineData((ushort)9, HsmFailure.Refused)]
    [InlineData((ushort)13, HsmFailure.Protocol)]
    [InlineData((ushort)14, HsmFailure.DeviceError)]
    [InlineData((ushort)65535, HsmFailure.DeviceError)]
    public async Task Status_BecomesItsFailure(ushort status, HsmFailure expected)
    {
        await using var device = new ScriptedDevice();
        device.Serve = (peer, request) => peer.RefuseAsync(request, status, "because\n\xff"u8.ToArray());
        await using SimulatorHsm hsm = await device.ConnectAsync();
        HsmException e = await Assert.ThrowsAsync<HsmException>(() => hsm.GetRandomAsync(1, Token));
        Assert.Equal(expected, e.Failure);
        Assert.Contains("because ", e.Message, StringComparison.Ordinal);
        Assert.Equal(expected, await DriverCalls.FailureOf(hsm.GetRandomAsync(1, Token)));
        Assert.Equal(1, device.Connections);
    }

    [Fact]
    public async Task KeyThatIsNotThere_IsNull()
    {
        await using var device = new ScriptedDevice();
        device.Serve = (peer, request) => peer.RefuseAsync(request, HsmFailure.KeyNotFound, "no");
        await using SimulatorHsm hsm = await device.ConnectAsync();
        Assert.Null(await hsm.FindKeyAsync(new KeyLabel("x"), Token));
    }

    [Fact]
    public async Task SignMany_IsSplitWhereAFrameHoldsNoMore()
    {
        var sizes = new ConcurrentQueue<int>();
        await using var device = new ScriptedDevice();
        device.Serve = (peer, request) =>
        {
            ReadOnlyMemory<byte> digests = Message.Decode<SignRequest>(request.Body).Digests;
            sizes.Enqueue(digests.Length / 32);
            return peer.AnswerAsync(request, new Bytes(SignaturesOf(digests.Span)));
        };
        await using SimulatorHsm hsm = await device.ConnectAsync();
        foreach (int count in (int[])[0, 1, SignRequest.MaxDigests, (2 * SignRequest.MaxDigests) + 5])
        {
            byte[] digests = new TestRandom().Bytes(32 * count);
            Assert.Equal(SignaturesOf(digests), await hsm.SignManyAsync(DriverCalls.Sm2Key, SignatureScheme.Sm2, digests, Token));
        }

        Assert.Equal([1, 4096, 4096, 4096, 5], sizes);
    }

    [Fact]
    public async Task SignManyWithoutTheCapability_SignsOneAfterTheOther()
    {
        await using var device = new ScriptedDevice();
        device.Welcome = device.Welcome with { Capabilities = HsmCapabilities.None };
        device.Serve = (peer, request) => request.Code == (ushort)Operation.Sign
            ? peer.AnswerAsync(request, new Bytes(SignaturesOf(Message.Decode<SignRequest>(request.Body).Digests.Span)))
            : peer.RefuseAsync(request, HsmFailure.Protocol, "no such operation");
        await using SimulatorHsm hsm = await device.ConnectAsync();
        byte[] digests = new TestRandom().Bytes(32 * 3);
        Assert.Equal(SignaturesOf(digests), await hsm.SignManyAsync(DriverCalls.Sm2Key, SignatureScheme.Sm2, digests, Token));
    }

    /// <summary>Each digest twice.</summary>
    private static byte[] SignaturesOf(ReadOnlySpan<byte> digests)
    {
        byte[] signatures = new byte[2 * digests.Length];
        for (int i = 0; i < digests.Length; i += 32)
        {
            digests.Slice(i, 32).CopyTo(signatures.AsSpan(2 * i));
            digests.Slice(i, 32).CopyTo(signatures.AsSpan((2 * i) + 32));
        }

        return signatures;
    }
}
