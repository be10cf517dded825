using System.Text.RegularExpressions;

namespace ZwCa.Tests.Cryptography.ConstantTime;

public enum InstructionKind
{
    /// <summary>Straight-line code, unconditional jumps to a label, and returns.</summary>
    Plain,

    /// <summary>Conditional jump to code further down: an if, a bounds check, the way around a loop.</summary>
    ForwardJump,

    /// <summary>Conditional jump to code further up: the edge that closes a loop.</summary>
    BackwardJump,

    /// <summary>Jump to an address that was computed: a switch.</summary>
    ComputedJump,

    /// <summary>Call or tail call.</summary>
    Call,

    /// <summary>Takes longer for some operands than for others on processors in use: integer division.</summary>
    VariableTime,
}

/// <param name="Text">Mnemonic and operands, single-spaced.</param>
/// <param name="Target">
/// Of a call: the method as <c>Namespace.Type:Method</c>, the runtime helper's name, or, where the callee is known at run time only, the operand.
/// </param>
internal sealed record Instruction(InstructionKind Kind, string Text, string Target = "");

/// <summary>The machine code of one method, as the JIT prints it for <c>DOTNET_JitDisasm</c> on x64.</summary>
/// <param name="Method"><c>Namespace.Type:Method</c>, without the signature; nested types with <c>+</c>.</param>
/// <param name="Signature">The whole heading.</param>
/// <param name="Tier">FullOpts where every optimisation was on and no profile was used.</param>
internal sealed partial record Listing(string Method, string Signature, string Tier, IReadOnlyList<Instruction> Instructions)
{
    /// <summary>Compiled for a processor without the instructions that it uses: running it throws.</summary>
    public bool NeedsAnotherProcessor => Instructions.Any(instruction => instruction.Target == "CORINFO_HELP_THROW_PLATFORM_NOT_SUPPORTED");

    public static IReadOnlyList<Listing> Parse(string text)
    {
        var listings = new List<Listing>();
        Match[] headings = [.. Heading().Matches(text).Cast<Match>()];
        for (int i = 0; i < headings.Length; i++)
        {
            int start = headings[i].Index + headings[i].Length;
            int end = i + 1 < headings.Length ? headings[i + 1].Index : text.Length;
            string signature = headings[i].Groups["signature"].Value;
            listings.Add(new Listing(NameOf(signature), signature, headings[i].Groups["tier"].Value, [.. Code(text[start..end])]));
        }

        return listings;
    }

    private static IEnumerable<Instruction> Code(string body)
    {
        var seen = new HashSet<string>();
        foreach (string line in body.Split('\n').Select(line => line.TrimEnd()))
        {
            Match label = Label().Match(line);
            if (label.Success)
            {
                seen.Add(label.Groups["name"].Value);
                continue;
            }

            // Constants follow the code: RWD00 dq …
            if (line.Length == 0 || !char.IsWhiteSpace(line[0]) || Data().IsMatch(line))
            {
                continue;
            }

            string[] words = line.Split(';')[0].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > 0)
            {
                yield return Classify(words[0], string.Join(' ', words[1..]), seen);
            }
        }
    }

    private static Instruction Classify(string mnemonic, string operands, HashSet<string> seen)
    {
        string text = $"{mnemonic} {operands}".TrimEnd();
        if (mnemonic is "call" || mnemonic.EndsWith(".jmp", StringComparison.Ordinal))
        {
            return new Instruction(InstructionKind.Call, text, CallTarget(operands));
        }

        if (mnemonic == "jmp")
        {
            return new Instruction(JumpTarget().IsMatch(operands) ? InstructionKind.Plain : InstructionKind.ComputedJump, text);
        }

        if (mnemonic[0] == 'j' || mnemonic.StartsWith("loop", StringComparison.Ordinal))
        {
            // Only the JIT's own prologue jumps without a label, "jne SHORT -5 instr": it zeroes the frame, whose size is fixed.
            Match target = JumpTarget().Match(operands);
            if (target.Groups["back"].Success)
            {
                return new Instruction(InstructionKind.Plain, text);
            }

            bool backward = seen.Contains(target.Groups["label"].Value);
            return new Instruction(backward ? InstructionKind.BackwardJump : InstructionKind.ForwardJump, text);
        }

        return new Instruction(mnemonic is "div" or "idiv" ? InstructionKind.VariableTime : InstructionKind.Plain, text);
    }

    private static string CallTarget(string operands)
    {
        string target = operands.StartsWith('[') && operands.EndsWith(']') ? operands[1..^1] : operands;
        Match method = NamedMethod().Match(target);
        return method.Success ? method.Value : target;
    }

    private static string NameOf(string signature)
    {
        Match method = NamedMethod().Match(signature);
        return method.Success ? method.Value : signature;
    }

    [GeneratedRegex(@"^; Assembly listing for method (?<signature>.+) \((?<tier>[^()]+)\)\r?$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"^(?<name>G_M\w+):")]
    private static partial Regex Label();

    [GeneratedRegex(@"^\s+(d[bdqw]|align)\s")]
    private static partial Regex Data();

    [GeneratedRegex(@"^(SHORT )?((?<label>G_M\w+)|(?<back>-\d+ instr)|\+?\d+ instr)$")]
    private static partial Regex JumpTarget();

    /// <summary>Type, colon, method with its generic arguments; the signature's bracket ends it.</summary>
    [GeneratedRegex(@"^[^\s:()]+:[^\s(]+(?=\()")]
    private static partial Regex NamedMethod();
}
