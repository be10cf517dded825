using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Hsm.Simulator.Wire;

/// <summary><see cref="Operation.Hello"/>: the first frame of a partition's client.</summary>
/// <param name="Secret">32 bytes.</param>
internal readonly record struct Hello(ushort Version, string Partition, ReadOnlyMemory<byte> Secret) : IMessage<Hello>
{
    public const int SecretLength = 32;
    public const int MaxNameBytes = 64;

    public static Hello Read(ref WireReader reader) => new(reader.ReadUInt16(), reader.ReadText(MaxNameBytes), reader.ReadExactly(SecretLength));

    public void Write(WireWriter writer)
    {
        writer.WriteUInt16(Version);
        writer.WriteText(Partition);
        writer.WriteExactly(Secret.Span);
    }
}

/// <summary>The answer to <see cref="Hello"/>.</summary>
/// <param name="PartitionId">16 bytes.</param>
/// <param name="LastBackup">Unix milliseconds; −1: none.</param>
internal readonly record struct Welcome(
    ReadOnlyMemory<byte> PartitionId, string Model, HsmCapabilities Capabilities, StoreMarks Marks, long LastBackup, int KeysWithoutBackup) : IMessage<Welcome>
{
    public const int IdLength = 16;
    private const int MaxModelBytes = 128;

    public static Welcome Read(ref WireReader reader) => new(
        reader.ReadExactly(IdLength),
        reader.ReadText(MaxModelBytes),
        (HsmCapabilities)reader.ReadFlags(),
        (StoreMarks)reader.ReadFlags(),
        reader.ReadInt64(),
        reader.ReadCount(int.MaxValue));

    public void Write(WireWriter writer)
    {
        writer.WriteExactly(PartitionId.Span);
        writer.WriteText(Model);
        writer.WriteUInt32((uint)Capabilities);
        writer.WriteUInt32((uint)Marks);
        writer.WriteInt64(LastBackup);
        writer.WriteUInt32((uint)KeysWithoutBackup);
    }
}

/// <summary><see cref="Operation.FindKey"/> and <see cref="Operation.SignatureCount"/>.</summary>
internal readonly record struct KeyName(KeyLabel Label) : IMessage<KeyName>
{
    public static KeyName Read(ref WireReader reader) => new(reader.ReadLabel());

    public void Write(WireWriter writer) => writer.WriteLabel(Label);
}

/// <summary><see cref="Operation.GenerateKey"/>.</summary>
internal readonly record struct NewKey(KeyLabel Label, HsmKeyKind Kind) : IMessage<NewKey>
{
    public static NewKey Read(ref WireReader reader) => new(reader.ReadLabel(), reader.ReadEnum<HsmKeyKind>());

    public void Write(WireWriter writer)
    {
        writer.WriteLabel(Label);
        writer.WriteByte((byte)Kind);
    }
}

/// <summary>The answer to <see cref="Operation.FindKey"/> and <see cref="Operation.GenerateKey"/>.</summary>
/// <param name="PublicKey">DER of SubjectPublicKeyInfo; empty for a symmetric key.</param>
internal readonly record struct KeyDescription(HsmKeyKind Kind, ReadOnlyMemory<byte> PublicKey) : IMessage<KeyDescription>
{
    private const int MaxPublicKeyBytes = 1024;

    public static KeyDescription Read(ref WireReader reader) => new(reader.ReadEnum<HsmKeyKind>(), reader.ReadBytes(MaxPublicKeyBytes));

    public void Write(WireWriter writer)
    {
        writer.WriteByte((byte)Kind);
        writer.WriteBytes(PublicKey.Span);
    }

    /// <exception cref="DerException">Not a SubjectPublicKeyInfo.</exception>
    public HsmKey ToKey(KeyLabel label) => new(label, Kind, PublicKey.IsEmpty ? null : Der.Decode<SubjectPublicKeyInfo>(PublicKey));
}

/// <summary><see cref="Operation.Sign"/> and <see cref="Operation.SignMany"/>.</summary>
/// <param name="Digests">One, or some one after the other: up to 4,096.</param>
internal readonly record struct SignRequest(KeyLabel Label, SignatureScheme Scheme, ReadOnlyMemory<byte> Digests) : IMessage<SignRequest>
{
    public const int MaxDigests = 4096;
    private const int MaxDigestBytes = 64;

    public static SignRequest Read(ref WireReader reader) =>
        new(reader.ReadLabel(), reader.ReadEnum<SignatureScheme>(), reader.ReadBytes(MaxDigests * MaxDigestBytes));

    public void Write(WireWriter writer)
    {
        writer.WriteLabel(Label);
        writer.WriteByte((byte)Scheme);
        writer.WriteBytes(Digests.Span);
    }
}

/// <summary><see cref="Operation.Hmac"/> (data up to 64 KiB) and <see cref="Operation.Decrypt"/> (04‖X‖Y‖C3‖C2, C2 up to 64 KiB).</summary>
internal readonly record struct KeyedData(KeyLabel Label, ReadOnlyMemory<byte> Data) : IMessage<KeyedData>
{
    public const int MaxDataBytes = 1 << 16;
    /// <summary>04‖X‖Y‖C3.</summary>
    public const int CiphertextOverhead = 97;

    public static KeyedData Read(ref WireReader reader) => new(reader.ReadLabel(), reader.ReadBytes(MaxDataBytes + CiphertextOverhead));

    public void Write(WireWriter writer)
    {
        writer.WriteLabel(Label);
        writer.WriteBytes(Data.Span);
    }
}

/// <summary><see cref="Operation.WrapKey"/> and <see cref="Operation.UnwrapKey"/>.</summary>
/// <param name="Key">The data key, or the wrapped one.</param>
internal readonly record struct WrapRequest(KeyLabel Kek, ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Context) : IMessage<WrapRequest>
{
    public const int MaxKeyBytes = 64;
    public const int MaxContextBytes = 256;
    public const int MaxWrappedBytes = 256;

    public static WrapRequest Read(ref WireReader reader) => new(reader.ReadLabel(), reader.ReadBytes(MaxWrappedBytes), reader.ReadBytes(MaxContextBytes));

    public void Write(WireWriter writer)
    {
        writer.WriteLabel(Kek);
        writer.WriteBytes(Key.Span);
        writer.WriteBytes(Context.Span);
    }
}

/// <summary><see cref="Operation.GenerateWrappedPairs"/>.</summary>
internal readonly record struct PairsRequest(KeyLabel Kek, int Count) : IMessage<PairsRequest>
{
    public const int MaxPairs = 1024;

    public static PairsRequest Read(ref WireReader reader) => new(reader.ReadLabel(), reader.ReadCount(MaxPairs));

    public void Write(WireWriter writer)
    {
        writer.WriteLabel(Kek);
        writer.WriteUInt32((uint)Count);
    }
}

/// <summary>The answer to <see cref="Operation.GenerateWrappedPairs"/>: key id (16 bytes), public key (04‖X‖Y), wrapped key, of each.</summary>
internal readonly record struct Pairs(IReadOnlyList<WrappedKeyPair> Items) : IMessage<Pairs>
{
    public const int KeyIdLength = 16;

    /// <summary>A bound one names its CA, which may take four bytes for each of 256 characters.</summary>
    public const int MaxWrappedBytes = 2048;
    private const int PointLength = 65;

    public static Pairs Read(ref WireReader reader)
    {
        var items = new WrappedKeyPair[reader.ReadCount(PairsRequest.MaxPairs)];
        for (int i = 0; i < items.Length; i++)
        {
            ReadOnlyMemory<byte> keyId = reader.ReadExactly(KeyIdLength);
            ReadOnlyMemory<byte> point = reader.ReadExactly(PointLength);
            if (point.Span[0] != 0x04)
            {
                throw new WireException("Not an uncompressed point.");
            }

            items[i] = new WrappedKeyPair(keyId, SubjectPublicKeyInfo.ForSm2(point), reader.ReadBytes(MaxWrappedBytes));
        }

        return new Pairs(items);
    }

    public void Write(WireWriter writer)
    {
        writer.WriteUInt32((uint)Items.Count);
        foreach (WrappedKeyPair item in Items)
        {
            writer.WriteExactly(item.KeyId.Span);
            writer.WriteExactly(item.PublicKey.PublicKey.Span);
            writer.WriteBytes(item.WrappedKey.Span);
        }
    }
}
