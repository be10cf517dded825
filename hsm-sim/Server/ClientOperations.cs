using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator.Wire;
using ZwCa.HsmSim.Device;
using ZwCa.HsmSim.Faults;

namespace ZwCa.HsmSim.Server;

/// <summary>What a client may ask of its partition. Faults concern these answers alone: not Hello's and not the console's.</summary>
internal sealed class ClientOperations(FaultKnobs faults)
{
    public static bool Has(Operation operation) => operation is > Operation.Hello and <= Operation.EnvelopeKey;

    /// <summary>Short work is done before the first await, by the thread that reads the connection; long work is not.</summary>
    /// <exception cref="HsmException">The partition does not do it.</exception>
    /// <exception cref="WireException">The body is malformed.</exception>
    /// <exception cref="IOException">The store failed.</exception>
    public async Task ServeAsync(Request request, OpenPartition partition, AnswerOutput answers, Connection connection)
    {
        var answer = new Sender(faults, request.Place, answers, connection);
        switch (request.Operation)
        {
            case Operation.FindKey:
                await answer.SendAsync(await partition.FindKeyAsync(request.Read<KeyName>().Label).ConfigureAwait(false)).ConfigureAwait(false);
                break;
            case Operation.GenerateKey:
                await LeaveReaderAsync();
                await answer.SendAsync(await partition.GenerateKeyAsync(request.Read<NewKey>()).ConfigureAwait(false)).ConfigureAwait(false);
                break;
            case Operation.Sign:
                SignRequest sign = request.Read<SignRequest>();
                if (sign.Digests.Length != sign.Scheme.DigestLength())
                {
                    throw new HsmException(HsmFailure.BadInput, $"One digest of {sign.Scheme.DigestLength()} bytes is expected, not {sign.Digests.Length} bytes.");
                }

                if (sign.Scheme is not (SignatureScheme.Sm2 or SignatureScheme.EcdsaSha256))
                {
                    // RSA: a millisecond and more.
                    await LeaveReaderAsync();
                }

                await answer.SendAsync(await partition.SignAsync(sign).ConfigureAwait(false)).ConfigureAwait(false);
                break;
            case Operation.SignMany:
                await LeaveReaderAsync();
                await answer.SendAsync(await partition.SignAsync(request.Read<SignRequest>()).ConfigureAwait(false)).ConfigureAwait(false);
                break;
            case Operation.SignatureCount:
                await answer.SendAsync(await partition.CountSignaturesAsync(request.Read<KeyName>().Label).ConfigureAwait(false)).ConfigureAwait(false);
                break;
            case Operation.Random:
                long count = request.Read<Number>().Value;
                await answer.SendSecretAsync(partition.GetRandom((int)Math.Clamp(count, 0, int.MaxValue))).ConfigureAwait(false);
                break;
            case Operation.Hmac:
                await answer.SendAsync(partition.ComputeHmac(request.Read<KeyedData>())).ConfigureAwait(false);
                break;
            case Operation.WrapKey:
                await answer.SendAsync(partition.WrapKey(request.Read<WrapRequest>())).ConfigureAwait(false);
                break;
            case Operation.UnwrapKey:
                await answer.SendSecretAsync(partition.UnwrapKey(request.Read<WrapRequest>())).ConfigureAwait(false);
                break;
            case Operation.Decrypt:
                await LeaveReaderAsync();
                await answer.SendSecretAsync(partition.Decrypt(request.Read<KeyedData>())).ConfigureAwait(false);
                break;
            case Operation.GenerateWrappedPairs:
                await LeaveReaderAsync();
                await answer.SendAsync(partition.GenerateWrappedPairs(request.Read<PairsRequest>())).ConfigureAwait(false);
                break;
            case Operation.EnvelopeKey:
                await LeaveReaderAsync();
                await answer.SendAsync(await partition.EnvelopeKeyAsync(request.Read<EnvelopeRequest>()).ConfigureAwait(false)).ConfigureAwait(false);
                break;
            default:
                throw new HsmException(HsmFailure.Protocol, $"There is no operation {(int)request.Operation}.");
        }
    }

    private static ConfiguredTaskAwaitable LeaveReaderAsync() =>
        Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);

    /// <summary>The way of one answer past the faults.</summary>
    private readonly struct Sender(FaultKnobs faults, Place place, AnswerOutput answers, Connection connection)
    {
        public ValueTask SendAsync<T>(T message)
            where T : IMessage<T>
        {
            if (faults.Enabled)
            {
                return SendWithFaultsAsync(faults, place, answers, connection, message);
            }

            answers.Send(place, message);
            return default;
        }

        public async ValueTask SendSecretAsync(Bytes message)
        {
            try
            {
                await SendAsync(message).ConfigureAwait(false);
            }
            finally
            {
                CryptographicOperations.ZeroMemory(MemoryMarshal.AsMemory(message.Value).Span);
            }
        }

        private static async ValueTask SendWithFaultsAsync<T>(FaultKnobs faults, Place place, AnswerOutput answers, Connection connection, T message)
            where T : IMessage<T>
        {
            if (faults.AnswerDelay is { Ticks: > 0 } delay)
            {
                await Task.Delay(delay).ConfigureAwait(false);
            }

            if (faults.TakeDropAnswer())
            {
                connection.Abort("a fault: an answer is dropped");
            }

            faults.At(FaultPoint.BeforeAnswer);
            answers.Send(place, message);
        }
    }
}
