using System.Globalization;
using Quartz;

namespace ZwCa.Jobs;

/// <summary>What becomes of runs that were due while nobody ran them: the service was stopped, or the run before took too long.</summary>
public enum WhenMissed
{
    /// <summary>One run at once, however many were missed; then as scheduled.</summary>
    RunOnce,

    /// <summary>The next one as scheduled.</summary>
    Wait,
}

/// <summary>A job of a service: what is kept in the store. Of several nodes one runs it each time.</summary>
public sealed record ServiceJob
{
    private ServiceJob()
    {
    }

    /// <summary>For ever: stored under it.</summary>
    public required string Name { get; init; }

    /// <summary>An <see cref="IJob"/>; with <see cref="DisallowConcurrentExecutionAttribute"/> it runs on one node at a time, and one that stands still keeps all others from it while its node checks in.</summary>
    public required Type Type { get; init; }

    public required JobSchedule Schedule { get; init; }

    public WhenMissed Missed { get; init; }

    /// <summary>Whether another node (or this one after its next start) runs it again at once where its node died or was stopped while it ran. Otherwise it waits for its next time.</summary>
    public bool TakeUp { get; init; }

    /// <summary>How long a run may go on after the next was due, before readiness tells of it.</summary>
    public TimeSpan LongestRun { get; init; } = TimeSpan.FromMinutes(10);

    public JobKey Key => new(Name);

    public TriggerKey TriggerKey => new(Name);

    /// <summary>All that decides when it runs, up to 500 characters: stored beside it, to see whether it has changed.</summary>
    public string Description => $"{Schedule.Description}; missed: {(Missed == WhenMissed.RunOnce ? "once" : "wait")}{(TakeUp ? "; taken up" : "")}";

    public static ServiceJob Of<TJob>(string name, JobSchedule schedule)
        where TJob : IJob => new() { Name = name, Type = typeof(TJob), Schedule = schedule };

    public IJobDetail ToDetail() => JobBuilder.Create().OfType(Type).WithIdentity(Key).WithDescription(Description).RequestRecovery(TakeUp).Build();

    public ITrigger ToTrigger(TimeProvider time) =>
        TriggerBuilder.Create(time).WithIdentity(TriggerKey).ForJob(Key).WithDescription(Description).StartAt(time.GetUtcNow() + Schedule.FirstAfter)
            .WithSchedule(Schedule.ToBuilder(Missed)).Build();

    /// <summary>Whether it is due later than its schedule can say: a node with a clock that was ahead has moved it.</summary>
    /// <param name="tolerance">That clocks of nodes may differ by.</param>
    public bool IsTooLate(DateTimeOffset? due, DateTimeOffset now, TimeSpan tolerance) => due > Schedule.LatestAfter(now + tolerance);
}

/// <summary>When a job runs.</summary>
public abstract record JobSchedule
{
    public abstract string Description { get; }

    /// <summary>From the first start to the first run.</summary>
    public virtual TimeSpan FirstAfter => TimeSpan.Zero;

    public abstract IScheduleBuilder ToBuilder(WhenMissed missed);

    /// <returns>The latest time at which the next run may be due, seen from that moment. Null: there is none any more.</returns>
    public abstract DateTimeOffset? LatestAfter(DateTimeOffset moment);

    /// <summary>Again and again, at once after the first start.</summary>
    public record Every(TimeSpan Interval) : JobSchedule
    {
        public override string Description => Interval.ToString("c", CultureInfo.InvariantCulture);

        public override IScheduleBuilder ToBuilder(WhenMissed missed) => SimpleScheduleBuilder.Create().WithInterval(Interval).RepeatForever().WithMisfireInstruction(
            missed == WhenMissed.RunOnce ? SimpleTriggerMisfireInstruction.NowWithExistingCount : SimpleTriggerMisfireInstruction.NextWithExistingCount);

        public override DateTimeOffset? LatestAfter(DateTimeOffset moment) => moment + Interval;
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

        public override DateTimeOffset? LatestAfter(DateTimeOffset moment) => new CronExpression(Expression, TimeZoneInfo.Local).GetNextValidTimeAfter(moment);
    }

    /// <summary>Once after each start of a node; it may be another node that runs it.</summary>
    public sealed record AtStart : JobSchedule
    {
        public override string Description => "at start";

        public override IScheduleBuilder ToBuilder(WhenMissed missed) => SimpleScheduleBuilder.Create().WithMisfireInstruction(SimpleTriggerMisfireInstruction.FireNow);

        public override DateTimeOffset? LatestAfter(DateTimeOffset moment) => moment;
    }
}
