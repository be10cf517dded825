using System.Data.Common;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Audit;

namespace ZwCa.Ca.Messages;

/// <summary>
/// Every answer carries the log's latest checkpoint (trust.md §6): each RA keeps the highest, so a database that somebody sets back is found out by whoever talked to it before. Read at
/// most once a second. Safe for concurrent use.
/// </summary>
internal sealed partial class CheckpointHeader(RequestDelegate next, LogProofs proofs, TimeProvider time, ILogger<CheckpointHeader> logger)
{
    /// <summary>Base64 of the DER.</summary>
    public const string Name = "ZwCa-Checkpoint";

    private static readonly TimeSpan KeepFor = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private Task<string?> _latest = Task.FromResult<string?>(null);
    private DateTimeOffset _readAt = DateTimeOffset.MinValue;

    public Task InvokeAsync(HttpContext http)
    {
        http.Response.OnStarting(async () =>
        {
            if (await LatestAsync() is { } checkpoint)
            {
                http.Response.Headers[Name] = checkpoint;
            }
        });
        return next(http);
    }

    private Task<string?> LatestAsync()
    {
        lock (_lock)
        {
            // A clock that was set back says nothing about the age of what was read.
            DateTimeOffset now = time.GetUtcNow();
            if (now - _readAt >= KeepFor || now < _readAt)
            {
                _readAt = now;
                _latest = ReadAsync();
            }

            return _latest;
        }
    }

    private async Task<string?> ReadAsync()
    {
        try
        {
            return await proofs.FindLatestCheckpointAsync() is { } checkpoint ? Convert.ToBase64String(Der.Encode<Checkpoint>(checkpoint)) : null;
        }
        catch (DbException e)
        {
            // The answer itself is what counts; one without the header proves nothing, and the next one has it.
            LogNotRead(logger, e);
            return null;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The latest checkpoint cannot be read: answers go without it")]
    private static partial void LogNotRead(ILogger logger, Exception exception);
}
