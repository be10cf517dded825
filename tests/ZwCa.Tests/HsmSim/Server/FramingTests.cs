using System.Buffers.Binary;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.Tests.HsmSim.Server;

/// <summary>Bytes that are no requests, and requests that are none.</summary>
public sealed class FramingTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(13)]
    [InlineData(20)]
    public async Task TruncatedFrame_EndsTheConnection(int bytes)
    {
        await using TestDevice device = await TestDevice.StartAsync();
        await using RawClient client = await device.ConnectAsync();

        await client.SendAsync(RawClient.Encode(7, (ushort)Operation.Random, Message.Encode(new Number(1))).AsMemory(0, bytes));
        client.CloseSending();

        Assert.Null(await client.ReadAsync());
        await device.SeeAsync("amid a frame");
        await device.AssertServesAsync();
    }

    [Theory]
    [InlineData(Frame.MaxRequestBody + 11u)]
    [InlineData(uint.MaxValue)]
    [InlineData(9u)]
    [InlineData(0u)]
    public async Task LengthOutOfBounds_IsAnsweredAndEndsTheConnection(uint length)
    {
        await using TestDevice device = await TestDevice.StartAsync();
        await using RawClient client = await device.ConnectAsync();
        byte[] frame = RawClient.Encode(7, (ushort)Operation.Random, Message.Encode(new Number(1)));
        BinaryPrimitives.WriteUInt32BigEndian(frame, length);

        await client.SendAsync(frame);

        Answered? answer = await client.ReadAsync();
        Assert.Equal((7, HsmFailure.Protocol), (answer!.Id, answer.Failure));
        Assert.Contains($"{length} bytes", answer.Reason, StringComparison.Ordinal);
        Assert.Null(await client.ReadAsync());
        await device.AssertServesAsync();
    }

    [Fact]
    public async Task LargestFrame_IsRead()
    {
        await using TestDevice device = await TestDevice.StartAsync();
        await using RawClient client = await device.ConnectAsync();

        await client.SendAsync(RawClient.Encode(7, (ushort)Operation.EnvelopeKey, new byte[Frame.MaxRequestBody]));

        Assert.Equal(HsmFailure.Protocol, (await client.ReadAsync())!.Failure);
        (await client.AskAsync(Operation.Random, new Number(1))).Read<Bytes>();
    }

    [Fact]
    public async Task BeforeHello_LargeFrameIsRefused()
    {
        await using TestDevice device = await TestDevice.StartAsync();
        await using RawClient client = await device.DialAsync("ca");

        await client.SendAsync(RawClient.Encode(7, (ushort)Operation.Hello, new byte[4096]));

        Assert.Equal(HsmFailure.Protocol, (await client.ReadAsync())!.Failure);
        Assert.Null(await client.ReadAsync());
    }

    [Fact]
    public async Task SlowFrame_EndsTheConnectionWithALine()
    {
        await using TestDevice device = await TestDevice.StartAsync(TestDevice.Limits with { Frame = TimeSpan.FromMilliseconds(300) });
        await using RawClient client = await device.ConnectAsync();
        (await client.AskAsync(Operation.Random, new Number(1))).Read<Bytes>();

        await client.SendAsync(RawClient.Encode(7, (ushort)Operation.Random, Message.Encode(new Number(1))).AsMemory(0, 15));

        Assert.Null(await client.ReadAsync());
        await device.SeeAsync("a frame was begun and not ended");
        await device.AssertServesAsync();
    }

    [Fact]
    public async Task FrameInPieces_IsRead_AndTheNextHasItsOwnTime()
    {
        await using TestDevice device = await TestDevice.StartAsync();
        await using RawClient client = await device.ConnectAsync();
        byte[] frame = RawClient.Encode(7, (ushort)Operation.Random, Message.Encode(new Number(5)));

        for (int round = 0; round < 3; round++)
        {
            foreach (byte[] piece in frame.Chunk(5))
            {
                await client.SendAsync(piece);
            }

            Assert.Equal(5, (await client.ReadAsync())!.Read<Bytes>().Value.Length);
        }
    }

    [Theory]
    [InlineData("", "ends early")]
    [InlineData("00000000000000", "ends early")]
    [InlineData("000000000000000100", "1 bytes too many")]
    public async Task MalformedBody_FailsItsRequestAlone(string body, string reason)
    {
        await using TestDevice device = await TestDevice.StartAsync();
        await using RawClient client = await device.ConnectAsync();

        await client.SendAsync(RawClient.Encode(7, (ushort)Operation.Random, Convert.FromHexString(body)));

        Answered? answer = await client.ReadAsync();
        Assert.Equal((7, HsmFailure.Protocol), (answer!.Id, answer.Failure));
        Assert.Contains(reason, answer.Reason, StringComparison.Ordinal);
        (await client.AskAsync(Operation.Random, new Number(1))).Read<Bytes>();
    }

    [Theory]
    [InlineData("ca", 0)]
    [InlineData("ca", 14)]
    [InlineData("ca", 65535)]
    [InlineData("console", 14)]
    [InlineData("console", 38)]
    public async Task UnknownOperation_FailsItsRequestAlone(string connection, int operation)
    {
        await using TestDevice device = await TestDevice.StartAsync();
        await using RawClient client = connection == "console" ? await device.DialAsync("console") : await device.ConnectAsync();

        Answered answer = await client.AskAsync((Operation)operation, default(Nothing));

        Assert.Equal(HsmFailure.Protocol, answer.Failure);
        Assert.Equal($"There is no operation {operation}.", answer.Reason);
        Assert.Equal(HsmFailure.Protocol, (await client.AskAsync((Operation)operation, default(Nothing))).Failure);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(65_537)]
    [InlineData(long.MaxValue)]
    [InlineData(long.MinValue)]
    public async Task NumberOutOfBounds_IsBadInput(long count)
    {
        await using TestDevice device = await TestDevice.StartAsync();
        await using RawClient client = await device.ConnectAsync();

        Assert.Equal(HsmFailure.BadInput, (await client.AskAsync(Operation.Random, new Number(count))).Failure);
    }
}
