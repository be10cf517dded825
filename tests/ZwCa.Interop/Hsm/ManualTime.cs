namespace ZwCa.Interop.Hsm;

/// <summary>A clock whose timers run out when the test says so, and never by themselves.</summary>
internal sealed class ManualTime : TimeProvider
{
    private readonly List<Timer> _timers = [];

    /// <summary>All time-outs that are waited for now are over.</summary>
    public void Elapse()
    {
        Timer[] due;
        lock (_timers)
        {
            due = [.. _timers];
            _timers.Clear();
        }

        Array.ForEach(due, timer => timer.Fire());
    }

    /// <summary>The time-out that was begun last is over.</summary>
    public void ElapseLast()
    {
        Timer last;
        lock (_timers)
        {
            last = _timers[^1];
            _timers.Remove(last);
        }

        last.Fire();
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        lock (_timers)
        {
            _timers.Add(timer);
        }

        return timer;
    }

    private sealed class Timer(ManualTime time, TimerCallback callback, object? state) : ITimer
    {
        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
            lock (time._timers)
            {
                time._timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
