using System.Security.Cryptography;

namespace ZwCa.Asn1;

/// <summary>Textual encodings of RFC 7468.</summary>
public static class Pem
{
    public const string Certificate = "CERTIFICATE";
    public const string CertificateRequest = "CERTIFICATE REQUEST";
    public const string X509Crl = "X509 CRL";
    public const string PublicKey = "PUBLIC KEY";
    public const string PrivateKey = "PRIVATE KEY";
    public const string EncryptedPrivateKey = "ENCRYPTED PRIVATE KEY";
    public const string EcPrivateKey = "EC PRIVATE KEY";
    public const string Cms = "CMS";

    /// <summary>Enough for chains and requests; a CRL of a million entries needs a larger bound, said by the caller.</summary>
    public const int DefaultMaxCharacters = 1 << 20;

    private const string BeginMarker = "-----BEGIN ";

    private const string EndMarker = "-----END ";

    /// <returns>Lines of 64 characters, ended by LF, the last one too.</returns>
    public static string Encode(string label, ReadOnlySpan<byte> der) => PemEncoding.WriteString(label, der) + "\n";

    /// <summary>Reads the only block of the text; what stands before and after it is explanation (RFC 7468 §5.2) and ignored.</summary>
    /// <exception cref="DerException">No block, more than one, another label, bad Base64, or a text beyond the bound.</exception>
    public static byte[] Decode(string label, ReadOnlySpan<char> text, int maxCharacters = DefaultMaxCharacters)
    {
        IReadOnlyList<byte[]> blocks = DecodeAll(label, text, maxCharacters);
        return blocks.Count == 1 ? blocks[0] : throw new DerException($"One block {label} is expected, not {blocks.Count}.");
    }

    /// <summary>
    /// Reads all blocks of the text in order, such as a chain. Nothing that was meant as a block is passed over: a marker that belongs to no whole
    /// block is an error, lest a chain loses a certificate in silence.
    /// </summary>
    /// <exception cref="DerException">No block, one with another label, a damaged one, or a text beyond the bound.</exception>
    public static IReadOnlyList<byte[]> DecodeAll(string label, ReadOnlySpan<char> text, int maxCharacters = DefaultMaxCharacters)
    {
        if (text.Length > maxCharacters)
        {
            throw new DerException($"The text is longer than {maxCharacters} characters.");
        }

        var blocks = new List<byte[]>(1);
        for (int begin; (begin = text.IndexOf(BeginMarker)) >= 0;)
        {
            // Up to the next beginning, so that each character is looked at by one search only.
            int next = text[(begin + BeginMarker.Length)..].IndexOf(BeginMarker);
            ReadOnlySpan<char> block = next < 0 ? text[begin..] : text.Slice(begin, BeginMarker.Length + next);
            if (text[..begin].Contains(EndMarker, StringComparison.Ordinal)
                || (begin > 0 && !char.IsWhiteSpace(text[begin - 1]))
                || !PemEncoding.TryFind(block, out PemFields fields))
            {
                throw new DerException($"Block {blocks.Count + 1} is damaged.");
            }

            ReadOnlySpan<char> found = block[fields.Label];
            if (!found.SequenceEqual(label))
            {
                throw new DerException($"A block {label} is expected, not {(found.Length <= 64 ? found.ToString() : "another")}.");
            }

            byte[] der = new byte[fields.DecodedDataLength];
            if (!Convert.TryFromBase64Chars(block[fields.Base64Data], der, out int written) || written != der.Length)
            {
                throw new DerException("The Base64 is damaged.");
            }

            blocks.Add(der);
            text = text[(begin + fields.Location.End.Value)..];
        }

        return blocks.Count > 0 && !text.Contains(EndMarker, StringComparison.Ordinal)
            ? blocks
            : throw new DerException($"A block {label} is missing or damaged.");
    }
}
