using ZwCa.Asn1;

namespace ZwCa.Issuance;

/// <summary>
/// A CRL taken apart for <see cref="CrlRule"/>s, however badly it is made. Its entries stay where they are: <see cref="ReadEntries"/> walks them in constant memory. Everything
/// else is a tree, in which revokedCertificates is an empty SEQUENCE; fields that are missing are nodes that do not exist. Only where <see cref="Fault"/> is null do they stand where
/// X.509 puts them. Not safe for use by several threads at once.
/// </summary>
public sealed class CrlView
{
    /// <summary>Octets of what stands before the entries: an issuer's name and little else.</summary>
    public const int MaxHeadLength = 1 << 16;

    /// <summary>Octets of what stands behind the entries: extensions and signature.</summary>
    public const int MaxTailLength = 1 << 20;

    private const string NoCrl = "not a SEQUENCE of TBSCertList, AlgorithmIdentifier and BIT STRING";
    private const string NoTbs = "the fields of TBSCertList are not those of RFC 5280 §5.1";

    private static readonly DerTree Nothing = DerTree.Parse(new byte[] { DerTag.Null, 0 });

    private readonly CrlBytes _bytes;
    private readonly List<ExtensionView> _extensions = [];
    private long _entriesStart;
    private long _entriesEnd;

    /// <summary>In the tree, the octet behind the empty SEQUENCE that stands for the entries.</summary>
    private int _cut = int.MaxValue;

    /// <summary>How much further an octet is in the CRL than in the tree, before and behind the entries.</summary>
    private long _shiftBefore;
    private long _shiftBehind;

    private CrlView(CrlBytes bytes)
    {
        _bytes = bytes;
        Fault = Locate(out byte[] skeleton);
        Tree = Fault is null ? DerTree.Parse(skeleton) : Nothing;
        Fault ??= Tree.Broken ?? ReadFields() ?? ReadExtensions();
    }

    /// <summary>Of everything but the entries. Offsets in it are not those in the CRL: <see cref="OffsetOf"/>.</summary>
    public DerTree Tree { get; }

    /// <summary>Why it is no CRL, in English; null: it is one.</summary>
    public string? Fault { get; }

    public DerNode Tbs { get; private set; }

    /// <summary>The INTEGER; missing: version 1.</summary>
    public DerNode Version { get; private set; }

    public DerNode InnerAlgorithm { get; private set; }

    public DerNode Issuer { get; private set; }

    public DerNode ThisUpdate { get; private set; }

    public DerNode NextUpdate { get; private set; }

    /// <summary>revokedCertificates is there.</summary>
    public bool HasEntriesField { get; private set; }

    /// <summary>Octets of all entries.</summary>
    public long EntriesLength => _entriesEnd - _entriesStart;

    /// <summary>The SEQUENCE OF Extension; missing: none.</summary>
    public DerNode ExtensionsField { get; private set; }

    public DerNode OuterAlgorithm { get; private set; }

    public DerNode Signature { get; private set; }

    /// <summary>In wire order, one that occurs twice twice.</summary>
    public IReadOnlyList<ExtensionView> Extensions => _extensions;

    /// <summary>Dotted; null when it cannot be read.</summary>
    public string? SignatureAlgorithm { get; private set; }

    public bool IsDelta => Find(Oids.DeltaCrlIndicator) is not null;

    /// <summary>indirectCRL of IssuingDistributionPoint is TRUE.</summary>
    public bool IsIndirect { get; private set; }

    /// <summary>The offset in the CRL of a length, among the outermost three, that takes more octets than needed; null: none.</summary>
    internal long? LongLength { get; private set; }

    /// <summary>Where the TBSCertList stands in <see cref="Bytes"/>, header included.</summary>
    internal long TbsStart { get; private set; }

    /// <summary>Octets, header included.</summary>
    internal long TbsLength { get; private set; }

    internal CrlBytes Bytes => _bytes;

    /// <param name="bytes">Kept, not copied.</param>
    public static CrlView Read(ReadOnlyMemory<byte> bytes) => new(new CrlBytes(bytes));

    /// <param name="stream">Seekable; read from its beginning to its end now and whenever entries are. Stays the caller's.</param>
    public static CrlView Read(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return new CrlView(new CrlBytes(stream, 0, stream.Length, default, default));
    }

    /// <summary>Whether bytes begin as a CRL rather than as a certificate: a Time stands behind the issuer, where a certificate has a SEQUENCE.</summary>
    /// <param name="head">Some thousand octets, or all.</param>
    public static bool IsLikely(ReadOnlySpan<byte> head)
    {
        // The two outermost headers, then signature and issuer, each with or without a version or a serial number before it.
        for (int i = 0; i < 2; i++)
        {
            if (!DerCursor.TryReadHeader(head, out byte tag, out int header, out _, out _) || tag != DerTag.Sequence)
            {
                return false;
            }

            head = head[header..];
        }

        int sequences = 0;
        while (sequences < 2)
        {
            if (!DerCursor.TryReadHeader(head, out byte tag, out int header, out long length, out _) || header + length > head.Length
                || tag is not (DerTag.Integer or DerTag.Sequence))
            {
                return false;
            }

            sequences += tag == DerTag.Sequence ? 1 : 0;
            head = head[(header + (int)length)..];
        }

        return head is [DerTag.UtcTime or DerTag.GeneralizedTime, ..];
    }

    internal static CrlView Read(CrlBytes bytes) => new(bytes);

    /// <summary>Each entry, in wire order. For <c>foreach</c>; it holds a buffer until the end.</summary>
    public CrlEntryReader ReadEntries() => new(_bytes, _entriesStart, Fault is null ? _entriesEnd : _entriesStart);

    /// <param name="id">Dotted.</param>
    /// <returns>The first with the id; null: there is none.</returns>
    public ExtensionView? Find(string id)
    {
        foreach (ExtensionView extension in _extensions)
        {
            if (extension.Id == id)
            {
                return extension;
            }
        }

        return null;
    }

    /// <returns>The element inside extnValue; missing when the extension is, or holds no element.</returns>
    public DerNode Value(string id) => Find(id)?.Value ?? default;

    /// <param name="treeOffset">Of an element in <see cref="Tree"/>.</param>
    public long OffsetOf(int treeOffset) => treeOffset + (treeOffset < _cut ? _shiftBefore : _shiftBehind);

    /// <summary>Finds the entries, and makes the encoding of everything else.</summary>
    private string? Locate(out byte[] skeleton)
    {
        skeleton = [];
        byte[] head = _bytes.Read(0, (int)Math.Min(MaxHeadLength, _bytes.Length));
        if (!TryReadHeader(head, 0, _bytes.Length, out Place outer) || outer.Tag != DerTag.Sequence
            || !TryReadHeader(head, outer.Content, outer.End, out Place tbs) || tbs.Tag != DerTag.Sequence)
        {
            return NoCrl;
        }

        if (outer.End != _bytes.Length)
        {
            return $"{_bytes.Length - outer.End} bytes after the end";
        }

        (TbsStart, TbsLength) = (outer.Content, tbs.End - outer.Content);

        // Step 1: pass over version, signature, issuer, thisUpdate and nextUpdate.
        long at = tbs.Content;
        Place field = default;
        bool isVersionPassed = false;
        int passed = 0;
        while (at < tbs.End)
        {
            if (!TryReadHeader(head, at, tbs.End, out field))
            {
                return at + 10 > head.Length && head.Length < _bytes.Length ? $"the fields before the entries take more than {MaxHeadLength} octets" : NoTbs;
            }

            bool isTime = field.Tag is DerTag.UtcTime or DerTag.GeneralizedTime;
            if (passed == 0 && !isVersionPassed && field.Tag == DerTag.Integer)
            {
                isVersionPassed = true;
            }
            else if (passed < 3 || (passed == 3 && isTime))
            {
                passed++;
            }
            else
            {
                break;
            }

            at = field.End;
        }

        // Step 2: what follows is the entries, the extensions, or nothing.
        HasEntriesField = at < tbs.End && field.Tag == DerTag.Sequence;
        LongLength = !outer.IsMinimal ? 0 : !tbs.IsMinimal ? outer.Content : HasEntriesField && !field.IsMinimal ? at : null;
        long cutAt = HasEntriesField ? at : tbs.End;
        long resumeAt = HasEntriesField ? field.End : tbs.End;
        if (cutAt > head.Length)
        {
            return $"the fields before the entries take more than {MaxHeadLength} octets";
        }

        if (_bytes.Length - resumeAt > MaxTailLength)
        {
            return $"what follows the entries takes more than {MaxTailLength} octets";
        }

        (_entriesStart, _entriesEnd) = HasEntriesField ? (field.Content, field.End) : (0, 0);

        // Step 3: the same without entries, its two outermost lengths anew.
        byte[] tail = _bytes.Read(resumeAt, (int)(_bytes.Length - resumeAt));
        if (tail.Length != _bytes.Length - resumeAt)
        {
            return "cut off: the file became shorter";
        }

        int tailOfTbs = (int)(tbs.End - resumeAt);
        ReadOnlySpan<byte> entries = HasEntriesField ? [DerTag.Sequence, 0] : [];
        byte[] tbsContent = [.. head.AsSpan((int)tbs.Content, (int)(cutAt - tbs.Content)), .. entries, .. tail.AsSpan(0, tailOfTbs)];
        byte[] tbsHeader = DerCursor.SequenceHeader(tbsContent.Length);
        byte[] outerHeader = DerCursor.SequenceHeader(tbsHeader.Length + tbsContent.Length + tail.Length - tailOfTbs);
        skeleton = [.. outerHeader, .. tbsHeader, .. tbsContent, .. tail.AsSpan(tailOfTbs)];
        int tbsContentAt = outerHeader.Length + tbsHeader.Length;
        _shiftBefore = tbs.Content - tbsContentAt;
        _cut = tbsContentAt + (int)(cutAt - tbs.Content) + entries.Length;
        _shiftBehind = resumeAt - _cut;
        return null;
    }

    /// <summary>RFC 5280 §5.1.</summary>
    private string? ReadFields()
    {
        Tbs = Tree.Root.First;
        OuterAlgorithm = Tbs.Next;
        Signature = OuterAlgorithm.Next;
        if (!OuterAlgorithm.Is(DerTag.Sequence) || !Signature.Is(DerTag.BitString) || Signature.Next.Exists)
        {
            return NoCrl;
        }

        DerNode field = Tbs.First;
        if (field.Is(DerTag.Integer))
        {
            Version = field;
            field = field.Next;
        }

        InnerAlgorithm = field;
        Issuer = InnerAlgorithm.Next;
        ThisUpdate = Issuer.Next;
        if (!InnerAlgorithm.Is(DerTag.Sequence) || !Issuer.Is(DerTag.Sequence) || ThisUpdate.Tag is not (DerTag.UtcTime or DerTag.GeneralizedTime))
        {
            return NoTbs;
        }

        field = ThisUpdate.Next;
        if (field.Tag is DerTag.UtcTime or DerTag.GeneralizedTime)
        {
            NextUpdate = field;
            field = field.Next;
        }

        if (HasEntriesField)
        {
            field = field.Next;
        }

        if (field.Is(DerTag.ContextConstructed(0)))
        {
            ExtensionsField = field.Only;
            field = field.Next;
            if (!ExtensionsField.Is(DerTag.Sequence))
            {
                return "[0] does not hold a SEQUENCE OF Extension";
            }
        }

        SignatureAlgorithm = KnownOid.Name(InnerAlgorithm.First);
        return field.Exists ? "something stands behind the extensions" : null;
    }

    private string? ReadExtensions()
    {
        if (!ExtensionView.TryReadAll(ExtensionsField, _extensions))
        {
            return "an extension is not a SEQUENCE of OBJECT IDENTIFIER, BOOLEAN and OCTET STRING";
        }

        foreach (DerNode field in Value(Oids.IssuingDistributionPoint))
        {
            IsIndirect |= field.Is(DerTag.Context(4)) && !field.Content.SequenceEqual<byte>([0]);
        }

        return null;
    }

    private static bool TryReadHeader(byte[] head, long at, long limit, out Place place)
    {
        place = default;
        if (at >= head.Length || !DerCursor.TryReadHeader(head.AsSpan((int)at), out byte tag, out int header, out long length, out bool minimal))
        {
            return false;
        }

        place = new Place(tag, at + header, at + header + length, minimal);
        return place.End <= limit;
    }

    /// <summary>An element in the CRL.</summary>
    private readonly record struct Place(byte Tag, long Content, long End, bool IsMinimal);
}
