namespace ZwCa.Kmc.KeyPool;

/// <summary>How many keys are kept ready: section <c>Kmc:Pool</c>.</summary>
public sealed record PoolOptions
{
    /// <summary>Below it keys are made.</summary>
    public int Threshold { get; init; } = 10_000;

    /// <summary>Until there are so many.</summary>
    public int Full { get; init; } = 20_000;

    /// <summary>At once; 1 to 1,024.</summary>
    public int Batch { get; init; } = 1024;

    /// <returns>What is wrong with it.</returns>
    internal IEnumerable<string> Faults()
    {
        if (Threshold < 1 || Full < Threshold || Full > 10_000_000)
        {
            yield return "Kmc:Pool: Threshold must be at least 1, and Full from Threshold to 10,000,000.";
        }

        if (Batch is < 1 or > 1024)
        {
            yield return "Kmc:Pool:Batch must be 1 to 1024.";
        }
    }
}
