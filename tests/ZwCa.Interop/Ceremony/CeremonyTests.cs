using ZwCa.Admin.Ceremony;

namespace ZwCa.Interop.Ceremony;

/// <summary>The plan of docs/ceremony, carried out in a device; openssl looks at every link of what it made.</summary>
public sealed class CeremonyTests
{
    [Fact]
    public async Task PlanOfTheDocs_IsCarriedOutAndVerifies()
    {
        await using CeremonyStage stage = await CeremonyStage.CreateAsync();
        await stage.CompleteAsync();
        Assert.Empty(CeremonyVerification.Check(stage.Output).Faults);
    }
}
