namespace ZwCa.Tests.Cryptography.ConstantTime;

/// <summary>A reviewed exception for one method.</summary>
/// <param name="Method"><c>Namespace.Type:Method</c>.</param>
/// <param name="Reason">Why what is allowed here depends on public values only.</param>
internal sealed record Allowance(string Method, string Reason)
{
    /// <summary>Backward conditional jumps at most: loops whose trip count is public.</summary>
    public int Loops { get; init; }

    /// <summary>Forward conditional jumps at most.</summary>
    public int ForwardJumps { get; init; }

    /// <summary>Unmarked methods and runtime helpers that this method may call.</summary>
    public string[] Calls { get; init; } = [];
}

/// <summary>Something of the runtime that every marked method may call.</summary>
/// <param name="Name">As in the listing; a local function without the number that the compiler gave it.</param>
/// <param name="Reason">Why its time depends on public values only.</param>
internal sealed record AllowedHelper(string Name, string Reason)
{
    public bool Allows(string target) => target == Name || (Name.Contains("g__") && target.StartsWith(Name + "|", StringComparison.Ordinal));
}

/// <summary>
/// Judges machine code: whether an attacker who can time it, or watch its branches, learns more than public values. It sees jumps,
/// calls and divisions. It cannot see whether an address depends on a secret: that every table entry is read stays with review and
/// with the timing test that is run by hand.
/// </summary>
internal static class Verdict
{
    /// <param name="marked">Names of all methods marked constant-time: those may call each other.</param>
    /// <returns>One sentence per violation, with the instruction.</returns>
    public static IEnumerable<string> Violations(
        Listing listing, IReadOnlySet<string> marked, IReadOnlyList<Allowance> allowances, IReadOnlyList<AllowedHelper> helpers)
    {
        Allowance allowance = allowances.SingleOrDefault(each => each.Method == listing.Method) ?? new Allowance(listing.Method, "");
        if (listing.Tier != "FullOpts")
        {
            yield return $"{listing.Signature}: compiled as {listing.Tier}, not FullOpts.";
        }

        var loops = new List<string>();
        var forward = new List<string>();
        var calls = new List<(string Target, string Citation)>();
        for (int i = 0; i < listing.Instructions.Count; i++)
        {
            Instruction instruction = listing.Instructions[i];
            switch (instruction.Kind)
            {
                case InstructionKind.BackwardJump:
                    loops.Add(Cite(listing, i));
                    break;
                case InstructionKind.ForwardJump when !IsStackCheck(listing, i):
                    forward.Add(Cite(listing, i));
                    break;
                case InstructionKind.ComputedJump:
                    yield return $"{listing.Signature}: computed jump, {Cite(listing, i)}.";
                    break;
                case InstructionKind.VariableTime:
                    yield return $"{listing.Signature}: division takes a time that depends on its operands, {Cite(listing, i)}.";
                    break;
                case InstructionKind.Call when !IsAllowedCall(instruction.Target, listing, i):
                    calls.Add((instruction.Target, Cite(listing, i)));
                    break;
            }
        }

        if (loops.Count > allowance.Loops)
        {
            yield return $"{listing.Signature}: {loops.Count} loop edge(s), {allowance.Loops} reviewed as having a public trip count: {Join(loops)}.";
        }

        if (forward.Count > allowance.ForwardJumps)
        {
            yield return $"{listing.Signature}: {forward.Count} forward conditional jump(s), {allowance.ForwardJumps} allowed: {Join(forward)}.";
        }

        foreach (IGrouping<string, string> target in calls.GroupBy(call => call.Target, call => call.Citation))
        {
            yield return $"{listing.Signature}: call of {target.Key}, which is neither marked nor allowed: {Join([.. target])}.";
        }

        bool IsAllowedCall(string target, Listing caller, int at) =>
            marked.Contains(target) || allowance.Calls.Contains(target) || helpers.Any(helper => helper.Allows(target)) || IsStackCheck(caller, at - 1);
    }

    /// <summary>
    /// The epilogue of a method with a stack buffer compares a canary and ends the process when it was overwritten: decided by a bug, never
    /// by a secret.
    /// </summary>
    private static bool IsStackCheck(Listing listing, int jump) =>
        jump >= 0 && jump + 1 < listing.Instructions.Count
        && listing.Instructions[jump].Kind == InstructionKind.ForwardJump
        && listing.Instructions[jump + 1].Target == "CORINFO_HELP_FAIL_FAST";

    /// <summary>With what set the flags, which is what a reader has to look for in the source.</summary>
    private static string Cite(Listing listing, int at)
    {
        string before = at > 0 ? $"{listing.Instructions[at - 1].Text} / " : "";
        return $"instruction {at + 1} `{before}{listing.Instructions[at].Text}`";
    }

    private static string Join(List<string> citations) => string.Join(", ", citations);
}
