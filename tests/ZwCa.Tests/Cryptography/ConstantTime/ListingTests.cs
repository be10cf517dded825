namespace ZwCa.Tests.Cryptography.ConstantTime;

/// <summary>The reader of JIT listings, on lines as .NET 10 prints them.</summary>
public class ListingTests
{
    [Theory]
    [InlineData("je       SHORT G_M000_IG09", InstructionKind.ForwardJump)]
    [InlineData("jae      G_M000_IG09", InstructionKind.ForwardJump)]
    [InlineData("jne      SHORT G_M000_IG02", InstructionKind.BackwardJump)]
    [InlineData("jne      SHORT  -5 instr", InstructionKind.Plain)]
    [InlineData("je       SHORT  3 instr", InstructionKind.ForwardJump)]
    [InlineData("loop     SHORT G_M000_IG09", InstructionKind.ForwardJump)]
    [InlineData("jmp      SHORT G_M000_IG09", InstructionKind.Plain)]
    [InlineData("jmp      rcx", InstructionKind.ComputedJump)]
    [InlineData("jmp      [rax+8*rcx]", InstructionKind.ComputedJump)]
    [InlineData("div      rdx:rax, rsi", InstructionKind.VariableTime)]
    [InlineData("idiv     edx:eax, esi", InstructionKind.VariableTime)]
    [InlineData("cmove    rax, rsi", InstructionKind.Plain)]
    [InlineData("sete     al", InstructionKind.Plain)]
    [InlineData("mulx     rax, rcx, rdx", InstructionKind.Plain)]
    public void AnInstruction_IsClassified(string line, InstructionKind expected) =>
        Assert.Equal(expected, Assert.Single(Parse(line).Instructions).Kind);

    [Theory]
    [InlineData("call     [A.B.C:Loop(System.ReadOnlySpan`1[ulong]):ulong]", "A.B.C:Loop")]
    [InlineData("call     A.B.C:Loop(int)", "A.B.C:Loop")]
    [InlineData("call     [A.B.C+Inner:Of(byref):int:this]", "A.B.C+Inner:Of")]
    [InlineData("call     [System.SpanHelpers:Fill[ulong](byref,nuint,ulong)]", "System.SpanHelpers:Fill[ulong]")]
    [InlineData("tail.jmp [A.B.C:Loop(int):int]", "A.B.C:Loop")]
    [InlineData("call     CORINFO_HELP_RNGCHKFAIL", "CORINFO_HELP_RNGCHKFAIL")]
    [InlineData("call     rax", "rax")]
    [InlineData("call     [rdi+0x18]System.Func`2[ulong,ulong]:Invoke(ulong):ulong:this", "[rdi+0x18]System.Func`2[ulong,ulong]:Invoke")]
    public void ACall_NamesItsTarget(string line, string expected)
    {
        Instruction call = Assert.Single(Parse(line).Instructions);

        Assert.Equal(InstructionKind.Call, call.Kind);
        Assert.Equal(expected, call.Target);
    }

    [Fact]
    public void SeveralMethods_AreTakenApart()
    {
        IReadOnlyList<Listing> listings = Listing.Parse(
            """
            ; Assembly listing for method A.B.C:One(int):int (FullOpts)
            ; FullOpts code

            G_M000_IG01:                ;; offset=0x0000
                   mov      eax, edi
                   ret      

            RWD00  	dd	00000054h ; case G_M000_IG11
                   	dd	0000004Dh ; case G_M000_IG10

            ; Total bytes of code 3

            ; Assembly listing for method A.B.C+S:.ctor(ulong):this (Instrumented Tier0)

            G_M000_IG01:                ;; offset=0x0000
                   align    [0 bytes for IG04]
                   ret      

            """);

        Assert.Equal(["A.B.C:One", "A.B.C+S:.ctor"], listings.Select(listing => listing.Method));
        Assert.Equal(["FullOpts", "Instrumented Tier0"], listings.Select(listing => listing.Tier));
        Assert.Equal(["mov eax, edi", "ret"], listings[0].Instructions.Select(instruction => instruction.Text));
        Assert.Equal(["ret"], listings[1].Instructions.Select(instruction => instruction.Text));
    }

    [Fact]
    public void ACanary_IsNotHeldAgainstAMethod()
    {
        Listing listing = Parse(
            """
            cmp      qword ptr [rbp-0x18], 0xE6FE7
                   je       SHORT G_M000_IG05
                   call     CORINFO_HELP_FAIL_FAST
            """);

        Assert.Empty(Verdict.Violations(listing, new HashSet<string>(), [], []));
    }

    [Fact]
    public void UnoptimisedCode_IsNotAccepted()
    {
        Listing tier0 = Parse("ret") with { Tier = "Tier0" };

        Assert.Contains("compiled as Tier0", Assert.Single(Verdict.Violations(tier0, new HashSet<string>(), [], [])));
    }

    /// <summary>One method whose code starts at label IG02.</summary>
    private static Listing Parse(string code) => Assert.Single(Listing.Parse(
        $"""
        ; Assembly listing for method A.B.C:M(int) (FullOpts)

        G_M000_IG02:                ;; offset=0x0004
               {code}

        ; Total bytes of code 28

        """));
}
