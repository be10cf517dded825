using System.Diagnostics;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Hsm.Pkcs11;

/// <summary>
/// The driver for devices with a PKCS#11 v2.40 library (docs/HSM-PKCS11.md): RSA and P-256 keys that sign, and random bytes. Linux and macOS, 64 bits.
/// A cancelled call ends at once; the device does all the same what it was asked.
/// </summary>
public sealed class Pkcs11Hsm : IHsm
{
    private const int MaxRandom = 1 << 16;

    private readonly Pkcs11Options _options;
    private readonly SessionPool _sessions;

    private Pkcs11Hsm(Pkcs11Module module, Pkcs11Options options)
    {
        _options = options;
        _sessions = new SessionPool(module, options);
    }

    public HsmToken Token => _sessions.Token;

    /// <exception cref="ArgumentException">An option is out of its bounds.</exception>
    /// <exception cref="PlatformNotSupportedException">Windows or 32 bits.</exception>
    /// <exception cref="HsmException">
    /// <see cref="HsmFailure.TokenNotFound"/>: the message lists the tokens seen; <see cref="HsmFailure.WrongCredential"/>: the PIN;
    /// <see cref="HsmFailure.Unreachable"/>: the library cannot be loaded; or what the device says.
    /// </exception>
    public static async Task<Pkcs11Hsm> ConnectAsync(Pkcs11Options options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        Pkcs11Module module = await Task.Run(() => Pkcs11Module.Load(options.Library), cancellationToken).ConfigureAwait(false);
        return await ConnectAsync(module, options, cancellationToken).ConfigureAwait(false);
    }

    internal static async Task<Pkcs11Hsm> ConnectAsync(Pkcs11Module module, Pkcs11Options options, CancellationToken cancellationToken)
    {
        var hsm = new Pkcs11Hsm(module, options);
        try
        {
            await hsm._sessions.RunAsync(options.RequestTimeout, session => session.Handle, cancellationToken).ConfigureAwait(false);
            return hsm;
        }
        catch
        {
            await hsm.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public Task<HsmKey?> FindKeyAsync(KeyLabel label, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(label);
        return _sessions.RunAsync(_options.RequestTimeout, session => session.Find(label), cancellationToken);
    }

    public Task<HsmKey> GenerateKeyAsync(KeyLabel label, HsmKeyKind kind, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(label);
        Token.Require(kind);
        return _sessions.RunAsync(_options.GenerateTimeout, session => session.Generate(label, kind), cancellationToken);
    }

    public Task<byte[]> SignAsync(HsmKey key, SignatureScheme scheme, ReadOnlyMemory<byte> digest, CancellationToken cancellationToken = default)
    {
        CheckScheme(key, scheme);
        Check(digest.Length == scheme.DigestLength(), nameof(digest), "The digest is not as long as the scheme says.");
        var mechanism = SigningMechanism.Of(scheme);
        int length = scheme.SignatureLength(key.Kind);

        // A copy: the call may go on, or begin, when its caller has given up and uses the buffer for something else.
        byte[] data = mechanism.Data(digest.Span);
        return _sessions.RunAsync(_options.RequestTimeout, session => session.Sign(key, mechanism, data, length), cancellationToken);
    }

    /// <summary>One call into the library each, as many at a time as there may be sessions; each has the time-out for itself.</summary>
    public async Task<byte[]> SignManyAsync(HsmKey key, SignatureScheme scheme, ReadOnlyMemory<byte> digests, CancellationToken cancellationToken = default)
    {
        CheckScheme(key, scheme);
        int each = scheme.DigestLength();
        Check(digests.Length % each == 0, nameof(digests), "The digests are not each as long as the scheme says.");
        int length = scheme.SignatureLength(key.Kind);
        byte[] signatures = new byte[checked(digests.Length / each * length)];
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = _options.Sessions, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(Enumerable.Range(0, digests.Length / each), parallel, async (i, cancelled) =>
        {
            byte[] signature = await SignAsync(key, scheme, digests.Slice(i * each, each), cancelled).ConfigureAwait(false);
            signature.CopyTo(signatures, i * length);
        }).ConfigureAwait(false);
        return signatures;
    }

    public Task<byte[]> GetRandomAsync(int count, CancellationToken cancellationToken = default)
    {
        Check(count is > 0 and <= MaxRandom, nameof(count), "1 to 65,536 bytes can be had.");
        Token.Require(HsmCapabilities.Random);
        return _sessions.RunAsync(_options.RequestTimeout, session => session.Random(count), cancellationToken);
    }

    public Task<long> GetSignatureCountAsync(HsmKey key, CancellationToken cancellationToken = default) =>
        Lacks<long>(HsmCapabilities.SignatureCounter);

    public Task<byte[]> ComputeHmacAsync(HsmKey key, ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default) =>
        Lacks<byte[]>(HsmCapabilities.HmacSm3);

    public Task<byte[]> WrapKeyAsync(
        HsmKey kek, ReadOnlyMemory<byte> dataKey, ReadOnlyMemory<byte> context, CancellationToken cancellationToken = default) =>
        Lacks<byte[]>(HsmCapabilities.WrapDataKey);

    public Task<byte[]> UnwrapKeyAsync(
        HsmKey kek, ReadOnlyMemory<byte> wrappedKey, ReadOnlyMemory<byte> context, CancellationToken cancellationToken = default) =>
        Lacks<byte[]>(HsmCapabilities.WrapDataKey);

    public Task<byte[]> DecryptAsync(HsmKey key, ReadOnlyMemory<byte> ciphertext, CancellationToken cancellationToken = default) =>
        Lacks<byte[]>(HsmCapabilities.Sm2Decryption);

    public Task<IReadOnlyList<WrappedKeyPair>> GenerateWrappedKeyPairsAsync(HsmKey kek, int count, CancellationToken cancellationToken = default) =>
        Lacks<IReadOnlyList<WrappedKeyPair>>(HsmCapabilities.KeyEscrow);

    public Task<KeyEnvelope> EnvelopeKeyAsync(
        ReadOnlyMemory<byte> wrappedKey,
        SubjectPublicKeyInfo recipient,
        EnvelopeAuthorization authorization,
        HsmKey? signer = null,
        CancellationToken cancellationToken = default) =>
        Lacks<KeyEnvelope>(HsmCapabilities.KeyEscrow);

    public ValueTask DisposeAsync() => _sessions.DisposeAsync();

    /// <summary>PKCS#11 has no such function, whatever the token; see docs/HSM-PKCS11.md.</summary>
    private Task<T> Lacks<T>(HsmCapabilities capability)
    {
        Token.Require(capability);
        throw new UnreachableException($"{capability} of a PKCS#11 token.");
    }

    private void CheckScheme(HsmKey key, SignatureScheme scheme)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (!key.Kind.IsRsa() && key.Kind != HsmKeyKind.P256)
        {
            Token.Require(key.Kind);
        }

        // Otherwise the token may well use keys of a kind that it does not make any more.
        Check(scheme.Fits(key.Kind), nameof(scheme), $"A {key.Kind} key does not sign by {scheme}.");
    }

    private static void Check(bool met, string name, string otherwise)
    {
        if (!met)
        {
            throw new ArgumentException(otherwise, name);
        }
    }
}
