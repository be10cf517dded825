namespace ZwCa.Jobs;

/// <summary>How the nodes of a service share their jobs: section <c>Jobs</c> of the service's own.</summary>
public sealed record JobOptions
{
    /// <summary>How often a node says that it is alive. One that has been silent for twice as long is taken for dead, and the others take its jobs; clocks of the nodes may differ by much less.</summary>
    public TimeSpan CheckIn { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How late a run may begin before it counts as missed.</summary>
    public TimeSpan MisfireThreshold { get; init; } = TimeSpan.FromSeconds(30);

    public static bool IsCheckIn(TimeSpan value) => value >= TimeSpan.FromSeconds(1) && value <= TimeSpan.FromMinutes(1);

    public static bool IsMisfireThreshold(TimeSpan value) => value >= TimeSpan.FromSeconds(1) && value <= TimeSpan.FromMinutes(10);
}
