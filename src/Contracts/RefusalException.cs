namespace ZwCa.Contracts;

/// <summary>A refusal on its way to the caller. The text is for the person at the other end, in Chinese where a clerk reads it, and holds no secret.</summary>
/// <param name="retryAfter">When asking again may help; null: not by waiting.</param>
public sealed class RefusalException(Refusal kind, string detail, TimeSpan? retryAfter = null, Exception? inner = null) : Exception(detail, inner)
{
    public Refusal Kind { get; } = kind;

    /// <summary>When asking again may help; null: not by waiting. On the wire in whole seconds, rounded up.</summary>
    public TimeSpan? RetryAfter { get; } = retryAfter;

    /// <summary>Whether another service refused; then its answer was turned into this by <see cref="ProblemResponse"/>.</summary>
    public bool FromPeer { get; init; }
}
