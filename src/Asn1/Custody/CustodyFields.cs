using System.Formats.Asn1;
using ZwCa.Asn1.Gm;

namespace ZwCa.Asn1.Custody;

/// <summary>What the statements to a device share.</summary>
internal static class CustodyFields
{
    /// <summary>Bytes of a partition's and of a key's identifier.</summary>
    public const int IdLength = 16;

    /// <summary>Bytes of SM3 and SHA-256.</summary>
    public const int HashLength = 32;

    private const int MaxTextLength = 256;

    /// <returns>The octets.</returns>
    /// <exception cref="ArgumentException">Another length.</exception>
    public static ReadOnlyMemory<byte> Exactly(ReadOnlyMemory<byte> octets, int length, string name) =>
        octets.Length == length ? octets : throw new ArgumentException($"{length} bytes are expected.", name);

    /// <returns>The text: 1 to 256 characters, none of them a control.</returns>
    /// <exception cref="ArgumentException">Another text.</exception>
    public static string Text(string text, string name) =>
        IsText(PrintableText.RequireUtf8(text, name)) ? text : throw new ArgumentException("1 to 256 characters without controls are expected.", name);

    public static ReadOnlyMemory<byte> ReadExactly(AsnReader reader, int length)
    {
        ReadOnlyMemory<byte> octets = reader.ReadOctets();
        return octets.Length == length ? octets : throw new AsnContentException($"The OCTET STRING has {length} bytes.");
    }

    public static string ReadText(AsnReader reader)
    {
        string text = reader.ReadCharacterString(UniversalTagNumber.UTF8String);
        return IsText(text) ? text : throw new AsnContentException("The text has 1 to 256 characters without controls.");
    }

    public static void WriteText(AsnWriter writer, string text) => writer.WriteCharacterString(UniversalTagNumber.UTF8String, text);

    /// <summary>The identifier that every statement begins with.</summary>
    public static void ReadType(AsnReader reader, string expected)
    {
        if (reader.ReadObjectIdentifier() != expected)
        {
            throw new AsnContentException("The statement is of another type.");
        }
    }

    public static bool IsText(string text) => text.Length is > 0 and <= MaxTextLength && !text.Any(char.IsControl);
}
