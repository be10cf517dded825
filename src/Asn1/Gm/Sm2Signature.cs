using System.Formats.Asn1;

namespace ZwCa.Asn1.Gm;

/// <summary>
/// <code>
/// SM2Signature ::= SEQUENCE { R INTEGER, S INTEGER }
/// </code>
/// GM/T 0009-2012 §7.3. Both are below 2^256; that they lie in 1..n−1 is for the verifier to check.
/// </summary>
public sealed record Sm2Signature : IDer<Sm2Signature>
{
    public const int RawLength = 2 * Integer256.Length;

    private readonly byte[] _raw;

    private Sm2Signature(byte[] raw) => _raw = raw;

    /// <summary>r‖s, 64 bytes, each half big-endian.</summary>
    public ReadOnlyMemory<byte> Raw => _raw;

    /// <param name="raw">r‖s, 64 bytes; copied.</param>
    /// <exception cref="ArgumentException">Another length.</exception>
    public static Sm2Signature FromRaw(ReadOnlySpan<byte> raw) =>
        raw.Length == RawLength
            ? new Sm2Signature(raw.ToArray())
            : throw new ArgumentException("A raw SM2 signature has 64 bytes.", nameof(raw));

    /// <summary>
    /// Tolerance: besides DER, R or S without their sign octet, as in the example certificate of GM/T 0015-2012 annex D (S begins
    /// <c>02 20 B5 70</c>) and in certificates of CAs that copied it. Whoever verifies an old certificate decides to call this; see AlmostDer.
    /// </summary>
    /// <exception cref="DerException">Another form.</exception>
    public static Sm2Signature DecodeLenient(ReadOnlyMemory<byte> bytes) => Der.Decode<Sm2Signature>(bytes, AlmostDer.ToDer);

    /// <summary>
    /// Tolerance: where GM messages hold a signature in an OCTET STRING, the 64 bytes r‖s are met besides the DER of GM/T 0009. DER of exactly 64
    /// bytes would need r and s to be short of six bytes together, which no signer ever sees.
    /// </summary>
    /// <exception cref="DerException">Neither form.</exception>
    internal static Sm2Signature DecodeOctets(ReadOnlyMemory<byte> octets) =>
        octets.Length == RawLength ? FromRaw(octets.Span) : Der.Decode<Sm2Signature>(octets);

    public static Sm2Signature Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        byte[] raw = new byte[RawLength];
        Integer256.Read(sequence, raw.AsSpan(0, Integer256.Length));
        Integer256.Read(sequence, raw.AsSpan(Integer256.Length));
        sequence.ThrowIfNotEmpty();
        return new Sm2Signature(raw);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            Integer256.Write(writer, _raw.AsSpan(0, Integer256.Length));
            Integer256.Write(writer, _raw.AsSpan(Integer256.Length));
        }
    }

    public bool Equals(Sm2Signature? other) => other is not null && Raw.ContentEquals(other.Raw);

    public override int GetHashCode() => Raw.ContentHash();
}
