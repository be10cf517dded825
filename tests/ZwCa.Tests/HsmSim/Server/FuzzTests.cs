using ZwCa.Hsm;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.Tests.HsmSim.Server;

/// <summary>Frames at random against a running device: each is answered or ends its connection, and nobody else notices.</summary>
public sealed class FuzzTests
{
    private const int Batch = 50;
    private const int Batches = 1000;
    private const int LongBatches = 20_000;

    private static readonly KeyLabel Label = new("k");

    private readonly TestRandom _random = new();
    private bool _torn;

    [Theory]
    [InlineData("client")]
    [InlineData("console")]
    [InlineData("before hello")]
    public async Task RandomFrames_HarmNobodyElse(string connection)
    {
        await using TestDevice device = await TestDevice.StartAsync();
        await using RawClient bystander = await device.ConnectAsync();
        (await bystander.AskAsync(Operation.GenerateKey, new NewKey(Label, HsmKeyKind.Sm2))).Read<KeyDescription>();
        int answered = 0;
        int closed = 0;
        int batches = (TestRandom.Long ? LongBatches : Batches) / (connection == "before hello" ? 5 : 1);
        RawClient? client = null;
        for (int i = 0; i < batches; i++)
        {
            client ??= connection switch
            {
                "client" => await device.ConnectAsync(),
                "console" => await device.DialAsync("console"),
                _ => await device.DialAsync("ca"),
            };
            _torn = false;
            byte[][] frames = [.. Enumerable.Range(0, Batch).Select(id => NextFrame(id, connection == "console"))];
            try
            {
                await client.SendAsync((byte[])[.. frames.SelectMany(frame => frame)]);

                // One that is surely answered, behind which nothing is outstanding.
                await client.SendAsync(RawClient.Encode(Batch, ushort.MaxValue, []));
                if (_torn)
                {
                    // The device may be waiting for the rest of a frame.
                    client.CloseSending();
                }

                int answers = 0;
                while (answers <= Batch && await client.ReadAsync() is not null)
                {
                    answers++;
                }

                answered += answers;
                if (answers > Batch && !_torn)
                {
                    continue;
                }
            }
            catch (IOException)
            {
                // Closed while it was being written to.
            }

            closed++;
            await client.DisposeAsync();
            client = null;
        }

        if (client is not null)
        {
            await client.DisposeAsync();
        }

        TestContext.Current.TestOutputHelper!.WriteLine($"{answered} answered, {closed} connections closed.");
        Assert.True(closed > 0 && (answered > batches || connection == "before hello"), $"{answered} answered, {closed} closed: the frames are not mixed as they should be.");
        var sign = new SignRequest(Label, SignatureScheme.Sm2, new byte[32]);
        Assert.Equal(64, (await bystander.AskAsync(Operation.Sign, sign)).Read<Bytes>().Value.Length);
        await device.AssertServesAsync();
    }

    /// <summary>Mostly a request that was right before some bytes of it were changed; rarely nothing of the kind.</summary>
    private byte[] NextFrame(long id, bool console)
    {
        (Operation operation, byte[] body) = console ? NextConsoleRequest() : NextClientRequest();
        for (int changes = _random.Next(3); changes > 0 && body.Length > 0; changes--)
        {
            body[_random.Next(body.Length)] = (byte)_random.Next(256);
        }

        switch (_random.Next(400))
        {
            case < 20:
                body = body[.._random.Next(body.Length + 1)];
                break;
            case < 40:
                body = [.. body, .. _random.Bytes(_random.Next(64))];
                break;
            case < 60:
                body = _random.Bytes(_random.Next(2048));
                break;
            case 60:
                operation = (Operation)_random.Next(64);
                break;
        }

        byte[] frame = RawClient.Encode(id, (ushort)operation, body);
        int tear = _random.Next(1000);
        _torn |= tear < 3;
        return tear switch
        {
            0 => _random.Bytes(_random.Next(200)),
            1 => [(byte)_random.Next(256), .. frame[1..]],
            2 => frame[.._random.Next(frame.Length)],
            _ => frame,
        };
    }

    private (Operation Operation, byte[] Body) NextClientRequest() => _random.Next(9) switch
    {
        0 => (Operation.FindKey, Message.Encode(new KeyName(Label))),
        1 => (Operation.Sign, Message.Encode(new SignRequest(Label, SignatureScheme.Sm2, _random.Bytes(32)))),
        2 => (Operation.SignMany, Message.Encode(new SignRequest(Label, SignatureScheme.Sm2, _random.Bytes(96)))),
        3 => (Operation.SignatureCount, Message.Encode(new KeyName(Label))),
        4 => (Operation.Random, Message.Encode(new Number(_random.Next(70)))),
        5 => (Operation.WrapKey, Message.Encode(new WrapRequest(Label, _random.Bytes(16), _random.Bytes(3)))),
        6 => (Operation.Decrypt, Message.Encode(new KeyedData(Label, _random.Bytes(120)))),
        7 => (Operation.GenerateWrappedPairs, Message.Encode(new PairsRequest(Label, 3))),
        _ => (Operation.EnvelopeKey, Message.Encode(new EnvelopeRequest(
            _random.Bytes(100), _random.Bytes(91), null, new EnvelopeAuthorization.ByCa(_random.Bytes(200))))),
    };

    private (Operation Operation, byte[] Body) NextConsoleRequest() => _random.Next(6) switch
    {
        0 => (Operation.Status, []),
        1 => (Operation.GetShare, Message.Encode(new ShareRequest("ca", _random.Bytes(65)))),
        2 => (Operation.EnterShare, Message.Encode(new OpenShare("ca", _random.Next(5), _random.Bytes(32)))),
        3 => (Operation.GetPolicy, Message.Encode(new PartitionName("ca"))),
        4 => (Operation.InstallPolicy, Message.Encode(new Command("ca", _random.Bytes(100)))),
        _ => (Operation.Backup, Message.Encode(new Command("kmc", _random.Bytes(100)))),
    };
}
