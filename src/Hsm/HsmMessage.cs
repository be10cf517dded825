using System.Security.Cryptography;
using ZwCa.Cryptography;

namespace ZwCa.Hsm;

/// <summary>
/// A message that comes in pieces and is too long to be held: <see cref="HsmSigner.BeginMessage"/> begins it, <see cref="HsmSigner.SignAsync(HsmMessage, CancellationToken)"/> ends
/// it. For SM2 its digest begins with Z of the signer's key, so it belongs to that signer. Not safe for use by several threads at once.
/// </summary>
public sealed class HsmMessage : IDisposable
{
    private readonly Sm3? _sm3;
    private readonly IncrementalHash? _hash;
    private byte[]? _digest;

    internal HsmMessage(HsmSigner signer, Sm2PublicKey? sm2Key, HashAlgorithmName hashAlgorithm)
    {
        Signer = signer;
        if (sm2Key is null)
        {
            _hash = IncrementalHash.CreateHash(hashAlgorithm);
            return;
        }

        Span<byte> z = stackalloc byte[Sm3.HashSizeInBytes];
        sm2Key.ComputeZ(Sm2.DefaultId, z);
        _sm3 = new Sm3();
        _sm3.Append(z);
    }

    internal HsmSigner Signer { get; }

    /// <exception cref="InvalidOperationException">The message was ended.</exception>
    public void Append(ReadOnlySpan<byte> piece)
    {
        if (_digest is not null)
        {
            throw new InvalidOperationException("The message was ended.");
        }

        _sm3?.Append(piece);
        _hash?.AppendData(piece);
    }

    /// <summary>Ends the message.</summary>
    /// <returns>What goes to the device: for SM2 e = SM3(Z ‖ message). The same when asked again.</returns>
    public ReadOnlyMemory<byte> GetDigest()
    {
        if (_digest is null)
        {
            byte[] digest = new byte[_sm3 is null ? _hash!.HashLengthInBytes : Sm3.HashSizeInBytes];
            _sm3?.GetHashAndReset(digest);
            _hash?.GetHashAndReset(digest);
            _digest = digest;
        }

        return _digest;
    }

    public void Dispose()
    {
        _sm3?.Dispose();
        _hash?.Dispose();
    }
}
