using ZwCa.Hsm;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.HsmSim.Store;

/// <summary>
/// One change of a partition's state, as the journal keeps it: a byte that names the kind, then its fields. The kinds' numbers never change
/// their meaning. Secrets are in a record only under the partition's wrapping key.
/// </summary>
internal abstract record StoreRecord
{
    public const int IdLength = 16;
    public const int HashLength = 32;

    // Closed: the kinds are those of this file.
    private StoreRecord()
    {
    }

    protected abstract byte Number { get; }

    /// <exception cref="WireException">Not a record.</exception>
    public static StoreRecord Decode(ReadOnlyMemory<byte> bytes)
    {
        var reader = new WireReader(bytes);
        StoreRecord record = reader.ReadByte() switch
        {
            KeyAdded.KindNumber => KeyAdded.Read(ref reader),
            SignaturesMade.KindNumber => SignaturesMade.Read(ref reader),
            KeyBound.KindNumber => KeyBound.Read(ref reader),
            PolicyInstalled.KindNumber => PolicyInstalled.Read(ref reader),
            Marked.KindNumber => Marked.Read(ref reader),
            EpochBegun.KindNumber => EpochBegun.Read(ref reader),
            BackupMade.KindNumber => BackupMade.Read(ref reader),
            _ => throw new WireException("No such record."),
        };
        reader.ThrowIfNotEmpty();
        return record;
    }

    public void Write(WireWriter writer)
    {
        writer.WriteByte(Number);
        WriteFields(writer);
    }

    protected abstract void WriteFields(WireWriter writer);

    /// <summary>A key was made.</summary>
    /// <param name="PublicKey">DER of SubjectPublicKeyInfo; empty for a symmetric key.</param>
    /// <param name="WrappedKey">Under the partition's wrapping key.</param>
    public sealed record KeyAdded(KeyLabel Label, HsmKeyKind Kind, ReadOnlyMemory<byte> PublicKey, ReadOnlyMemory<byte> WrappedKey) : StoreRecord
    {
        public const byte KindNumber = 1;
        private const int MaxKeyBytes = 1 << 14;

        protected override byte Number => KindNumber;

        public static KeyAdded Read(ref WireReader reader) =>
            new(reader.ReadLabel(), reader.ReadEnum<HsmKeyKind>(), reader.ReadBytes(MaxKeyBytes), reader.ReadBytes(MaxKeyBytes));

        protected override void WriteFields(WireWriter writer)
        {
            writer.WriteLabel(Label);
            writer.WriteByte((byte)Kind);
            writer.WriteBytes(PublicKey.Span);
            writer.WriteBytes(WrappedKey.Span);
        }
    }

    /// <summary>A key's signature counter reached a value.</summary>
    public sealed record SignaturesMade(KeyLabel Label, long Count) : StoreRecord
    {
        public const byte KindNumber = 2;

        protected override byte Number => KindNumber;

        public static SignaturesMade Read(ref WireReader reader) => new(reader.ReadLabel(), reader.ReadInt64());

        protected override void WriteFields(WireWriter writer)
        {
            writer.WriteLabel(Label);
            writer.WriteInt64(Count);
        }
    }

    /// <summary>A subscriber's key got its CA, serial number and recipient: its unbound copy is spent.</summary>
    /// <param name="KeyId">16 bytes.</param>
    /// <param name="Binding">SM3 over CA name, serial number and recipient key, 32 bytes.</param>
    public sealed record KeyBound(ReadOnlyMemory<byte> KeyId, ReadOnlyMemory<byte> Binding) : StoreRecord
    {
        public const byte KindNumber = 3;

        protected override byte Number => KindNumber;

        public static KeyBound Read(ref WireReader reader) => new(reader.ReadExactly(IdLength), reader.ReadExactly(HashLength));

        protected override void WriteFields(WireWriter writer)
        {
            writer.WriteExactly(KeyId.Span);
            writer.WriteExactly(Binding.Span);
        }
    }

    /// <param name="Policy">DER of PartitionPolicy.</param>
    public sealed record PolicyInstalled(ReadOnlyMemory<byte> Policy) : StoreRecord
    {
        public const byte KindNumber = 4;

        protected override byte Number => KindNumber;

        public static PolicyInstalled Read(ref WireReader reader) => new(reader.ReadBytes(Frame.MaxRequestBody));

        protected override void WriteFields(WireWriter writer) => writer.WriteBytes(Policy.Span);
    }

    /// <summary>Marks were added; none is ever taken away.</summary>
    public sealed record Marked(StoreMarks Marks) : StoreRecord
    {
        public const byte KindNumber = 5;

        protected override byte Number => KindNumber;

        public static Marked Read(ref WireReader reader) => new((StoreMarks)reader.ReadCount(int.MaxValue));

        protected override void WriteFields(WireWriter writer) => writer.WriteUInt32((uint)Marks);
    }

    /// <summary>A restore: unbound keys of other epochs are refused from now on, so what was spent in them need not be known.</summary>
    /// <param name="Id">16 random bytes: two restores of one backup are two epochs.</param>
    public sealed record EpochBegun(int Epoch, ReadOnlyMemory<byte> Id) : StoreRecord
    {
        public const byte KindNumber = 6;

        protected override byte Number => KindNumber;

        public static EpochBegun Read(ref WireReader reader) => new(reader.ReadCount(int.MaxValue), reader.ReadExactly(IdLength));

        protected override void WriteFields(WireWriter writer)
        {
            writer.WriteUInt32((uint)Epoch);
            writer.WriteExactly(Id.Span);
        }
    }

    /// <param name="Time">Unix milliseconds.</param>
    /// <param name="Keys">How many keys are in it.</param>
    public sealed record BackupMade(long Time, int Keys) : StoreRecord
    {
        public const byte KindNumber = 7;

        protected override byte Number => KindNumber;

        public static BackupMade Read(ref WireReader reader) => new(reader.ReadInt64(), reader.ReadCount(int.MaxValue));

        protected override void WriteFields(WireWriter writer)
        {
            writer.WriteInt64(Time);
            writer.WriteUInt32((uint)Keys);
        }
    }
}
