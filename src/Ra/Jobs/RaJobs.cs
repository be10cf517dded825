using ZwCa.Jobs;
using ZwCa.Ra.Batches.Files;
using ZwCa.Ra.CertificationAuthority;
using ZwCa.Ra.Deliveries;

namespace ZwCa.Ra.Jobs;

/// <summary>All jobs of the RA. Each is right when one node of several runs it, and does no harm when two do.</summary>
internal static class RaJobs
{
    /// <summary>Of the scheduler, for ever: schedules are stored under it.</summary>
    public const string Scheduler = "zwca-ra";

    private static readonly TimeSpan PullProfilesEvery = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan RemindEvery = TimeSpan.FromHours(1);
    private static readonly TimeSpan DeleteFilesEvery = TimeSpan.FromHours(1);

    public static IReadOnlyList<ServiceJob> All(RaOptions options) =>
    [
        // What the CA has in use; a run that is broken off is followed by the next.
        ServiceJob.Of<ProfilesJob>("profiles", new JobSchedule.Every(PullProfilesEvery)) with { Missed = WhenMissed.Wait },

        // What nobody has fetched, by age: whoever looks finds the same.
        ServiceJob.Of<DeliveriesJob>(RemindDeliveries.JobName, new JobSchedule.Every(RemindEvery)) with { Missed = WhenMissed.Wait },

        // Files of applicants that were kept long enough, by age: whoever looks finds the same.
        ServiceJob.Of<BatchFilesJob>(DeleteFiles.JobName, new JobSchedule.Every(DeleteFilesEvery)) with { Missed = WhenMissed.Wait },

        // What is not proven yet, page by page, from where the last run ended: one that is broken off is followed by the next.
        ServiceJob.Of<InclusionJob>("inclusion", new JobSchedule.Every(ProveInclusion.LookEvery)) with { Missed = WhenMissed.Wait },
    ];
}
