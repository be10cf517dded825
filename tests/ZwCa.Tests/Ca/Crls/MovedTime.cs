namespace ZwCa.Tests.Ca.Crls;

/// <summary>The machine's clock, from which time may be taken away or given to.</summary>
internal sealed class MovedTime : TimeProvider
{
    private long _set;
    private long _passed;

    /// <summary>Somebody sets the clock: the processor's ticks know nothing of it.</summary>
    public void Set(TimeSpan by) => Interlocked.Add(ref _set, by.Ticks);

    /// <summary>So much time goes by.</summary>
    public void Pass(TimeSpan by) => Interlocked.Add(ref _passed, by.Ticks);

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _set) + Interlocked.Read(ref _passed));

    public override long GetTimestamp() => base.GetTimestamp() + (long)(TimeSpan.FromTicks(Interlocked.Read(ref _passed)).TotalSeconds * TimestampFrequency);
}
