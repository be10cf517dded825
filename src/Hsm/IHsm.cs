using ZwCa.Asn1.Pkix;

namespace ZwCa.Hsm;

/// <summary>
/// A device that holds keys. Private and symmetric keys are made in it and never leave it; what a key may do, the device decides, not its
/// caller. Safe for concurrent use. A device that is away gives <see cref="HsmFailure.Unreachable"/> or <see cref="HsmFailure.NoAnswer"/> within
/// the driver's time-out and works again, without a restart of the caller, once it is back.
/// Every method throws <see cref="HsmException"/>, or <see cref="NotSupportedException"/> where <see cref="Token"/> says that the device cannot.
/// </summary>
public interface IHsm : IAsyncDisposable
{
    /// <summary>Which token this is and what it can do; read when the driver connected, and again when it reconnects.</summary>
    HsmToken Token { get; }

    /// <returns>Null where no key has the label.</returns>
    Task<HsmKey?> FindKeyAsync(KeyLabel label, CancellationToken cancellationToken = default);

    /// <summary>Makes a key that cannot be exported. When the call returns it is on stable storage.</summary>
    /// <exception cref="HsmException"><see cref="HsmFailure.KeyExists"/>: after a <see cref="HsmFailure.NoAnswer"/> find it, it may be yours.</exception>
    Task<HsmKey> GenerateKeyAsync(KeyLabel label, HsmKeyKind kind, CancellationToken cancellationToken = default);

    /// <summary>Signs one digest.</summary>
    /// <param name="digest">As long as the scheme says: for SM2 e = SM3(Z ‖ message).</param>
    /// <returns>The signature in the scheme's raw form: <see cref="SignatureScheme"/>.</returns>
    Task<byte[]> SignAsync(HsmKey key, SignatureScheme scheme, ReadOnlyMemory<byte> digest, CancellationToken cancellationToken = default);

    /// <summary>Signs many digests, all or none.</summary>
    /// <param name="digests">One after the other, as many as there are: a driver splits what its device does not take at once.</param>
    /// <returns>The signatures one after the other.</returns>
    Task<byte[]> SignManyAsync(HsmKey key, SignatureScheme scheme, ReadOnlyMemory<byte> digests, CancellationToken cancellationToken = default);

    /// <summary>
    /// How often the key has signed, counting signatures that were made and never delivered. Never below the number of signatures that left the device,
    /// above it by at most those in flight when it lost power.
    /// </summary>
    Task<long> GetSignatureCountAsync(HsmKey key, CancellationToken cancellationToken = default);

    /// <param name="count">1 to 65,536.</param>
    Task<byte[]> GetRandomAsync(int count, CancellationToken cancellationToken = default);

    /// <returns>HMAC-SM3, 32 bytes.</returns>
    Task<byte[]> ComputeHmacAsync(HsmKey key, ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default);

    /// <summary>Encrypts a data key of the caller's under a <see cref="HsmKeyKind.DataKek"/>.</summary>
    /// <param name="dataKey">1 to 64 bytes.</param>
    /// <param name="context">What the key is for, up to 256 bytes; unwrapping takes the same.</param>
    Task<byte[]> WrapKeyAsync(HsmKey kek, ReadOnlyMemory<byte> dataKey, ReadOnlyMemory<byte> context, CancellationToken cancellationToken = default);

    /// <returns>The data key; the caller zeroes it.</returns>
    Task<byte[]> UnwrapKeyAsync(HsmKey kek, ReadOnlyMemory<byte> wrappedKey, ReadOnlyMemory<byte> context, CancellationToken cancellationToken = default);

    /// <summary>Decrypts with a <see cref="HsmKeyKind.Sm2Decryption"/> key.</summary>
    /// <param name="ciphertext">04‖X‖Y‖C3‖C2.</param>
    /// <returns>The plaintext; the caller zeroes it.</returns>
    Task<byte[]> DecryptAsync(HsmKey key, ReadOnlyMemory<byte> ciphertext, CancellationToken cancellationToken = default);

    /// <summary>Makes SM2 key pairs for subscribers, wrapped under an <see cref="HsmKeyKind.EscrowKek"/>. Nothing of them stays in the device.</summary>
    /// <param name="count">1 to 1,024.</param>
    Task<IReadOnlyList<WrappedKeyPair>> GenerateWrappedKeyPairsAsync(HsmKey kek, int count, CancellationToken cancellationToken = default);

    /// <summary>
    /// Opens a wrapped key pair towards one recipient, if the authorization holds. The first time binds it to CA, serial number and recipient,
    /// durably, before the call returns: keep <see cref="KeyEnvelope.BoundKey"/>.
    /// </summary>
    /// <param name="recipient">SM2; must be the one that the authorization names.</param>
    /// <param name="signer">An SM2 key that shall sign the content, or null.</param>
    /// <exception cref="HsmException"><see cref="HsmFailure.Refused"/>: the authorization does not hold; the message says why.</exception>
    Task<KeyEnvelope> EnvelopeKeyAsync(
        ReadOnlyMemory<byte> wrappedKey,
        SubjectPublicKeyInfo recipient,
        EnvelopeAuthorization authorization,
        HsmKey? signer = null,
        CancellationToken cancellationToken = default);
}
