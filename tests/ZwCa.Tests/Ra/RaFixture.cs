using ZwCa.Data;

namespace ZwCa.Tests.Ra;

/// <summary>One RA, with its CA and KMC, for the tests of a class; on each database that they ask for, one of its own.</summary>
public sealed class RaFixture : IAsyncLifetime
{
    private readonly Dictionary<DatabaseKind, RaStage> _stages = [];

    /// <summary>With SQLite.</summary>
    internal RaStage Stage { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Stage = await OnAsync(DatabaseKind.Sqlite);

    /// <summary>The tests of a class run one after the other.</summary>
    internal async Task<RaStage> OnAsync(DatabaseKind kind)
    {
        if (!_stages.TryGetValue(kind, out RaStage? stage))
        {
            stage = await RaStage.StartAsync(new RaSetup { Kind = kind });
            _stages.Add(kind, stage);
        }

        return stage;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (RaStage stage in _stages.Values)
        {
            await stage.DisposeAsync();
        }
    }
}
