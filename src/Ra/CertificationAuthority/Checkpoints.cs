using Microsoft.Extensions.Logging;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Audit;

namespace ZwCa.Ra.CertificationAuthority;

/// <summary>
/// The highest checkpoint of the CA's log that any of its answers named to this node (trust.md §6), and what is wrong with the log as far as that shows. In memory: <see cref="KeepCheckpoint"/>
/// keeps it for all nodes, and asks for the proof that one follows from the other. Safe for concurrent use.
/// </summary>
internal sealed partial class Checkpoints(AuditVerifier verifier, TimeProvider time, ILogger<Checkpoints> logger)
{
    /// <summary>Between two lines of the log about the same trouble.</summary>
    public static readonly TimeSpan TellEvery = TimeSpan.FromMinutes(1);

    /// <summary>A node of the CA names for a second what it has read, and its answer takes a while: so long a smaller one is none that went back.</summary>
    private static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private string? _lastHeader;
    private Checkpoint? _highest;
    private DateTimeOffset _highestAt;
    private DateTimeOffset? _seenAt;
    private string? _fault;
    private string? _unproven;
    private DateTimeOffset _toldAt = DateTimeOffset.MinValue;

    /// <summary>Null: none was seen.</summary>
    public Checkpoint? Highest
    {
        get
        {
            lock (_lock)
            {
                return _highest;
            }
        }
    }

    /// <summary>When an answer last named one that is right. Null: none has.</summary>
    public DateTimeOffset? SeenAt
    {
        get
        {
            lock (_lock)
            {
                return _seenAt;
            }
        }
    }

    /// <summary>In English. Null: nothing is wrong that would show.</summary>
    public string? FindFault()
    {
        lock (_lock)
        {
            return _unproven ?? _fault;
        }
    }

    /// <param name="header">Base64 of the DER, as the CA sends it.</param>
    public void See(string header)
    {
        lock (_lock)
        {
            // Most answers of a second name the same.
            if (header == _lastHeader && _fault is null)
            {
                _seenAt = time.GetUtcNow();
                return;
            }
        }

        Checkpoint checkpoint;
        try
        {
            checkpoint = Der.Decode<Checkpoint>(Convert.FromBase64String(header));
            verifier.VerifyCheckpoint(checkpoint);
        }
        catch (Exception e) when (e is FormatException or DerException or LogNotProvenException)
        {
            lock (_lock)
            {
                Blame(e is LogNotProvenException ? e.Message : "What the CA names as its log's checkpoint is none.");
            }

            return;
        }

        lock (_lock)
        {
            _fault = FindContradiction(checkpoint, time.GetUtcNow());
            if (_fault is not null)
            {
                Blame(_fault);
                return;
            }

            _seenAt = time.GetUtcNow();
            _lastHeader = Raise(checkpoint) ? header : _lastHeader;
        }
    }

    /// <summary>One that was kept before, by whichever node.</summary>
    public void Know(Checkpoint kept)
    {
        lock (_lock)
        {
            Raise(kept);
        }
    }

    /// <summary>Whether the highest follows from the one that was kept.</summary>
    /// <param name="unproven">In English. Null: it does.</param>
    public void Judge(string? unproven)
    {
        lock (_lock)
        {
            _unproven = unproven;
            if (unproven is not null)
            {
                Tell(unproven);
            }
        }
    }

    /// <returns>Above zero: the first is the higher one (docs/AUDIT-FORMAT.md).</returns>
    internal static int Compare(TbsCheckpoint first, TbsCheckpoint second) =>
        (first.Epoch, first.TreeSize, first.Time).CompareTo((second.Epoch, second.TreeSize, second.Time));

    private string? FindContradiction(Checkpoint checkpoint, DateTimeOffset now)
    {
        if (_highest?.Tbs is not { } highest)
        {
            return null;
        }

        TbsCheckpoint tbs = checkpoint.Tbs;
        bool isSmaller = tbs.Epoch < highest.Epoch || (tbs.Epoch == highest.Epoch && tbs.TreeSize < highest.TreeSize);

        // Who signs a smaller tree later has lost something, whichever node says it and however soon.
        return isSmaller && (now - _highestAt > Tolerance || (tbs.Epoch == highest.Epoch && tbs.Time > highest.Time))
                ? $"The CA's log went back: it had {highest.TreeSize} events (epoch {highest.Epoch}), and now has {tbs.TreeSize} (epoch {tbs.Epoch})."
            : tbs.Epoch == highest.Epoch && tbs.TreeSize == highest.TreeSize && !tbs.RootHash.Span.SequenceEqual(highest.RootHash.Span)
                ? $"The CA's log of {tbs.TreeSize} events is another one than before."
            : tbs.Epoch == highest.Epoch && tbs.TreeSize > highest.TreeSize && tbs.Time < highest.Time
                ? "The larger log's checkpoint is older than the smaller one's."
            : null;
    }

    /// <returns>False: it is not higher.</returns>
    private bool Raise(Checkpoint checkpoint)
    {
        if (_highest is not null && Compare(checkpoint.Tbs, _highest.Tbs) <= 0)
        {
            return false;
        }

        _highest = checkpoint;
        _highestAt = time.GetUtcNow();
        return true;
    }

    private void Blame(string fault)
    {
        _fault = fault;
        Tell(fault);
    }

    private void Tell(string fault)
    {
        DateTimeOffset now = time.GetUtcNow();
        if (now - _toldAt >= TellEvery || now < _toldAt)
        {
            _toldAt = now;
            LogWrong(logger, fault);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The CA's log is not what it was: {Fault}")]
    private static partial void LogWrong(ILogger logger, string fault);
}
