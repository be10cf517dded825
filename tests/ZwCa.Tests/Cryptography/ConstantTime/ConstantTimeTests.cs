using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using ZwCa.Cryptography;

namespace ZwCa.Tests.Cryptography.ConstantTime;

public class ConstantTimeTests
{
    private static readonly HashSet<string> _product = [.. MarkedMethods.Of(typeof(ConstantTimeAttribute).Assembly).Select(MarkedMethods.NameOf)];

    private static readonly HashSet<string> _controls = [.. MarkedMethods.Of(typeof(Controls).Assembly).Select(MarkedMethods.NameOf)];

    public static TheoryData<string> Processors => [.. Disassembly.Processors.Keys];

    [Theory]
    [MemberData(nameof(Processors))]
    public void NoSecretDecidesAJumpOrACall(string processor)
    {
        RequiresX64();
        Listing[] listings = Product(processor);

        Assert.NotEmpty(_product);
        Violations.AssertNone(_product.Except(listings.Select(listing => listing.Method)).Select(name => $"{name} was not compiled."));
        Violations.AssertNone(listings.Where(listing => !listing.NeedsAnotherProcessor)
            .SelectMany(listing => Verdict.Violations(listing, _product, Reviewed.Methods, Reviewed.Helpers)));
    }

    /// <summary>A method written for instructions that a processor lacks only throws there, so some row above must have judged it.</summary>
    [Fact]
    public void EveryMarkedMethodIsJudgedOnSomeProcessor()
    {
        RequiresX64();
        Requires.Condition(Avx2.IsSupported && Bmi2.X64.IsSupported, "a processor with AVX2 and BMI2, for the accelerated methods");

        IEnumerable<string> judged =
            from processor in Disassembly.Processors.Keys
            from listing in Product(processor)
            where !listing.NeedsAnotherProcessor
            select listing.Method;
        Violations.AssertNone(_product.Except(judged).Select(name => $"{name} was judged on no processor."));
    }

    [Fact]
    public void WhereSecretsEnterIsMarked() => Violations.AssertNone(Reviewed.Roots.Except(_product).Select(name => $"{name} is not marked."));

    [Fact]
    public void EveryReviewedExceptionIsForAMarkedMethodAndHasAReason()
    {
        Violations.AssertNone(Reviewed.Methods.Where(each => !_product.Contains(each.Method)).Select(each => $"{each.Method} is not marked."));
        Assert.All(Reviewed.Methods, each => Assert.True(each.Reason.Length >= 10, each.Method));
        Assert.Distinct(Reviewed.Methods.Select(each => each.Method));
    }

    [Fact]
    public void EveryMarkIsUnambiguous() => Violations.AssertNone(MarkedMethods.Ambiguities(typeof(ConstantTimeAttribute).Assembly));

    [Fact]
    public void AnAmbiguousMark_IsFound() =>
        Assert.Equal(
            [
                $"{typeof(Controls).FullName}:OverloadedUnmarked has an unmarked overload UInt64 OverloadedUnmarked(Int64): overloads of one name are marked together.",
                $"{typeof(Controls).FullName}:Generic is generic and not inlined: its code differs from one type argument to the next.",
            ],
            MarkedMethods.Ambiguities(typeof(Controls).Assembly));

    /// <summary>
    /// Code that starts out unoptimised is other code than was judged, and slow: a marked method is optimised from its first call on, or
    /// inlined into one that is.
    /// </summary>
    [Fact]
    public void EveryMarkedMethodIsOptimisedFromItsFirstCall() =>
        Violations.AssertNone(MarkedMethods.Of(typeof(ConstantTimeAttribute).Assembly)
            .Where(method => (method.MethodImplementationFlags & MarkedMethods.OptimisedAtOnce) == 0)
            .Select(method => $"{MarkedMethods.NameOf(method)} has neither AggressiveOptimization nor AggressiveInlining."));

    [Theory]
    [InlineData(nameof(Controls.Branches), "1 forward conditional jump(s), 0 allowed")]
    [InlineData(nameof(Controls.SelectsWithBranch), "1 forward conditional jump(s), 0 allowed")]
    [InlineData(nameof(Controls.LoopsWhileSecret), "1 loop edge(s), 0 reviewed")]
    [InlineData(nameof(Controls.LoopsEightTimes), "1 loop edge(s), 0 reviewed")]
    [InlineData(nameof(Controls.CallsUnmarked), "call of ZwCa.Tests.Cryptography.ConstantTime.Controls:Unmarked, which is neither marked nor allowed")]
    [InlineData(nameof(Controls.EndsInUnmarked), "call of ZwCa.Tests.Cryptography.ConstantTime.Controls:Unmarked, which is neither marked nor allowed")]
    [InlineData(nameof(Controls.CallsDelegate), "which is neither marked nor allowed")]
    [InlineData(nameof(Controls.EndsInDelegate), "which is neither marked nor allowed")]
    [InlineData(nameof(Controls.ChecksOverflow), "1 forward conditional jump(s), 0 allowed")]
    [InlineData(nameof(Controls.Divides), "division takes a time")]
    [InlineData(nameof(Controls.ChecksBounds), "1 forward conditional jump(s), 0 allowed")]
    [InlineData(nameof(Controls.ChecksBounds), "call of CORINFO_HELP_RNGCHKFAIL")]
    [InlineData(nameof(Controls.Switches), "computed jump")]
    public void ALeakingMethod_IsFound(string method, string expected)
    {
        RequiresX64();

        Assert.Contains(Judge(method, []), violation => violation.Contains(expected));
    }

    [Fact]
    public void SelectionByMask_Passes()
    {
        RequiresX64();

        Violations.AssertNone(Judge(nameof(Controls.SelectsWithMask), []));
    }

    [Fact]
    public void AReviewedLoopOfMarkedCalls_Passes()
    {
        RequiresX64();
        var reviewed = new Allowance($"{typeof(Controls).FullName}:{nameof(Controls.LoopsEightTimes)}", "eight rounds") { Loops = 1 };

        Violations.AssertNone(Judge(nameof(Controls.LoopsEightTimes), [reviewed]));
    }

    private static Listing[] Product(string processor) => [.. Disassembly.For(processor).Where(listing => _product.Contains(listing.Method))];

    private static IReadOnlyList<string> Judge(string control, IReadOnlyList<Allowance> allowances)
    {
        string name = $"{typeof(Controls).FullName}:{control}";
        Listing listing = Assert.Single(Disassembly.For("this processor"), each => each.Method == name);
        return [.. Verdict.Violations(listing, _controls, allowances, Reviewed.Helpers)];
    }

    private static void RequiresX64() =>
        Requires.Condition(RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.X64, "an x64 processor, whose instructions the listing reader knows");
}
