using System.Formats.Asn1;
using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Cms;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Cryptography;

namespace ZwCa.Admin.Token;

/// <summary>
/// What somebody encrypted to the holder of a token: SM2Cipher (GM/T 0009 §7.2, as <c>openssl pkeyutl -encrypt</c> makes it), or a message with EnvelopedData
/// (GM/T 0010 §9), its content under SM4 in ECB or CBC mode.
/// </summary>
internal sealed class Ciphertext
{
    /// <summary>More than this nobody encrypts in one element that has to be in memory twice.</summary>
    public const int MaxLength = 16 << 20;

    private readonly IReadOnlyList<Sm2Cipher> _sealed;
    private readonly EncryptedContentInfo? _content;

    private Ciphertext(IReadOnlyList<Sm2Cipher> sealedForRecipients, EncryptedContentInfo? content)
    {
        _sealed = sealedForRecipients;
        _content = content;
    }

    /// <param name="bytes">DER; kept, not copied.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: neither form, or an algorithm that is not known.</exception>
    public static Ciphertext Parse(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            if (!IsMessage(bytes.Span))
            {
                return new Ciphertext([Sm2Cipher.DecodeLenient(bytes)], content: null);
            }

            EnvelopedData data = Der.Decode<ContentInfo>(bytes).DecodeEnvelopedData();
            EncryptedContentInfo content = data.EncryptedContentInfo;
            if (content.EncryptedContent is null || content.ContentEncryptionAlgorithm.Algorithm is not (Oids.Sm4 or Oids.Sm4Ecb or Oids.Sm4Cbc))
            {
                throw Malformed();
            }

            return new Ciphertext(
                [.. data.RecipientInfos.Where(each => each.KeyEncryptionAlgorithm.Algorithm == Oids.Sm2Encrypt).Select(each => each.DecodeSm2Cipher())], content);
        }
        catch (DerException e)
        {
            throw Malformed(e);
        }
    }

    /// <returns>The caller zeroes it. Null: it is for another key. SM2 authenticates what it encrypts, so a wrong key gives nothing else.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: the message was made for this key, but its content was changed.</exception>
    public byte[]? TryDecrypt(Sm2PrivateKey key)
    {
        foreach (Sm2Cipher cipher in _sealed)
        {
            byte[] opened;
            try
            {
                opened = key.Decrypt(cipher.Raw.Span);
            }
            catch (CryptographicException)
            {
                continue;
            }

            if (_content is null)
            {
                return opened;
            }

            try
            {
                return DecryptContent(_content, opened);
            }
            catch (Exception e) when (e is CryptographicException or ArgumentException or DerException)
            {
                throw Malformed(e);
            }
            finally
            {
                CryptographicOperations.ZeroMemory(opened);
            }
        }

        return null;
    }

    private static byte[] DecryptContent(EncryptedContentInfo content, byte[] key)
    {
        using var cipher = new Sm4(key);
        ReadOnlySpan<byte> encrypted = content.EncryptedContent!.Value.Span;
        return content.ContentEncryptionAlgorithm.Algorithm == Oids.Sm4Cbc
            ? cipher.DecryptCbc(encrypted, Iv(content.ContentEncryptionAlgorithm), PaddingMode.PKCS7)
            : cipher.DecryptEcb(encrypted, PaddingMode.PKCS7);
    }

    /// <summary>The parameters of a block cipher in CBC mode: an OCTET STRING.</summary>
    private static byte[] Iv(AlgorithmIdentifier algorithm) =>
        algorithm.Parameters is { Span: [0x04, Sm4.BlockSizeInBytes, .. var iv] } ? iv.ToArray() : throw new DerException("SM4 in CBC mode needs its first block.");

    /// <summary>A message begins with an OBJECT IDENTIFIER, SM2Cipher with an INTEGER.</summary>
    private static bool IsMessage(ReadOnlySpan<byte> bytes) =>
        AsnDecoder.TryReadEncodedValue(bytes, AsnEncodingRules.DER, out _, out int offset, out int length, out _)
        && bytes.Slice(offset, length) is [0x06, ..];

    private static RefusalException Malformed(Exception? inner = null) => new(
        Refusal.Malformed, "文件不是SM2密文（DER）或以SM4加密的数字信封（GM/T 0010），或已损坏，未解密。请向发件人重新索取。", inner: inner);
}
