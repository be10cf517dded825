using System.Buffers.Text;

namespace ZwCa.Ocsp.Listening;

/// <summary>A request in the path of a GET (RFC 6960 appendix A.1, RFC 5019 §5): base64 of its DER, with <c>+</c>, <c>/</c> and <c>=</c> as %2B, %2F, %3D or as they are.</summary>
internal static class GetRequest
{
    /// <summary>What base64 of a SEQUENCE begins with: a path that begins otherwise is no question.</summary>
    private const char Sequence = 'M';

    /// <param name="target">As it stands in the request line, nothing decoded.</param>
    /// <param name="text">What is to be decoded.</param>
    /// <returns>False: it is no path of a question.</returns>
    public static bool TryFind(string target, out ReadOnlySpan<char> text)
    {
        // From a proxy (RFC 9112 §3.2.2) it may have scheme and host.
        text = target;
        if (text.StartsWith("http://", StringComparison.OrdinalIgnoreCase))
        {
            text = text["http://".Length..];
            int path = text.IndexOf('/');
            text = path < 0 ? [] : text[path..];
        }

        int query = text.IndexOf('?');
        text = (query < 0 ? text : text[..query]).TrimStart('/');
        if (text.StartsWith("ocsp/", StringComparison.Ordinal))
        {
            text = text["ocsp/".Length..].TrimStart('/');
        }

        return query < 0 && text.Length > 0 && text[0] == Sequence;
    }

    /// <param name="destination">As many bytes as the text has characters, at least.</param>
    /// <returns>False: no base64.</returns>
    public static bool TryDecode(ReadOnlySpan<char> text, Span<byte> destination, out int length)
    {
        length = 0;
        int count = 0;
        for (int i = 0; i < text.Length; i++)
        {
            char each = text[i];
            if (each == '%')
            {
                if (i + 2 >= text.Length || !byte.TryParse(text.Slice(i + 1, 2), System.Globalization.NumberStyles.AllowHexSpecifier, null, out byte escaped))
                {
                    return false;
                }

                each = (char)escaped;
                i += 2;
            }

            // White space, which the decoder would pass over, has no place in a path.
            if (!char.IsAsciiLetterOrDigit(each) && each is not ('+' or '/' or '='))
            {
                return false;
            }

            destination[count++] = (byte)each;
        }

        return Base64.DecodeFromUtf8InPlace(destination[..count], out length) == System.Buffers.OperationStatus.Done;
    }
}
