using System.Formats.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Asn1.Custody;

/// <summary>
/// <code>
/// SignedStatement ::= SEQUENCE { statement ANY, signatures SEQUENCE SIZE (1..64) OF StatementSignature }
/// </code>
/// A <see cref="PartitionPolicy"/>, <see cref="BackupStatement"/> or <see cref="RecoveryCase"/> and what its signers made of it. The bytes of
/// the statement are kept as read: verify those.
/// </summary>
public sealed class SignedStatement : IDer<SignedStatement>
{
    /// <summary>More than any m: whoever sends one makes the device verify each, and needs no key for that.</summary>
    public const int MaxSignatures = 64;

    private const string WrongCount = "A statement has 1 to 64 signatures.";

    /// <param name="statement">One DER element; kept, not copied.</param>
    /// <exception cref="ArgumentException">Something else, no signature, or more than 64.</exception>
    public SignedStatement(ReadOnlyMemory<byte> statement, IReadOnlyList<StatementSignature> signatures)
    {
        Statement = Require.Element(statement);
        Signatures = Require.NotEmpty(signatures);
        if (Signatures.Count > MaxSignatures)
        {
            throw new ArgumentException(WrongCount, nameof(signatures));
        }
    }

    /// <summary>One DER element.</summary>
    public ReadOnlyMemory<byte> Statement { get; }

    /// <summary>As sent: perhaps two by one signer.</summary>
    public IReadOnlyList<StatementSignature> Signatures { get; }

    /// <summary>
    /// Which keys of a set signed. A signature by somebody else or over something else counts for nothing, and so does a key that is not SM2
    /// with the point 04‖X‖Y. Says nothing about what the statement is: decode it as what is expected.
    /// </summary>
    /// <returns>The signers, each once.</returns>
    public IReadOnlyList<SubjectPublicKeyInfo> ValidSigners(IReadOnlyList<SubjectPublicKeyInfo> signers)
    {
        var valid = new List<SubjectPublicKeyInfo>();
        foreach (SubjectPublicKeyInfo signer in signers.Distinct())
        {
            byte[] id = StatementSignature.IdOf(signer);
            if (CustodyFields.FindSm2Key(signer) is { } key
                && Signatures.Any(each => each.Signer.Span.SequenceEqual(id) && key.Verify(Statement.Span, each.Signature.Raw.Span)))
            {
                valid.Add(signer);
            }
        }

        return valid;
    }

    public static SignedStatement Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        ReadOnlyMemory<byte> statement = sequence.ReadEncodedValue();
        IReadOnlyList<StatementSignature> signatures = sequence.ReadSequenceOf<StatementSignature>();
        sequence.ThrowIfNotEmpty();
        return signatures.Count <= MaxSignatures ? new SignedStatement(statement, signatures) : throw new AsnContentException(WrongCount);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteEncodedValue(Statement.Span);
            writer.WriteSequenceOf(Signatures);
        }
    }
}

/// <summary>
/// <code>
/// StatementSignature ::= SEQUENCE { signer OCTET STRING (SIZE (32)), signature SM2Signature }
/// </code>
/// The signer is SM3 of its SubjectPublicKeyInfo; the signature covers the DER of the statement under the default identity.
/// </summary>
public sealed record StatementSignature(ReadOnlyMemory<byte> Signer, Sm2Signature Signature) : IDer<StatementSignature>
{
    /// <summary>32 bytes.</summary>
    public ReadOnlyMemory<byte> Signer { get; } = CustodyFields.Exactly(Signer, CustodyFields.HashLength, nameof(Signer));

    public Sm2Signature Signature { get; } = Require.NotNull(Signature);

    /// <param name="statement">DER of the statement.</param>
    public static StatementSignature Create(ReadOnlySpan<byte> statement, Sm2PrivateKey key)
    {
        byte[] signature = new byte[Sm2.SignatureSizeInBytes];
        key.Sign(statement, signature);
        return new StatementSignature(IdOf(SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes())), Sm2Signature.FromRaw(signature));
    }

    /// <returns>32 bytes.</returns>
    public static byte[] IdOf(SubjectPublicKeyInfo signer) => Sm3.HashData(Der.Encode(signer));

    public bool Equals(StatementSignature? other) => other is not null && Signer.ContentEquals(other.Signer) && Signature == other.Signature;

    public override int GetHashCode() => HashCode.Combine(Signer.ContentHash(), Signature);

    public static StatementSignature Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var signature = new StatementSignature(CustodyFields.ReadExactly(sequence, CustodyFields.HashLength), Sm2Signature.Read(sequence));
        sequence.ThrowIfNotEmpty();
        return signature;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteOctetString(Signer.Span);
            Signature.Write(writer);
        }
    }
}
