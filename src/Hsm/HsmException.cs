namespace ZwCa.Hsm;

/// <summary>Why a device did not do what it was asked. The number is the status on the simulator's wire.</summary>
public enum HsmFailure : ushort
{
    /// <summary>The device could not be reached: nothing was asked of it.</summary>
    Unreachable = 1,

    /// <summary>It was asked and did not answer in time, or the connection broke: it may have done it.</summary>
    NoAnswer = 2,

    /// <summary>Not unlocked by its holders yet.</summary>
    Locked = 3,

    /// <summary>PIN, secret or certificate is wrong.</summary>
    WrongCredential = 4,

    /// <summary>No such token; the message lists those seen.</summary>
    TokenNotFound = 5,

    KeyNotFound = 6,

    /// <summary>The label is taken.</summary>
    KeyExists = 7,

    /// <summary>The key is not for that.</summary>
    WrongKeyKind = 8,

    /// <summary>The device's rules forbid it: policy, or an authorization that does not hold.</summary>
    Refused = 9,

    /// <summary>Wrong lengths, or data that do not decrypt or authenticate.</summary>
    BadInput = 10,

    /// <summary>The device is busy; ask again later.</summary>
    Busy = 11,

    /// <summary>Something inside the device.</summary>
    DeviceError = 12,

    /// <summary>The two ends do not speak the same protocol.</summary>
    Protocol = 13,
}

/// <summary>A device refused, failed or is away. The message is for the operator and holds no secret.</summary>
public sealed class HsmException(HsmFailure failure, string message, Exception? inner = null) : Exception(message, inner)
{
    public HsmFailure Failure { get; } = failure;

    /// <summary>Asking again later may succeed; after <see cref="HsmFailure.NoAnswer"/> the first call may have had its effect.</summary>
    public bool IsTransient => Failure is HsmFailure.Unreachable or HsmFailure.NoAnswer or HsmFailure.Busy or HsmFailure.Locked;
}
