namespace ZwCa.Hsm.Simulator.Wire;

/// <summary>The name of a partition: <see cref="Operation.GetPolicy"/>.</summary>
internal readonly record struct PartitionName(string Name) : IMessage<PartitionName>
{
    public static PartitionName Read(ref WireReader reader) => new(reader.ReadText(Hello.MaxNameBytes));

    public void Write(WireWriter writer) => writer.WriteText(Name);
}

/// <summary><see cref="Operation.GetShare"/>: the share that was encrypted to a holder at init.</summary>
/// <param name="HolderKey">04‖X‖Y.</param>
internal readonly record struct ShareRequest(string Partition, ReadOnlyMemory<byte> HolderKey) : IMessage<ShareRequest>
{
    private const int PointLength = 65;

    public static ShareRequest Read(ref WireReader reader) => new(reader.ReadText(Hello.MaxNameBytes), reader.ReadExactly(PointLength));

    public void Write(WireWriter writer)
    {
        writer.WriteText(Partition);
        writer.WriteExactly(HolderKey.Span);
    }
}

/// <summary>The answer: which share it is, and it encrypted to the holder (04‖X‖Y‖C3‖C2).</summary>
/// <param name="Index">From 1.</param>
internal readonly record struct EncryptedShare(int Index, ReadOnlyMemory<byte> Ciphertext) : IMessage<EncryptedShare>
{
    private const int MaxHolders = 255;
    private const int MaxCiphertextBytes = 256;

    public static EncryptedShare Read(ref WireReader reader) => new(reader.ReadCount(MaxHolders), reader.ReadBytes(MaxCiphertextBytes));

    public void Write(WireWriter writer)
    {
        writer.WriteUInt32((uint)Index);
        writer.WriteBytes(Ciphertext.Span);
    }
}

/// <summary><see cref="Operation.EnterShare"/>; answered by <see cref="Number"/>, how many are still missing.</summary>
/// <param name="Share">32 bytes, secret.</param>
internal readonly record struct OpenShare(string Partition, int Index, ReadOnlyMemory<byte> Share) : IMessage<OpenShare>
{
    public const int ShareLength = 32;
    private const int MaxHolders = 255;

    public static OpenShare Read(ref WireReader reader) =>
        new(reader.ReadText(Hello.MaxNameBytes), reader.ReadCount(MaxHolders), reader.ReadExactly(ShareLength));

    public void Write(WireWriter writer)
    {
        writer.WriteText(Partition);
        writer.WriteUInt32((uint)Index);
        writer.WriteExactly(Share.Span);
    }
}

/// <summary><see cref="Operation.InstallPolicy"/> and <see cref="Operation.Backup"/>.</summary>
/// <param name="Statement">DER of SignedStatement.</param>
internal readonly record struct Command(string Partition, ReadOnlyMemory<byte> Statement) : IMessage<Command>
{
    public static Command Read(ref WireReader reader) => new(reader.ReadText(Hello.MaxNameBytes), reader.ReadBytes(Frame.MaxRequestBody));

    public void Write(WireWriter writer)
    {
        writer.WriteText(Partition);
        writer.WriteBytes(Statement.Span);
    }
}

/// <summary>One partition, as the console sees it.</summary>
/// <param name="Id">16 bytes.</param>
/// <param name="SharesMissing">0: open.</param>
/// <param name="Entered">Names of the holders whose shares were entered.</param>
/// <param name="LastBackup">Unix milliseconds; −1: none or locked.</param>
internal sealed record PartitionStatus(
    string Name,
    ReadOnlyMemory<byte> Id,
    int Threshold,
    IReadOnlyList<string> Holders,
    IReadOnlyList<string> Entered,
    int SharesMissing,
    StoreMarks Marks,
    int Keys,
    int KeysWithoutBackup,
    long LastBackup,
    int PolicyVersion,
    int Epoch) : IMessage<PartitionStatus>
{
    private const int IdLength = 16;
    private const int MaxHolders = 255;
    private const int MaxHolderBytes = 256;

    public static PartitionStatus Read(ref WireReader reader) => new(
        reader.ReadText(Hello.MaxNameBytes),
        reader.ReadExactly(IdLength),
        reader.ReadCount(MaxHolders),
        ReadTexts(ref reader),
        ReadTexts(ref reader),
        reader.ReadCount(MaxHolders),
        (StoreMarks)reader.ReadFlags(),
        reader.ReadCount(int.MaxValue),
        reader.ReadCount(int.MaxValue),
        reader.ReadInt64(),
        reader.ReadCount(int.MaxValue),
        reader.ReadCount(int.MaxValue));

    public void Write(WireWriter writer)
    {
        writer.WriteText(Name);
        writer.WriteExactly(Id.Span);
        writer.WriteUInt32((uint)Threshold);
        WriteTexts(writer, Holders);
        WriteTexts(writer, Entered);
        writer.WriteUInt32((uint)SharesMissing);
        writer.WriteUInt32((uint)Marks);
        writer.WriteUInt32((uint)Keys);
        writer.WriteUInt32((uint)KeysWithoutBackup);
        writer.WriteInt64(LastBackup);
        writer.WriteUInt32((uint)PolicyVersion);
        writer.WriteUInt32((uint)Epoch);
    }

    private static string[] ReadTexts(ref WireReader reader)
    {
        string[] texts = new string[reader.ReadCount(MaxHolders)];
        for (int i = 0; i < texts.Length; i++)
        {
            texts[i] = reader.ReadText(MaxHolderBytes);
        }

        return texts;
    }

    private static void WriteTexts(WireWriter writer, IReadOnlyList<string> texts)
    {
        writer.WriteUInt32((uint)texts.Count);
        foreach (string text in texts)
        {
            writer.WriteText(text);
        }
    }
}

/// <summary>The answer to <see cref="Operation.Status"/>.</summary>
internal readonly record struct DeviceStatus(IReadOnlyList<PartitionStatus> Partitions) : IMessage<DeviceStatus>
{
    private const int MaxPartitions = 256;

    public static DeviceStatus Read(ref WireReader reader)
    {
        var partitions = new PartitionStatus[reader.ReadCount(MaxPartitions)];
        for (int i = 0; i < partitions.Length; i++)
        {
            partitions[i] = PartitionStatus.Read(ref reader);
        }

        return new DeviceStatus(partitions);
    }

    public void Write(WireWriter writer)
    {
        writer.WriteUInt32((uint)Partitions.Count);
        foreach (PartitionStatus partition in Partitions)
        {
            partition.Write(writer);
        }
    }
}

/// <summary>What goes wrong on purpose. The number is on the wire.</summary>
internal enum FaultKind : byte
{
    /// <summary>The next N signatures fail with <see cref="HsmFailure.DeviceError"/>.</summary>
    FailSigns = 1,

    /// <summary>Every answer waits N milliseconds.</summary>
    DelayAnswers = 2,

    /// <summary>The next N answers are not sent, and their connections are closed.</summary>
    DropAnswers = 3,

    /// <summary>Now: what is not on stable storage is lost, and the process ends.</summary>
    PowerLoss = 4,

    /// <summary>The process ends as by SIGKILL when it comes to the fault point whose number N is.</summary>
    DieAt = 5,
}

/// <summary><see cref="Operation.SetFault"/>.</summary>
internal readonly record struct Fault(FaultKind Kind, int Value) : IMessage<Fault>
{
    public static Fault Read(ref WireReader reader) => new(reader.ReadEnum<FaultKind>(), reader.ReadCount(int.MaxValue));

    public void Write(WireWriter writer)
    {
        writer.WriteByte((byte)Kind);
        writer.WriteUInt32((uint)Value);
    }
}
