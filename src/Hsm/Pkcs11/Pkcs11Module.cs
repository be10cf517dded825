using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using static ZwCa.Hsm.Pkcs11.Cryptoki;

namespace ZwCa.Hsm.Pkcs11;

/// <summary>
/// A PKCS#11 library: its functions out of CK_FUNCTION_LIST, as methods that block and throw <see cref="CkException"/>. One per library path and
/// process. C_Finalize is never called: it would take the library from everybody else in the process, calls in flight included, and the end of
/// the process does as much. Safe for concurrent use; a session is not.
/// </summary>
internal sealed unsafe class Pkcs11Module
{
    private const int MaxAttributeLength = 1 << 16;

    private static readonly ConcurrentDictionary<string, Lazy<Pkcs11Module>> Modules = new();

    private readonly nint* _functions;

    /// <param name="functionList">CK_FUNCTION_LIST; stays valid for good.</param>
    internal Pkcs11Module(string name, nint functionList)
    {
        Name = name;
        // After CK_VERSION, two bytes, the pointers follow on their own alignment.
        _functions = (nint*)(functionList + sizeof(nint));
        FunctionList = functionList;
    }

    /// <summary>The path, for messages.</summary>
    public string Name { get; }

    internal nint FunctionList { get; }

    /// <exception cref="PlatformNotSupportedException">Windows or 32 bits, where CK_ULONG has four bytes.</exception>
    /// <exception cref="HsmException">The library cannot be loaded.</exception>
    public static Pkcs11Module Load(string path)
    {
        if (OperatingSystem.IsWindows() || !Environment.Is64BitProcess)
        {
            throw new PlatformNotSupportedException("The PKCS#11 driver needs 64-bit Linux or macOS: elsewhere CK_ULONG has four bytes.");
        }

        string full = Path.GetFullPath(path);
        var module = Modules.GetOrAdd(full, p => new Lazy<Pkcs11Module>(() => LoadLibrary(p)));
        try
        {
            return module.Value;
        }
        catch (HsmException)
        {
            // A Lazy keeps its exception; the library may be there the next time.
            Modules.TryRemove(new KeyValuePair<string, Lazy<Pkcs11Module>>(full, module));
            throw;
        }
    }

    /// <summary>C_Initialize. That somebody in the process has done it already is fine; after a C_Finalize of somebody's it starts anew.</summary>
    public void Initialize()
    {
        var arguments = new CkInitializeArgs { Flags = CKF_OS_LOCKING_OK };
        var result = (CkResult)((delegate* unmanaged[Cdecl]<void*, nuint>)_functions[Function.Initialize])(&arguments);
        if (result != CkResult.CKR_CRYPTOKI_ALREADY_INITIALIZED)
        {
            Check(result, "C_Initialize");
        }
    }

    /// <summary>C_Finalize, for tests: see the class.</summary>
    internal void FinalizeLibrary() =>
        Check(((delegate* unmanaged[Cdecl]<void*, nuint>)_functions[Function.FinalizeLibrary])(null), "C_Finalize");

    /// <returns>The slots with a token in them.</returns>
    public nuint[] GetSlots()
    {
        var call = (delegate* unmanaged[Cdecl]<byte, nuint*, nuint*, nuint>)_functions[Function.GetSlotList];
        while (true)
        {
            nuint count = 0;
            Check(call(1, null, &count), "C_GetSlotList");
            nuint[] slots = new nuint[count];
            nuint result;
            fixed (nuint* first = slots)
            {
                // An empty array has no address, and a null pointer asks for the count again: as good.
                result = call(1, first, &count);
            }

            if ((CkResult)result == CkResult.CKR_BUFFER_TOO_SMALL)
            {
                continue;
            }

            Check(result, "C_GetSlotList");
            return slots[..Math.Min(slots.Length, checked((int)count))];
        }
    }

    public CkTokenInfo GetTokenInfo(nuint slot)
    {
        CkTokenInfo info = default;
        Check(((delegate* unmanaged[Cdecl]<nuint, CkTokenInfo*, nuint>)_functions[Function.GetTokenInfo])(slot, &info), "C_GetTokenInfo");
        return info;
    }

    /// <returns>Null where the token lacks the mechanism.</returns>
    public CkMechanismInfo? GetMechanismInfo(nuint slot, nuint mechanism)
    {
        CkMechanismInfo info = default;
        var result = (CkResult)((delegate* unmanaged[Cdecl]<nuint, nuint, CkMechanismInfo*, nuint>)_functions[Function.GetMechanismInfo])(
            slot, mechanism, &info);
        if (result == CkResult.CKR_MECHANISM_INVALID)
        {
            return null;
        }

        Check(result, "C_GetMechanismInfo");
        return info;
    }

    public nuint OpenSession(nuint slot)
    {
        nuint session = 0;
        Check(
            ((delegate* unmanaged[Cdecl]<nuint, nuint, void*, void*, nuint*, nuint>)_functions[Function.OpenSession])(
                slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, null, null, &session),
            "C_OpenSession");
        return session;
    }

    /// <returns>Not thrown: whoever closes a session is done with it, and one that was closed already is as good.</returns>
    public CkResult CloseSession(nuint session) =>
        (CkResult)((delegate* unmanaged[Cdecl]<nuint, nuint>)_functions[Function.CloseSession])(session);

    /// <summary>C_CloseAllSessions, which also logs out: for tests.</summary>
    internal void CloseAllSessions(nuint slot) =>
        Check(((delegate* unmanaged[Cdecl]<nuint, nuint>)_functions[Function.CloseAllSessions])(slot), "C_CloseAllSessions");

    /// <summary>As CKU_USER. The login is the whole process's: a PIN is not looked at again while somebody in it is logged in.</summary>
    public void Login(nuint session, ReadOnlySpan<byte> pin)
    {
        CkResult result;
        fixed (byte* first = pin)
        {
            result = (CkResult)((delegate* unmanaged[Cdecl]<nuint, nuint, byte*, nuint, nuint>)_functions[Function.Login])(
                session, CKU_USER, first, (nuint)pin.Length);
        }

        if (result != CkResult.CKR_USER_ALREADY_LOGGED_IN)
        {
            Check(result, "C_Login");
        }
    }

    /// <returns>At most <paramref name="most"/> handles.</returns>
    public nuint[] FindObjects(nuint session, Template template, int most)
    {
        Check(
            ((delegate* unmanaged[Cdecl]<nuint, CkAttribute*, nuint, nuint>)_functions[Function.FindObjectsInit])(
                session, template.Attributes, template.Count),
            "C_FindObjectsInit");
        nuint[] found = new nuint[most];
        nuint count = 0;
        nuint result;
        fixed (nuint* first = found)
        {
            result = ((delegate* unmanaged[Cdecl]<nuint, nuint*, nuint, nuint*, nuint>)_functions[Function.FindObjects])(
                session, first, (nuint)most, &count);
        }

        nuint final = ((delegate* unmanaged[Cdecl]<nuint, nuint>)_functions[Function.FindObjectsFinal])(session);
        Check(result, "C_FindObjects");
        Check(final, "C_FindObjectsFinal");
        return found[..checked((int)count)];
    }

    /// <returns>Null where the object has no such attribute. A secret one throws CKR_ATTRIBUTE_SENSITIVE.</returns>
    public byte[]? GetAttribute(nuint session, nuint handle, nuint type)
    {
        var call = (delegate* unmanaged[Cdecl]<nuint, nuint, CkAttribute*, nuint, nuint>)_functions[Function.GetAttributeValue];
        var attribute = new CkAttribute { Type = type };
        var result = (CkResult)call(session, handle, &attribute, 1);
        if (result == CkResult.CKR_ATTRIBUTE_TYPE_INVALID)
        {
            return null;
        }

        Check(result, "C_GetAttributeValue");
        if (attribute.ValueLength == Unavailable)
        {
            return null;
        }

        // Lengths come from the device's side: none that the driver reads is longer than an RSA modulus.
        if (attribute.ValueLength > MaxAttributeLength)
        {
            throw new CkException("C_GetAttributeValue", CkResult.CKR_GENERAL_ERROR);
        }

        byte[] value = new byte[(int)attribute.ValueLength];
        fixed (byte* first = value)
        {
            attribute.Value = (nint)first;
            Check(call(session, handle, &attribute, 1), "C_GetAttributeValue");
        }

        return value[..Math.Min(value.Length, checked((int)attribute.ValueLength))];
    }

    public (nuint PublicKey, nuint PrivateKey) GenerateKeyPair(nuint session, nuint mechanism, Template publicKey, Template privateKey)
    {
        var how = new CkMechanism { Mechanism = mechanism };
        (nuint publicHandle, nuint privateHandle) = (0, 0);
        Check(
            ((delegate* unmanaged[Cdecl]<nuint, CkMechanism*, CkAttribute*, nuint, CkAttribute*, nuint, nuint*, nuint*, nuint>)
                _functions[Function.GenerateKeyPair])(
                session, &how, publicKey.Attributes, publicKey.Count, privateKey.Attributes, privateKey.Count, &publicHandle, &privateHandle),
            "C_GenerateKeyPair");
        return (publicHandle, privateHandle);
    }

    /// <returns>Not thrown: what made it necessary is the failure to tell.</returns>
    public CkResult DestroyObject(nuint session, nuint handle) =>
        (CkResult)((delegate* unmanaged[Cdecl]<nuint, nuint, nuint>)_functions[Function.DestroyObject])(session, handle);

    /// <param name="length">Of the signature; another length that the device gives is an error.</param>
    public byte[] Sign(nuint session, nuint privateKey, nuint mechanism, ReadOnlySpan<byte> parameter, ReadOnlySpan<byte> data, int length)
    {
        byte[] signature = new byte[length];
        nuint actual = (nuint)length;
        fixed (byte* firstParameter = parameter, firstData = data, first = signature)
        {
            var how = new CkMechanism { Mechanism = mechanism, Parameter = (nint)firstParameter, ParameterLength = (nuint)parameter.Length };
            Check(
                ((delegate* unmanaged[Cdecl]<nuint, CkMechanism*, nuint, nuint>)_functions[Function.SignInit])(session, &how, privateKey),
                "C_SignInit");
            Check(
                ((delegate* unmanaged[Cdecl]<nuint, byte*, nuint, byte*, nuint*, nuint>)_functions[Function.Sign])(
                    session, firstData, (nuint)data.Length, first, &actual),
                "C_Sign");
        }

        return actual == (nuint)length ? signature : throw new CkException("C_Sign", CkResult.CKR_SIGNATURE_LEN_RANGE);
    }

    public byte[] GenerateRandom(nuint session, int count)
    {
        byte[] random = new byte[count];
        fixed (byte* first = random)
        {
            CkResult result = (CkResult)((delegate* unmanaged[Cdecl]<nuint, byte*, nuint, nuint>)_functions[Function.GenerateRandom])(
                session, first, (nuint)count);
            if (result != CkResult.CKR_OK)
            {
                CryptographicOperations.ZeroMemory(random);
            }

            Check(result, "C_GenerateRandom");
        }

        return random;
    }

    private static Pkcs11Module LoadLibrary(string path)
    {
        try
        {
            nint library = NativeLibrary.Load(path);
            nint functionList;
            nint entry = NativeLibrary.GetExport(library, "C_GetFunctionList");
            Check(((delegate* unmanaged[Cdecl]<nint*, nuint>)entry)(&functionList), "C_GetFunctionList");
            return new Pkcs11Module(path, functionList);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException or EntryPointNotFoundException or CkException)
        {
            throw new HsmException(HsmFailure.Unreachable, $"The PKCS#11 library {path} cannot be loaded: {e.Message}", e);
        }
    }

    private static void Check(nuint result, string function) => Check((CkResult)result, function);

    private static void Check(CkResult result, string function)
    {
        if (result != CkResult.CKR_OK)
        {
            throw new CkException(function, result);
        }
    }

    /// <summary>Places in CK_FUNCTION_LIST, counted from C_Initialize (pkcs11f.h).</summary>
    internal static class Function
    {
        public const int Initialize = 0;
        public const int FinalizeLibrary = 1;
        public const int GetSlotList = 4;
        public const int GetTokenInfo = 6;
        public const int GetMechanismInfo = 8;
        public const int OpenSession = 12;
        public const int CloseSession = 13;
        public const int CloseAllSessions = 14;
        public const int Login = 18;
        public const int DestroyObject = 22;
        public const int GetAttributeValue = 24;
        public const int FindObjectsInit = 26;
        public const int FindObjects = 27;
        public const int FindObjectsFinal = 28;
        public const int SignInit = 42;
        public const int Sign = 43;
        public const int GenerateKeyPair = 59;
        public const int GenerateRandom = 64;

        /// <summary>Functions in the list of v2.40.</summary>
        public const int Count = 68;
    }
}
