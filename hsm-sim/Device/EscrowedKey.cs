using System.Security.Cryptography;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator.Wire;
using ZwCa.HsmSim.Store;

namespace ZwCa.HsmSim.Device;

/// <summary>
/// A subscriber's wrapped private key: version (01), partition id (16), label of the KEK, key id (16), id of the epoch it was made in (16), public key
/// (04‖X‖Y), 00 or 01 and the binding, then d under the KEK: nonce (12), ciphertext (32), tag (16). All that stands before the nonce is authenticated.
/// A claim until <see cref="IsGenuine"/> says otherwise.
/// </summary>
internal sealed class EscrowedKey
{
    private const byte Version = 1;

    private readonly ReadOnlyMemory<byte> _metadata;
    private readonly ReadOnlyMemory<byte> _sealed;

    private EscrowedKey(
        ReadOnlyMemory<byte> bytes,
        ReadOnlyMemory<byte> partition,
        KeyLabel kek,
        ReadOnlyMemory<byte> keyId,
        ReadOnlyMemory<byte> epochId,
        ReadOnlyMemory<byte> publicKey,
        KeyBinding? binding)
    {
        Bytes = bytes;
        Partition = partition;
        Kek = kek;
        KeyId = keyId;
        EpochId = epochId;
        PublicKey = publicKey;
        Binding = binding;
        _metadata = bytes[..^EscrowKek.SealedLength];
        _sealed = bytes[^EscrowKek.SealedLength..];
    }

    /// <summary>As given.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    public ReadOnlyMemory<byte> Partition { get; }

    public KeyLabel Kek { get; }

    public ReadOnlyMemory<byte> KeyId { get; }

    public ReadOnlyMemory<byte> EpochId { get; }

    /// <summary>04‖X‖Y.</summary>
    public ReadOnlyMemory<byte> PublicKey { get; }

    /// <summary>Null while nobody owns the key.</summary>
    public KeyBinding? Binding { get; }

    /// <param name="bytes">Kept, not copied.</param>
    /// <exception cref="WireException">Not a wrapped key.</exception>
    public static EscrowedKey Decode(ReadOnlyMemory<byte> bytes)
    {
        var reader = new WireReader(bytes);
        if (reader.ReadByte() != Version)
        {
            throw new WireException("The wrapped key is of an unknown version.");
        }

        ReadOnlyMemory<byte> partition = reader.ReadExactly(StoreRecord.IdLength);
        KeyLabel kek = reader.ReadLabel();
        ReadOnlyMemory<byte> keyId = reader.ReadExactly(StoreRecord.IdLength);
        ReadOnlyMemory<byte> epochId = reader.ReadExactly(StoreRecord.IdLength);
        ReadOnlyMemory<byte> publicKey = reader.ReadExactly(Sm2.PublicKeySizeInBytes);
        KeyBinding? binding = reader.ReadByte() switch
        {
            0 => null,
            1 => KeyBinding.Read(ref reader),
            _ => throw new WireException("The wrapped key is neither bound nor unbound."),
        };
        reader.ReadExactly(EscrowKek.SealedLength);
        reader.ThrowIfNotEmpty();
        return new EscrowedKey(bytes, partition, kek, keyId, epochId, publicKey, binding);
    }

    /// <param name="d">Secret, 32 bytes.</param>
    /// <param name="binding">Null while nobody owns the key.</param>
    public static byte[] Wrap(
        EscrowKek kek,
        ReadOnlySpan<byte> partition,
        ReadOnlySpan<byte> keyId,
        ReadOnlySpan<byte> epochId,
        ReadOnlySpan<byte> publicKey,
        KeyBinding? binding,
        ReadOnlySpan<byte> d)
    {
        using var writer = new WireWriter();
        writer.WriteByte(Version);
        writer.WriteExactly(partition);
        writer.WriteLabel(kek.Label);
        writer.WriteExactly(keyId);
        writer.WriteExactly(epochId);
        writer.WriteExactly(publicKey);
        writer.WriteByte(binding is null ? (byte)0 : (byte)1);
        binding?.Write(writer);

        ReadOnlySpan<byte> metadata = writer.Written.Span;
        byte[] wrapped = new byte[metadata.Length + EscrowKek.SealedLength];
        metadata.CopyTo(wrapped);
        kek.Seal(d, metadata, wrapped.AsSpan(metadata.Length));
        return wrapped;
    }

    /// <summary>Whether that KEK wrapped exactly these bytes.</summary>
    public bool IsGenuine(EscrowKek kek)
    {
        Span<byte> d = stackalloc byte[Sm2.ScalarSizeInBytes];
        bool genuine = TryUnwrap(kek, d);
        CryptographicOperations.ZeroMemory(d);
        return genuine;
    }

    /// <param name="d">Secret: receives 32 bytes, all zero when it returns false; the caller zeroes them.</param>
    public bool TryUnwrap(EscrowKek kek, Span<byte> d) => kek.TryOpen(_sealed.Span, _metadata.Span, d);
}
