using ZwCa.Jobs;
using ZwCa.Ra.CertificationAuthority;

namespace ZwCa.Ra.Jobs;

/// <summary>All jobs of the RA. Each is right when one node of several runs it, and does no harm when two do.</summary>
internal static class RaJobs
{
    /// <summary>Of the scheduler, for ever: schedules are stored under it.</summary>
    public const string Scheduler = "zwca-ra";

    public static IReadOnlyList<ServiceJob> All(RaOptions options) =>
    [
        // What is not proven yet, page by page, from where the last run ended: one that is broken off is followed by the next.
        ServiceJob.Of<InclusionJob>("inclusion", new JobSchedule.Every(ProveInclusion.LookEvery)) with { Missed = WhenMissed.Wait },
    ];
}
