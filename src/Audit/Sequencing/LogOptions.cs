using ZwCa.Asn1.Pkix;

namespace ZwCa.Audit.Sequencing;

/// <summary>Which log it is, and what says how far it had come.</summary>
public sealed record LogOptions
{
    /// <summary>Name of the log, the same for ever: <c>zwca/ca</c>.</summary>
    public required string Origin { get; init; }

    /// <summary>The key that signs checkpoints; SM2.</summary>
    public required SubjectPublicKeyInfo Key { get; init; }

    /// <summary>Keys that signed before it, whose checkpoints are in the database or in an anchor.</summary>
    public IReadOnlyList<SubjectPublicKeyInfo> EarlierKeys { get; init; } = [];

    /// <summary>At least one, and best on several machines: the highest counts.</summary>
    public required IReadOnlyList<Anchor> Anchors { get; init; }

    /// <summary>Events that one transaction takes into the log: others wait for it.</summary>
    public int BatchSize { get; init; } = 5000;

    /// <summary>Between two checkpoints while there is news.</summary>
    public TimeSpan MinInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Between two checkpoints while there is none.</summary>
    public TimeSpan MaxInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Between two looks whether there is something to do; the pause after a failure is five times as long.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>How long a node that has died keeps another from going on.</summary>
    public TimeSpan LeaseDuration { get; init; } = TimeSpan.FromSeconds(5);
}
