namespace ZwCa.Hsm.Simulator.Wire;

/// <summary>What a frame asks for. docs/HSM-PROTOCOL.md has their bodies.</summary>
internal enum Operation : ushort
{
    // A partition's client; Hello first.
    Hello = 1,
    FindKey = 2,
    GenerateKey = 3,
    Sign = 4,
    SignMany = 5,
    SignatureCount = 6,
    Random = 7,
    Hmac = 8,
    WrapKey = 9,
    UnwrapKey = 10,
    Decrypt = 11,
    GenerateWrappedPairs = 12,
    EnvelopeKey = 13,

    // The console.
    Status = 32,
    GetShare = 33,
    EnterShare = 34,
    GetPolicy = 35,
    InstallPolicy = 36,
    Backup = 37,

    // The console of a device that runs with --faults.
    SetFault = 48,
}
