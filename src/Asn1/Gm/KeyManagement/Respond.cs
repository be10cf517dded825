using System.Formats.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Gm.KeyManagement;

/// <summary>
/// <code>
/// Respond ::= CHOICE {
///     applyKeyRespond   [0] IMPLICIT RetKeyRespond,
///     restoreKeyRespond [1] IMPLICIT RetKeyRespond,
///     revokeKeyRespond  [2] IMPLICIT RevokeKeyRespond,
///     errorPkgRespond   [3] IMPLICIT ErrorPkgRespond }
/// </code>
/// GM/T 0014-2012 §5.2.3.
/// </summary>
public abstract record Respond : IDer<Respond>
{
    // Closed: the alternatives are those of this file.
    private protected Respond()
    {
    }

    /// <summary>True only for an answer read under a tolerance; see KeyManagementFields.</summary>
    public bool TagIsExplicit { get; private init; }

    private protected abstract Asn1Tag Tag { get; }

    public static Respond Read(AsnReader reader)
    {
        Asn1Tag tag = reader.PeekTag();
        if (tag.TagClass != TagClass.ContextSpecific)
        {
            throw new AsnContentException("Not a Respond.");
        }

        AsnReader fields = KeyManagementFields.ReadAlternative(reader, out bool tagIsExplicit);
        Respond respond = tag.TagValue switch
        {
            0 => new ApplyKeyRespond(RetKeyRespond.ReadFields(fields)),
            1 => new RestoreKeyRespond(RetKeyRespond.ReadFields(fields)),
            2 => RevokeKeyRespond.ReadFields(fields),
            3 => ErrorPkgRespond.ReadFields(fields),
            _ => throw new AsnContentException("Not a Respond."),
        };
        fields.ThrowIfNotEmpty();
        return tagIsExplicit ? respond with { TagIsExplicit = true } : respond;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence(Tag))
        using (AsnWriter.Scope? sequence = TagIsExplicit ? writer.PushSequence() : null)
        {
            WriteFields(writer);
        }
    }

    private protected abstract void WriteFields(AsnWriter writer);
}

/// <summary>To an ApplyKeyReq.</summary>
public sealed record ApplyKeyRespond(RetKeyRespond RetKeyRespond) : Respond
{
    private protected override Asn1Tag Tag => Tags.Context0;

    private protected override void WriteFields(AsnWriter writer) => RetKeyRespond.WriteFields(writer);
}

/// <summary>To a RestoreKeyReq.</summary>
public sealed record RestoreKeyRespond(RetKeyRespond RetKeyRespond) : Respond
{
    private protected override Asn1Tag Tag => Tags.Context1;

    private protected override void WriteFields(AsnWriter writer) => RetKeyRespond.WriteFields(writer);
}

/// <summary>
/// <code>
/// RevokeKeyRespond ::= SEQUENCE { userCertNo CertificateSerialNumber }
/// </code>
/// GM/T 0014-2012 §5.2.3: done.
/// </summary>
public sealed record RevokeKeyRespond(SerialNumber UserCertNo) : Respond
{
    private protected override Asn1Tag Tag => Tags.Context2;

    internal static RevokeKeyRespond ReadFields(AsnReader fields) => new(SerialNumber.Read(fields));

    private protected override void WriteFields(AsnWriter writer) => UserCertNo.Write(writer);
}

/// <summary>
/// <code>
/// ErrorPkgRespond ::= SEQUENCE { errNo INTEGER, errDesc [0] EXPLICIT PKIFreeText OPTIONAL }
/// </code>
/// GM/T 0014-2012 §5.2.3: one request was refused.
/// </summary>
public sealed record ErrorPkgRespond : Respond
{
    /// <param name="errDesc">For people.</param>
    public ErrorPkgRespond(int errNo, string? errDesc = null)
        : this(errNo, errDesc is null ? null : new Utf8Text(errDesc))
    {
    }

    private ErrorPkgRespond(int errNo, FreeText? errDesc)
    {
        ErrNo = errNo;
        ErrDesc = errDesc;
    }

    /// <summary>Each KM has its own numbers.</summary>
    public int ErrNo { get; }

    /// <summary>Null when absent.</summary>
    public FreeText? ErrDesc { get; }

    private protected override Asn1Tag Tag => Tags.Context3;

    internal static ErrorPkgRespond ReadFields(AsnReader fields) => new(
        fields.TryReadInt32(out int errNo) ? errNo : throw new AsnContentException("errNo has more than 32 bits."),
        fields.ReadOptionalExplicit<FreeText>(Tags.Context0));

    private protected override void WriteFields(AsnWriter writer)
    {
        writer.WriteInteger(ErrNo);
        writer.WriteOptionalExplicit(ErrDesc, Tags.Context0);
    }
}
