using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// Time ::= CHOICE { utcTime UTCTime, generalTime GeneralizedTime }
/// </code>
/// RFC 5280 §4.1.2.5: UTCTime from 1950 through 2049, GeneralizedTime from 2050, both with seconds, without fractions, in Z.
/// The alternative follows from the year, so a value is only its instant: whole seconds UTC, years 1950 to 9999.
/// </summary>
public readonly record struct Time : IDer<Time>, IComparable<Time>
{
    internal const int FirstGeneralizedYear = 2050;
    private const int FirstYear = 1950;

    private readonly long unixSeconds;

    /// <param name="instant">Whole seconds; any offset, kept as UTC.</param>
    /// <exception cref="ArgumentException">A fraction of a second, or a year before 1950.</exception>
    public Time(DateTimeOffset instant)
    {
        if (instant.Ticks % TimeSpan.TicksPerSecond != 0)
        {
            throw new ArgumentException("RFC 5280 times have no fraction of a second; truncate first.", nameof(instant));
        }

        if (instant.UtcDateTime.Year < FirstYear)
        {
            throw new ArgumentException("UTCTime begins in 1950.", nameof(instant));
        }

        unixSeconds = instant.ToUnixTimeSeconds();
    }

    /// <summary>RFC 5280 §4.1.2.5: the notAfter of a certificate without an end, 9999-12-31T23:59:59Z.</summary>
    public static Time NoWellDefinedExpiration { get; } = new(new DateTimeOffset(9999, 12, 31, 23, 59, 59, TimeSpan.Zero));

    /// <summary>UTC.</summary>
    public DateTimeOffset Value => DateTimeOffset.FromUnixTimeSeconds(unixSeconds);

    /// <summary>The instant without its fraction of a second.</summary>
    public static Time Truncate(DateTimeOffset instant) => new(instant.AddTicks(-(instant.Ticks % TimeSpan.TicksPerSecond)));

    public static Time Read(AsnReader reader)
    {
        if (reader.PeekTag().HasSameClassAndValue(Asn1Tag.UtcTime))
        {
            return new Time(reader.ReadUtcTime(FirstGeneralizedYear - 1));
        }

        Time time = ReadGeneralized(reader);
        return time.Value.Year >= FirstGeneralizedYear
            ? time
            : throw new AsnContentException("Dates through 2049 are UTCTime.");
    }

    public void Write(AsnWriter writer)
    {
        if (Value.Year >= FirstGeneralizedYear)
        {
            WriteGeneralized(writer);
        }
        else
        {
            writer.WriteUtcTime(Value, FirstGeneralizedYear - 1);
        }
    }

    /// <summary>A field that is GeneralizedTime whatever the year (InvalidityDate, PrivateKeyUsagePeriod, OCSP): <c>YYYYMMDDHHMMSSZ</c>.</summary>
    internal static Time ReadGeneralized(AsnReader reader, Asn1Tag? tag = null)
    {
        const int Length = 15;
        if (reader.PeekContentBytes().Length != Length)
        {
            throw new AsnContentException("GeneralizedTime must be YYYYMMDDHHMMSSZ.");
        }

        DateTimeOffset instant = reader.ReadGeneralizedTime(tag);
        return instant.Year >= FirstYear ? new Time(instant) : throw new AsnContentException("The year is before 1950.");
    }

    /// <summary>See <see cref="ReadGeneralized"/>.</summary>
    internal void WriteGeneralized(AsnWriter writer, Asn1Tag? tag = null) => writer.WriteGeneralizedTime(Value, omitFractionalSeconds: true, tag);

    public int CompareTo(Time other) => unixSeconds.CompareTo(other.unixSeconds);

    public static bool operator <(Time left, Time right) => left.unixSeconds < right.unixSeconds;

    public static bool operator >(Time left, Time right) => left.unixSeconds > right.unixSeconds;

    public static bool operator <=(Time left, Time right) => left.unixSeconds <= right.unixSeconds;

    public static bool operator >=(Time left, Time right) => left.unixSeconds >= right.unixSeconds;

    public override string ToString() => Value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);
}
