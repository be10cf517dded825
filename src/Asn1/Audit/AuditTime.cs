using System.Formats.Asn1;

namespace ZwCa.Asn1.Audit;

/// <summary>A time in the log: an INTEGER of Unix milliseconds, which orders finer than the seconds of GeneralizedTime.</summary>
internal static class AuditTime
{
    private static readonly long Latest = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

    public static DateTimeOffset Read(AsnReader reader) =>
        reader.TryReadInt64(out long milliseconds) && milliseconds >= 0 && milliseconds <= Latest
            ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)
            : throw new AsnContentException("The time is no number of Unix milliseconds.");

    public static void Write(AsnWriter writer, DateTimeOffset time) => writer.WriteInteger(time.ToUnixTimeMilliseconds());
}
