using System.Formats.Asn1;
using System.Globalization;
using System.Numerics;

namespace ZwCa.Asn1.Gm.KeyManagement;

/// <summary>
/// <code>
/// taskNO ::= INTEGER
/// </code>
/// GM/T 0014-2012 §5.2.3.1: drawn by the CA, unique among its requests, echoed in the response. The text sets no bounds; here it is
/// positive and has at most 20 octets, like a serial number, so that it can be a key of a table.
/// </summary>
public sealed record TaskNumber : IDer<TaskNumber>
{
    /// <summary>Octets of INTEGER content, a sign octet 00 included.</summary>
    public const int MaxOctets = 20;

    /// <exception cref="ArgumentOutOfRangeException">Not positive, or 2^159 and above.</exception>
    public TaskNumber(BigInteger value) =>
        Value = value.Sign > 0 && value.GetByteCount() <= MaxOctets
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "A task number is positive and has at most 20 octets.");

    public BigInteger Value { get; }

    public static TaskNumber Read(AsnReader reader)
    {
        // Bytes first: a BigInteger of a megabyte would be built only to be refused.
        ReadOnlySpan<byte> content = reader.ReadIntegerBytes().Span;
        return content.Length <= MaxOctets && content[0] < 0x80 && content is not [0]
            ? new TaskNumber(new BigInteger(content, isBigEndian: true))
            : throw new AsnContentException("A task number is positive and has at most 20 octets.");
    }

    public void Write(AsnWriter writer) => writer.WriteInteger(Value);

    /// <returns>Decimal, 1 to 48 digits.</returns>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
