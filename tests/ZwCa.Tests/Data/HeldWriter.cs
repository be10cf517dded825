using ZwCa.Data;

namespace ZwCa.Tests.Data;

/// <summary>A unit that the writer of an SQLite file is kept in: what is written meanwhile waits, and is one group afterwards.</summary>
internal sealed class HeldWriter : IAsyncDisposable
{
    private readonly ManualResetEventSlim _go = new();
    private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _unit;

    private HeldWriter(Database database) => _unit = Task.Run(() => database.WriteAsync(_ =>
    {
        _begun.SetResult();
        _go.Wait();
        return Task.CompletedTask;
    }));

    public static async Task<HeldWriter> OfAsync(Database database)
    {
        var held = new HeldWriter(database);
        await held._begun.Task;
        return held;
    }

    public void Release() => _go.Set();

    public async ValueTask DisposeAsync()
    {
        _go.Set();
        await _unit;
        _go.Dispose();
    }
}
