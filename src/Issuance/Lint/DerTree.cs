namespace ZwCa.Issuance;

/// <summary>How an encoding departs from DER (X.690 §8, §10, §11) and can be read all the same.</summary>
public enum DerFaultKind
{
    /// <summary>X.690 §10.1: the length takes more octets than needed.</summary>
    LengthNotMinimal,

    /// <summary>X.690 §8.3.2: the first nine bits of an INTEGER or ENUMERATED are all equal.</summary>
    IntegerNotMinimal,

    /// <summary>X.690 §11.1: TRUE is FF, FALSE is 00, one octet.</summary>
    BooleanNotCanonical,

    /// <summary>X.690 §11.2.1: unused bits of a BIT STRING are zero, at most seven, and none in an empty one.</summary>
    UnusedBitsNotZero,

    /// <summary>X.690 §10.2: a string type in constructed form.</summary>
    ConstructedString,

    /// <summary>X.690 §11.6: the elements of a SET OF are not in the order of their encodings.</summary>
    SetNotSorted,

    /// <summary>X.690 §8.1.2.4: a tag number below 31 in the long form, or with leading zeros.</summary>
    TagNotMinimal,

    /// <summary>X.690 §8.19.2: an arc of an OBJECT IDENTIFIER with leading zeros, cut off, or none at all.</summary>
    OidNotCanonical,

    /// <summary>X.690 §8.8.2: a NULL with content.</summary>
    NullNotEmpty,
}

/// <param name="Offset">Of the element's first octet in the whole.</param>
public readonly record struct DerFault(DerFaultKind Kind, int Offset);

/// <summary>
/// An encoding taken apart without knowing what it is: every element with its place. It reads what is not quite DER, and says where it is not, because
/// certificates to be judged are not always well made. What cannot be taken apart at all (lengths that point outside, indefinite lengths) is <see cref="Broken"/>.
/// </summary>
public sealed class DerTree
{
    private const int MaxDepth = 40;
    private const int LongTag = 0x1f;

    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly List<DerFault> _faults = [];
    private Element[] _elements;
    private int _count;

    private DerTree(ReadOnlyMemory<byte> bytes, int leafOffset)
    {
        _bytes = bytes;
        _elements = new Element[Math.Clamp(bytes.Length / 6, 16, 4096)];
        Broken = ReadAll(0, bytes.Length, 0, leafOffset, out int first) ?? (first < 0 ? "no element" : null)
            ?? (_elements[0].End != bytes.Length ? $"{bytes.Length - _elements[0].End} bytes after the end" : null);
    }

    /// <summary>Why it cannot be taken apart, in English; null: it can.</summary>
    public string? Broken { get; private set; }

    /// <summary>In the order of their places.</summary>
    public IReadOnlyList<DerFault> Faults => _faults;

    /// <summary>The same, for <c>foreach</c> without an enumerator on the heap.</summary>
    internal List<DerFault> FaultList => _faults;

    /// <summary>The whole.</summary>
    public DerNode Root => new(this, 0);

    /// <param name="bytes">Kept, not copied.</param>
    /// <param name="leafOffset">The element that begins here is not taken apart, however constructed: entries of a CRL, of which there may be a million.</param>
    public static DerTree Parse(ReadOnlyMemory<byte> bytes, int leafOffset = -1) => new(bytes, leafOffset);

    /// <summary>Takes the content of a primitive element apart, for an OCTET STRING or BIT STRING that holds an encoding.</summary>
    /// <param name="skip">Octets before the encoding, which are there: 1 in a BIT STRING.</param>
    /// <returns>The element inside; missing when there is not exactly one.</returns>
    internal DerNode Inside(DerNode node, int skip)
    {
        ref readonly Element outer = ref _elements[node.Index];
        int content = outer.Content + skip;
        int end = outer.End;
        int before = _count;
        int faultsBefore = _faults.Count;
        string? broken = ReadAll(content, end, 1, -1, out int first);
        if (broken is not null || first < 0 || _elements[first].End != end)
        {
            // It was no encoding, so it has no faults either.
            _count = before;
            _faults.RemoveRange(faultsBefore, _faults.Count - faultsBefore);
            return default;
        }

        return new DerNode(this, first);
    }

    internal ref readonly Element At(int index) => ref _elements[index];

    internal ReadOnlySpan<byte> Slice(int start, int end) => _bytes.Span[start..end];

    internal ReadOnlyMemory<byte> Memory(int start, int end) => _bytes[start..end];

    /// <summary>Reads elements one after the other up to <paramref name="end"/>, with what is in them.</summary>
    private string? ReadAll(int at, int end, int depth, int leafOffset, out int first)
    {
        first = -1;
        if (depth > MaxDepth)
        {
            return $"nested more than {MaxDepth} deep";
        }

        ReadOnlySpan<byte> bytes = _bytes.Span;
        int previous = -1;
        while (at < end)
        {
            int start = at;
            int tag = bytes[at];
            at++;
            int number = tag & LongTag;
            if (number == LongTag && !ReadLongTag(bytes, end, start, ref at, out number))
            {
                return $"a tag that is cut off at {start}";
            }

            if (!ReadLength(bytes, end, start, ref at, out int length))
            {
                return $"a length at {start} that is cut off, indefinite or beyond the end";
            }

            int index = Add(new Element { Tag = (byte)tag, Number = number, Start = start, Content = at, End = at + length, FirstChild = -1, Next = -1 });
            if (previous < 0)
            {
                first = index;
            }
            else
            {
                _elements[previous].Next = index;
            }

            previous = index;
            if ((tag & 0x20) != 0)
            {
                if (start != leafOffset)
                {
                    string? broken = ReadAll(at, at + length, depth + 1, leafOffset, out int child);
                    _elements[index].FirstChild = child;
                    if (broken is not null)
                    {
                        return broken;
                    }

                    CheckConstructed(index);
                }
            }
            else if (tag < 0x1f)
            {
                CheckPrimitive(tag, bytes[at..(at + length)], start);
            }

            at += length;
        }

        return null;
    }

    private bool ReadLongTag(ReadOnlySpan<byte> bytes, int end, int start, ref int at, out int number)
    {
        number = 0;
        int first = at;
        while (true)
        {
            if (at >= end || at - first > 3)
            {
                return false;
            }

            byte octet = bytes[at];
            at++;
            number = (number << 7) | (octet & 0x7f);
            if (octet < 0x80)
            {
                break;
            }
        }

        if (number < LongTag || bytes[first] == 0x80)
        {
            _faults.Add(new DerFault(DerFaultKind.TagNotMinimal, start));
        }

        return true;
    }

    private bool ReadLength(ReadOnlySpan<byte> bytes, int end, int start, ref int at, out int length)
    {
        length = 0;
        if (at >= end)
        {
            return false;
        }

        int octet = bytes[at];
        at++;
        if (octet < 0x80)
        {
            length = octet;
            return length <= end - at;
        }

        int count = octet & 0x7f;
        if (count is 0 or > 8 || count > end - at)
        {
            return false;
        }

        long value = 0;
        for (int i = 0; i < count; i++)
        {
            value = (value << 8) | bytes[at + i];
            if (value > int.MaxValue)
            {
                return false;
            }
        }

        if (value < 0x80 || bytes[at] == 0)
        {
            _faults.Add(new DerFault(DerFaultKind.LengthNotMinimal, start));
        }

        at += count;
        length = (int)value;
        return length <= end - at;
    }

    private int Add(in Element element)
    {
        if (_count == _elements.Length)
        {
            Array.Resize(ref _elements, 2 * _count);
        }

        _elements[_count] = element;
        _count++;
        return _count - 1;
    }

    private void CheckPrimitive(int tag, ReadOnlySpan<byte> content, int start)
    {
        switch (tag)
        {
            case 0x01 when content.Length != 1 || content[0] is not (0x00 or 0xff):
                _faults.Add(new DerFault(DerFaultKind.BooleanNotCanonical, start));
                break;
            case 0x02 or 0x0a when content.IsEmpty || (content.Length > 1 && ((content[0] == 0 && content[1] < 0x80) || (content[0] == 0xff && content[1] >= 0x80))):
                _faults.Add(new DerFault(DerFaultKind.IntegerNotMinimal, start));
                break;
            case 0x03 when content.IsEmpty || content[0] > 7 || (content.Length == 1 ? content[0] != 0 : (content[^1] & ((1 << content[0]) - 1)) != 0):
                _faults.Add(new DerFault(DerFaultKind.UnusedBitsNotZero, start));
                break;
            case 0x05 when !content.IsEmpty:
                _faults.Add(new DerFault(DerFaultKind.NullNotEmpty, start));
                break;
            case 0x06 when !IsOid(content):
                _faults.Add(new DerFault(DerFaultKind.OidNotCanonical, start));
                break;
        }
    }

    private static bool IsOid(ReadOnlySpan<byte> content)
    {
        bool begins = true;
        foreach (byte octet in content)
        {
            if (begins && octet == 0x80)
            {
                return false;
            }

            begins = octet < 0x80;
        }

        return begins && !content.IsEmpty;
    }

    private void CheckConstructed(int index)
    {
        ref readonly Element element = ref _elements[index];
        if (element.Tag == 0x31)
        {
            // A SET of one element, which nearly all RDNs are, is in order.
            int child = element.FirstChild;
            for (int next = child < 0 ? -1 : _elements[child].Next; next >= 0; child = next, next = _elements[next].Next)
            {
                if (Slice(_elements[child].Start, _elements[child].End).SequenceCompareTo(Slice(_elements[next].Start, _elements[next].End)) > 0)
                {
                    _faults.Add(new DerFault(DerFaultKind.SetNotSorted, element.Start));
                    return;
                }
            }
        }
        else if (element.Tag is > 0x20 and < 0x3f and not 0x30 and not 0x28 and not 0x2b)
        {
            // Universal, constructed, and neither SEQUENCE, SET, EXTERNAL nor EMBEDDED PDV.
            _faults.Add(new DerFault(DerFaultKind.ConstructedString, element.Start));
        }
    }

    internal struct Element
    {
        /// <summary>First identifier octet.</summary>
        public byte Tag;

        public int Number;

        public int Start;

        public int Content;

        public int End;

        /// <summary>-1: none.</summary>
        public int FirstChild;

        /// <summary>-1: the last.</summary>
        public int Next;
    }
}
