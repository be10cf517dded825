using System.Formats.Asn1;

namespace ZwCa.Asn1.Audit;

/// <summary>A time in the log: an INTEGER of Unix milliseconds, which orders finer than the seconds of GeneralizedTime.</summary>
internal static class AuditTime
{
    private static readonly long Latest = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

    /// <returns>The time in whole milliseconds, UTC.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Before 1970.</exception>
    public static DateTimeOffset Truncate(DateTimeOffset time, string name)
    {
        long milliseconds = time.ToUnixTimeMilliseconds();
        return milliseconds >= 0
            ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)
            : throw new ArgumentOutOfRangeException(name, time, "A time in the log is not before 1970.");
    }

    public static DateTimeOffset Read(AsnReader reader) =>
        reader.TryReadInt64(out long milliseconds) && milliseconds >= 0 && milliseconds <= Latest
            ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)
            : throw new AsnContentException("The time is no number of Unix milliseconds.");

    public static void Write(AsnWriter writer, DateTimeOffset time) => writer.WriteInteger(time.ToUnixTimeMilliseconds());
}
