namespace ZwCa.Asn1;

/// <summary>Equality by content: that of <see cref="ReadOnlyMemory{T}"/> itself asks whether both are the same place in memory.</summary>
internal static class OctetExtensions
{
    public static bool ContentEquals(this ReadOnlyMemory<byte> octets, ReadOnlyMemory<byte> other) => octets.Span.SequenceEqual(other.Span);

    /// <summary>Absent and empty differ.</summary>
    public static bool ContentEquals(this ReadOnlyMemory<byte>? octets, ReadOnlyMemory<byte>? other) =>
        octets.HasValue == other.HasValue && octets.GetValueOrDefault().ContentEquals(other.GetValueOrDefault());

    public static int ContentHash(this ReadOnlyMemory<byte> octets)
    {
        var hash = default(HashCode);
        hash.AddBytes(octets.Span);
        return hash.ToHashCode();
    }
}
