using System.Globalization;
using Quartz;

namespace ZwCa.Ca.Jobs;

/// <summary>What becomes of runs that were due while nobody ran them: the service was stopped, or the run before took too long.</summary>
internal enum WhenMissed
{
    /// <summary>One run at once, however many were missed; then as scheduled.</summary>
    RunOnce,

    /// <summary>The next one as scheduled.</summary>
    Wait,
}

/// <summary>A job of the CA: what <see cref="JobSchedules"/> keeps in the store. Of several nodes one runs it each time.</summary>
internal sealed record CaJob
{
    private CaJob()
    {
    }

    /// <summary>For ever: stored under it.</summary>
    public required string Name { get; init; }

    /// <summary>An <see cref="IJob"/>; with <see cref="DisallowConcurrentExecutionAttribute"/> it runs on one node at a time.</summary>
    public required Type Type { get; init; }

    public required JobSchedule Schedule { get; init; }

    public WhenMissed Missed { get; init; }

    /// <summary>Whether another node (or this one after its next start) runs it again at once where its node died or was stopped while it ran. Otherwise it waits for its next time.</summary>
    public bool TakeUp { get; init; }

    public JobKey Key => new(Name);

    public TriggerKey TriggerKey => new(Name);

    /// <summary>All that decides when it runs, up to 500 characters: stored beside it, to see whether it has changed.</summary>
    public string Description => $"{Schedule.Description}; missed: {(Missed == WhenMissed.RunOnce ? "once" : "wait")}{(TakeUp ? "; taken up" : "")}";

    public static CaJob Of<TJob>(string name, JobSchedule schedule)
        where TJob : IJob => new() { Name = name, Type = typeof(TJob), Schedule = schedule };

    public IJobDetail ToDetail() => JobBuilder.Create().OfType(Type).WithIdentity(Key).WithDescription(Description).RequestRecovery(TakeUp).Build();

    public ITrigger ToTrigger(TimeProvider time) =>
        TriggerBuilder.Create(time).WithIdentity(TriggerKey).ForJob(Key).WithDescription(Description).StartAt(time.GetUtcNow() + Schedule.FirstAfter)
            .WithSchedule(Schedule.ToBuilder(Missed)).Build();
}

/// <summary>When a job runs.</summary>
internal abstract record JobSchedule
{
    public abstract string Description { get; }

    /// <summary>From the first start to the first run.</summary>
    public virtual TimeSpan FirstAfter => TimeSpan.Zero;

    public abstract IScheduleBuilder ToBuilder(WhenMissed missed);

    /// <summary>Again and again, at once after the first start.</summary>
    public record Every(TimeSpan Interval) : JobSchedule
    {
        public override string Description => Interval.ToString("c", CultureInfo.InvariantCulture);

        public override IScheduleBuilder ToBuilder(WhenMissed missed) => SimpleScheduleBuilder.Create().WithInterval(Interval).RepeatForever().WithMisfireInstruction(
            missed == WhenMissed.RunOnce ? SimpleTriggerMisfireInstruction.NowWithExistingCount : SimpleTriggerMisfireInstruction.NextWithExistingCount);
    }

    /// <summary>Again and again, from one interval after the first start.</summary>
    public sealed record Later(TimeSpan Interval) : Every(Interval)
    {
        public override TimeSpan FirstAfter => Interval;
    }

    /// <summary>In the time zone of the machine.</summary>
    /// <param name="Expression">Quartz cron expression, up to <see cref="MaxLength"/> characters.</param>
    public sealed record Cron(string Expression) : JobSchedule
    {
        public const int MaxLength = 250;

        public static bool IsRight(string? expression) => expression?.Length <= MaxLength && CronExpression.TryParse(expression, out _);

        public override string Description => $"{Expression} ({TimeZoneInfo.Local.Id})";

        public override IScheduleBuilder ToBuilder(WhenMissed missed) => CronScheduleBuilder.Create(Expression).InTimeZone(TimeZoneInfo.Local).WithMisfireInstruction(
            missed == WhenMissed.RunOnce ? CronTriggerMisfireInstruction.FireAndProceed : CronTriggerMisfireInstruction.DoNothing);
    }

    /// <summary>Once after each start of a node; it may be another node that runs it.</summary>
    public sealed record AtStart : JobSchedule
    {
        public override string Description => "at start";

        public override IScheduleBuilder ToBuilder(WhenMissed missed) => SimpleScheduleBuilder.Create().WithMisfireInstruction(SimpleTriggerMisfireInstruction.FireNow);
    }
}
