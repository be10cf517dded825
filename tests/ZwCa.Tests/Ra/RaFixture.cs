namespace ZwCa.Tests.Ra;

/// <summary>One RA, with its CA and KMC, for the tests of a class.</summary>
public sealed class RaFixture : IAsyncLifetime
{
    internal RaStage Stage { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Stage = await RaStage.StartAsync();

    public async ValueTask DisposeAsync()
    {
        if (Stage is not null)
        {
            await Stage.DisposeAsync();
        }
    }
}
