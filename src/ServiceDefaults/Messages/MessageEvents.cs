using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;

namespace ZwCa.ServiceDefaults.Messages;

/// <summary>
/// What the operator learns of signed messages: a count of how each ended, and a line for each that is refused. No path and no body: they may hold a
/// person's data. The sender is what the message says until its signature holds.
/// </summary>
internal sealed partial class MessageEvents
{
    public const string MeterName = "ZwCa.Messages";

    private readonly ILogger<MessageEvents> _logger;
    private readonly Counter<long> _messages;

    public MessageEvents(ILogger<MessageEvents> logger, IMeterFactory meters)
    {
        _logger = logger;
        _messages = meters.Create(MeterName).CreateCounter<long>("zwca.messages", "{message}", "Signed messages by how they ended.");
    }

    /// <summary>Run now.</summary>
    public void Run() => Count("run");

    /// <summary>Answered before.</summary>
    public void Repeated() => Count("repeated");

    /// <summary>Another call runs it.</summary>
    public void Busy() => Count("busy");

    /// <summary>Refused before anything was run.</summary>
    /// <param name="endpoint">The route's pattern.</param>
    public void Refused(Refusal kind, string reason, string? endpoint, string? link, MessageHeaders? headers)
    {
        Count(reason.Replace(' ', '_'));
        LogRefused(_logger, kind, reason, endpoint, link, headers?.Sender, headers?.Id);
    }

    public void NotReleased(Exception e, SignedMessage message) => LogNotReleased(_logger, e, message.Sender, message.Id);

    private void Count(string outcome) => _messages.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    [LoggerMessage(Level = LogLevel.Warning, Message = "Message refused ({Kind}): {Reason}. Endpoint {Endpoint}, link {Link}, sender {Sender}, request {RequestId}")]
    private static partial void LogRefused(
        ILogger logger, Refusal kind, string reason, string? endpoint, string? link, SerialNumber? sender, RequestId? requestId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The request {RequestId} of {Sender} could not be released; a retry has to wait until its claim expires")]
    private static partial void LogNotReleased(ILogger logger, Exception exception, SerialNumber sender, RequestId requestId);
}
