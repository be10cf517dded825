namespace ZwCa.Hsm;

/// <summary>What a device can do besides keeping keys. Ask before use: a call for which the capability is missing throws <see cref="NotSupportedException"/>.</summary>
[Flags]
public enum HsmCapabilities
{
    None = 0,

    /// <summary>Random bytes.</summary>
    Random = 1,

    /// <summary>Many signatures in one message to the device. Without it <see cref="IHsm.SignManyAsync"/> works, one after the other.</summary>
    SignMany = 2,

    /// <summary>A durable counter of signatures per key.</summary>
    SignatureCounter = 4,

    HmacSm3 = 8,

    /// <summary>Wraps and unwraps data keys.</summary>
    WrapDataKey = 16,

    /// <summary>Decrypts with SM2: the partition's policy allows it.</summary>
    Sm2Decryption = 32,

    /// <summary>Makes subscribers' key pairs and opens them only as an authorization says.</summary>
    KeyEscrow = 64,
}

/// <summary>Ways in which a simulator's store was made unfit for production, for good.</summary>
[Flags]
public enum StoreMarks
{
    None = 0,

    /// <summary>Its master key lies beside it.</summary>
    AutoUnlock = 1,

    /// <summary>It ran with fault knobs.</summary>
    Faults = 2,

    /// <summary>Made by a demo, whose holders are one process.</summary>
    Demo = 4,
}

/// <summary>The token (a PKCS#11 token, a partition of the simulator) that a driver is connected to.</summary>
/// <param name="Label">Its name.</param>
/// <param name="Serial">Its serial number; of a partition its id, 32 hexadecimal digits.</param>
/// <param name="Model">What it is and which version.</param>
/// <param name="KeyKinds">Kinds of keys that it makes.</param>
public sealed record HsmToken(
    string Label,
    string Serial,
    string Model,
    HsmCapabilities Capabilities,
    IReadOnlySet<HsmKeyKind> KeyKinds)
{
    public StoreMarks Marks { get; init; }

    /// <summary>When its last backup was made; null where there is none or the device does not tell.</summary>
    public DateTimeOffset? LastBackup { get; init; }

    /// <summary>Keys made after the last backup; null where the device does not tell.</summary>
    public int? KeysWithoutBackup { get; init; }

    public bool Can(HsmCapabilities capability) => (Capabilities & capability) == capability;

    /// <exception cref="NotSupportedException">The capability is missing.</exception>
    public void Require(HsmCapabilities capability)
    {
        if (!Can(capability))
        {
            throw new NotSupportedException($"The token {Label} ({Model}) has no {capability}.");
        }
    }

    /// <exception cref="NotSupportedException">It makes no such keys.</exception>
    public void Require(HsmKeyKind kind)
    {
        if (!KeyKinds.Contains(kind))
        {
            throw new NotSupportedException($"The token {Label} ({Model}) has no {kind} keys, only {string.Join(", ", KeyKinds.Order())}.");
        }
    }
}
