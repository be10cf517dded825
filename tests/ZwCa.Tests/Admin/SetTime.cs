namespace ZwCa.Tests.Admin;

/// <summary>A clock that stands, in a zone eight hours ahead of UTC; time-outs are the system's.</summary>
internal sealed class SetTime(DateTimeOffset now) : TimeProvider
{
    public override TimeZoneInfo LocalTimeZone { get; } = TimeZoneInfo.CreateCustomTimeZone("test", TimeSpan.FromHours(8), "test", "test");

    public override DateTimeOffset GetUtcNow() => now;
}
