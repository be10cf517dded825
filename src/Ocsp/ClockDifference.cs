namespace ZwCa.Ocsp;

/// <summary>By how much the clocks of the CA's nodes may be apart from ours, and from each other's.</summary>
internal static class ClockDifference
{
    public const long Seconds = 300;

    public static readonly TimeSpan Time = TimeSpan.FromSeconds(Seconds);
}
