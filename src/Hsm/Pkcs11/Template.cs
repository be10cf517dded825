using System.Runtime.InteropServices;
using System.Text;

namespace ZwCa.Hsm.Pkcs11;

/// <summary>An array of CK_ATTRIBUTE in native memory, alive until disposed. Holds nothing secret.</summary>
internal sealed unsafe class Template : IDisposable
{
    private readonly CkAttribute* _attributes;

    public Template(params ReadOnlySpan<(nuint Type, byte[] Value)> attributes)
    {
        int size = attributes.Length * sizeof(CkAttribute);
        foreach ((nuint _, byte[] value) in attributes)
        {
            size += value.Length;
        }

        _attributes = (CkAttribute*)NativeMemory.AllocZeroed((nuint)size);
        Count = (nuint)attributes.Length;
        byte* values = (byte*)(_attributes + attributes.Length);
        for (int i = 0; i < attributes.Length; i++)
        {
            (nuint type, byte[] value) = attributes[i];
            value.CopyTo(new Span<byte>(values, value.Length));
            _attributes[i] = new CkAttribute { Type = type, Value = (nint)values, ValueLength = (nuint)value.Length };
            values += value.Length;
        }
    }

    public nuint Count { get; }

    public CkAttribute* Attributes => _attributes;

    /// <summary>A CK_BBOOL.</summary>
    public static byte[] Value(bool value) => [value ? (byte)1 : (byte)0];

    /// <summary>A CK_ULONG, in the byte order of the machine.</summary>
    public static byte[] Value(nuint value)
    {
        byte[] bytes = new byte[sizeof(nuint)];
        MemoryMarshal.Write(bytes, value);
        return bytes;
    }

    public static byte[] Value(KeyLabel label) => Encoding.ASCII.GetBytes(label.Value);

    public void Dispose() => NativeMemory.Free(_attributes);
}
