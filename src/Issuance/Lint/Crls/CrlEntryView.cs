using ZwCa.Asn1.Pkix;

namespace ZwCa.Issuance;

/// <summary>One element of revokedCertificates, taken apart without allocating; it lives until the next is read.</summary>
public readonly ref struct CrlEntryView
{
    internal CrlEntryView(long number, long offset, ReadOnlySpan<byte> encoded)
    {
        Number = number;
        Offset = offset;
        Encoded = encoded;
        var outer = new DerCursor(encoded);
        if (!outer.Next(DerTag.Sequence) || !outer.AtEnd)
        {
            Fault = "not a SEQUENCE";
            return;
        }

        var fields = new DerCursor(outer.Content);
        if (!fields.Next(DerTag.Integer))
        {
            Fault = "no serial number";
            return;
        }

        SerialNumber = fields.Content;
        if (!fields.Next())
        {
            Fault = "no revocation date";
            return;
        }

        DateTag = fields.Tag;
        Date = fields.Content;
        if (fields.AtEnd)
        {
            return;
        }

        if (!fields.Next(DerTag.Sequence) || !fields.AtEnd)
        {
            Fault = "something else than extensions behind the revocation date";
            return;
        }

        ExtensionsField = fields.Content;
        Fault = fields.Content.IsEmpty ? "an empty SEQUENCE of extensions" : FaultOf(Extensions);
    }

    internal CrlEntryView(long number, long offset, string fault)
    {
        Number = number;
        Offset = offset;
        Fault = fault;
    }

    /// <summary>From 1.</summary>
    public long Number { get; }

    /// <summary>Of its first octet in the CRL.</summary>
    public long Offset { get; }

    /// <summary>Header and content.</summary>
    public ReadOnlySpan<byte> Encoded { get; }

    /// <summary>Why it is no entry, in English; null: it is one.</summary>
    public string? Fault { get; }

    /// <summary>Content octets of userCertificate.</summary>
    public ReadOnlySpan<byte> SerialNumber { get; }

    public byte DateTag { get; }

    /// <summary>Content octets of revocationDate.</summary>
    public ReadOnlySpan<byte> Date { get; }

    /// <summary>UTC; null: a date that cannot be read.</summary>
    public DateTime? RevokedAt => CrlTime.Read(DateTag, Date);

    /// <summary>Unspecified where there is no reasonCode; null: one that does not exist.</summary>
    public RevocationReason? Reason => CrlReasons.Read(this) is not { } reason ? RevocationReason.Unspecified : reason < 0 ? null : (RevocationReason)reason;

    /// <summary>UTC; null: there is none, or one that cannot be read.</summary>
    public DateTime? InvalidityDate
    {
        get
        {
            if (!TryFind(CrlEntryExtensionId.InvalidityDate, out CrlEntryExtensionReader found))
            {
                return null;
            }

            var value = new DerCursor(found.Value);
            return value.Next() ? CrlTime.Read(value.Tag, value.Content) : null;
        }
    }

    public CrlEntryExtensionReader Extensions => new(ExtensionsField);

    internal ReadOnlySpan<byte> ExtensionsField { get; }

    /// <summary>The first with the identifier.</summary>
    /// <param name="id">Content octets.</param>
    internal bool TryFind(ReadOnlySpan<byte> id, out CrlEntryExtensionReader found)
    {
        found = Extensions;
        while (found.MoveNext())
        {
            if (found.Id.SequenceEqual(id))
            {
                return true;
            }
        }

        return false;
    }

    private static string? FaultOf(CrlEntryExtensionReader extensions)
    {
        while (extensions.MoveNext())
        {
        }

        return extensions.Failed ? "an extension that is not a SEQUENCE of OBJECT IDENTIFIER, BOOLEAN and OCTET STRING" : null;
    }
}

/// <summary>The extensions of one entry, one after the other.</summary>
public ref struct CrlEntryExtensionReader
{
    private DerCursor _extensions;

    internal CrlEntryExtensionReader(ReadOnlySpan<byte> extensions) => _extensions = new DerCursor(extensions);

    /// <summary>Content octets of extnID.</summary>
    public ReadOnlySpan<byte> Id { get; private set; }

    /// <summary>As a reader takes it: any octet but 00.</summary>
    public bool Critical { get; private set; }

    /// <summary>Content octets of extnValue.</summary>
    public ReadOnlySpan<byte> Value { get; private set; }

    internal bool Failed { get; private set; }

    public bool MoveNext()
    {
        if (!_extensions.Next())
        {
            Failed |= _extensions.Failed;
            return false;
        }

        var fields = new DerCursor(_extensions.Content);
        if (_extensions.Tag != DerTag.Sequence || !fields.Next(DerTag.ObjectIdentifier))
        {
            Failed = true;
            return false;
        }

        Id = fields.Content;
        bool more = fields.Next();
        Critical = more && fields.Tag == DerTag.Boolean && !fields.Content.SequenceEqual<byte>([0]);
        if (more && fields.Tag == DerTag.Boolean)
        {
            more = fields.Next();
        }

        Value = fields.Content;
        Failed = !more || fields.Tag != DerTag.OctetString || !fields.AtEnd;
        return !Failed;
    }
}
