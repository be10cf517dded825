using System.Security.Cryptography;
using ZwCa.Cryptography;

namespace ZwCa.Issuance;

/// <summary>What a signature is over, of a message that comes in pieces and is too long to be held. Made by <see cref="SignatureCheck.BeginMessage"/>.</summary>
internal sealed class SignedDigest : IDisposable
{
    private readonly Sm3? _sm3;
    private readonly IncrementalHash? _hash;

    /// <summary>SM2 with SM3 under the default identity: e = SM3(Z ‖ message).</summary>
    public SignedDigest(Sm2PublicKey key)
    {
        Span<byte> z = stackalloc byte[Sm3.HashSizeInBytes];
        key.ComputeZ(Sm2.DefaultId, z);
        _sm3 = new Sm3();
        _sm3.Append(z);
    }

    public SignedDigest(HashAlgorithmName algorithm) => _hash = IncrementalHash.CreateHash(algorithm);

    public void Append(ReadOnlySpan<byte> piece)
    {
        _sm3?.Append(piece);
        _hash?.AppendData(piece);
    }

    /// <summary>Ends the message.</summary>
    public byte[] Finish()
    {
        byte[] digest = new byte[_sm3 is null ? _hash!.HashLengthInBytes : Sm3.HashSizeInBytes];
        _sm3?.GetHashAndReset(digest);
        _hash?.GetHashAndReset(digest);
        return digest;
    }

    public void Dispose()
    {
        _sm3?.Dispose();
        _hash?.Dispose();
    }
}
