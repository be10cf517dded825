using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Verbs;

namespace ZwCa.Tests.Ca.Verbs;

public sealed class ProductionTests
{
    [Fact]
    public async Task InProduction_TheDeviceIsPinned()
    {
        StartCheckException refused = await Assert.ThrowsAsync<StartCheckException>(() => CaStage.StartAsync(Setup(null)));
        Assert.Contains("Ca:Hsm:Serial is not set", refused.Message, StringComparison.Ordinal);

        await using CaStage pinned = await CaStage.StartAsync(Setup("00112233445566778899aabbccddeeff"));
    }

    private static CaSetup Setup(string? serial) => new()
    {
        Options = options => options with { Mode = ServiceMode.Production },
        Settings = new Dictionary<string, string?> { ["Ca:Hsm:Serial"] = serial },
    };
}
