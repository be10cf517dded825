using System.Formats.Asn1;
using ZwCa.Asn1.Custody;

namespace ZwCa.Asn1.Audit;

/// <summary>What checkpoints and proofs share.</summary>
internal static class LogFields
{
    /// <summary>A tree of 2^63 leaves has no longer path.</summary>
    public const int MaxPath = 64;

    private const string WrongNumber = "Sizes and places in the log are 0 or more.";
    private const string WrongPath = "A path has up to 64 hashes of 32 bytes.";

    /// <returns>The number.</returns>
    /// <exception cref="ArgumentException">Negative.</exception>
    public static long Count(long count, string name) => count >= 0 ? count : throw new ArgumentOutOfRangeException(name, count, WrongNumber);

    public static long ReadCount(AsnReader reader) =>
        reader.TryReadInt64(out long count) && count >= 0 ? count : throw new AsnContentException(WrongNumber);

    /// <returns>A copy of the list.</returns>
    /// <exception cref="ArgumentException">Too many hashes, or one of another length.</exception>
    public static IReadOnlyList<ReadOnlyMemory<byte>> Path(IReadOnlyList<ReadOnlyMemory<byte>> path, string name)
    {
        ArgumentNullException.ThrowIfNull(path, name);
        return path.Count <= MaxPath && path.All(hash => hash.Length == CustodyFields.HashLength) ? [.. path] : throw new ArgumentException(WrongPath, name);
    }

    public static IReadOnlyList<ReadOnlyMemory<byte>> ReadPath(AsnReader reader)
    {
        IReadOnlyList<ReadOnlyMemory<byte>> path = reader.ReadSequence().ReadAll(static each => CustodyFields.ReadExactly(each, CustodyFields.HashLength));
        return path.Count <= MaxPath ? path : throw new AsnContentException(WrongPath);
    }

    public static void WritePath(AsnWriter writer, IReadOnlyList<ReadOnlyMemory<byte>> path)
    {
        using (writer.PushSequence())
        {
            foreach (ReadOnlyMemory<byte> hash in path)
            {
                writer.WriteOctetString(hash.Span);
            }
        }
    }
}
