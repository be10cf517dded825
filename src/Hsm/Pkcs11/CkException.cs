namespace ZwCa.Hsm.Pkcs11;

/// <summary>A call into the library that did not give CKR_OK. Never leaves the driver: <see cref="Pkcs11Hsm"/> turns it into an <see cref="HsmException"/>.</summary>
internal sealed class CkException(string function, CkResult result) : Exception($"{function}: {result.Name()}")
{
    public string Function { get; } = function;

    public CkResult Result { get; } = result;
}
