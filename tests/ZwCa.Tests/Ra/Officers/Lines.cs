using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace ZwCa.Tests.Ra.Officers;

/// <summary>What was logged, each line after its level.</summary>
internal sealed class Lines<T> : ILogger<T>
{
    private readonly ConcurrentQueue<string> _lines = [];

    public IReadOnlyCollection<string> All => _lines;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue($"{logLevel}: {formatter(state, exception)}");
}
