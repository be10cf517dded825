using System.Globalization;
using System.Text.RegularExpressions;

namespace ZwCa.Interop;

/// <summary>DER taken apart by <c>openssl asn1parse</c>, so that the parts that openssl judges do not come from our own reader.</summary>
internal sealed partial class ParsedDer
{
    private readonly byte[] _der;

    private ParsedDer(byte[] der, IReadOnlyList<Element> elements)
    {
        _der = der;
        Elements = elements;
    }

    /// <summary>In the order of the encoding, the outermost first.</summary>
    public IReadOnlyList<Element> Elements { get; }

    public static ParsedDer Of(OpenSsl openssl, ReadOnlySpan<byte> der)
    {
        OpenSsl.Output listing = openssl.Run(["asn1parse", "-inform", "DER"], der);
        return new ParsedDer(der.ToArray(), [.. listing.Lines.Select(Element.Parse)]);
    }

    /// <summary>Elements of the depth; the outermost has depth 0.</summary>
    public IReadOnlyList<Element> AtDepth(int depth) => [.. Elements.Where(e => e.Depth == depth)];

    /// <summary>Tag, length and content.</summary>
    public byte[] Encoded(Element element) => _der[element.Offset..element.End];

    public byte[] Content(Element element) => _der[(element.Offset + element.HeaderLength)..element.End];

    /// <summary>The bytes of a BIT STRING.</summary>
    public byte[] Bits(Element element)
    {
        Assert.Equal("BIT STRING", element.Type);
        byte[] content = Content(element);
        Assert.Equal(0, content[0]);
        return content[1..];
    }

    /// <param name="Type">As openssl calls it: <c>SEQUENCE</c>, <c>BIT STRING</c>, <c>cont [ 0 ]</c>.</param>
    public sealed partial record Element(int Offset, int Depth, int HeaderLength, int Length, string Type)
    {
        public int End => Offset + HeaderLength + Length;

        internal static Element Parse(string line)
        {
            Match match = Line().Match(line);
            Assert.True(match.Success, $"A line that asn1parse does not print: {line}");
            return new Element(Number("offset"), Number("depth"), Number("header"), Number("length"), match.Groups["type"].Value.Trim());

            int Number(string group) => int.Parse(match.Groups[group].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture);
        }

        [GeneratedRegex(@"^(?<offset>\d+):d=(?<depth>\d+) +hl=(?<header>\d+) +l= *(?<length>\d+) +(prim|cons): (?<type>.+?)( {2,}|:|$)")]
        private static partial Regex Line();
    }
}
