namespace ZwCa.Ra.Enrollments;

/// <summary>By when each step should be done; what is late is on the list of overdue enrollments. Section <c>Ra:Limits</c>.</summary>
public sealed record TimeLimits
{
    /// <summary>A returned enrollment goes back to its applicant for so long.</summary>
    public TimeSpan Correct { get; init; } = TimeSpan.FromDays(15);

    /// <summary>Each review. An approval counts for 30 days at the CA: what is not reviewed by then has to be submitted anew.</summary>
    public TimeSpan Review { get; init; } = TimeSpan.FromDays(3);

    /// <summary>Until the CA has answered.</summary>
    public TimeSpan Issue { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Until the token has signed its receipt. Afterwards a revocation is opened for two officers to decide.</summary>
    public TimeSpan Deliver { get; init; } = TimeSpan.FromDays(30);

    /// <summary>Between two reminders of a pair that nobody has fetched.</summary>
    public TimeSpan Remind { get; init; } = TimeSpan.FromDays(7);

    /// <summary>How long after the entry was signed a review still counts: the time that the CA takes an approval for.</summary>
    public TimeSpan ReviewAtMost { get; init; } = TimeSpan.FromDays(30);

    internal IEnumerable<string> Faults()
    {
        foreach ((TimeSpan value, string name) in ((TimeSpan, string)[])
        [
            (Correct, nameof(Correct)), (Review, nameof(Review)), (Issue, nameof(Issue)), (Deliver, nameof(Deliver)), (Remind, nameof(Remind)), (ReviewAtMost, nameof(ReviewAtMost)),
        ])
        {
            if (value < TimeSpan.FromSeconds(1) || value > TimeSpan.FromDays(365))
            {
                yield return $"{name} must be one second to 365 days.";
            }
        }
    }
}
