using System.Security.Cryptography;
using ZwCa.Cryptography;
using ZwCa.Hsm;

namespace ZwCa.HsmSim.Device;

/// <summary>
/// A key of an open partition, unwrapped and ready. Each kind is a type that can do what the kind may do and nothing else. Safe for concurrent
/// use; disposing while another thread uses it is not.
/// </summary>
internal abstract class LiveKey(KeyLabel label, HsmKeyKind kind) : IDisposable
{
    /// <summary>Longest secret: PKCS #8 of RSA-4096 takes some 2,400 bytes.</summary>
    public const int MaxSecretBytes = 4096;

    private const int SymmetricKeyBytes = Sm4.KeySizeInBytes;

    private volatile bool _isDurable;

    public KeyLabel Label { get; } = label;

    public HsmKeyKind Kind { get; } = kind;

    /// <summary>DER of SubjectPublicKeyInfo; empty for a symmetric key.</summary>
    public virtual ReadOnlyMemory<byte> PublicKey => default;

    /// <summary>On stable storage. Nobody uses a key before: what it wrapped could never be unwrapped if the power went.</summary>
    public bool IsDurable => _isDurable;

    public void MarkDurable() => _isDurable = true;

    /// <summary>Makes the secret of a new key; takes seconds for RSA-4096.</summary>
    /// <param name="destination">Secret: <see cref="MaxSecretBytes"/>.</param>
    /// <returns>Bytes written: d of SM2 (32), PKCS #8 of RSA and P-256, or the symmetric key.</returns>
    public static int NewSecret(HsmKeyKind kind, Span<byte> destination)
    {
        switch (kind)
        {
            case HsmKeyKind.Sm2 or HsmKeyKind.Sm2Decryption:
                using (Sm2PrivateKey key = Sm2PrivateKey.Generate())
                {
                    key.ExportBytes(destination);
                    return Sm2.ScalarSizeInBytes;
                }

            case HsmKeyKind.P256:
                using (ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256))
                {
                    return ExportPkcs8(key, destination);
                }

            case HsmKeyKind.DataKek or HsmKeyKind.EscrowKek:
                RandomNumberGenerator.Fill(destination[..SymmetricKeyBytes]);
                return SymmetricKeyBytes;
            case HsmKeyKind.HmacSm3:
                RandomNumberGenerator.Fill(destination[..HmacSm3.HashSizeInBytes]);
                return HmacSm3.HashSizeInBytes;
            default:
                using (RSA key = RSA.Create(kind.RsaBits()))
                {
                    return ExportPkcs8(key, destination);
                }
        }
    }

    /// <param name="secret">As <see cref="NewSecret"/> made it; the caller zeroes it.</param>
    /// <param name="partition">16 bytes: what a key encrypts is of one partition.</param>
    /// <exception cref="CryptographicException">Not the secret of such a key.</exception>
    public static LiveKey Load(KeyLabel label, HsmKeyKind kind, ReadOnlySpan<byte> secret, ReadOnlySpan<byte> partition) => kind switch
    {
        HsmKeyKind.Sm2 => new Sm2SigningKey(label, secret),
        HsmKeyKind.Sm2Decryption => new Sm2DecryptionKey(label, secret),
        HsmKeyKind.P256 => new P256Key(label, secret),
        HsmKeyKind.DataKek => new DataKek(label, secret, partition),
        HsmKeyKind.EscrowKek => new EscrowKek(label, secret, partition),
        HsmKeyKind.HmacSm3 => new HmacKey(label, secret),
        _ => new RsaKey(label, kind, secret),
    };

    public abstract void Dispose();

    private static int ExportPkcs8(AsymmetricAlgorithm key, Span<byte> destination) =>
        key.TryExportPkcs8PrivateKey(destination, out int written)
            ? written
            : throw new CryptographicException("The private key is longer than expected.");
}
