namespace ZwCa.Issuance;

/// <summary>One element of a <see cref="DerTree"/>, or none (<c>default</c>), of which every child and neighbour is none too.</summary>
public readonly struct DerNode
{
    private readonly DerTree? _tree;

    internal DerNode(DerTree tree, int index)
    {
        _tree = tree;
        Index = index;
    }

    internal int Index { get; }

    public bool Exists => _tree is not null;

    /// <summary>The first identifier octet: class, form and number below 31. 0 for none.</summary>
    public byte Tag => _tree is null ? (byte)0 : _tree.At(Index).Tag;

    /// <summary>Of the first octet in the whole.</summary>
    public int Offset => _tree is null ? -1 : _tree.At(Index).Start;

    public ReadOnlySpan<byte> Content => _tree is null ? [] : _tree.Slice(_tree.At(Index).Content, _tree.At(Index).End);

    /// <summary>Header and content.</summary>
    public ReadOnlySpan<byte> Encoded => _tree is null ? [] : _tree.Slice(_tree.At(Index).Start, _tree.At(Index).End);

    /// <summary>As <see cref="Encoded"/>.</summary>
    public ReadOnlyMemory<byte> EncodedMemory => _tree is null ? default : _tree.Memory(_tree.At(Index).Start, _tree.At(Index).End);

    public DerNode First => _tree is null || _tree.At(Index).FirstChild < 0 ? default : new DerNode(_tree, _tree.At(Index).FirstChild);

    public DerNode Next => _tree is null || _tree.At(Index).Next < 0 ? default : new DerNode(_tree, _tree.At(Index).Next);

    /// <summary>The only child, or none when there are more.</summary>
    public DerNode Only => First is { Exists: true, Next.Exists: false } only ? only : default;

    /// <summary>The element inside an OCTET STRING; none when that holds anything else than one element.</summary>
    public DerNode Inside => _tree?.Inside(this, 0) ?? default;

    /// <summary>The element inside a BIT STRING without unused bits; none when that holds anything else than one element.</summary>
    public DerNode InsideBits => _tree is not null && Tag == DerTag.BitString && Content is [0, ..] ? _tree.Inside(this, 1) : default;

    /// <summary>For <c>foreach</c> over the children.</summary>
    public Enumerator GetEnumerator() => new(First);

    public bool Is(byte tag) => Exists && Tag == tag;

    /// <summary>An OBJECT IDENTIFIER with these content octets.</summary>
    public bool IsOid(ReadOnlySpan<byte> content) => Is(DerTag.ObjectIdentifier) && Content.SequenceEqual(content);

    public struct Enumerator(DerNode first)
    {
        private DerNode _next = first;

        public DerNode Current { get; private set; }

        public bool MoveNext()
        {
            Current = _next;
            _next = _next.Next;
            return Current.Exists;
        }
    }
}

/// <summary>Identifier octets (X.690 §8.1.2, X.680 §8.4).</summary>
public static class DerTag
{
    public const byte Boolean = 0x01;
    public const byte Integer = 0x02;
    public const byte BitString = 0x03;
    public const byte OctetString = 0x04;
    public const byte Null = 0x05;
    public const byte ObjectIdentifier = 0x06;
    public const byte Enumerated = 0x0a;
    public const byte Utf8String = 0x0c;
    public const byte PrintableString = 0x13;
    public const byte TeletexString = 0x14;
    public const byte Ia5String = 0x16;
    public const byte UtcTime = 0x17;
    public const byte GeneralizedTime = 0x18;
    public const byte UniversalString = 0x1c;
    public const byte BmpString = 0x1e;
    public const byte Sequence = 0x30;
    public const byte Set = 0x31;

    /// <summary>Context-specific, primitive.</summary>
    public static byte Context(int number) => (byte)(0x80 | number);

    /// <summary>Context-specific, constructed.</summary>
    public static byte ContextConstructed(int number) => (byte)(0xa0 | number);
}
