using System.Formats.Asn1;
using ZwCa.Asn1.Custody;

namespace ZwCa.Asn1.Audit;

/// <summary>
/// <code>
/// InclusionProof ::= SEQUENCE {
///     type      OBJECT IDENTIFIER,
///     version   INTEGER { v1(1) },
///     leafIndex INTEGER (0..MAX),
///     treeSize  INTEGER (1..MAX),
///     path      SEQUENCE SIZE (0..64) OF OCTET STRING (SIZE (32)) }
/// </code>
/// That a leaf stands at a place of the tree with so many leaves: RFC 9162 §2.1.3.1, from the leaf upwards.
/// </summary>
public sealed class InclusionProof : IDer<InclusionProof>
{
    private const int Version = 1;
    private const string WrongIndex = "The leaf's index lies below the tree's size.";

    /// <param name="leafIndex">From 0.</param>
    /// <param name="path">Up to 64 hashes of 32 bytes.</param>
    /// <exception cref="ArgumentException">Index and size do not fit, or the path is no path.</exception>
    public InclusionProof(long leafIndex, long treeSize, IReadOnlyList<ReadOnlyMemory<byte>> path)
    {
        LeafIndex = LogFields.Count(leafIndex, nameof(leafIndex));
        TreeSize = leafIndex < treeSize ? treeSize : throw new ArgumentException(WrongIndex, nameof(treeSize));
        Path = LogFields.Path(path, nameof(path));
    }

    public long LeafIndex { get; }

    public long TreeSize { get; }

    /// <summary>32 bytes each.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Path { get; }

    public static InclusionProof Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        CustodyFields.ReadType(sequence, Oids.InclusionProof);
        sequence.ReadVersion(Version);
        long leafIndex = LogFields.ReadCount(sequence);
        long treeSize = LogFields.ReadCount(sequence);
        IReadOnlyList<ReadOnlyMemory<byte>> path = LogFields.ReadPath(sequence);
        sequence.ThrowIfNotEmpty();
        return leafIndex < treeSize ? new InclusionProof(leafIndex, treeSize, path) : throw new AsnContentException(WrongIndex);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(Oids.InclusionProof);
            writer.WriteInteger(Version);
            writer.WriteInteger(LeafIndex);
            writer.WriteInteger(TreeSize);
            LogFields.WritePath(writer, Path);
        }
    }
}
