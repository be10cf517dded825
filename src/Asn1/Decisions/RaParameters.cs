using System.Formats.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Custody;

namespace ZwCa.Asn1.Decisions;

/// <summary>
/// <code>
/// RaRegistration ::= SEQUENCE {
///     name   UTF8String,
///     entity UTF8String,
///     region PrintableString (SIZE (6)),
///     quota  INTEGER,
///     scope  SEQUENCE SIZE (0..1000) OF RaScope }
/// </code>
/// Parameters of the commands that register an RA and change it: all that it shall be from then on.
/// </summary>
/// <param name="Name">1 to 256 characters, as has the entity.</param>
/// <param name="Entity">Whose message certificates are the RA's.</param>
/// <param name="Region">GB/T 2260, six digits.</param>
/// <param name="Quota">Certificates that it may have had issued in all; not negative.</param>
public sealed record RaRegistration(string Name, string Entity, string Region, long Quota, IReadOnlyList<RaScope> Scope) : IDer<RaRegistration>
{
    private const int MaxScope = 1000;
    private const string WrongScope = "At most 1,000.";

    public string Name { get; } = CustodyFields.Text(Name, nameof(Name));

    public string Entity { get; } = CustodyFields.Text(Entity, nameof(Entity));

    public string Region { get; } = CustodyFields.Region(Region, nameof(Region));

    public long Quota { get; } = LogFields.Count(Quota, nameof(Quota));

    public IReadOnlyList<RaScope> Scope { get; } =
        Require.NoNull(Scope).Count <= MaxScope ? [.. Scope] : throw new ArgumentException(WrongScope, nameof(Scope));

    public static RaRegistration Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        string name = CustodyFields.ReadText(sequence);
        string entity = CustodyFields.ReadText(sequence);
        string region = CustodyFields.ReadRegion(sequence);
        long quota = LogFields.ReadCount(sequence);
        IReadOnlyList<RaScope> scope = sequence.ReadSequence().ReadAll<RaScope>();
        sequence.ThrowIfNotEmpty();
        return scope.Count <= MaxScope ? new RaRegistration(name, entity, region, quota, scope) : throw new AsnContentException(WrongScope);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            CustodyFields.WriteText(writer, Name);
            CustodyFields.WriteText(writer, Entity);
            CustodyFields.WriteRegion(writer, Region);
            writer.WriteInteger(Quota);
            using (writer.PushSequence())
            {
                foreach (RaScope each in Scope)
                {
                    each.Write(writer);
                }
            }
        }
    }
}

/// <summary>
/// <code>
/// RaScope ::= SEQUENCE { profile UTF8String, issuer OCTET STRING }
/// </code>
/// What an RA may ask for.
/// </summary>
/// <param name="Profile">Its name: whichever version is active.</param>
/// <param name="Issuer">The SubjectKeyIdentifier of the CA.</param>
public sealed record RaScope(string Profile, ReadOnlyMemory<byte> Issuer) : IDer<RaScope>
{
    public string Profile { get; } = CustodyFields.Text(Profile, nameof(Profile));

    public bool Equals(RaScope? other) => other is not null && Profile == other.Profile && Issuer.ContentEquals(other.Issuer);

    public override int GetHashCode() => HashCode.Combine(Profile, Issuer.ContentHash());

    public static RaScope Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var read = new RaScope(CustodyFields.ReadText(sequence), sequence.ReadOctets());
        sequence.ThrowIfNotEmpty();
        return read;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            CustodyFields.WriteText(writer, Profile);
            writer.WriteOctetString(Issuer.Span);
        }
    }
}

/// <summary>
/// <code>
/// RaSwitch ::= SEQUENCE { name UTF8String, reason UTF8String }
/// </code>
/// Parameters of the commands that disable and enable an RA.
/// </summary>
/// <param name="Reason">1 to 256 characters, for the record; as has the name.</param>
public sealed record RaSwitch(string Name, string Reason) : IDer<RaSwitch>
{
    public string Name { get; } = CustodyFields.Text(Name, nameof(Name));

    public string Reason { get; } = CustodyFields.Text(Reason, nameof(Reason));

    public static RaSwitch Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var read = new RaSwitch(CustodyFields.ReadText(sequence), CustodyFields.ReadText(sequence));
        sequence.ThrowIfNotEmpty();
        return read;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            CustodyFields.WriteText(writer, Name);
            CustodyFields.WriteText(writer, Reason);
        }
    }
}

/// <summary>
/// <code>
/// ProfileReference ::= SEQUENCE { name UTF8String, hash OCTET STRING (SIZE (32)) }
/// </code>
/// Parameters of the commands that activate and retire a profile: this very version of it.
/// </summary>
/// <param name="Name">1 to 256 characters.</param>
/// <param name="Hash">SM3 of the canonical JSON, 32 bytes.</param>
public sealed record ProfileReference(string Name, ReadOnlyMemory<byte> Hash) : IDer<ProfileReference>
{
    public string Name { get; } = CustodyFields.Text(Name, nameof(Name));

    public ReadOnlyMemory<byte> Hash { get; } = CustodyFields.Exactly(Hash, CustodyFields.HashLength, nameof(Hash));

    public bool Equals(ProfileReference? other) => other is not null && Name == other.Name && Hash.ContentEquals(other.Hash);

    public override int GetHashCode() => HashCode.Combine(Name, Hash.ContentHash());

    public static ProfileReference Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var read = new ProfileReference(CustodyFields.ReadText(sequence), CustodyFields.ReadExactly(sequence, CustodyFields.HashLength));
        sequence.ThrowIfNotEmpty();
        return read;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            CustodyFields.WriteText(writer, Name);
            writer.WriteOctetString(Hash.Span);
        }
    }
}
