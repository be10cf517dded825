using System.Formats.Asn1;
using System.Runtime.CompilerServices;

namespace ZwCa.Asn1;

/// <summary>Invariants of constructors.</summary>
internal static class Require
{
    /// <exception cref="ArgumentNullException">Null.</exception>
    public static T NotNull<T>(T value, [CallerArgumentExpression(nameof(value))] string? name = null)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(value, name);
        return value;
    }

    /// <returns>A copy that nobody can change: what is signed stays what was checked.</returns>
    /// <exception cref="ArgumentException">A null, as the list or in it.</exception>
    public static IReadOnlyList<T> NoNull<T>(IReadOnlyList<T> values, [CallerArgumentExpression(nameof(values))] string? name = null)
    {
        ArgumentNullException.ThrowIfNull(values, name);
        IReadOnlyList<T> copy = [.. values];
        for (int i = 0; i < copy.Count; i++)
        {
            if (copy[i] is null)
            {
                throw new ArgumentException($"Element {i} is null.", name);
            }
        }

        return copy;
    }

    /// <returns>A copy of the list, which the standard gives SIZE (1..MAX).</returns>
    /// <exception cref="ArgumentException">The list is empty, or null, or has a null in it.</exception>
    public static IReadOnlyList<T> NotEmpty<T>(IReadOnlyList<T> values, [CallerArgumentExpression(nameof(values))] string? name = null)
    {
        IReadOnlyList<T> copy = NoNull(values, name);
        return copy.Count > 0 ? copy : throw new ArgumentException("At least one element is required.", name);
    }

    /// <returns>The octets: exactly one DER element, of which only its own tag and length are checked.</returns>
    /// <exception cref="ArgumentException">Something else.</exception>
    public static ReadOnlyMemory<byte> Element(ReadOnlyMemory<byte> octets, [CallerArgumentExpression(nameof(octets))] string? name = null) =>
        AsnDecoder.TryReadEncodedValue(octets.Span, AsnEncodingRules.DER, out _, out _, out _, out int length) && length == octets.Length
            ? octets
            : throw new ArgumentException("Exactly one DER element is expected.", name);

    /// <summary>An OBJECT IDENTIFIER in dotted form (X.690 §8.19): two arcs at least, the first 0 to 2, the second below 40 under 0 and 1.</summary>
    /// <exception cref="ArgumentException">Something else.</exception>
    public static string Oid(string oid, [CallerArgumentExpression(nameof(oid))] string? name = null)
    {
        ArgumentNullException.ThrowIfNull(oid, name);
        return IsOid(oid) ? oid : throw new ArgumentException("Not a dotted object identifier.", name);
    }

    /// <summary>As <see cref="Oid"/> has it.</summary>
    public static bool IsOid(string oid)
    {
        int arcs = 0;
        foreach (Range range in oid.AsSpan().Split('.'))
        {
            ReadOnlySpan<char> arc = oid.AsSpan(range);
            bool isNumber = !arc.IsEmpty && !arc.ContainsAnyExceptInRange('0', '9') && (arc.Length == 1 || arc[0] != '0');
            bool inRange = arcs switch
            {
                0 => arc is "0" or "1" or "2",
                1 => oid[0] == '2' || arc.Length == 1 || (arc.Length == 2 && arc[0] < '4'),
                _ => true,
            };
            if (!isNumber || !inRange)
            {
                return false;
            }

            arcs++;
        }

        return arcs >= 2;
    }
}
