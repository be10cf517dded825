using System.Formats.Asn1;
using System.Runtime.CompilerServices;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// IA5String of a GeneralName without control characters: a NUL ends the name for C programs that read it, so that
/// <c>bank.cn\0.attacker.cn</c> is two names.
/// </summary>
internal static class Ia5Text
{
    private const string Fault = "The name is ASCII without control characters, and a URI is not empty.";

    /// <exception cref="ArgumentException">Something else; the message does not quote it, for it may be personal.</exception>
    public static string Check(string text, int minLength = 0, [CallerArgumentExpression(nameof(text))] string? name = null)
    {
        ArgumentNullException.ThrowIfNull(text, name);
        return IsAllowed(text, minLength) ? text : throw new ArgumentException(Fault, name);
    }

    public static string Read(AsnReader reader, Asn1Tag tag, int minLength = 0)
    {
        string text = reader.ReadCharacterString(UniversalTagNumber.IA5String, tag);
        return IsAllowed(text, minLength) ? text : throw new AsnContentException(Fault);
    }

    private static bool IsAllowed(string text, int minLength) => text.Length >= minLength && !text.AsSpan().ContainsAnyExceptInRange(' ', '~');
}
