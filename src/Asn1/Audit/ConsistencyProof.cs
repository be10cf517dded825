using System.Formats.Asn1;
using ZwCa.Asn1.Custody;

namespace ZwCa.Asn1.Audit;

/// <summary>
/// <code>
/// ConsistencyProof ::= SEQUENCE {
///     type       OBJECT IDENTIFIER,
///     version    INTEGER { v1(1) },
///     firstSize  INTEGER (0..MAX),
///     secondSize INTEGER (0..MAX),
///     path       SEQUENCE SIZE (0..64) OF OCTET STRING (SIZE (32)) }
/// </code>
/// That the larger tree begins with all leaves of the smaller one: RFC 9162 §2.1.4.1. Between equal sizes, and from 0, the path is empty.
/// </summary>
public sealed class ConsistencyProof : IDer<ConsistencyProof>
{
    private const int Version = 1;
    private const string WrongSizes = "The first tree is not larger than the second.";

    /// <param name="path">Up to 64 hashes of 32 bytes.</param>
    /// <exception cref="ArgumentException">The first size is the larger one, or the path is no path.</exception>
    public ConsistencyProof(long firstSize, long secondSize, IReadOnlyList<ReadOnlyMemory<byte>> path)
    {
        FirstSize = LogFields.Count(firstSize, nameof(firstSize));
        SecondSize = firstSize <= secondSize ? secondSize : throw new ArgumentException(WrongSizes, nameof(secondSize));
        Path = LogFields.Path(path, nameof(path));
    }

    public long FirstSize { get; }

    public long SecondSize { get; }

    /// <summary>32 bytes each.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Path { get; }

    public static ConsistencyProof Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        CustodyFields.ReadType(sequence, Oids.ConsistencyProof);
        sequence.ReadVersion(Version);
        long firstSize = LogFields.ReadCount(sequence);
        long secondSize = LogFields.ReadCount(sequence);
        IReadOnlyList<ReadOnlyMemory<byte>> path = LogFields.ReadPath(sequence);
        sequence.ThrowIfNotEmpty();
        return firstSize <= secondSize ? new ConsistencyProof(firstSize, secondSize, path) : throw new AsnContentException(WrongSizes);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(Oids.ConsistencyProof);
            writer.WriteInteger(Version);
            writer.WriteInteger(FirstSize);
            writer.WriteInteger(SecondSize);
            LogFields.WritePath(writer, Path);
        }
    }
}
