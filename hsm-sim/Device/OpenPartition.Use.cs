using System.Security.Cryptography;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator.Wire;
using ZwCa.HsmSim.Store;

namespace ZwCa.HsmSim.Device;

/// <content>What clients do with keys.</content>
internal sealed partial class OpenPartition
{
    private const int MaxRandomBytes = 1 << 16;

    /// <summary>One digest or many. The counter is on stable storage before a signature leaves; one record for all of them.</summary>
    public async Task<Bytes> SignAsync(SignRequest request)
    {
        SigningKey key = Find<SigningKey>(request.Label);
        if (!request.Scheme.Fits(key.Kind))
        {
            throw WrongKind(key);
        }

        int digestLength = request.Scheme.DigestLength();
        int count = request.Digests.Length / digestLength;
        if (count is < 1 or > SignRequest.MaxDigests || request.Digests.Length % digestLength != 0)
        {
            throw BadInput($"1 to {SignRequest.MaxDigests} digests of {digestLength} bytes are signed, not {request.Digests.Length} bytes.");
        }

        ThrowIfSignaturesFail();
        long position;
        lock (_store.Gate)
        {
            position = CountSignatures(key, count);
        }

        byte[] signatures = new byte[count * request.Scheme.SignatureLength(key.Kind)];
        key.Sign(request.Scheme, request.Digests.Span, signatures);
        await WaitDurableAsync(position);
        return new Bytes(signatures);
    }

    public async Task<Number> CountSignaturesAsync(KeyLabel label)
    {
        LiveKey key = Find<LiveKey>(label);
        long count;
        long position;
        lock (_store.Gate)
        {
            count = _store.State.Keys[key.Label.Value].Signatures;
            position = _store.Position;
        }

        await WaitDurableAsync(position);
        return new Number(count);
    }

    public Bytes GetRandom(int count) => count is > 0 and <= MaxRandomBytes
        ? new Bytes(RandomNumberGenerator.GetBytes(count))
        : throw BadInput($"1 to {MaxRandomBytes} random bytes are given, not {count}.");

    public Bytes ComputeHmac(KeyedData request)
    {
        HmacKey key = Find<HmacKey>(request.Label);
        return request.Data.Length <= KeyedData.MaxDataBytes
            ? new Bytes(key.Compute(request.Data.Span))
            : throw BadInput($"An HMAC is made over at most {KeyedData.MaxDataBytes} bytes.");
    }

    public Bytes WrapKey(WrapRequest request)
    {
        DataKek kek = Find<DataKek>(request.Kek);
        CheckContext(request);
        return request.Key.Length is > 0 and <= WrapRequest.MaxKeyBytes
            ? new Bytes(kek.Wrap(request.Key.Span, request.Context.Span))
            : throw BadInput($"A data key has 1 to {WrapRequest.MaxKeyBytes} bytes, not {request.Key.Length}.");
    }

    public Bytes UnwrapKey(WrapRequest request)
    {
        DataKek kek = Find<DataKek>(request.Kek);
        CheckContext(request);
        return kek.Unwrap(request.Key.Span, request.Context.Span) is { } dataKey
            ? new Bytes(dataKey)
            : throw BadInput($"The key {kek.Label} did not wrap that, or not with that context.");
    }

    public Bytes Decrypt(KeyedData request)
    {
        Sm2DecryptionKey key = Find<Sm2DecryptionKey>(request.Label);
        Refusal.Unless(_policy.Policy.AllowSm2Decrypt, "The policy does not allow SM2 decryption.");
        if (request.Data.Length is <= Sm2.CiphertextOverheadInBytes or > KeyedData.MaxDataBytes + Sm2.CiphertextOverheadInBytes)
        {
            throw BadInput($"An SM2 ciphertext is longer than {Sm2.CiphertextOverheadInBytes} bytes, by at most {KeyedData.MaxDataBytes}.");
        }

        try
        {
            return new Bytes(key.Decrypt(request.Data.Span));
        }
        catch (CryptographicException e)
        {
            throw BadInput($"Not an SM2 ciphertext for the key {key.Label}.", e);
        }
    }

    private static void CheckContext(WrapRequest request)
    {
        if (request.Context.Length > WrapRequest.MaxContextBytes)
        {
            throw BadInput($"A context has at most {WrapRequest.MaxContextBytes} bytes.");
        }
    }

    /// <summary>The store's gate is held.</summary>
    /// <returns>The position to wait for before a signature leaves.</returns>
    private long CountSignatures(SigningKey key, int count) =>
        _store.Append(new StoreRecord.SignaturesMade(key.Label, _store.State.Keys[key.Label.Value].Signatures + count));

    private void ThrowIfSignaturesFail()
    {
        if (_opened.Faults.TakeFailSign())
        {
            throw new HsmException(HsmFailure.DeviceError, "The signature failed, as a fault knob wants it.");
        }
    }
}
