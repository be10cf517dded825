using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace ZwCa.Issuance;

/// <summary>The characters of a string type, whatever they are; for <c>foreach</c>. Octets that encode none count as U+FFFD.</summary>
internal readonly ref struct DerText(DerNode node)
{
    private readonly ReadOnlySpan<byte> _content = node.Content;
    private readonly byte _tag = node.Tag;

    private static readonly SearchValues<byte> Printable =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '()+,-./:=?"u8);

    public Enumerator GetEnumerator() => new(_content, _tag);

    public static bool IsString(DerNode node) => node.Tag is DerTag.Utf8String or DerTag.PrintableString or DerTag.TeletexString or DerTag.Ia5String
        or DerTag.UniversalString or DerTag.BmpString or 0x12 or 0x1a;

    /// <summary>X.680 §41.4.</summary>
    public static bool IsPrintable(ReadOnlySpan<byte> content) => !content.ContainsAnyExcept(Printable);

    public static bool IsAscii(ReadOnlySpan<byte> content) => Ascii.IsValid(content);

    public int CountCharacters()
    {
        int count = 0;
        foreach (Rune _ in this)
        {
            count++;
        }

        return count;
    }

    /// <returns>The first that is invisible, a control character, or turns the direction of writing; null: none.</returns>
    public Rune? FindHidden()
    {
        foreach (Rune rune in this)
        {
            if (rune.Value is (>= 0x20 and < 0x7f) or (>= 0x4e00 and < 0xa000))
            {
                continue;
            }

            if (Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
                || NameText.IsBlank(rune))
            {
                return rune;
            }
        }

        return null;
    }

    /// <returns>False: Normalization Form C has other octets. True too for what is not UTF-8.</returns>
    public bool IsNormalized()
    {
        foreach (Rune rune in this)
        {
            // None below U+0300 and no unified ideograph changes, and none of them combines with one before it.
            if (rune.Value is < 0x300 or (>= 0x3400 and < 0xa000))
            {
                continue;
            }

            return _tag != DerTag.Utf8String || !Utf8.IsValid(_content) || Encoding.UTF8.GetString(_content).IsNormalized(NormalizationForm.FormC);
        }

        return true;
    }

    public ref struct Enumerator(ReadOnlySpan<byte> content, byte tag)
    {
        private ReadOnlySpan<byte> _rest = content;

        public Rune Current { get; private set; }

        public bool MoveNext()
        {
            if (_rest.IsEmpty)
            {
                return false;
            }

            int octets;
            switch (tag)
            {
                case DerTag.Utf8String:
                    Rune.DecodeFromUtf8(_rest, out Rune rune, out octets);
                    Current = rune;
                    break;
                case DerTag.BmpString or DerTag.UniversalString:
                    octets = Math.Min(tag == DerTag.BmpString ? 2 : 4, _rest.Length);
                    uint value = octets switch
                    {
                        2 => BinaryPrimitives.ReadUInt16BigEndian(_rest),
                        4 => BinaryPrimitives.ReadUInt32BigEndian(_rest),
                        _ => 0xfffd,
                    };
                    Current = Rune.IsValid(value) ? new Rune(value) : Rune.ReplacementChar;
                    break;
                default:
                    octets = 1;
                    Current = new Rune(_rest[0]);
                    break;
            }

            _rest = _rest[octets..];
            return true;
        }
    }
}
