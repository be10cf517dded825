using System.Formats.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Custody;

/// <summary>
/// <code>
/// PartitionPolicy ::= SEQUENCE {
///     type            OBJECT IDENTIFIER,
///     partition       OCTET STRING (SIZE (16)),
///     version         INTEGER (0..MAX),
///     clients         SEQUENCE OF ClientCredential,
///     allowSm2Decrypt BOOLEAN,
///     authorizingCas  SEQUENCE OF AuthorizingCa,
///     officerIssuers  SEQUENCE OF SubjectPublicKeyInfo,  -- SM2
///     recovery        RecoveryRule OPTIONAL }
/// </code>
/// What a partition of a device lets be done with its keys. m of n holders sign it, the device checks their signatures and that the version
/// is one more than that of the policy it has. Keys are SM2 with the point 04‖X‖Y, so that none has two encodings.
/// </summary>
public sealed class PartitionPolicy : IDer<PartitionPolicy>
{
    private const string Twins = "Two CAs have the same name, or a key stands twice.";

    /// <param name="partition">16 bytes.</param>
    /// <param name="version">Not negative; 0 is the policy that the partition is made with.</param>
    /// <exception cref="ArgumentException">A field of another size, two CAs of one name or with one key, or a key that is not SM2.</exception>
    public PartitionPolicy(
        ReadOnlyMemory<byte> partition,
        int version,
        IReadOnlyList<ClientCredential> clients,
        bool allowSm2Decrypt,
        IReadOnlyList<AuthorizingCa> authorizingCas,
        IReadOnlyList<SubjectPublicKeyInfo> officerIssuers,
        RecoveryRule? recovery)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(version);
        Partition = CustodyFields.Exactly(partition, CustodyFields.IdLength, nameof(partition));
        Version = version;
        Clients = Require.NoNull(clients);
        AllowSm2Decrypt = allowSm2Decrypt;
        AuthorizingCas = Require.NoNull(authorizingCas);
        OfficerIssuers = CustodyFields.Sm2Keys(officerIssuers, nameof(officerIssuers));
        Recovery = recovery;
        if (HasTwins(AuthorizingCas))
        {
            throw new ArgumentException(Twins, nameof(authorizingCas));
        }
    }

    /// <summary>16 bytes: the policy of one partition is none for another.</summary>
    public ReadOnlyMemory<byte> Partition { get; }

    public int Version { get; }

    /// <summary>Who may connect.</summary>
    public IReadOnlyList<ClientCredential> Clients { get; }

    /// <summary>Whether the partition's SM2 decryption keys decrypt. A key management centre never needs it.</summary>
    public bool AllowSm2Decrypt { get; }

    /// <summary>Whose KSRequest opens a subscriber's key; each name once, each key once.</summary>
    public IReadOnlyList<AuthorizingCa> AuthorizingCas { get; }

    /// <summary>Keys that sign officers' certificates.</summary>
    public IReadOnlyList<SubjectPublicKeyInfo> OfficerIssuers { get; }

    /// <summary>Null: no judicial recovery.</summary>
    public RecoveryRule? Recovery { get; }

    public static PartitionPolicy Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        CustodyFields.ReadType(sequence, Oids.PartitionPolicy);
        ReadOnlyMemory<byte> partition = CustodyFields.ReadExactly(sequence, CustodyFields.IdLength);
        int version = sequence.ReadCount();
        IReadOnlyList<ClientCredential> clients = sequence.ReadSequence().ReadAll<ClientCredential>();
        bool allowSm2Decrypt = sequence.ReadBoolean();
        IReadOnlyList<AuthorizingCa> authorizingCas = sequence.ReadSequence().ReadAll<AuthorizingCa>();
        IReadOnlyList<SubjectPublicKeyInfo> officerIssuers = sequence.ReadSequence().ReadAll(CustodyFields.ReadSm2Key);
        RecoveryRule? recovery = sequence.HasData ? RecoveryRule.Read(sequence) : null;
        sequence.ThrowIfNotEmpty();
        return HasTwins(authorizingCas)
            ? throw new AsnContentException(Twins)
            : new PartitionPolicy(partition, version, clients, allowSm2Decrypt, authorizingCas, officerIssuers, recovery);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(Oids.PartitionPolicy);
            writer.WriteOctetString(Partition.Span);
            writer.WriteInteger(Version);
            writer.WriteSequenceOf(Clients);
            writer.WriteBoolean(AllowSm2Decrypt);
            writer.WriteSequenceOf(AuthorizingCas);
            writer.WriteSequenceOf(OfficerIssuers);
            Recovery?.Write(writer);
        }
    }

    // A key of two CAs would leave open which of them asks, and so whom a subscriber's key is bound to.
    private static bool HasTwins(IReadOnlyList<AuthorizingCa> cas) =>
        cas.DistinctBy(ca => ca.Name).Count() != cas.Count || cas.SelectMany(ca => ca.Keys).Distinct().Count() != cas.Sum(ca => ca.Keys.Count);
}

/// <summary>
/// <code>
/// ClientCredential ::= SEQUENCE { certificateHash OCTET STRING (SIZE (32)), secretHash OCTET STRING (SIZE (32)) }
/// </code>
/// SHA-256 of the DER of the TLS client certificate, and SM3 of the partition secret. The secret is 32 random bytes: no salt, no stretching.
/// </summary>
public sealed record ClientCredential(ReadOnlyMemory<byte> CertificateHash, ReadOnlyMemory<byte> SecretHash) : IDer<ClientCredential>
{
    /// <summary>32 bytes.</summary>
    public ReadOnlyMemory<byte> CertificateHash { get; } = CustodyFields.Exactly(CertificateHash, CustodyFields.HashLength, nameof(CertificateHash));

    /// <summary>32 bytes.</summary>
    public ReadOnlyMemory<byte> SecretHash { get; } = CustodyFields.Exactly(SecretHash, CustodyFields.HashLength, nameof(SecretHash));

    public bool Equals(ClientCredential? other) =>
        other is not null && CertificateHash.ContentEquals(other.CertificateHash) && SecretHash.ContentEquals(other.SecretHash);

    public override int GetHashCode() => CertificateHash.ContentHash();

    public static ClientCredential Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var credential = new ClientCredential(
            CustodyFields.ReadExactly(sequence, CustodyFields.HashLength),
            CustodyFields.ReadExactly(sequence, CustodyFields.HashLength));
        sequence.ThrowIfNotEmpty();
        return credential;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteOctetString(CertificateHash.Span);
            writer.WriteOctetString(SecretHash.Span);
        }
    }
}

/// <summary>
/// <code>
/// AuthorizingCa ::= SEQUENCE { name UTF8String, keys SEQUENCE SIZE (1..MAX) OF SubjectPublicKeyInfo }
/// </code>
/// A CA and the SM2 keys that it signs KSRequests with; more than one during a rollover.
/// </summary>
public sealed class AuthorizingCa : IDer<AuthorizingCa>
{
    /// <param name="name">1 to 256 characters.</param>
    /// <param name="keys">SM2, one at least.</param>
    /// <exception cref="ArgumentException">No key, another one, or no such name.</exception>
    public AuthorizingCa(string name, IReadOnlyList<SubjectPublicKeyInfo> keys)
    {
        Name = CustodyFields.Text(name, nameof(name));
        Keys = CustodyFields.Sm2Keys(Require.NotEmpty(keys), nameof(keys));
    }

    /// <summary>As in the applications that officers approve, and in what binds a key.</summary>
    public string Name { get; }

    public IReadOnlyList<SubjectPublicKeyInfo> Keys { get; }

    public static AuthorizingCa Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var ca = new AuthorizingCa(
            CustodyFields.ReadText(sequence), sequence.ReadSequence().AtLeastOne().ReadAll(CustodyFields.ReadSm2Key));
        sequence.ThrowIfNotEmpty();
        return ca;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            CustodyFields.WriteText(writer, Name);
            writer.WriteSequenceOf(Keys);
        }
    }
}

/// <summary>
/// <code>
/// RecoveryRule ::= SEQUENCE { threshold INTEGER (2..MAX), officers SEQUENCE SIZE (2..MAX) OF SubjectPublicKeyInfo }
/// </code>
/// Judicial recovery: how many of which SM2 keys must sign a <see cref="RecoveryCase"/>. Each key once: an officer counts once.
/// </summary>
public sealed class RecoveryRule : IDer<RecoveryRule>
{
    private const string WrongThreshold = "The threshold is from 2 to the number of officers, each of whom is named once.";

    /// <param name="officers">SM2.</param>
    /// <exception cref="ArgumentException">Fewer than two needed, more needed than there are, one named twice, or a key that is not SM2.</exception>
    public RecoveryRule(int threshold, IReadOnlyList<SubjectPublicKeyInfo> officers)
    {
        Threshold = threshold;
        Officers = CustodyFields.Sm2Keys(officers, nameof(officers));
        if (!IsRule(threshold, Officers))
        {
            throw new ArgumentException(WrongThreshold, nameof(threshold));
        }
    }

    public int Threshold { get; }

    public IReadOnlyList<SubjectPublicKeyInfo> Officers { get; }

    public static RecoveryRule Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        int threshold = sequence.ReadCount();
        IReadOnlyList<SubjectPublicKeyInfo> officers = sequence.ReadSequence().ReadAll(CustodyFields.ReadSm2Key);
        sequence.ThrowIfNotEmpty();
        return IsRule(threshold, officers) ? new RecoveryRule(threshold, officers) : throw new AsnContentException(WrongThreshold);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteInteger(Threshold);
            writer.WriteSequenceOf(Officers);
        }
    }

    private static bool IsRule(int threshold, IReadOnlyList<SubjectPublicKeyInfo> officers) =>
        threshold >= 2 && threshold <= officers.Count && officers.Distinct().Count() == officers.Count;
}
