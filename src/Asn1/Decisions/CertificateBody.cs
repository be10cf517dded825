using System.Formats.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Decisions;

/// <summary>
/// <code>
/// CertificateBody ::= SEQUENCE {
///     profile              UTF8String,
///     profileHash          OCTET STRING (SIZE (32)),
///     issuer               OCTET STRING,
///     entity               UTF8String,
///     subject              SEQUENCE OF SEQUENCE { type OBJECT IDENTIFIER, text UTF8String },
///     subjectPublicKeyInfo SubjectPublicKeyInfo,
///     days                 INTEGER,
///     names                SEQUENCE OF GeneralName,
///     identities           SEQUENCE OF SEQUENCE { name UTF8String, text UTF8String },
///     evidence             OCTET STRING (SIZE (32)),
///     officer          [0] EXPLICIT OfficerIdentity OPTIONAL,
///     replaces         [1] EXPLICIT CertificateReference OPTIONAL,
///     encryption       [2] EXPLICIT ProfileReference OPTIONAL }
/// </code>
/// All that may stand in a certificate besides what profile, issuer and the region's registration say: what isn't in here, no CA writes into it.
/// </summary>
public sealed record CertificateBody : IDer<CertificateBody>
{
    private const int MaxAttributes = 32;
    private const int MaxNames = 256;
    private const int MaxDays = 36_500;

    /// <summary>Of the profile, with its SM3: the very version that was decided about.</summary>
    public required string Profile { get; init => field = CustodyFields.Text(value, nameof(Profile)); }

    /// <summary>32 bytes.</summary>
    public required ReadOnlyMemory<byte> ProfileHash { get; init => field = CustodyFields.Exactly(value, CustodyFields.HashLength, nameof(ProfileHash)); }

    /// <summary>The SubjectKeyIdentifier of the CA that shall issue it.</summary>
    public required ReadOnlyMemory<byte> Issuer { get; init; }

    /// <summary>Opaque id of the subscriber, of whom keys and names are; 1 to 256 characters.</summary>
    public required string Entity { get; init => field = CustodyFields.Text(value, nameof(Entity)); }

    /// <summary>Without country and place.</summary>
    public IReadOnlyList<SubjectAttributeText> Subject { get; init => field = Require.NoNull(value, nameof(Subject)); } = [];

    public required SubjectPublicKeyInfo SubjectPublicKeyInfo { get; init => field = Require.NotNull(value); }

    /// <summary>From the day of issue; 1 to 36,500.</summary>
    public required int Days
    {
        get;
        init => field = value is > 0 and <= MaxDays ? value : throw new ArgumentOutOfRangeException(nameof(Days), value, "1 to 36,500 days.");
    }

    public IReadOnlyList<GeneralName> Names { get; init => field = Require.NoNull(value, nameof(Names)); } = [];

    /// <summary>By the names of the profile's identities.</summary>
    public IReadOnlyList<IdentityText> Identities { get; init => field = Require.NoNull(value, nameof(Identities)); } = [];

    /// <summary>SM3 over the SM3 hashes of the pieces of evidence, one after the other; 32 bytes.</summary>
    public required ReadOnlyMemory<byte> Evidence { get; init => field = CustodyFields.Exactly(value, CustodyFields.HashLength, nameof(Evidence)); }

    public OfficerIdentity? Officer { get; init; }

    /// <summary>Of a renewal or a new key: the certificate that it follows; of a pair the signing one.</summary>
    public CertificateReference? Replaces { get; init; }

    /// <summary>Of a pair: the profile of the encryption certificate, for a key of the key management centre; all else here is the signing certificate's. Null: one certificate.</summary>
    public ProfileReference? Encryption { get; init; }

    /// <summary>The same bytes: that is what is signed.</summary>
    public bool Equals(CertificateBody? other) => other is not null && Der.Encode(this).AsSpan().SequenceEqual(Der.Encode(other));

    public override int GetHashCode() => ((ReadOnlyMemory<byte>)Der.Encode(this)).ContentHash();

    public static CertificateBody Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        string profile = CustodyFields.ReadText(sequence);
        ReadOnlyMemory<byte> profileHash = CustodyFields.ReadExactly(sequence, CustodyFields.HashLength);
        ReadOnlyMemory<byte> issuer = sequence.ReadOctets();
        string entity = CustodyFields.ReadText(sequence);
        IReadOnlyList<SubjectAttributeText> subject = ReadList(sequence, MaxAttributes, SubjectAttributeText.Read);
        var key = SubjectPublicKeyInfo.Read(sequence);
        bool isDays = sequence.TryReadInt32(out int days) && days is > 0 and <= MaxDays;
        var body = new CertificateBody
        {
            Profile = profile,
            ProfileHash = profileHash,
            Issuer = issuer,
            Entity = entity,
            Subject = subject,
            SubjectPublicKeyInfo = key,
            Days = isDays ? days : throw new AsnContentException("1 to 36,500 days."),
            Names = ReadList(sequence, MaxNames, GeneralName.Read),
            Identities = ReadList(sequence, MaxAttributes, IdentityText.Read),
            Evidence = CustodyFields.ReadExactly(sequence, CustodyFields.HashLength),
            Officer = sequence.HasData && sequence.PeekTag().HasSameClassAndValue(Tags.Context0) ? sequence.ReadExplicit<OfficerIdentity>(Tags.Context0) : null,
            Replaces = sequence.HasData && sequence.PeekTag().HasSameClassAndValue(Tags.Context1) ? sequence.ReadExplicit<CertificateReference>(Tags.Context1) : null,
            Encryption = sequence.HasData ? sequence.ReadExplicit<ProfileReference>(Tags.Context2) : null,
        };
        sequence.ThrowIfNotEmpty();
        return body;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            CustodyFields.WriteText(writer, Profile);
            writer.WriteOctetString(ProfileHash.Span);
            writer.WriteOctetString(Issuer.Span);
            CustodyFields.WriteText(writer, Entity);
            WriteList(writer, Subject, static (each, to) => each.Write(to));
            SubjectPublicKeyInfo.Write(writer);
            writer.WriteInteger(Days);
            WriteList(writer, Names, static (each, to) => each.Write(to));
            WriteList(writer, Identities, static (each, to) => each.Write(to));
            writer.WriteOctetString(Evidence.Span);
            WriteOptional(writer, Tags.Context0, Officer);
            WriteOptional(writer, Tags.Context1, Replaces);
            WriteOptional(writer, Tags.Context2, Encryption);
        }
    }

    /// <summary>No names in logs.</summary>
    public override string ToString() => Profile;

    private static List<T> ReadList<T>(AsnReader reader, int max, Func<AsnReader, T> read)
    {
        AsnReader sequence = reader.ReadSequence();
        var list = new List<T>();
        while (sequence.HasData)
        {
            list.Add(list.Count < max ? read(sequence) : throw new AsnContentException($"At most {max}."));
        }

        return list;
    }

    private static void WriteList<T>(AsnWriter writer, IReadOnlyList<T> list, Action<T, AsnWriter> write)
    {
        using (writer.PushSequence())
        {
            foreach (T each in list)
            {
                write(each, writer);
            }
        }
    }

    private static void WriteOptional<T>(AsnWriter writer, Asn1Tag tag, T? value)
        where T : class, IDer<T>
    {
        if (value is not null)
        {
            using (writer.PushSequence(tag))
            {
                value.Write(writer);
            }
        }
    }
}

/// <summary><code>SEQUENCE { type OBJECT IDENTIFIER, text UTF8String }</code></summary>
/// <param name="Type">Dotted OID.</param>
public sealed record SubjectAttributeText(string Type, string Text)
{
    public string Type { get; } = Require.Oid(Type);

    public string Text { get; } = CustodyFields.Text(Text, nameof(Text));

    internal static SubjectAttributeText Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var read = new SubjectAttributeText(sequence.ReadObjectIdentifier(), CustodyFields.ReadText(sequence));
        sequence.ThrowIfNotEmpty();
        return read;
    }

    internal void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(Type);
            CustodyFields.WriteText(writer, Text);
        }
    }

    /// <summary>No names in logs.</summary>
    public override string ToString() => Type;
}

/// <summary><code>SEQUENCE { name UTF8String, text UTF8String }</code></summary>
public sealed record IdentityText(string Name, string Text)
{
    public string Name { get; } = CustodyFields.Text(Name, nameof(Name));

    public string Text { get; } = CustodyFields.Text(Text, nameof(Text));

    internal static IdentityText Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var read = new IdentityText(CustodyFields.ReadText(sequence), CustodyFields.ReadText(sequence));
        sequence.ThrowIfNotEmpty();
        return read;
    }

    internal void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            CustodyFields.WriteText(writer, Name);
            CustodyFields.WriteText(writer, Text);
        }
    }

    /// <summary>No numbers in logs.</summary>
    public override string ToString() => Name;
}

/// <summary>
/// <code>
/// CertificateReference ::= SEQUENCE { issuer OCTET STRING, serial CertificateSerialNumber }
/// </code>
/// A certificate by its issuer's SubjectKeyIdentifier and its serial number.
/// </summary>
public sealed record CertificateReference(ReadOnlyMemory<byte> Issuer, SerialNumber SerialNumber) : IDer<CertificateReference>
{
    public SerialNumber SerialNumber { get; } = Require.NotNull(SerialNumber);

    public bool Equals(CertificateReference? other) => other is not null && Issuer.ContentEquals(other.Issuer) && SerialNumber == other.SerialNumber;

    public override int GetHashCode() => HashCode.Combine(Issuer.ContentHash(), SerialNumber);

    public static CertificateReference Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var read = new CertificateReference(sequence.ReadOctets(), SerialNumber.Read(sequence));
        sequence.ThrowIfNotEmpty();
        return read;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteOctetString(Issuer.Span);
            SerialNumber.Write(writer);
        }
    }
}

/// <summary>
/// <code>
/// StatusBody ::= SEQUENCE { certificate CertificateReference, reason ENUMERATED }
/// </code>
/// Revoke, suspend or resume one certificate. The reason is a CRLReason (RFC 5280 §5.3.1): of a suspension certificateHold(6), of a resumption removeFromCRL(8).
/// </summary>
public sealed record StatusBody(CertificateReference Certificate, RevocationReason Reason) : IDer<StatusBody>
{
    public CertificateReference Certificate { get; } = Require.NotNull(Certificate);

    public RevocationReason Reason { get; } =
        Enum.IsDefined(Reason) ? Reason : throw new ArgumentOutOfRangeException(nameof(Reason), Reason, "No such reason.");

    public static StatusBody Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var body = new StatusBody(CertificateReference.Read(sequence), CustodyFields.ReadEnumerated<RevocationReason>(sequence));
        sequence.ThrowIfNotEmpty();
        return body;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            Certificate.Write(writer);
            writer.WriteEnumeratedValue(Reason);
        }
    }
}
