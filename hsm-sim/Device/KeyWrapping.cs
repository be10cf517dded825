using System.Security.Cryptography;
using System.Text;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.HsmSim.Store;

namespace ZwCa.HsmSim.Device;

/// <summary>
/// How a partition's keys lie in its store: under a key derived of the partition's master key, bound to partition, label and kind, so that
/// the wrapped form of one key put in the place of another does not open.
/// </summary>
internal sealed class KeyWrapping : IDisposable
{
    private readonly Sm4Gcm _cipher;
    private readonly byte[] _partition;

    /// <param name="partition">16 bytes.</param>
    public KeyWrapping(MasterKey masterKey, ReadOnlySpan<byte> partition)
    {
        Span<byte> key = stackalloc byte[Sm4.KeySizeInBytes];
        masterKey.Derive("wrap", partition, key);
        _cipher = new Sm4Gcm(key);
        _partition = partition.ToArray();
        CryptographicOperations.ZeroMemory(key);
    }

    public byte[] Wrap(KeyLabel label, HsmKeyKind kind, ReadOnlySpan<byte> secret)
    {
        byte[] wrapped = new byte[secret.Length + Sealed.Overhead];
        Sealed.Seal(_cipher, secret, AssociatedData(label, kind), wrapped);
        return wrapped;
    }

    /// <exception cref="HsmException"><see cref="HsmFailure.DeviceError"/>: it is not what was stored.</exception>
    public LiveKey Load(StoreRecord.KeyAdded stored)
    {
        int length = stored.WrappedKey.Length - Sealed.Overhead;
        if (length is <= 0 or > LiveKey.MaxSecretBytes)
        {
            throw Damaged(stored.Label);
        }

        byte[] secret = GC.AllocateUninitializedArray<byte>(length, pinned: true);
        try
        {
            if (!Sealed.TryOpen(_cipher, stored.WrappedKey.Span, AssociatedData(stored.Label, stored.Kind), secret))
            {
                throw Damaged(stored.Label);
            }

            LiveKey key = LiveKey.Load(stored.Label, stored.Kind, secret, _partition);
            if (!key.PublicKey.Span.SequenceEqual(stored.PublicKey.Span))
            {
                key.Dispose();
                throw Damaged(stored.Label);
            }

            return key;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    public void Dispose() => _cipher.Dispose();

    private static HsmException Damaged(KeyLabel label) => new(HsmFailure.DeviceError, $"The stored key {label} is damaged.");

    private byte[] AssociatedData(KeyLabel label, HsmKeyKind kind) =>
        [.. _partition, (byte)label.Value.Length, .. Encoding.ASCII.GetBytes(label.Value), (byte)kind];
}
