using System.Runtime.InteropServices;

namespace ZwCa.Hsm.Pkcs11;

/// <summary>
/// Numbers of pkcs11t.h (PKCS#11 v2.40) that the driver uses, under the standard's names. CK_ULONG is a nuint: unsigned long of the LP64 systems
/// (Linux, macOS). Windows has 32 bits there and packs its structures.
/// </summary>
internal static class Cryptoki
{
    public const nuint CKF_OS_LOCKING_OK = 0x2;
    public const nuint CKF_RW_SESSION = 0x2;
    public const nuint CKF_SERIAL_SESSION = 0x4;
    public const nuint CKU_USER = 1;

    public const nuint CKF_RNG = 0x1;
    public const nuint CKF_LOGIN_REQUIRED = 0x4;
    public const nuint CKF_TOKEN_INITIALIZED = 0x400;
    public const nuint CKF_USER_PIN_COUNT_LOW = 0x1_0000;
    public const nuint CKF_USER_PIN_FINAL_TRY = 0x2_0000;
    public const nuint CKF_USER_PIN_LOCKED = 0x4_0000;

    public const nuint CKO_PUBLIC_KEY = 2;
    public const nuint CKO_PRIVATE_KEY = 3;

    public const nuint CKK_RSA = 0;
    public const nuint CKK_EC = 3;

    public const nuint CKA_CLASS = 0x000;
    public const nuint CKA_TOKEN = 0x001;
    public const nuint CKA_PRIVATE = 0x002;
    public const nuint CKA_LABEL = 0x003;
    public const nuint CKA_KEY_TYPE = 0x100;
    public const nuint CKA_ID = 0x102;
    public const nuint CKA_SENSITIVE = 0x103;
    public const nuint CKA_ENCRYPT = 0x104;
    public const nuint CKA_DECRYPT = 0x105;
    public const nuint CKA_WRAP = 0x106;
    public const nuint CKA_UNWRAP = 0x107;
    public const nuint CKA_SIGN = 0x108;
    public const nuint CKA_SIGN_RECOVER = 0x109;
    public const nuint CKA_VERIFY = 0x10A;
    public const nuint CKA_VERIFY_RECOVER = 0x10B;
    public const nuint CKA_DERIVE = 0x10C;
    public const nuint CKA_MODULUS = 0x120;
    public const nuint CKA_MODULUS_BITS = 0x121;
    public const nuint CKA_PUBLIC_EXPONENT = 0x122;
    public const nuint CKA_PRIVATE_EXPONENT = 0x123;
    public const nuint CKA_VALUE = 0x011;
    public const nuint CKA_EXTRACTABLE = 0x162;
    public const nuint CKA_LOCAL = 0x163;
    public const nuint CKA_NEVER_EXTRACTABLE = 0x164;
    public const nuint CKA_ALWAYS_SENSITIVE = 0x165;
    public const nuint CKA_MODIFIABLE = 0x170;
    public const nuint CKA_EC_PARAMS = 0x180;
    public const nuint CKA_EC_POINT = 0x181;

    public const nuint CKM_RSA_PKCS_KEY_PAIR_GEN = 0x000;
    public const nuint CKM_RSA_PKCS = 0x001;
    public const nuint CKM_RSA_PKCS_PSS = 0x00D;
    public const nuint CKM_SHA256 = 0x250;
    public const nuint CKM_SHA384 = 0x260;
    public const nuint CKM_SHA512 = 0x270;
    public const nuint CKM_EC_KEY_PAIR_GEN = 0x1040;
    public const nuint CKM_ECDSA = 0x1041;

    public const nuint CKG_MGF1_SHA256 = 2;
    public const nuint CKG_MGF1_SHA384 = 3;
    public const nuint CKG_MGF1_SHA512 = 4;

    /// <summary>What a length says of an attribute that is sensitive or that the object has not (CK_UNAVAILABLE_INFORMATION).</summary>
    public static nuint Unavailable => nuint.MaxValue;
}

/// <summary>CK_C_INITIALIZE_ARGS without functions for mutexes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct CkInitializeArgs
{
    public nint CreateMutex;
    public nint DestroyMutex;
    public nint LockMutex;
    public nint UnlockMutex;
    public nuint Flags;
    public nint Reserved;
}

/// <summary>CK_TOKEN_INFO. Texts are padded with blanks and have no terminator.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct CkTokenInfo
{
    public fixed byte Label[32];
    public fixed byte ManufacturerId[32];
    public fixed byte Model[16];
    public fixed byte SerialNumber[16];
    public nuint Flags;

    /// <summary>Most and present sessions, the same of read-write ones, PIN lengths, four sizes of memory.</summary>
    public fixed ulong Counts[10];
    public byte HardwareMajor;
    public byte HardwareMinor;
    public byte FirmwareMajor;
    public byte FirmwareMinor;
    public fixed byte UtcTime[16];
}

/// <summary>CK_MECHANISM_INFO; sizes in bits.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct CkMechanismInfo
{
    public nuint MinKeySize;
    public nuint MaxKeySize;
    public nuint Flags;
}

/// <summary>CK_MECHANISM.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct CkMechanism
{
    public nuint Mechanism;
    public nint Parameter;
    public nuint ParameterLength;
}

/// <summary>CK_ATTRIBUTE.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct CkAttribute
{
    public nuint Type;
    public nint Value;
    public nuint ValueLength;
}
