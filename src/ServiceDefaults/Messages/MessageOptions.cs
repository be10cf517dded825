namespace ZwCa.ServiceDefaults.Messages;

/// <summary>How a service answers signed messages.</summary>
public sealed record MessageOptions
{
    /// <summary>Bytes of an answer.</summary>
    public int MaxAnswerLength { get; init; } = 1 << 20;

    /// <summary>How long a node that has died while it ran a request keeps others from it; longer than any endpoint takes.</summary>
    public TimeSpan ClaimFor { get; init; } = TimeSpan.FromMinutes(1);
}
