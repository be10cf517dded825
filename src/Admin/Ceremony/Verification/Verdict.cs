namespace ZwCa.Admin.Ceremony;

/// <param name="Faults">What does not hold, a sentence each; empty: everything does.</param>
/// <param name="Checked">What was looked at, for the reader.</param>
internal sealed record CeremonyReport(IReadOnlyList<string> Faults, IReadOnlyList<string> Checked, Inventory? Inventory, string? TranscriptHash);

/// <summary>What a verification has found so far.</summary>
internal sealed class Verdict
{
    private readonly List<string> _faults = [];
    private readonly List<string> _checked = [];

    public IReadOnlyList<string> Faults => _faults;

    public IReadOnlyList<string> Checked => _checked;

    public void Fault(string fault) => _faults.Add(fault);

    public void Demand(bool met, string otherwise)
    {
        if (!met)
        {
            _faults.Add(otherwise);
        }
    }

    /// <summary>For the reader.</summary>
    public void Say(string looked) => _checked.Add(looked);
}
