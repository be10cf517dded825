using System.Collections.Frozen;
using System.Formats.Asn1;
using System.Reflection;
using ZwCa.Asn1;

namespace ZwCa.Issuance;

/// <summary>Object identifiers by their content octets, so that judging a certificate does not print each of them.</summary>
public static class KnownOid
{
    /// <summary>Longer ones are none: printing takes time that grows with the square of the length.</summary>
    private const int MaxLength = 128;

    private static readonly FrozenDictionary<Key, string> Names = typeof(Oids)
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Where(field => field.IsLiteral)
        .Select(field => (string)field.GetRawConstantValue()!)
        .Distinct()
        .ToFrozenDictionary(oid => new Key(Content(oid)), KeyComparer.Instance);

    private static readonly FrozenDictionary<Key, string>.AlternateLookup<ReadOnlySpan<byte>> Lookup = Names.GetAlternateLookup<ReadOnlySpan<byte>>();

    /// <returns>Content octets.</returns>
    /// <param name="oid">Dotted.</param>
    public static byte[] Content(string oid)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        writer.WriteObjectIdentifier(oid);
        byte[] encoded = writer.Encode();
        AsnDecoder.ReadEncodedValue(encoded, AsnEncodingRules.DER, out int offset, out int length, out _);
        return encoded.AsSpan(offset, length).ToArray();
    }

    /// <returns>Dotted; null when the octets are no object identifier, or one of more than 128 octets.</returns>
    public static string? Name(DerNode node)
    {
        if (!node.Is(DerTag.ObjectIdentifier))
        {
            return null;
        }

        return Lookup.TryGetValue(node.Content, out string? name) ? name : Print(node.Content);
    }

    /// <summary>X.690 §8.19.</summary>
    private static string? Print(ReadOnlySpan<byte> content)
    {
        if (content.Length is 0 or > MaxLength || content[^1] >= 0x80)
        {
            return null;
        }

        var text = new System.Text.StringBuilder();
        System.Numerics.BigInteger arc = 0;
        bool first = true;
        bool begins = true;
        foreach (byte octet in content)
        {
            if (begins && octet == 0x80)
            {
                return null;
            }

            begins = false;
            arc = (arc << 7) | (octet & 0x7f);
            if (octet >= 0x80)
            {
                continue;
            }

            if (first)
            {
                int root = arc < 40 ? 0 : arc < 80 ? 1 : 2;
                text.Append(root);
                arc -= 40 * root;
                first = false;
            }

            text.Append('.').Append(arc.ToString(System.Globalization.CultureInfo.InvariantCulture));
            arc = 0;
            begins = true;
        }

        return text.ToString();
    }

    private readonly record struct Key(byte[] Content);

    private sealed class KeyComparer : IEqualityComparer<Key>, IAlternateEqualityComparer<ReadOnlySpan<byte>, Key>
    {
        public static KeyComparer Instance { get; } = new();

        public bool Equals(Key x, Key y) => x.Content.AsSpan().SequenceEqual(y.Content);

        public int GetHashCode(Key obj) => GetHashCode(obj.Content.AsSpan());

        public bool Equals(ReadOnlySpan<byte> alternate, Key other) => alternate.SequenceEqual(other.Content);

        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            uint hash = 2_166_136_261;
            unchecked
            {
                foreach (byte octet in alternate)
                {
                    hash = (hash ^ octet) * 16_777_619;
                }

                return (int)hash;
            }
        }

        public Key Create(ReadOnlySpan<byte> alternate) => new(alternate.ToArray());
    }
}
