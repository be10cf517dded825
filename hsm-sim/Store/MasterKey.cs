using System.Security.Cryptography;
using System.Text;
using ZwCa.Cryptography;

namespace ZwCa.HsmSim.Store;

/// <summary>
/// The 32 bytes that m holders together have, of which every other key of a partition is derived. In pinned memory, zeroed by
/// <see cref="Dispose"/>.
/// </summary>
internal sealed class MasterKey : IDisposable
{
    public const int Length = 32;

    private readonly byte[] _bytes = GC.AllocateArray<byte>(Length, pinned: true);
    private bool _disposed;

    /// <param name="bytes">32 bytes; copied, the caller zeroes his.</param>
    public MasterKey(ReadOnlySpan<byte> bytes) => bytes.CopyTo(bytes.Length == Length ? _bytes : throw new ArgumentException("A master key has 32 bytes.", nameof(bytes)));

    /// <summary>HMAC-SM3(master key, purpose ‖ 00 ‖ context): a key for one purpose tells nothing of another.</summary>
    /// <param name="purpose">ASCII, not empty.</param>
    /// <param name="key">Secret: receives 1 to 32 bytes.</param>
    public void Derive(string purpose, ReadOnlySpan<byte> context, Span<byte> key)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Span<byte> derived = stackalloc byte[HmacSm3.HashSizeInBytes];
        HmacSm3.HashData(_bytes, [.. Encoding.ASCII.GetBytes(purpose), 0, .. context], derived);
        derived[..key.Length].CopyTo(key);
        CryptographicOperations.ZeroMemory(derived);
    }

    public void Dispose()
    {
        _disposed = true;
        CryptographicOperations.ZeroMemory(_bytes);
    }
}
