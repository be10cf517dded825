using System.Formats.Asn1;
using System.Globalization;
using System.Text;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Asn1.Custody;

/// <summary>What the statements to a device share.</summary>
internal static class CustodyFields
{
    /// <summary>Bytes of a partition's and of a key's identifier.</summary>
    public const int IdLength = 16;

    /// <summary>Bytes of SM3 and SHA-256.</summary>
    public const int HashLength = 32;

    private const int MaxTextLength = 256;
    private const int RegionLength = 6;
    private const string NoText = "The text has 1 to 256 characters in NFC, none of them a control or one that is not seen.";
    private const string NoRegion = "A region has six digits.";
    private const string NoSm2Key = "An SM2 key with the point 04, X and Y is expected.";

    /// <returns>The octets.</returns>
    /// <exception cref="ArgumentException">Another length.</exception>
    public static ReadOnlyMemory<byte> Exactly(ReadOnlyMemory<byte> octets, int length, string name) =>
        octets.Length == length ? octets : throw new ArgumentException($"{length} bytes are expected.", name);

    /// <returns>The text: 1 to 256 characters in NFC, none of them a control.</returns>
    /// <exception cref="ArgumentException">Another text.</exception>
    public static string Text(string text, string name) =>
        IsText(PrintableText.RequireUtf8(text, name)) ? text : throw new ArgumentException(NoText, name);

    /// <returns>The code of GB/T 2260.</returns>
    /// <exception cref="ArgumentException">Not six digits.</exception>
    public static string Region(string region, string name) =>
        IsRegion(Require.NotNull(region, name)) ? region : throw new ArgumentException(NoRegion, name);

    /// <returns>The key, of which there is no second encoding: who signs is counted by it.</returns>
    /// <exception cref="ArgumentException">Not SM2, a compressed point, or one off the curve.</exception>
    public static SubjectPublicKeyInfo Sm2Key(SubjectPublicKeyInfo key, string name) =>
        FindSm2Key(Require.NotNull(key, name)) is null ? throw new ArgumentException(NoSm2Key, name) : key;

    /// <returns>A copy of the list; each key as <see cref="Sm2Key"/> wants it.</returns>
    /// <exception cref="ArgumentException">A null, or another key.</exception>
    public static IReadOnlyList<SubjectPublicKeyInfo> Sm2Keys(IReadOnlyList<SubjectPublicKeyInfo> keys, string name)
    {
        IReadOnlyList<SubjectPublicKeyInfo> copy = Require.NoNull(keys, name);
        return copy.All(each => FindSm2Key(each) is not null) ? copy : throw new ArgumentException(NoSm2Key, name);
    }

    /// <returns>Null unless it is an SM2 key in its one form.</returns>
    public static Sm2PublicKey? FindSm2Key(SubjectPublicKeyInfo key) =>
        key.PublicKey.Length == Sm2.PublicKeySizeInBytes && key.TryGetSm2Key(out Sm2PublicKey? found) ? found : null;

    public static ReadOnlyMemory<byte> ReadExactly(AsnReader reader, int length)
    {
        ReadOnlyMemory<byte> octets = reader.ReadOctets();
        return octets.Length == length ? octets : throw new AsnContentException($"The OCTET STRING has {length} bytes.");
    }

    public static string ReadText(AsnReader reader)
    {
        string text = reader.ReadCharacterString(UniversalTagNumber.UTF8String);
        return IsText(text) ? text : throw new AsnContentException(NoText);
    }

    public static string ReadRegion(AsnReader reader)
    {
        string region = reader.ReadCharacterString(UniversalTagNumber.PrintableString);
        return IsRegion(region) ? region : throw new AsnContentException(NoRegion);
    }

    public static SubjectPublicKeyInfo ReadSm2Key(AsnReader reader)
    {
        SubjectPublicKeyInfo key = SubjectPublicKeyInfo.Read(reader);
        return FindSm2Key(key) is null ? throw new AsnContentException(NoSm2Key) : key;
    }

    /// <summary>One of the numbers that the ENUMERATED has.</summary>
    public static T ReadEnumerated<T>(AsnReader reader)
        where T : struct, Enum
    {
        T value = reader.ReadEnumeratedValue<T>();
        return Enum.IsDefined(value) ? value : throw new AsnContentException($"The {typeof(T).Name} is unknown.");
    }

    public static void WriteText(AsnWriter writer, string text) => writer.WriteCharacterString(UniversalTagNumber.UTF8String, text);

    public static void WriteRegion(AsnWriter writer, string region) => writer.WriteCharacterString(UniversalTagNumber.PrintableString, region);

    /// <summary>The identifier that every statement begins with.</summary>
    public static void ReadType(AsnReader reader, string expected)
    {
        if (reader.ReadObjectIdentifier() != expected)
        {
            throw new AsnContentException("The statement is of another type.");
        }
    }

    /// <summary>Any text as one that may be told: line breaks and what is no text become spaces, and it is cut off at 256 characters.</summary>
    public static string FitText(string text)
    {
        var fitting = new StringBuilder();
        foreach (Rune rune in text.EnumerateRunes())
        {
            fitting.Append(IsText(rune) ? rune.ToString() : " ");
        }

        return fitting.Length == 0 ? " " : string.Concat(fitting.ToString().Normalize().EnumerateRunes().Take(MaxTextLength));
    }

    private static bool IsRegion(string region) => region.Length == RegionLength && region.All(char.IsAsciiDigit);

    // Who signs reads the text before: a character that turns or hides others would make him sign what he has not read. Names are compared byte for
    // byte: in NFC two that look the same are the same.
    private static bool IsText(string text)
    {
        int count = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (++count > MaxTextLength || !IsText(rune))
            {
                return false;
            }
        }

        return count > 0 && text.IsNormalized();
    }

    private static bool IsText(Rune rune) => !IsNoncharacter(rune.Value)
        && Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);

    // Unicode 23.7: not for interchange; IsNormalized throws on some of them.
    private static bool IsNoncharacter(int value) => value is >= 0xFDD0 and <= 0xFDEF || (value & 0xFFFE) == 0xFFFE;
}
