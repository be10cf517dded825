using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.Hsm.Simulator;

/// <summary>
/// The driver for hsm-sim: one partition over pipelined TLS connections. docs/HSM-PROTOCOL.md has the protocol. A cancelled call ends at
/// once; the device does all the same what it was asked. Messages with a secret are zeroed here; what TLS itself keeps is out of reach.
/// </summary>
public sealed class SimulatorHsm : IHsm
{
    /// <summary>What a partition can answer at most: 4,096 signatures of RSA-4096 are 2 MiB, 1,024 key pairs little more than 1 MiB.</summary>
    internal const int MaxAnswerBody = 1 << 22;

    private const int MaxRandom = 1 << 16;
    private const int HmacLength = 32;

    private readonly SimulatorSession _session;
    private readonly ConnectionPool _pool;

    private SimulatorHsm(SimulatorOptions options)
    {
        var settings = new ConnectionSettings(options.ConnectTimeout, options.RequestTimeout, options.MaxInFlight, MaxAnswerBody, options.TimeProvider);
        _session = new SimulatorSession(options, settings);
        _pool = new ConnectionPool(_session.OpenAsync, options.Connections, settings);
    }

    public HsmToken Token => _session.Token;

    /// <exception cref="ArgumentException">An option is out of its bounds.</exception>
    /// <exception cref="HsmException">
    /// <see cref="HsmFailure.WrongCredential"/>: a certificate or the secret is wrong or cannot be read; <see cref="HsmFailure.TokenNotFound"/>: the
    /// partition has another serial; <see cref="HsmFailure.Unreachable"/>, or what the device says.
    /// </exception>
    public static async Task<SimulatorHsm> ConnectAsync(SimulatorOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        var hsm = new SimulatorHsm(options);
        try
        {
            await hsm._pool.OpenAllAsync(cancellationToken).ConfigureAwait(false);
            return hsm;
        }
        catch
        {
            await hsm.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async Task<HsmKey?> FindKeyAsync(KeyLabel label, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(label);
        Answer answer;
        try
        {
            answer = await AskAsync(Operation.FindKey, new KeyName(label), cancellationToken).ConfigureAwait(false);
        }
        catch (HsmException e) when (e.Failure == HsmFailure.KeyNotFound)
        {
            return null;
        }

        return answer.ReadKey(label);
    }

    public async Task<HsmKey> GenerateKeyAsync(KeyLabel label, HsmKeyKind kind, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(label);
        Check(Enum.IsDefined(kind), nameof(kind), "No such kind of key.");
        Token.Require(kind);
        Answer answer = await AskAsync(Operation.GenerateKey, new NewKey(label, kind), cancellationToken).ConfigureAwait(false);
        HsmKey key = answer.ReadKey(label);
        answer.Require(key.Kind == kind, $"a {key.Kind} key where {kind} was asked for.");
        return key;
    }

    public async Task<byte[]> SignAsync(HsmKey key, SignatureScheme scheme, ReadOnlyMemory<byte> digest, CancellationToken cancellationToken = default)
    {
        CheckScheme(key, scheme);
        Check(digest.Length == scheme.DigestLength(), nameof(digest), "The digest is not as long as the scheme says.");
        int length = scheme.SignatureLength(key.Kind);
        Answer answer = await AskAsync(Operation.Sign, new SignRequest(key.Label, scheme, digest), cancellationToken).ConfigureAwait(false);
        return answer.ReadBytes(length, length);
    }

    public async Task<byte[]> SignManyAsync(HsmKey key, SignatureScheme scheme, ReadOnlyMemory<byte> digests, CancellationToken cancellationToken = default)
    {
        CheckScheme(key, scheme);
        int each = scheme.DigestLength();
        Check(digests.Length % each == 0, nameof(digests), "The digests are not each as long as the scheme says.");
        (Operation operation, int most) = Token.Can(HsmCapabilities.SignMany) ? (Operation.SignMany, SignRequest.MaxDigests) : (Operation.Sign, 1);
        byte[] signatures = new byte[checked(digests.Length / each * scheme.SignatureLength(key.Kind))];
        Memory<byte> rest = signatures;
        while (!digests.IsEmpty)
        {
            int count = Math.Min(most, digests.Length / each);
            int length = count * scheme.SignatureLength(key.Kind);
            Answer answer = await AskAsync(operation, new SignRequest(key.Label, scheme, digests[..(count * each)]), cancellationToken).ConfigureAwait(false);
            byte[] part = answer.ReadBytes(length, length);
            if (part.Length == signatures.Length)
            {
                return part;
            }

            part.CopyTo(rest);
            rest = rest[length..];
            digests = digests[(count * each)..];
        }

        return signatures;
    }

    public async Task<long> GetSignatureCountAsync(HsmKey key, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(key);
        Token.Require(HsmCapabilities.SignatureCounter);
        Answer answer = await AskAsync(Operation.SignatureCount, new KeyName(key.Label), cancellationToken).ConfigureAwait(false);
        long count = answer.Read<Number>().Value;
        answer.Require(count >= 0, $"{count} signatures.");
        return count;
    }

    public async Task<byte[]> GetRandomAsync(int count, CancellationToken cancellationToken = default)
    {
        Check(count is > 0 and <= MaxRandom, nameof(count), "1 to 65,536 bytes can be had.");
        Token.Require(HsmCapabilities.Random);
        Answer answer = await AskAsync(Operation.Random, new Number(count), cancellationToken).ConfigureAwait(false);
        return answer.ReadBytes(count, count);
    }

    public async Task<byte[]> ComputeHmacAsync(HsmKey key, ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default)
    {
        CheckKind(key, HsmKeyKind.HmacSm3, nameof(key));
        Check(data.Length <= KeyedData.MaxDataBytes, nameof(data), "At most 65,536 bytes.");
        Token.Require(HsmCapabilities.HmacSm3);
        Answer answer = await AskAsync(Operation.Hmac, new KeyedData(key.Label, data), cancellationToken).ConfigureAwait(false);
        return answer.ReadBytes(HmacLength, HmacLength);
    }

    public async Task<byte[]> WrapKeyAsync(
        HsmKey kek, ReadOnlyMemory<byte> dataKey, ReadOnlyMemory<byte> context, CancellationToken cancellationToken = default)
    {
        Check(dataKey.Length is > 0 and <= WrapRequest.MaxKeyBytes, nameof(dataKey), "A data key has 1 to 64 bytes.");
        Answer answer = await AskKekAsync(Operation.WrapKey, kek, dataKey, context, cancellationToken).ConfigureAwait(false);
        return answer.ReadBytes(1, WrapRequest.MaxWrappedBytes);
    }

    public async Task<byte[]> UnwrapKeyAsync(
        HsmKey kek, ReadOnlyMemory<byte> wrappedKey, ReadOnlyMemory<byte> context, CancellationToken cancellationToken = default)
    {
        Check(wrappedKey.Length is > 0 and <= WrapRequest.MaxWrappedBytes, nameof(wrappedKey), "A wrapped key has 1 to 256 bytes.");
        Answer answer = await AskKekAsync(Operation.UnwrapKey, kek, wrappedKey, context, cancellationToken).ConfigureAwait(false);
        return answer.ReadBytes(1, WrapRequest.MaxKeyBytes);
    }

    public async Task<byte[]> DecryptAsync(HsmKey key, ReadOnlyMemory<byte> ciphertext, CancellationToken cancellationToken = default)
    {
        CheckKind(key, HsmKeyKind.Sm2Decryption, nameof(key));
        int length = ciphertext.Length - KeyedData.CiphertextOverhead;
        Check(length is > 0 and <= KeyedData.MaxDataBytes, nameof(ciphertext), "A ciphertext has 98 to 65,633 bytes.");
        Token.Require(HsmCapabilities.Sm2Decryption);
        Answer answer = await AskAsync(Operation.Decrypt, new KeyedData(key.Label, ciphertext), cancellationToken).ConfigureAwait(false);
        return answer.ReadBytes(length, length);
    }

    public async Task<IReadOnlyList<WrappedKeyPair>> GenerateWrappedKeyPairsAsync(HsmKey kek, int count, CancellationToken cancellationToken = default)
    {
        CheckKind(kek, HsmKeyKind.EscrowKek, nameof(kek));
        Check(count is > 0 and <= PairsRequest.MaxPairs, nameof(count), "1 to 1,024 pairs can be made at a time.");
        Token.Require(HsmCapabilities.KeyEscrow);
        Answer answer = await AskAsync(Operation.GenerateWrappedPairs, new PairsRequest(kek.Label, count), cancellationToken).ConfigureAwait(false);
        IReadOnlyList<WrappedKeyPair> pairs = answer.Read<Pairs>().Items;
        answer.Require(pairs.Count == count, $"{pairs.Count} key pairs where {count} were asked for.");
        return pairs;
    }

    public async Task<KeyEnvelope> EnvelopeKeyAsync(
        ReadOnlyMemory<byte> wrappedKey,
        SubjectPublicKeyInfo recipient,
        EnvelopeAuthorization authorization,
        HsmKey? signer = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(recipient);
        ArgumentNullException.ThrowIfNull(authorization);
        Check(wrappedKey.Length is > 0 and <= Pairs.MaxWrappedBytes, nameof(wrappedKey), $"A wrapped key has 1 to {Pairs.MaxWrappedBytes} bytes.");
        Check(recipient.NamedCurve == Oids.Sm2, nameof(recipient), "The recipient's key is not SM2.");
        if (signer is not null)
        {
            CheckKind(signer, HsmKeyKind.Sm2, nameof(signer));
        }

        if (authorization is EnvelopeAuthorization.ByCa byCa)
        {
            Check(byCa.Index >= 0 && byCa.Approvals.Count <= EnvelopeRequest.MaxApprovals, nameof(authorization), "The index is negative or there are more than two approvals.");
        }

        Token.Require(HsmCapabilities.KeyEscrow);
        var request = new EnvelopeRequest(wrappedKey, Der.Encode(recipient), signer?.Label, authorization);
        Answer answer = await AskAsync(Operation.EnvelopeKey, request, cancellationToken).ConfigureAwait(false);
        KeyEnvelope envelope = answer.Read<Envelope>().Value;
        answer.Require(signer is null == envelope.ContentSignature is null, "it is signed and should not be, or should be and is not.");
        answer.Require(!envelope.BoundKey.IsEmpty, "the bound key is missing.");
        return envelope;
    }

    public async ValueTask DisposeAsync()
    {
        await _pool.DisposeAsync().ConfigureAwait(false);
        _session.Dispose();
    }

    private Task<Answer> AskKekAsync(
        Operation operation, HsmKey kek, ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> context, CancellationToken cancellationToken)
    {
        CheckKind(kek, HsmKeyKind.DataKek, nameof(kek));
        Check(context.Length <= WrapRequest.MaxContextBytes, nameof(context), "A context has at most 256 bytes.");
        Token.Require(HsmCapabilities.WrapDataKey);
        return AskAsync(operation, new WrapRequest(kek.Label, key, context), cancellationToken);
    }

    private async Task<Answer> AskAsync<T>(Operation operation, T request, CancellationToken cancellationToken)
        where T : IMessage<T>
    {
        PendingRequest pending;
        using (WireWriter body = Message.EncodeRequest(request))
        {
            pending = await _pool.SendAsync(operation, body, cancellationToken).ConfigureAwait(false);
        }

        return await pending.AnswerAsync(cancellationToken).ConfigureAwait(false);
    }

    private static void CheckScheme(HsmKey key, SignatureScheme scheme)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (!scheme.Fits(key.Kind))
        {
            throw new ArgumentException($"A {key.Kind} key does not sign by {scheme}.", nameof(scheme));
        }
    }

    private static void CheckKind(HsmKey key, HsmKeyKind kind, string name)
    {
        ArgumentNullException.ThrowIfNull(key, name);
        if (key.Kind != kind)
        {
            throw new ArgumentException($"{key.Label} is a {key.Kind} key; a {kind} key is needed.", name);
        }
    }

    private static void Check(bool met, string name, string otherwise)
    {
        if (!met)
        {
            throw new ArgumentException(otherwise, name);
        }
    }
}
