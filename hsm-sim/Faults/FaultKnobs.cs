using System.Runtime.InteropServices;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.HsmSim.Faults;

/// <summary>What the console may let go wrong in a device that runs with --faults. Without that nothing ever does.</summary>
internal sealed class FaultKnobs
{
    private const int SigKill = 9;

    private readonly Action _die;
    private int _failSigns;
    private int _delay;
    private int _dropAnswers;
    private int _dieAt;

    /// <param name="enabled">--faults was given: the stores are marked.</param>
    public FaultKnobs(bool enabled)
        : this(enabled, Die)
    {
    }

    /// <param name="die">How a test lets its part of the process end; does not return.</param>
    internal FaultKnobs(bool enabled, Action die)
    {
        Enabled = enabled;
        _die = die;
    }

    /// <summary>Raised on a power loss, just before the end: what is not on stable storage has to go.</summary>
    public event Action? PowerLost;

    public bool Enabled { get; }

    /// <summary>How long every answer waits.</summary>
    public TimeSpan AnswerDelay => TimeSpan.FromMilliseconds(Volatile.Read(ref _delay));

    /// <exception cref="InvalidOperationException">The device runs without --faults.</exception>
    public void Set(Fault fault)
    {
        if (!Enabled)
        {
            throw new InvalidOperationException("The device runs without --faults.");
        }

        switch (fault.Kind)
        {
            case FaultKind.FailSigns:
                Volatile.Write(ref _failSigns, fault.Value);
                break;
            case FaultKind.DelayAnswers:
                Volatile.Write(ref _delay, fault.Value);
                break;
            case FaultKind.DropAnswers:
                Volatile.Write(ref _dropAnswers, fault.Value);
                break;
            case FaultKind.DieAt:
                Volatile.Write(ref _dieAt, fault.Value);
                break;
            case FaultKind.PowerLoss:
                PowerLost?.Invoke();
                _die();
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(fault));
        }
    }

    /// <summary>Whether a test wants the process to end here.</summary>
    public bool IsArmed(FaultPoint point) => Volatile.Read(ref _dieAt) == (int)point;

    /// <summary>Ends the process where a test wants it to end here.</summary>
    public void At(FaultPoint point)
    {
        if (IsArmed(point))
        {
            _die();
        }
    }

    /// <returns>Whether this signature is to fail; each true is counted.</returns>
    public bool TakeFailSign() => Take(ref _failSigns);

    /// <returns>Whether this answer is not to be sent; each true is counted.</returns>
    public bool TakeDropAnswer() => Take(ref _dropAnswers);

    private static bool Take(ref int counter)
    {
        int left = Volatile.Read(ref counter);
        while (left > 0)
        {
            int seen = Interlocked.CompareExchange(ref counter, left - 1, left);
            if (seen == left)
            {
                return true;
            }

            left = seen;
        }

        return false;
    }

    // No finally block and no finalizer runs: nothing is flushed on the way.
    private static void Die()
    {
        if (!OperatingSystem.IsWindows())
        {
            _ = Kill(Environment.ProcessId, SigKill);
            Thread.Sleep(Timeout.Infinite);
        }

        Environment.FailFast("A fault that was asked for.");
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int process, int signal);
}
