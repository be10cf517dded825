using System.Buffers.Binary;
using System.Formats.Asn1;
using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Tests.HsmSim;

/// <summary>A key pair of somebody in the story.</summary>
internal sealed class Person
{
    public Sm2PrivateKey Key { get; } = Sm2PrivateKey.Generate();

    public SubjectPublicKeyInfo PublicKey => SubjectPublicKeyInfo.ForSm2(Key.PublicKey.ToBytes());

    /// <returns>DER of SM2Signature.</returns>
    public byte[] Sign(ReadOnlySpan<byte> message) => Der.Encode(SignRaw(message));

    public Sm2Signature SignRaw(ReadOnlySpan<byte> message)
    {
        byte[] raw = new byte[Sm2.SignatureSizeInBytes];
        Key.Sign(message, raw);
        return Sm2Signature.FromRaw(raw);
    }
}

/// <summary>A CA that sends KSRequests.</summary>
internal sealed class StoryCa(string name)
{
    public string Name { get; } = name;

    public Person Signer { get; } = new();

    public AuthorizingCa ToAuthorizing() => new(Name, [Signer.PublicKey]);
}

/// <summary>
/// Who is who around the escrow of one partition, and the papers that they sign. Knows nothing of a device, so that the same story is told to one in this
/// process and to one behind a network.
/// </summary>
internal sealed class EscrowStory(DateTimeOffset now) : IDisposable
{
    public const int Threshold = 3;
    public const int RecoveryThreshold = 2;
    private const string Region = "330100";

    public static readonly Name CaSubject = Name.Create((Oids.CountryName, "CN"), (Oids.CommonName, "政务运营CA"));
    private static long _lastSerialNumber;

    /// <summary>Told now.</summary>
    public EscrowStory()
        : this(TimeProvider.System.GetUtcNow())
    {
    }

    /// <summary>Whole seconds.</summary>
    public DateTimeOffset Now { get; } = DateTimeOffset.FromUnixTimeSeconds(now.ToUnixTimeSeconds());

    /// <summary>The device chooses it when the partition is made: whoever makes it says so here.</summary>
    public byte[] PartitionId { get; set; } = RandomNumberGenerator.GetBytes(16);

    public IReadOnlyList<Person> Holders { get; } = People(5);

    public IReadOnlyList<Person> RecoveryOfficers { get; } = People(3);

    public StoryCa Ca { get; } = new("政务运营CA S1");

    /// <summary>In the policy too.</summary>
    public StoryCa OtherCa { get; } = new("政务运营CA S2");

    /// <summary>In no policy.</summary>
    public StoryCa UnknownCa { get; } = new("不明CA");

    /// <summary>Signs officers' certificates.</summary>
    public Person OfficerIssuer { get; } = new();

    /// <summary>SHA-256 of the client's TLS certificate, were there one.</summary>
    public byte[] ClientCertificateHash { get; } = RandomNumberGenerator.GetBytes(32);

    public byte[] ClientSecret { get; } = RandomNumberGenerator.GetBytes(32);

    public static IReadOnlyList<Person> People(int count) => [.. Enumerable.Range(0, count).Select(_ => new Person())];

    public PartitionPolicy Policy(
        int version = 0,
        byte[]? partition = null,
        IReadOnlyList<ClientCredential>? clients = null,
        bool allowSm2Decrypt = false,
        IReadOnlyList<AuthorizingCa>? cas = null,
        IReadOnlyList<SubjectPublicKeyInfo>? officerIssuers = null,
        RecoveryRule? recovery = null,
        bool withRecovery = true) => new(
            partition ?? PartitionId,
            version,
            clients ?? [new ClientCredential(ClientCertificateHash, Sm3.HashData(ClientSecret))],
            allowSm2Decrypt,
            cas ?? [Ca.ToAuthorizing(), OtherCa.ToAuthorizing()],
            officerIssuers ?? [OfficerIssuer.PublicKey],
            withRecovery ? recovery ?? new RecoveryRule(RecoveryThreshold, [.. RecoveryOfficers.Select(officer => officer.PublicKey)]) : null);

    /// <summary>A statement with the signatures of some, in their order.</summary>
    public static byte[] Signed<T>(T statement, IEnumerable<Person> signers)
        where T : IDer<T> =>
        Signed(Der.Encode(statement), signers);

    /// <param name="statement">DER.</param>
    public static byte[] Signed(byte[] statement, IEnumerable<Person> signers) =>
        Der.Encode(new SignedStatement(statement, [.. signers.Select(signer => StatementSignature.Create(statement, signer.Key))]));

    /// <summary>Signed by exactly as many holders as are needed.</summary>
    public byte[] SignedByHolders<T>(T statement)
        where T : IDer<T> => Signed(statement, Holders.Take(Threshold));

    /// <summary>The policy of this story in the place of another: partition, version and clients stay.</summary>
    public PartitionPolicy Policy(PartitionPolicy other)
    {
        PartitionId = other.Partition.ToArray();
        return Policy(other.Version, clients: other.Clients);
    }

    public static SerialNumber NextSerialNumber()
    {
        byte[] number = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(number, Interlocked.Increment(ref _lastSerialNumber));
        return SerialNumber.FromBytes(number);
    }

    public ApplyKeyReq ApplyRequest(SerialNumber serial, SubjectPublicKeyInfo recipient) =>
        ApplyKeyReq.Sm2(new AppUserInfo(serial, recipient, new Time(Now), new Time(Now.AddYears(5)), "张三", "330100"));

    /// <param name="ca">Signs, unless <paramref name="signer"/> does.</param>
    /// <returns>DER of CARequest.</returns>
    public byte[] Message(
        StoryCa ca, IReadOnlyList<Request> requests, DateTimeOffset? time = null, Person? signer = null, string hashAlgorithm = Oids.Sm3)
    {
        var sender = new EntName(
            new AlgorithmIdentifier(hashAlgorithm),
            new DirectoryName(CaSubject),
            Sm3.HashData(Der.Encode(ca.Signer.PublicKey)),
            SerialNumber.Parse("4d2f"));
        byte[] ksRequest = Der.Encode(new KsRequest(sender, requests, new Time(time ?? Now), new TaskNumber(Random.Shared.NextInt64(1, long.MaxValue))));
        return Der.Encode(CaRequest.Assemble(ksRequest, AlgorithmIdentifier.Sm3WithSm2, (signer ?? ca.Signer).Sign(ksRequest)));
    }

    /// <param name="recipient">The key that the private key shall come to.</param>
    public Application RecoveryApplication(
        SerialNumber serial, SubjectPublicKeyInfo recipient, string? caName = null, byte[]? body = null, string enrollmentId = "E-2026-000001") => new(
            DecisionKind.Recovery,
            caName ?? Ca.Name,
            "浙江省RA",
            Region,
            enrollmentId,
            body ?? Der.Encode(new RecoveryBody(new byte[20], serial, recipient)));

    /// <returns>DER of Approval.</returns>
    public byte[] Approve(Officer officer, ApprovalStep step, IReadOnlyList<ReadOnlyMemory<byte>> digests, DateTimeOffset? time = null, Person? signer = null)
    {
        byte[] tbs = Der.Encode(new TbsApproval(step, digests, new Time(time ?? Now)));
        return Der.Encode(Approval.Assemble(tbs, (signer ?? officer.Holder).SignRaw(tbs), officer.Certify(this)));
    }

    public void Dispose()
    {
        foreach (Person person in (Person[])[.. Holders, .. RecoveryOfficers, Ca.Signer, OtherCa.Signer, UnknownCa.Signer, OfficerIssuer])
        {
            person.Key.Dispose();
        }
    }

    public RecoveryCase Case(
        ReadOnlyMemory<byte> keyId, SubjectPublicKeyInfo recipient, byte[]? partition = null, DateTimeOffset? notAfter = null) => new(
            partition ?? PartitionId,
            "(2026)浙01刑初7号",
            Sm3.HashData("裁定书"u8),
            keyId,
            recipient,
            new Time(notAfter ?? Now.AddDays(10)));
}

/// <summary>An officer with a certificate that is in order, until somebody changes a property.</summary>
internal sealed record Officer
{
    /// <summary>The CA's id of the person.</summary>
    public byte[] Id { get; init; } = RandomNumberGenerator.GetBytes(16);

    public Person Holder { get; init; } = new();

    public OfficerKind Kind { get; init; } = OfficerKind.Operator;

    /// <summary>Null: the story's issuer.</summary>
    public Person? Issuer { get; init; }

    /// <summary>From the story's now.</summary>
    public TimeSpan NotBefore { get; init; } = TimeSpan.FromDays(-100);

    /// <summary>From the story's now.</summary>
    public TimeSpan NotAfter { get; init; } = TimeSpan.FromDays(100);

    public KeyUsages? Usages { get; init; } = KeyUsages.DigitalSignature | KeyUsages.NonRepudiation;

    public BasicConstraints? Constraints { get; init; }

    public bool HasIdentity { get; init; } = true;

    /// <summary>What else is in the certificate.</summary>
    public Extension? Extra { get; init; }

    public AlgorithmIdentifier Algorithm { get; init; } = AlgorithmIdentifier.Sm3WithSm2;

    /// <summary>Makes the outer algorithm differ from the signed one.</summary>
    public bool AlgorithmsDiffer { get; init; }

    /// <summary>Of version 1, which has no extensions.</summary>
    public bool IsVersion1 { get; init; }

    /// <summary>The key in the certificate in place of the holder's own.</summary>
    public SubjectPublicKeyInfo? PublicKey { get; init; }

    public Certificate Certify(EscrowStory story)
    {
        List<Extension> extensions = [];
        if (Usages is { } usages)
        {
            extensions.Add(Extension.Create(new KeyUsage(usages), critical: true));
        }

        if (Constraints is not null)
        {
            extensions.Add(Extension.Create(Constraints, critical: true));
        }

        if (HasIdentity)
        {
            extensions.Add(Extension.Create(new OfficerIdentity(Id, Kind, "业务操作员", "330100"), critical: false));
        }

        if (Extra is not null)
        {
            extensions.Add(Extra);
        }

        var tbs = new TbsCertificate(
            SerialNumber.FromBytes(RandomNumberGenerator.GetBytes(8)),
            Algorithm,
            EscrowStory.CaSubject,
            new Validity(new Time(story.Now + NotBefore), new Time(story.Now + NotAfter)),
            Name.Create((Oids.CountryName, "CN"), (Oids.CommonName, "王五")),
            PublicKey ?? Holder.PublicKey,
            new Extensions(extensions));
        byte[] tbsBytes = Der.Encode(tbs);
        if (IsVersion1)
        {
            tbsBytes = WithoutVersionAndExtensions(tbsBytes);
        }

        byte[] certificate = Der.Encode(Certificate.Assemble(tbsBytes, (Issuer ?? story.OfficerIssuer).Sign(tbsBytes)));
        return Der.Decode<Certificate>(AlgorithmsDiffer ? WithOuterAlgorithm(certificate, tbsBytes) : certificate);
    }

    private static byte[] WithoutVersionAndExtensions(byte[] tbs)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        AsnReader reader = new AsnReader(tbs, AsnEncodingRules.DER).ReadSequence();
        using (writer.PushSequence())
        {
            while (reader.HasData)
            {
                bool isTagged = reader.PeekTag().TagClass == TagClass.ContextSpecific;
                ReadOnlyMemory<byte> field = reader.ReadEncodedValue();
                if (!isTagged)
                {
                    writer.WriteEncodedValue(field.Span);
                }
            }
        }

        return writer.Encode();
    }

    /// <summary>SM2 with SM3, but with NULL parameters.</summary>
    private static byte[] WithOuterAlgorithm(byte[] certificate, byte[] tbs)
    {
        Certificate parsed = Der.Decode<Certificate>(certificate);
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteEncodedValue(tbs);
            new AlgorithmIdentifier(Oids.Sm3WithSm2, (byte[])[0x05, 0x00]).Write(writer);
            writer.WriteBitString(parsed.Signature.Span);
        }

        return writer.Encode();
    }
}
