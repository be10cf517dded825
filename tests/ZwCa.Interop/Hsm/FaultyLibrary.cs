using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ZwCa.Hsm.Pkcs11;
using static ZwCa.Hsm.Pkcs11.Pkcs11Module;

namespace ZwCa.Interop.Hsm;

/// <summary>
/// SoftHSM 2 with faults: its CK_FUNCTION_LIST with some functions of ours in front. One at a time in the process, for functions called from
/// outside are static: only one test class may use it, and xUnit runs the tests of a class one after the other.
/// </summary>
internal static unsafe class FaultyLibrary
{
    private static nint* _real;

    /// <summary>Signing answers so, and no more than once. CKR_OK: it works.</summary>
    public static CkResult NextSign { get; set; }

    /// <summary>The same for the end of a key generation: the keys are there.</summary>
    public static CkResult NextGenerate { get; set; }

    /// <summary>Somebody else makes a key pair of the same label at the same moment.</summary>
    public static bool MakesTwice { get; set; }

    /// <summary>The same for destroying an object, which stays.</summary>
    public static CkResult NextDestroy { get; set; }

    /// <summary>The same for a login.</summary>
    public static CkResult NextLogin { get; set; }

    /// <summary>The token is pulled out: no slot has it, sessions answer CKR_DEVICE_REMOVED.</summary>
    public static bool IsAway { get; set; }

    public static int Logins { get; private set; }

    /// <summary>While it is not null, signing waits for it.</summary>
    public static ManualResetEventSlim? Hold { get; set; }

    /// <summary>Counts the calls that wait for <see cref="Hold"/>.</summary>
    public static SemaphoreSlim Held { get; } = new(0);

    public static Pkcs11Module InFrontOf(Pkcs11Module module)
    {
        _real = (nint*)(module.FunctionList + sizeof(nint));
        (NextSign, NextGenerate, NextLogin, NextDestroy, MakesTwice) = (CkResult.CKR_OK, CkResult.CKR_OK, CkResult.CKR_OK, CkResult.CKR_OK, false);
        (IsAway, Hold, Logins) = (false, null, 0);

        // Lives as long as the process, like that of a library.
        nint* list = (nint*)NativeMemory.Alloc((nuint)((1 + Function.Count) * sizeof(nint)));
        new Span<nint>((void*)module.FunctionList, 1 + Function.Count).CopyTo(new Span<nint>(list, 1 + Function.Count));
        list[1 + Function.GetSlotList] = (nint)(delegate* unmanaged[Cdecl]<byte, nuint*, nuint*, nuint>)&GetSlotList;
        list[1 + Function.OpenSession] = (nint)(delegate* unmanaged[Cdecl]<nuint, nuint, void*, void*, nuint*, nuint>)&OpenSession;
        list[1 + Function.Login] = (nint)(delegate* unmanaged[Cdecl]<nuint, nuint, byte*, nuint, nuint>)&Login;
        list[1 + Function.Sign] = (nint)(delegate* unmanaged[Cdecl]<nuint, byte*, nuint, byte*, nuint*, nuint>)&Sign;
        list[1 + Function.DestroyObject] = (nint)(delegate* unmanaged[Cdecl]<nuint, nuint, nuint>)&DestroyObject;
        list[1 + Function.GenerateKeyPair] =
            (nint)(delegate* unmanaged[Cdecl]<nuint, CkMechanism*, CkAttribute*, nuint, CkAttribute*, nuint, nuint*, nuint*, nuint>)&GenerateKeyPair;
        return new Pkcs11Module(module.Name, (nint)list);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nuint GetSlotList(byte present, nuint* slots, nuint* count)
    {
        if (IsAway)
        {
            *count = 0;
            return (nuint)CkResult.CKR_OK;
        }

        return ((delegate* unmanaged[Cdecl]<byte, nuint*, nuint*, nuint>)_real[Function.GetSlotList])(present, slots, count);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nuint OpenSession(nuint slot, nuint flags, void* application, void* notify, nuint* session) => IsAway
        ? (nuint)CkResult.CKR_TOKEN_NOT_PRESENT
        : ((delegate* unmanaged[Cdecl]<nuint, nuint, void*, void*, nuint*, nuint>)_real[Function.OpenSession])(slot, flags, application, notify, session);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nuint Login(nuint session, nuint user, byte* pin, nuint length)
    {
        Logins++;
        CkResult next = NextLogin;
        NextLogin = CkResult.CKR_OK;
        return next != CkResult.CKR_OK
            ? (nuint)next
            : ((delegate* unmanaged[Cdecl]<nuint, nuint, byte*, nuint, nuint>)_real[Function.Login])(session, user, pin, length);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nuint Sign(nuint session, byte* data, nuint dataLength, byte* signature, nuint* signatureLength)
    {
        if (Hold is { } hold)
        {
            Held.Release();
            hold.Wait();
        }

        CkResult next = IsAway ? CkResult.CKR_DEVICE_REMOVED : NextSign;
        NextSign = CkResult.CKR_OK;
        return next != CkResult.CKR_OK
            ? (nuint)next
            : ((delegate* unmanaged[Cdecl]<nuint, byte*, nuint, byte*, nuint*, nuint>)_real[Function.Sign])(
                session, data, dataLength, signature, signatureLength);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nuint DestroyObject(nuint session, nuint handle)
    {
        CkResult next = NextDestroy;
        NextDestroy = CkResult.CKR_OK;
        return next != CkResult.CKR_OK
            ? (nuint)next
            : ((delegate* unmanaged[Cdecl]<nuint, nuint, nuint>)_real[Function.DestroyObject])(session, handle);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nuint GenerateKeyPair(
        nuint session,
        CkMechanism* mechanism,
        CkAttribute* publicKey,
        nuint publicCount,
        CkAttribute* privateKey,
        nuint privateCount,
        nuint* publicHandle,
        nuint* privateHandle)
    {
        var real = (delegate* unmanaged[Cdecl]<nuint, CkMechanism*, CkAttribute*, nuint, CkAttribute*, nuint, nuint*, nuint*, nuint>)_real[Function.GenerateKeyPair];
        if (MakesTwice)
        {
            MakesTwice = false;
            _ = real(session, mechanism, publicKey, publicCount, privateKey, privateCount, publicHandle, privateHandle);
        }

        nuint result = real(session, mechanism, publicKey, publicCount, privateKey, privateCount, publicHandle, privateHandle);
        CkResult next = NextGenerate;
        NextGenerate = CkResult.CKR_OK;
        return next != CkResult.CKR_OK ? (nuint)next : result;
    }
}
