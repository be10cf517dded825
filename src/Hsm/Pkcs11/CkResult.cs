namespace ZwCa.Hsm.Pkcs11;

/// <summary>CK_RV: PKCS#11 v2.40, base specification §5.1 and pkcs11t.h. The names are the standard's, for they stand in messages.</summary>
internal enum CkResult : ulong
{
    CKR_OK = 0x000,
    CKR_CANCEL = 0x001,
    CKR_HOST_MEMORY = 0x002,
    CKR_SLOT_ID_INVALID = 0x003,
    CKR_GENERAL_ERROR = 0x005,
    CKR_FUNCTION_FAILED = 0x006,
    CKR_ARGUMENTS_BAD = 0x007,
    CKR_NO_EVENT = 0x008,
    CKR_NEED_TO_CREATE_THREADS = 0x009,
    CKR_CANT_LOCK = 0x00A,
    CKR_ATTRIBUTE_READ_ONLY = 0x010,
    CKR_ATTRIBUTE_SENSITIVE = 0x011,
    CKR_ATTRIBUTE_TYPE_INVALID = 0x012,
    CKR_ATTRIBUTE_VALUE_INVALID = 0x013,
    CKR_ACTION_PROHIBITED = 0x01B,
    CKR_DATA_INVALID = 0x020,
    CKR_DATA_LEN_RANGE = 0x021,
    CKR_DEVICE_ERROR = 0x030,
    CKR_DEVICE_MEMORY = 0x031,
    CKR_DEVICE_REMOVED = 0x032,
    CKR_ENCRYPTED_DATA_INVALID = 0x040,
    CKR_ENCRYPTED_DATA_LEN_RANGE = 0x041,
    CKR_FUNCTION_CANCELED = 0x050,
    CKR_FUNCTION_NOT_PARALLEL = 0x051,
    CKR_FUNCTION_NOT_SUPPORTED = 0x054,
    CKR_KEY_HANDLE_INVALID = 0x060,
    CKR_KEY_SIZE_RANGE = 0x062,
    CKR_KEY_TYPE_INCONSISTENT = 0x063,
    CKR_KEY_NOT_NEEDED = 0x064,
    CKR_KEY_CHANGED = 0x065,
    CKR_KEY_NEEDED = 0x066,
    CKR_KEY_INDIGESTIBLE = 0x067,
    CKR_KEY_FUNCTION_NOT_PERMITTED = 0x068,
    CKR_KEY_NOT_WRAPPABLE = 0x069,
    CKR_KEY_UNEXTRACTABLE = 0x06A,
    CKR_MECHANISM_INVALID = 0x070,
    CKR_MECHANISM_PARAM_INVALID = 0x071,
    CKR_OBJECT_HANDLE_INVALID = 0x082,
    CKR_OPERATION_ACTIVE = 0x090,
    CKR_OPERATION_NOT_INITIALIZED = 0x091,
    CKR_PIN_INCORRECT = 0x0A0,
    CKR_PIN_INVALID = 0x0A1,
    CKR_PIN_LEN_RANGE = 0x0A2,
    CKR_PIN_EXPIRED = 0x0A3,
    CKR_PIN_LOCKED = 0x0A4,
    CKR_SESSION_CLOSED = 0x0B0,
    CKR_SESSION_COUNT = 0x0B1,
    CKR_SESSION_HANDLE_INVALID = 0x0B3,
    CKR_SESSION_PARALLEL_NOT_SUPPORTED = 0x0B4,
    CKR_SESSION_READ_ONLY = 0x0B5,
    CKR_SESSION_EXISTS = 0x0B6,
    CKR_SESSION_READ_ONLY_EXISTS = 0x0B7,
    CKR_SESSION_READ_WRITE_SO_EXISTS = 0x0B8,
    CKR_SIGNATURE_INVALID = 0x0C0,
    CKR_SIGNATURE_LEN_RANGE = 0x0C1,
    CKR_TEMPLATE_INCOMPLETE = 0x0D0,
    CKR_TEMPLATE_INCONSISTENT = 0x0D1,
    CKR_TOKEN_NOT_PRESENT = 0x0E0,
    CKR_TOKEN_NOT_RECOGNIZED = 0x0E1,
    CKR_TOKEN_WRITE_PROTECTED = 0x0E2,
    CKR_USER_ALREADY_LOGGED_IN = 0x100,
    CKR_USER_NOT_LOGGED_IN = 0x101,
    CKR_USER_PIN_NOT_INITIALIZED = 0x102,
    CKR_USER_TYPE_INVALID = 0x103,
    CKR_USER_ANOTHER_ALREADY_LOGGED_IN = 0x104,
    CKR_USER_TOO_MANY_TYPES = 0x105,
    CKR_DOMAIN_PARAMS_INVALID = 0x130,
    CKR_CURVE_NOT_SUPPORTED = 0x140,
    CKR_BUFFER_TOO_SMALL = 0x150,
    CKR_SAVED_STATE_INVALID = 0x160,
    CKR_INFORMATION_SENSITIVE = 0x170,
    CKR_STATE_UNSAVEABLE = 0x180,
    CKR_CRYPTOKI_NOT_INITIALIZED = 0x190,
    CKR_CRYPTOKI_ALREADY_INITIALIZED = 0x191,
    CKR_MUTEX_BAD = 0x1A0,
    CKR_MUTEX_NOT_LOCKED = 0x1A1,
    CKR_EXCEEDED_MAX_ITERATIONS = 0x1B5,
    CKR_FIPS_SELF_TEST_FAILED = 0x1B6,
    CKR_LIBRARY_LOAD_FAILED = 0x1B7,
    CKR_PIN_TOO_WEAK = 0x1B8,
    CKR_PUBLIC_KEY_INVALID = 0x1B9,
    CKR_FUNCTION_REJECTED = 0x200,
}

internal static class CkResults
{
    private const ulong VendorDefined = 0x8000_0000;

    /// <summary>The standard's name, or the number of a code that it does not have.</summary>
    public static string Name(this CkResult result) =>
        Enum.IsDefined(result) ? result.ToString()
        : (ulong)result >= VendorDefined ? $"vendor-defined 0x{(ulong)result:X8}"
        : $"CKR 0x{(ulong)result:X8}";

    /// <summary>
    /// Session, login, object handle or device went away under us: a new session may do what was asked. CKR_DEVICE_ERROR is among them, for
    /// libraries of network devices report a broken connection so.
    /// </summary>
    public static bool IsLoss(this CkResult result) => result is
        CkResult.CKR_SESSION_HANDLE_INVALID or CkResult.CKR_SESSION_CLOSED or CkResult.CKR_USER_NOT_LOGGED_IN
        or CkResult.CKR_OBJECT_HANDLE_INVALID or CkResult.CKR_KEY_HANDLE_INVALID or CkResult.CKR_CRYPTOKI_NOT_INITIALIZED
        || result.IsDeviceAway() || result == CkResult.CKR_DEVICE_ERROR;

    /// <summary>The session is closed already, or not ours any more: it must not be closed again.</summary>
    public static bool EndsSession(this CkResult result) => result is
        CkResult.CKR_SESSION_HANDLE_INVALID or CkResult.CKR_SESSION_CLOSED or CkResult.CKR_CRYPTOKI_NOT_INITIALIZED
        or CkResult.CKR_DEVICE_REMOVED or CkResult.CKR_TOKEN_NOT_PRESENT;

    public static bool IsDeviceAway(this CkResult result) => result is
        CkResult.CKR_DEVICE_REMOVED or CkResult.CKR_TOKEN_NOT_PRESENT or CkResult.CKR_TOKEN_NOT_RECOGNIZED or CkResult.CKR_SLOT_ID_INVALID;

    public static HsmFailure ToFailure(this CkResult result) => result switch
    {
        CkResult.CKR_PIN_INCORRECT or CkResult.CKR_PIN_INVALID or CkResult.CKR_PIN_LEN_RANGE or CkResult.CKR_PIN_EXPIRED
            or CkResult.CKR_PIN_LOCKED or CkResult.CKR_USER_PIN_NOT_INITIALIZED => HsmFailure.WrongCredential,
        CkResult.CKR_HOST_MEMORY or CkResult.CKR_DEVICE_MEMORY or CkResult.CKR_SESSION_COUNT => HsmFailure.Busy,
        CkResult.CKR_KEY_FUNCTION_NOT_PERMITTED or CkResult.CKR_KEY_TYPE_INCONSISTENT or CkResult.CKR_KEY_SIZE_RANGE => HsmFailure.WrongKeyKind,
        CkResult.CKR_DATA_INVALID or CkResult.CKR_DATA_LEN_RANGE => HsmFailure.BadInput,
        CkResult.CKR_ATTRIBUTE_SENSITIVE or CkResult.CKR_ACTION_PROHIBITED or CkResult.CKR_TOKEN_WRITE_PROTECTED
            or CkResult.CKR_FUNCTION_REJECTED => HsmFailure.Refused,
        CkResult.CKR_SESSION_HANDLE_INVALID or CkResult.CKR_SESSION_CLOSED or CkResult.CKR_CRYPTOKI_NOT_INITIALIZED => HsmFailure.Unreachable,
        _ => result.IsDeviceAway() ? HsmFailure.Unreachable : HsmFailure.DeviceError,
    };
}
