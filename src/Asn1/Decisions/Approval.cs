using System.Formats.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Asn1.Decisions;

/// <summary>Which of the two decisions an approval is.</summary>
public enum ApprovalStep
{
    /// <summary>录入: the officer who took the application in answers for it.</summary>
    Entry = 0,

    /// <summary>审核: another person looked at it.</summary>
    Review = 1,
}

/// <summary>
/// <code>
/// TBSApproval ::= SEQUENCE {
///     type    OBJECT IDENTIFIER,
///     version INTEGER { v1(1) },
///     step    ENUMERATED { entry(0), review(1) },
///     digests SEQUENCE SIZE (1..10000) OF OCTET STRING (SIZE (32)),
///     time    GeneralizedTime }
/// </code>
/// One officer's decision over many applications.
/// </summary>
public sealed class TbsApproval : IDer<TbsApproval>
{
    public const int MaxDigests = 10_000;

    private const int Version = 1;
    private const string WrongDigests = "An approval has 1 to 10,000 digests of 32 bytes.";

    /// <summary>So many questions are not worth a set.</summary>
    private const int Few = 8;

    private readonly Lazy<HashSet<ReadOnlyMemory<byte>>> _digests;
    private long _asked;

    /// <param name="digests">1 to 10,000 of <see cref="Application.Digest"/>.</param>
    /// <exception cref="ArgumentException">Too few, too many, or one of another length.</exception>
    public TbsApproval(ApprovalStep step, IReadOnlyList<ReadOnlyMemory<byte>> digests, Time time)
    {
        Step = Enum.IsDefined(step) ? step : throw new ArgumentOutOfRangeException(nameof(step), step, "No such step.");
        ArgumentNullException.ThrowIfNull(digests);
        Digests = digests.Count is > 0 and <= MaxDigests && digests.All(each => each.Length == CustodyFields.HashLength)
            ? [.. digests]
            : throw new ArgumentException(WrongDigests, nameof(digests));
        Time = time;
        _digests = new(() => new(Digests, DigestComparer.Instance));
    }

    public ApprovalStep Step { get; }

    /// <summary>32 bytes each.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Digests { get; }

    public Time Time { get; }

    /// <summary>Whether the decision is about an application, too. Of one over many every application asks this.</summary>
    /// <param name="digest">Of the application.</param>
    public bool Covers(ReadOnlyMemory<byte> digest) => Digests.Count <= Few || Interlocked.Increment(ref _asked) <= Few
        ? Digests.Any(each => each.Span.SequenceEqual(digest.Span))
        : _digests.Value.Contains(digest);

    public static TbsApproval Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        CustodyFields.ReadType(sequence, Oids.Approval);
        sequence.ReadVersion(Version);
        ApprovalStep step = CustodyFields.ReadEnumerated<ApprovalStep>(sequence);
        IReadOnlyList<ReadOnlyMemory<byte>> digests =
            sequence.ReadSequence().AtLeastOne().ReadAll(static each => CustodyFields.ReadExactly(each, CustodyFields.HashLength));
        Time time = Time.ReadGeneralized(sequence);
        sequence.ThrowIfNotEmpty();
        return digests.Count <= MaxDigests ? new TbsApproval(step, digests, time) : throw new AsnContentException(WrongDigests);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(Oids.Approval);
            writer.WriteInteger(Version);
            writer.WriteEnumeratedValue(Step);
            using (writer.PushSequence())
            {
                foreach (ReadOnlyMemory<byte> digest in Digests)
                {
                    writer.WriteOctetString(digest.Span);
                }
            }

            Time.WriteGeneralized(writer);
        }
    }

    /// <summary>By a hash with a secret of the process: nobody can make digests that fall together.</summary>
    private sealed class DigestComparer : IEqualityComparer<ReadOnlyMemory<byte>>
    {
        public static readonly DigestComparer Instance = new();

        public bool Equals(ReadOnlyMemory<byte> x, ReadOnlyMemory<byte> y) => x.Span.SequenceEqual(y.Span);

        public int GetHashCode(ReadOnlyMemory<byte> obj)
        {
            var hash = default(HashCode);
            hash.AddBytes(obj.Span);
            return hash.ToHashCode();
        }
    }
}

/// <summary>
/// <code>
/// Approval ::= SEQUENCE { tbsApproval TBSApproval, signature SM2Signature, certificate Certificate }
/// </code>
/// The signature is the officer's, under the default identity, over the DER of tbsApproval, which is kept as read.
/// </summary>
public sealed class Approval : IDer<Approval>
{
    private Approval(TbsApproval tbs, ReadOnlyMemory<byte> tbsBytes, Sm2Signature signature, Certificate certificate)
    {
        Tbs = tbs;
        TbsBytes = tbsBytes;
        Signature = signature;
        Certificate = certificate;
    }

    public TbsApproval Tbs { get; }

    public ReadOnlyMemory<byte> TbsBytes { get; }

    public Sm2Signature Signature { get; }

    /// <summary>The officer's. A claim until its own signature is verified with a key that is known by other means.</summary>
    public Certificate Certificate { get; }

    /// <param name="tbsBytes">DER of a <see cref="TbsApproval"/>; kept, not copied.</param>
    /// <exception cref="DerException">Something else.</exception>
    public static Approval Assemble(ReadOnlyMemory<byte> tbsBytes, Sm2Signature signature, Certificate certificate) =>
        new(Der.Decode<TbsApproval>(tbsBytes), tbsBytes, Require.NotNull(signature), Require.NotNull(certificate));

    /// <summary>Whether the certificate's key is SM2 and made the signature. Says nothing about the certificate.</summary>
    public bool IsSignedByCertificate() =>
        Certificate.Tbs.SubjectPublicKeyInfo.TryGetSm2Key(out Sm2PublicKey? key) && key.Verify(TbsBytes.Span, Signature.Raw.Span);

    public static Approval Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        ReadOnlyMemory<byte> tbsBytes = sequence.PeekEncodedValue();
        var approval = new Approval(TbsApproval.Read(sequence), tbsBytes, Sm2Signature.Read(sequence), Certificate.Read(sequence));
        sequence.ThrowIfNotEmpty();
        return approval;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteEncodedValue(TbsBytes.Span);
            Signature.Write(writer);
            Certificate.Write(writer);
        }
    }
}
