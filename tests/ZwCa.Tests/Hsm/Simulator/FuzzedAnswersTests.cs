using ZwCa.Asn1;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.Tests.Hsm.Simulator;

/// <summary>A device that answers everything, mostly wrong: no call hangs and none throws anything but <see cref="HsmException"/>.</summary>
public sealed class FuzzedAnswersTests
{
    private const int Callers = 8;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly int Answers = TestRandom.Long ? 100_000 : 10_000;

    private static readonly HsmKey Sm2Key = new(new KeyLabel("sm2"), HsmKeyKind.Sm2, null);
    private static readonly HsmKey DecryptionKey = new(new KeyLabel("dec"), HsmKeyKind.Sm2Decryption, null);
    private static readonly HsmKey MacKey = new(new KeyLabel("mac"), HsmKeyKind.HmacSm3, null);
    private static readonly HsmKey DataKek = new(new KeyLabel("kek"), HsmKeyKind.DataKek, null);
    private static readonly HsmKey EscrowKek = new(new KeyLabel("escrow"), HsmKeyKind.EscrowKek, null);

    /// <summary>Each with an answer that is right.</summary>
    private static readonly (Operation Operation, byte[] Answer, Func<IHsm, Task> Call)[] Calls =
    [
        (Operation.FindKey, Message.Encode(new KeyDescription(HsmKeyKind.Sm2, Der.Encode(WireSamples.Sm2))), h => h.FindKeyAsync(WireSamples.Label)),
        (Operation.GenerateKey, Message.Encode(new KeyDescription(HsmKeyKind.Sm2, Der.Encode(WireSamples.Sm2))), h => h.GenerateKeyAsync(WireSamples.Label, HsmKeyKind.Sm2)),
        (Operation.Sign, Field(64), h => h.SignAsync(Sm2Key, SignatureScheme.Sm2, new byte[32])),
        (Operation.SignMany, Field(128), h => h.SignManyAsync(Sm2Key, SignatureScheme.Sm2, new byte[64])),
        (Operation.SignatureCount, Message.Encode(new Number(7)), h => h.GetSignatureCountAsync(Sm2Key)),
        (Operation.Random, Field(20), h => h.GetRandomAsync(20)),
        (Operation.Hmac, Field(32), h => h.ComputeHmacAsync(MacKey, new byte[3])),
        (Operation.WrapKey, Field(60), h => h.WrapKeyAsync(DataKek, new byte[16], default)),
        (Operation.UnwrapKey, Field(16), h => h.UnwrapKeyAsync(DataKek, new byte[60], default)),
        (Operation.Decrypt, Field(5), h => h.DecryptAsync(DecryptionKey, new byte[102])),
        (Operation.GenerateWrappedPairs, WireSamples.ByType[typeof(Pairs)][1], h => h.GenerateWrappedKeyPairsAsync(EscrowKek, 2)),
        (Operation.EnvelopeKey, WireSamples.ByType[typeof(Envelope)][0], h => h.EnvelopeKeyAsync(
            new byte[90], WireSamples.Sm2, new EnvelopeAuthorization.ByCa(new byte[40]), Sm2Key)),
    ];

    [Fact]
    public async Task Any_answer_is_a_result_or_an_HsmException()
    {
        var random = new TestRandom();
        int wrongWelcomes = 0;
        await using var device = new ScriptedDevice();
        device.Greet = async (peer, request) =>
        {
            byte[] welcome = Message.Encode(device.Welcome);
            bool wrong = Roll(random, 20) == 0 && device.Connections > 4;
            wrongWelcomes += wrong ? 1 : 0;
            await peer.SendAsync(ScriptedPeer.Encode(request.Id, Frame.Done, wrong ? Mutate(welcome, random) : welcome));
        };
        device.Serve = (peer, request) => AnswerAsync(peer, request, random);
        await using SimulatorHsm hsm = await SimulatorHsm.ConnectAsync(device.Options(connections: 4), TestContext.Current.CancellationToken);
        int results = 0;
        int failures = 0;
        await Task.WhenAll(Enumerable.Range(0, Callers).Select(caller => Task.Run(async () =>
        {
            for (int i = 0; i < Answers / Callers; i++)
            {
                try
                {
                    await Calls[(caller + i) % Calls.Length].Call(hsm).WaitAsync(Patience);
                    Interlocked.Increment(ref results);
                }
                catch (HsmException e)
                {
                    Interlocked.Increment(ref failures);
                    if (e.Failure == HsmFailure.TokenNotFound || e.InnerException is HsmException)
                    {
                        // A mutated Welcome: asking again during the back-off would test nothing.
                        await Task.Delay(50);
                    }
                }
                catch (NotSupportedException)
                {
                    // A mutated Welcome again: the token lacks what was asked for.
                    Assert.NotEqual(0, wrongWelcomes);
                    Assert.All(device.Peers, peer => peer.Close());
                }
            }
        })));
        TestContext.Current.TestOutputHelper?.WriteLine($"{results} results, {failures} failures, {device.Connections} connections");

        // Otherwise the mutations are so hard, or so harmless, that little was tested.
        Assert.InRange(results, Answers / 20, Answers);
        Assert.InRange(failures, Answers / 20, Answers);
    }

    private static async Task AnswerAsync(ScriptedPeer peer, Frame request, Random random)
    {
        byte[] right = Calls.First(call => (ushort)call.Operation == request.Code).Answer;
        switch (Roll(random, 20))
        {
            case < 6:
                await peer.SendAsync(ScriptedPeer.Encode(request.Id, Frame.Done, right));
                break;
            case < 17:
                await peer.SendAsync(ScriptedPeer.Encode(request.Id, Frame.Done, Mutate(right, random)));
                break;
            case 17:
                await peer.RefuseAsync(request, (ushort)(Roll(random, 20) + 1), Mutate("原因"u8.ToArray(), random));
                break;
            case 18:
                // Frames cut or bent: what they leave unanswered ends with the connection.
                await peer.SendAsync(Mutate(ScriptedPeer.Encode(request.Id, Frame.Done, right), random));
                peer.Close();
                break;
            default:
                byte[] noise = new byte[Roll(random, 100)];
                lock (random)
                {
                    random.NextBytes(noise);
                }

                await peer.SendAsync(noise);
                peer.Close();
                break;
        }
    }

    private static byte[] Field(int length) => Message.Encode(new Bytes(new byte[length]));

    private static int Roll(Random random, int sides)
    {
        lock (random)
        {
            return random.Next(sides);
        }
    }

    private static byte[] Mutate(byte[] sample, Random random)
    {
        byte[] bytes = [.. sample];
        bytes[Roll(random, bytes.Length)] ^= (byte)(1 + Roll(random, 255));
        return Roll(random, 4) switch
        {
            0 => bytes[..Roll(random, bytes.Length)],
            1 => [.. bytes, (byte)Roll(random, 256)],
            _ => bytes,
        };
    }
}
