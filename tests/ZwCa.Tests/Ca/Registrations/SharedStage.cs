namespace ZwCa.Tests.Ca.Registrations;

/// <summary>One CA for all tests of a class that do not get into each other's way.</summary>
public sealed class SharedStage : IAsyncLifetime
{
    internal CaStage Stage { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Stage = await CaStage.StartAsync();

    public ValueTask DisposeAsync() => Stage.DisposeAsync();
}
