using System.Formats.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Decisions;

/// <summary>
/// <code>
/// CertificateSelection ::= CHOICE {
///     certificates     SEQUENCE SIZE (1..10000) OF CertificateReference,
///     key          [0] IMPLICIT OCTET STRING (SIZE (32)),
///     subject      [1] IMPLICIT OCTET STRING (SIZE (32)),
///     owner        [2] EXPLICIT UTF8String,
///     issued       [3] IMPLICIT SEQUENCE {
///         raName       [0] EXPLICIT UTF8String OPTIONAL,
///         region       PrintableString (SIZE (6)),
///         from         GeneralizedTime,
///         until        GeneralizedTime } }
/// </code>
/// Which certificates a command is about. Key by SM3 of its DER, subject by <see cref="Name.HashCanonical"/>; owners as the CA names them; issued: by an RA, in a region, within a time.
/// </summary>
public abstract record CertificateSelection : IDer<CertificateSelection>
{
    public const int MaxCertificates = 10_000;

    private static readonly Asn1Tag KeyTag = new(TagClass.ContextSpecific, 0);
    private static readonly Asn1Tag SubjectTag = new(TagClass.ContextSpecific, 1);
    private static readonly Asn1Tag OwnerTag = new(TagClass.ContextSpecific, 2, isConstructed: true);
    private static readonly Asn1Tag IssuedTag = new(TagClass.ContextSpecific, 3, isConstructed: true);
    private static readonly Asn1Tag RaTag = new(TagClass.ContextSpecific, 0, isConstructed: true);

    private const string WrongCount = "1 to 10,000 certificates.";
    private const string WrongTimes = "The end lies after the beginning.";

    private CertificateSelection()
    {
    }

    public static CertificateSelection Read(AsnReader reader)
    {
        Asn1Tag tag = reader.PeekTag();
        if (tag.HasSameClassAndValue(KeyTag))
        {
            return new Key(ReadHash(reader, KeyTag));
        }

        if (tag.HasSameClassAndValue(SubjectTag))
        {
            return new Subject(ReadHash(reader, SubjectTag));
        }

        if (tag.HasSameClassAndValue(OwnerTag))
        {
            AsnReader explicitly = reader.ReadSequence(OwnerTag);
            var owner = new Owner(CustodyFields.ReadText(explicitly));
            explicitly.ThrowIfNotEmpty();
            return owner;
        }

        if (tag.HasSameClassAndValue(IssuedTag))
        {
            return ReadIssued(reader.ReadSequence(IssuedTag));
        }

        IReadOnlyList<CertificateReference> list = reader.ReadSequence().AtLeastOne().ReadAll<CertificateReference>();
        return list.Count <= MaxCertificates ? new Certificates(list) : throw new AsnContentException(WrongCount);
    }

    public abstract void Write(AsnWriter writer);

    private static ReadOnlyMemory<byte> ReadHash(AsnReader reader, Asn1Tag tag)
    {
        ReadOnlyMemory<byte> hash = reader.ReadOctets(tag);
        return hash.Length == CustodyFields.HashLength ? hash : throw new AsnContentException("A hash has 32 bytes.");
    }

    private static Issued ReadIssued(AsnReader sequence)
    {
        string? ra = null;
        if (sequence.PeekTag().HasSameClassAndValue(RaTag))
        {
            AsnReader explicitly = sequence.ReadSequence(RaTag);
            ra = CustodyFields.ReadText(explicitly);
            explicitly.ThrowIfNotEmpty();
        }

        string region = CustodyFields.ReadRegion(sequence);
        Time from = Time.ReadGeneralized(sequence);
        Time until = Time.ReadGeneralized(sequence);
        sequence.ThrowIfNotEmpty();
        return from < until ? new Issued(ra, region, from, until) : throw new AsnContentException(WrongTimes);
    }

    /// <param name="List">1 to 10,000.</param>
    public sealed record Certificates(IReadOnlyList<CertificateReference> List) : CertificateSelection
    {
        public IReadOnlyList<CertificateReference> List { get; } =
            Require.NoNull(List) is { Count: > 0 and <= MaxCertificates } list ? list : throw new ArgumentException(WrongCount, nameof(List));

        public bool Equals(Certificates? other) => other is not null && List.SequenceEqual(other.List);

        public override int GetHashCode() => List.Count;

        public override void Write(AsnWriter writer) => writer.WriteSequenceOf(List);
    }

    /// <param name="Hash">SM3 of the SubjectPublicKeyInfo, 32 bytes.</param>
    public sealed record Key(ReadOnlyMemory<byte> Hash) : CertificateSelection
    {
        public ReadOnlyMemory<byte> Hash { get; } = CustodyFields.Exactly(Hash, CustodyFields.HashLength, nameof(Hash));

        public bool Equals(Key? other) => other is not null && Hash.ContentEquals(other.Hash);

        public override int GetHashCode() => Hash.ContentHash();

        public override void Write(AsnWriter writer) => writer.WriteOctetString(Hash.Span, KeyTag);
    }

    /// <param name="Hash">As <see cref="Name.HashCanonical"/> has it, 32 bytes.</param>
    public sealed record Subject(ReadOnlyMemory<byte> Hash) : CertificateSelection
    {
        public ReadOnlyMemory<byte> Hash { get; } = CustodyFields.Exactly(Hash, CustodyFields.HashLength, nameof(Hash));

        public bool Equals(Subject? other) => other is not null && Hash.ContentEquals(other.Hash);

        public override int GetHashCode() => Hash.ContentHash();

        public override void Write(AsnWriter writer) => writer.WriteOctetString(Hash.Span, SubjectTag);
    }

    /// <param name="Name">The RA's name, a slash, its entity; or <c>system/</c> and the entity.</param>
    public sealed record Owner(string Name) : CertificateSelection
    {
        public string Name { get; } = CustodyFields.Text(Name, nameof(Name));

        public override void Write(AsnWriter writer)
        {
            using (writer.PushSequence(OwnerTag))
            {
                CustodyFields.WriteText(writer, Name);
            }
        }
    }

    /// <param name="RaName">Null: whoever asked for them.</param>
    /// <param name="Region">GB/T 2260, with all below.</param>
    /// <param name="From">Then or later.</param>
    /// <param name="Until">Before that.</param>
    public sealed record Issued(string? RaName, string Region, Time From, Time Until) : CertificateSelection
    {
        public string? RaName { get; } = RaName is null ? null : CustodyFields.Text(RaName, nameof(RaName));

        public string Region { get; } = CustodyFields.Region(Region, nameof(Region));

        public Time Until { get; } = From < Until ? Until : throw new ArgumentException(WrongTimes, nameof(Until));

        public override void Write(AsnWriter writer)
        {
            using (writer.PushSequence(IssuedTag))
            {
                if (RaName is not null)
                {
                    using (writer.PushSequence(RaTag))
                    {
                        CustodyFields.WriteText(writer, RaName);
                    }
                }

                CustodyFields.WriteRegion(writer, Region);
                From.WriteGeneralized(writer);
                Until.WriteGeneralized(writer);
            }
        }
    }
}

/// <summary>
/// <code>
/// BulkStatusBody ::= SEQUENCE { kind ENUMERATED { revoke(4), suspend(6), resume(7) }, reason ENUMERATED, selection CertificateSelection }
/// </code>
/// Parameters of the commands that change the status of many certificates. The reason is as in <see cref="StatusBody"/>.
/// </summary>
public sealed record BulkStatusBody(DecisionKind Kind, RevocationReason Reason, CertificateSelection Selection) : IDer<BulkStatusBody>
{
    private const string WrongKind = "Revoke, suspend or resume.";

    public DecisionKind Kind { get; } = IsKind(Kind) ? Kind : throw new ArgumentOutOfRangeException(nameof(Kind), Kind, WrongKind);

    public RevocationReason Reason { get; } =
        Enum.IsDefined(Reason) ? Reason : throw new ArgumentOutOfRangeException(nameof(Reason), Reason, "No such reason.");

    public CertificateSelection Selection { get; } = Require.NotNull(Selection);

    public static BulkStatusBody Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        DecisionKind kind = CustodyFields.ReadEnumerated<DecisionKind>(sequence);
        RevocationReason reason = CustodyFields.ReadEnumerated<RevocationReason>(sequence);
        CertificateSelection selection = CertificateSelection.Read(sequence);
        sequence.ThrowIfNotEmpty();
        return IsKind(kind) ? new BulkStatusBody(kind, reason, selection) : throw new AsnContentException(WrongKind);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteEnumeratedValue(Kind);
            writer.WriteEnumeratedValue(Reason);
            Selection.Write(writer);
        }
    }

    private static bool IsKind(DecisionKind kind) => kind is DecisionKind.Revoke or DecisionKind.Suspend or DecisionKind.Resume;
}
