using System.Security.Cryptography;
using ZwCa.Cryptography;

namespace ZwCa.HsmSim.Device;

/// <summary>
/// SM4-GCM with a random nonce: nonce (12) ‖ ciphertext ‖ tag (16). A nonce of 96 random bits bears some 2^32 messages under one key, which is
/// far more than a key here ever seals.
/// </summary>
internal static class Sealed
{
    /// <summary>Bytes by which the sealed form is longer.</summary>
    public const int Overhead = Sm4Gcm.NonceSizeInBytes + Sm4Gcm.MaxTagSizeInBytes;

    /// <param name="destination">Exactly <see cref="Overhead"/> bytes longer than the plaintext.</param>
    public static void Seal(Sm4Gcm key, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData, Span<byte> destination)
    {
        Span<byte> nonce = destination[..Sm4Gcm.NonceSizeInBytes];
        RandomNumberGenerator.Fill(nonce);
        key.Encrypt(
            nonce,
            plaintext,
            destination[Sm4Gcm.NonceSizeInBytes..^Sm4Gcm.MaxTagSizeInBytes],
            destination[^Sm4Gcm.MaxTagSizeInBytes..],
            associatedData);
    }

    /// <param name="source"><see cref="Overhead"/> bytes at least.</param>
    /// <param name="plaintext">Secret: exactly <see cref="Overhead"/> bytes shorter. All zero when it returns false.</param>
    /// <returns>Whether key and associated data are those that it was sealed with, and nothing was changed.</returns>
    public static bool TryOpen(Sm4Gcm key, ReadOnlySpan<byte> source, ReadOnlySpan<byte> associatedData, Span<byte> plaintext)
    {
        try
        {
            key.Decrypt(
                source[..Sm4Gcm.NonceSizeInBytes],
                source[Sm4Gcm.NonceSizeInBytes..^Sm4Gcm.MaxTagSizeInBytes],
                source[^Sm4Gcm.MaxTagSizeInBytes..],
                plaintext,
                associatedData);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }
}
