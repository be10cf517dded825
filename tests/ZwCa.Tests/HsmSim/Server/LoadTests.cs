using System.Net.Sockets;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Asn1;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.Tests.HsmSim.Server;

/// <summary>Many at a time, and those who do not keep up.</summary>
public sealed class LoadTests
{
    private static readonly KeyLabel Label = new("k");

    [Fact]
    public async Task ThousandRequestsInOneGo_EachHasItsOwnAnswer()
    {
        const int Count = 1000;
        await using TestDevice device = await TestDevice.StartAsync();
        await using RawClient client = await device.ConnectAsync();
        KeyDescription key = (await client.AskAsync(Operation.GenerateKey, new NewKey(Label, HsmKeyKind.Sm2))).Read<KeyDescription>();
        var publicKey = Sm2PublicKey.FromBytes(Der.Decode<SubjectPublicKeyInfo>(key.PublicKey).PublicKey.Span);
        byte[][] digests = [.. Enumerable.Range(0, Count).Select(_ => Random.Shared.GetItems(Enumerable.Range(0, 256).Select(i => (byte)i).ToArray(), 32))];

        // More than may be in flight: the device reads on as its answers go.
        Task sending = Task.Run(async () =>
        {
            for (int i = 0; i < Count; i++)
            {
                await client.SendAsync(1000 + i, Operation.Sign, new SignRequest(Label, SignatureScheme.Sm2, digests[i]));
            }
        }, TestContext.Current.CancellationToken);
        var seen = new HashSet<long>();
        for (int i = 0; i < Count; i++)
        {
            Answered answer = (await client.ReadAsync())!;
            Assert.True(publicKey.VerifyDigest(digests[answer.Id - 1000], answer.Read<Bytes>().Value.Span));
            Assert.True(seen.Add(answer.Id));
        }

        await sending;
        Assert.Equal(Count, (await client.AskAsync(Operation.SignatureCount, new KeyName(Label))).Read<Number>().Value);
    }

    [Fact]
    public async Task LongWork_DoesNotHoldUpWhatComesAfterIt()
    {
        await using TestDevice device = await TestDevice.StartAsync();
        await using RawClient client = await device.ConnectAsync();

        // Several, for one can be quick.
        for (int i = 0; i < 4; i++)
        {
            await client.SendAsync(i, Operation.GenerateKey, new NewKey(new KeyLabel($"rsa{i}"), HsmKeyKind.Rsa4096));
        }

        await client.SendAsync(9, Operation.Random, new Number(1));

        Assert.Equal(9, (await client.ReadAsync())!.Id);
        for (int i = 0; i < 4; i++)
        {
            (await client.ReadAsync())!.Read<KeyDescription>();
        }
    }

    [Fact]
    public async Task PeerThatDoesNotReadItsAnswers_IsClosed()
    {
        await using TestDevice device = await TestDevice.StartAsync(TestDevice.Limits with { Write = TimeSpan.FromMilliseconds(500) });
        await using RawClient client = await device.ConnectAsync();
        byte[] request = RawClient.Encode(1, (ushort)Operation.Random, Message.Encode(new Number(65_536)));

        // Once 256 answers wait the device does not read either, so that at some time nothing can be sent any more.
        Task sending = Task.Run(async () =>
        {
            for (int i = 0; i < 4096; i++)
            {
                await client.SendAsync(request);
            }
        }, TestContext.Current.CancellationToken);

        await device.SeeAsync("does not read its answers");
        await TestDevice.UntilAsync(() => device.Connections == 0, () => "The connection is still there.");
        await Record.ExceptionAsync(() => sending);
        await device.AssertServesAsync();
    }

    [Fact]
    public async Task ThreeHundredConnections_OnlySoManyAreServed()
    {
        const int Max = 256;
        await using TestDevice device = await TestDevice.StartAsync();
        var clients = new List<RawClient>();
        try
        {
            int refused = 0;
            for (int i = 0; i < 300; i++)
            {
                try
                {
                    clients.Add(await device.ConnectAsync());
                }
                catch (Exception e) when (e is IOException or SocketException)
                {
                    refused++;
                }
            }

            Assert.Equal((Max, 300 - Max), (clients.Count, refused));
            foreach (RawClient client in clients)
            {
                (await client.AskAsync(Operation.Random, new Number(1))).Read<Bytes>();
            }
        }
        finally
        {
            foreach (RawClient client in clients)
            {
                await client.DisposeAsync();
            }
        }

        await TestDevice.UntilAsync(() => device.Connections == 0, () => "Connections that were closed still count.");
        await device.AssertServesAsync();
    }

    [Fact]
    public async Task Stop_AnswersWhatIsInFlight()
    {
        const int Count = 200;
        await using TestDevice device = await TestDevice.StartAsync(faults: true);
        await using (ConsoleClient console = await device.OpenConsoleAsync())
        {
            await console.AskAsync<Fault, Nothing>(Operation.SetFault, new Fault(FaultKind.DelayAnswers, 300), TestContext.Current.CancellationToken);
        }

        await using RawClient client = await device.ConnectAsync();
        byte[] requests = [.. Enumerable.Range(0, Count).SelectMany(i => RawClient.Encode(i, (ushort)Operation.Random, Message.Encode(new Number(8))))];
        await client.SendAsync(requests);
        Answered first = (await client.ReadAsync())!;

        Task stopping = device.StopAsync().AsTask();
        int answers = 1;
        while (await client.ReadAsync() is { } answer)
        {
            Assert.Equal(8, answer.Read<Bytes>().Value.Length);
            answers++;
        }

        await stopping;
        Assert.Equal(Frame.Done, first.Code);
        Assert.Equal(Count, answers);
    }
}
