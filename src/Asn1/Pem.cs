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
    public const string EcPrivateKey = "EC PRIVATE KEY";
    public const string Cms = "CMS";

    /// <summary>Enough for chains and requests; a CRL of a million entries needs a larger bound, said by the caller.</summary>
    public const int DefaultMaxCharacters = 1 << 20;

    /// <summary>Blocks of one text. A search for the end of a block may run to the end of the text, so their number is bounded too.</summary>
    private const int MaxBlocks = 1000;

    private const string BeginMarker = "-----BEGIN ";

    /// <returns>Lines of 64 characters, ended by LF, the last one too.</returns>
    public static string Encode(string label, ReadOnlySpan<byte> der) => PemEncoding.WriteString(label, der) + "\n";

    /// <summary>Reads the only block of the text; what stands before and after it is explanation (RFC 7468 §5.2) and ignored.</summary>
    /// <exception cref="DerException">No block, more than one, another label, bad Base64, or a text beyond the bound.</exception>
    public static byte[] Decode(string label, ReadOnlySpan<char> text, int maxCharacters = DefaultMaxCharacters)
    {
        IReadOnlyList<byte[]> blocks = DecodeAll(label, text, maxCharacters);
        return blocks.Count == 1 ? blocks[0] : throw new DerException($"One block {label} is expected, not {blocks.Count}.");
    }

    /// <summary>Reads all blocks of the text in order, such as a chain.</summary>
    /// <exception cref="DerException">No block, one with another label, bad Base64, or a text beyond the bounds.</exception>
    public static IReadOnlyList<byte[]> DecodeAll(string label, ReadOnlySpan<char> text, int maxCharacters = DefaultMaxCharacters)
    {
        if (text.Length > maxCharacters)
        {
            throw new DerException($"The text is longer than {maxCharacters} characters.");
        }

        if (text.Count(BeginMarker) > MaxBlocks)
        {
            throw new DerException($"The text has more than {MaxBlocks} blocks.");
        }

        var blocks = new List<byte[]>(1);
        while (PemEncoding.TryFind(text, out PemFields fields))
        {
            ReadOnlySpan<char> found = text[fields.Label];
            if (!found.SequenceEqual(label))
            {
                throw new DerException($"A block {label} is expected, not {(found.Length <= 64 ? found.ToString() : "another")}.");
            }

            byte[] der = new byte[fields.DecodedDataLength];
            if (!Convert.TryFromBase64Chars(text[fields.Base64Data], der, out int written) || written != der.Length)
            {
                throw new DerException("The Base64 is damaged.");
            }

            blocks.Add(der);
            text = text[fields.Location.End..];
        }

        // TryFind passes over a damaged block as if it were explanation; a marker that is left over was meant to be a block.
        if (blocks.Count == 0 || text.Contains(BeginMarker, StringComparison.Ordinal))
        {
            throw new DerException($"A block {label} is missing or damaged.");
        }

        return blocks;
    }
}
