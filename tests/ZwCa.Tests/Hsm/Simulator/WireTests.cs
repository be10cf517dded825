using System.Buffers.Binary;
using System.Reflection;
using ZwCa.Hsm.Simulator;
using ZwCa.Hsm.Simulator.Wire;
using ZwCa.Tests.Asn1;

namespace ZwCa.Tests.Hsm.Simulator;

/// <summary>Whatever body comes in, a message either throws <see cref="WireException"/> or writes exactly the same bytes again.</summary>
public sealed class WireTests
{
    private static readonly int Rounds = TestRandom.Long ? 200_000 : 5_000;

    private static readonly Dictionary<string, Type> MessageTypes = (
        from type in typeof(Frame).Assembly.GetTypes()
        where type.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IMessage<>))
        select type).ToDictionary(t => t.Name);

    public static TheoryData<string> Types => [.. MessageTypes.Keys.Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Types))]
    public void Any_body_is_refused_or_reproduced(string typeName)
    {
        Type type = MessageTypes[typeName];
        Assert.True(WireSamples.ByType.TryGetValue(type, out byte[][]? samples), $"{typeName} has no sample.");
        var reencode = typeof(WireTests).GetMethod(nameof(DecodeAndEncode), BindingFlags.NonPublic | BindingFlags.Static)!
            .MakeGenericMethod(type).CreateDelegate<Reencode>();
        var random = new TestRandom();
        foreach (byte[] sample in samples)
        {
            Assert.True(Reproduction.Accepts<WireException>(reencode, sample), $"{typeName} refuses its own sample {Convert.ToHexString(sample)}");
            foreach (byte[] input in Mutations.Truncated(sample).Concat(Mutations.Appended(sample).Where(i => i.Length > sample.Length)))
            {
                Assert.False(Reproduction.Accepts<WireException>(reencode, input), $"{typeName} accepts {Mutations.Show(input)}");
            }

            foreach (byte[] input in Mutations.Mutated(sample))
            {
                Reproduction.Accepts<WireException>(reencode, input);
            }

            for (int i = 0; i < Rounds / samples.Length; i++)
            {
                Reproduction.Accepts<WireException>(reencode, Mutate(sample, random));
            }
        }

        for (int i = 0; i < Rounds; i++)
        {
            Reproduction.Accepts<WireException>(reencode, random.Bytes(random.Next(200)));
        }
    }

    [Fact]
    public void FrameHeader_IsReadAsWritten()
    {
        byte[] header = new byte[Frame.HeaderLength];
        Frame.WriteHeader(header, 0x0102030405060708, 0x0a0b, 5);
        Assert.Equal("0000000F01020304050607080A0B", Convert.ToHexString(header));
        Assert.Equal(5, Frame.ReadBodyLength(header, 5));
        Assert.Equal((0x0102030405060708, (ushort)0x0a0b), Frame.ReadHeader(header.AsSpan(sizeof(uint))));
    }

    [Theory]
    [InlineData(0u, false)]
    [InlineData(9u, false)]
    [InlineData(10u, true)]
    [InlineData(10u + Frame.MaxRequestBody, true)]
    [InlineData(11u + Frame.MaxRequestBody, false)]
    [InlineData(0x7fffffffu, false)]
    [InlineData(0x80000000u, false)]
    [InlineData(uint.MaxValue, false)]
    public void FrameLength_HasItsLimits(uint length, bool allowed)
    {
        byte[] field = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(field, length);
        if (allowed)
        {
            Assert.Equal((long)length - 10, Frame.ReadBodyLength(field, Frame.MaxRequestBody));
        }
        else
        {
            Assert.Throws<WireException>(() => Frame.ReadBodyLength(field, Frame.MaxRequestBody));
        }
    }

    /// <summary>Frames of all sizes, cut by the stream wherever it likes, one of them larger than the reader's ordinary buffer.</summary>
    [Fact]
    public async Task FrameReader_FindsTheFramesInAnyCutOfTheStream()
    {
        var random = new TestRandom();
        byte[][] bodies = [.. Enumerable.Range(0, 300).Select(i => random.Bytes(i == 150 ? 200_000 : random.Next(3) * random.Next(700)))];
        byte[] all = [.. bodies.SelectMany((body, i) => ScriptedPeer.Encode(i, (ushort)i, body))];
        var reader = new FrameReader(new DrippingStream(all, random), maxBody: 200_000);
        int next = 0;
        while (await reader.FillAsync())
        {
            while (reader.TryTake(out Frame frame))
            {
                Assert.Equal((next, (ushort)next), ((int)frame.Id, frame.Code));
                Assert.True(frame.Body.Span.SequenceEqual(bodies[next]));
                next++;
            }
        }

        Assert.Equal(bodies.Length, next);
    }

    [Fact]
    public async Task FrameReader_ZeroesWhatWasDealtWith()
    {
        byte[] secret = Enumerable.Repeat((byte)0x5a, 64).ToArray();
        var reader = new FrameReader(new MemoryStream(ScriptedPeer.Encode(1, 0, secret)), maxBody: 100);
        Assert.True(await reader.FillAsync());
        Assert.True(reader.TryTake(out Frame frame));
        Assert.Equal(secret, frame.Body.ToArray());
        Assert.False(reader.TryTake(out _));
        Assert.Equal(new byte[64], frame.Body.ToArray());
    }

    [Fact]
    public void AnswerOfBytes_IsZeroedOnceItIsRead()
    {
        byte[] secret = Enumerable.Repeat((byte)0x5a, 16).ToArray();
        byte[] body = Message.Encode(new Bytes(secret));
        Assert.Equal(secret, new Answer(null!, body).ReadBytes(16, 16));
        Assert.Equal(new byte[body.Length], body);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Writer_ZeroesWhatItHolds(bool grow)
    {
        using var writer = new WireWriter();
        writer.WriteExactly(Enumerable.Repeat((byte)0x5a, 64).ToArray());
        ReadOnlyMemory<byte> held = writer.Written;
        if (grow)
        {
            writer.Reserve(100_000);
        }
        else
        {
            writer.Clear();
        }

        Assert.Equal(new byte[64], held.ToArray());
    }

    private static byte[] Mutate(byte[] sample, Random random)
    {
        List<byte> bytes = [.. sample];
        for (int changes = random.Next(1, 4); changes > 0; changes--)
        {
            int at = random.Next(bytes.Count + 1);
            switch (random.Next(3))
            {
                case 0:
                    bytes.Insert(at, (byte)random.Next(256));
                    break;
                case 1 when at < bytes.Count:
                    bytes.RemoveAt(at);
                    break;
                case 2 when at < bytes.Count:
                    bytes[at] = (byte)random.Next(256);
                    break;
            }
        }

        return [.. bytes];
    }

    private static byte[] DecodeAndEncode<T>(byte[] input, out long allocated)
        where T : IMessage<T>
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        T message = Message.Decode<T>(input);
        allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        return Message.Encode(message);
    }

    private sealed class DrippingStream(byte[] bytes, Random random) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, random.Next(1, 500))], cancellationToken);
    }
}
