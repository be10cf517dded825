using System.Security.Cryptography;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.Ra.CertificationAuthority;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Ra.Outbox;

/// <summary>
/// Sends what is in the outbox, on every node, until the CA has answered: the same bytes under the same id, so that what was answered and lost is answered again. Which node is at a row, its
/// claim says; whether an answer was applied, the row's state.
/// </summary>
internal sealed partial class SendOutbox(
    RaOptions options, Database database, PersonRegistry persons, CaClient ca, DeliverApprovals approvals, ApplyAnswer apply, OutboxSignal signal, TimeProvider time, ILogger<SendOutbox> logger)
    : BackgroundService
{
    private const int Doublings = 6;
    private const string Unexpected = "暂时未能处理，将自动重试；长时间如此请联系管理员。";

    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan First = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan FreeEvery = TimeSpan.FromMinutes(1);

    /// <summary>By which clocks of nodes may differ.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(5);

    /// <summary>What another attempt, later, may get: the CA, or what it needs, is away, or its operators have to look at something.</summary>
    private static readonly HashSet<Refusal> Passing =
    [
        Refusal.Unavailable, Refusal.AuditUnavailable, Refusal.InProgress, Refusal.TooManyRequests, Refusal.QuotaExhausted, Refusal.Expired, Refusal.LinkNotTrusted, Refusal.BadSignature,
    ];

    /// <summary>Nobody answered at the CA's address when this node last asked.</summary>
    private volatile bool _isAway;

    private long? _freedAt;

    /// <summary>How long a node that has died keeps others from a row: the request, two approvals, and the request again.</summary>
    private TimeSpan ClaimFor => (options.Ca.Timeout * 4) + First;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var running = new HashSet<Task>();
        Task news = Task.CompletedTask;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                // As many as there is room for: one slow answer keeps no other from being sent. While the CA is away one at a time asks whether it is back, each second.
                bool isAway = _isAway;
                int room = Math.Max(0, (isAway ? 1 : options.Ca.RequestsAtOnce) - running.Count);
                IReadOnlyList<OutboxRow> claimed = room == 0 ? [] : await ClaimAsync(room, stoppingToken);
                running.UnionWith(claimed.Select(row => SendAsync(row, stoppingToken)));
                if (news.IsCompleted)
                {
                    news = signal.WaitAsync(Look, stoppingToken);
                }

                if (isAway)
                {
                    await Task.WhenAny(Task.Delay(Look, stoppingToken));
                }
                else if (claimed.Count < room || room == 0)
                {
                    await Task.WhenAny([news, .. running]);
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                // The service ends; what is on its way is looked at below.
            }
            catch (Exception e)
            {
                // Whatever it is, the outbox is sent when it is over.
                LogFailed(logger, e);
                await Task.WhenAny(Task.Delay(Look, stoppingToken));
            }

            foreach (Task ended in running.Where(each => each.IsCompleted).ToList())
            {
                running.Remove(ended);
                if (ended.Exception?.InnerException is { } fault)
                {
                    // Its claim expires, and it is sent again.
                    LogFailed(logger, fault);
                }
            }
        }

        await Task.WhenAny(Task.WhenAll(running));
        await Task.WhenAny(news);
    }

    private async Task<IReadOnlyList<OutboxRow>> ClaimAsync(int rows, CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        if (_freedAt is not { } freedAt || time.GetElapsedTime(freedAt) >= FreeEvery)
        {
            await database.WriteAsync(transaction => OutboxStore.FreeAsync(transaction, now, now + ClaimFor + Longest + Skew), cancellationToken);
            _freedAt = time.GetTimestamp();
        }

        IReadOnlyList<OutboxRow> due = await database.ReadAsync(transaction => OutboxStore.ListDueAsync(transaction, now, rows), cancellationToken);
        return due.Count == 0 ? [] : await database.WriteAsync(transaction => OutboxStore.ClaimAsync(transaction, due, now, now + ClaimFor), cancellationToken);
    }

    /// <summary>One attempt. Whatever comes of it, the row has ended or is tried again.</summary>
    private async Task SendAsync(OutboxRow row, CancellationToken cancellationToken)
    {
        FaultPoint.Reach("outbox-claimed");
        try
        {
            await AskAsync(row, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // This node ends: whichever is there next has it at once.
            await PostponeAsync(row, TimeSpan.Zero, row.Refusal, row.Detail);
        }
        catch (RefusalException e)
        {
            LogLater(logger, row.Path, row.RequestId, e.Kind, e);

            // The CA knows how long it takes; of one that does not answer nobody does.
            await PostponeAsync(row, e.FromPeer && e.RetryAfter is { } told ? told : Pause(row), e.Kind.ToString(), e.Message);
        }
        catch (Exception e)
        {
            // The device is away, or an answer is none that this program knows: others go on meanwhile, and it is seen that this one does not.
            LogNotSent(logger, row.RequestId, e);
            await PostponeAsync(row, Pause(row), nameof(Refusal.Unavailable), Unexpected);
        }
    }

    /// <exception cref="RefusalException">It is tried again.</exception>
    private async Task AskAsync(OutboxRow row, CancellationToken cancellationToken)
    {
        byte[] body = await persons.OpenAsync(row.DataKeyId, row.OutboxId, PrepareRequest.Field, row.BodySealed, cancellationToken);
        byte[] answer;
        try
        {
            answer = await AskAsync(row, body, cancellationToken);
            _isAway = false;
        }
        catch (RefusalException e)
        {
            _isAway = e.InnerException is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError };
            if (!e.FromPeer || Passing.Contains(e.Kind) || e.RetryAfter is not null)
            {
                throw;
            }

            LogRefused(logger, row.RequestId, e.Kind);
            await apply.RefusedAsync(row, e);
            return;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(body);
        }

        FaultPoint.Reach("outbox-answered");
        await apply.DoneAsync(row, answer);
        FaultPoint.Reach("outbox-applied");
    }

    /// <summary>
    /// The request first: what the CA has answered before, it answers again, whatever has become of the approvals meanwhile. Where it lacks one, it is given, and the request is the same again.
    /// </summary>
    private async Task<byte[]> AskAsync(OutboxRow row, byte[] body, CancellationToken cancellationToken)
    {
        var id = RequestId.Parse(row.RequestId);
        IReadOnlyList<byte[]> references = DeliverApprovals.ReferencesOf(body);
        bool wereGiven = approvals.AreGiven(references);
        try
        {
            return await ca.PostAsync(row.Path, id, body, cancellationToken);
        }
        catch (RefusalException e) when (references.Count > 0 && DeliverApprovals.IsMissing(e))
        {
            if (wereGiven)
            {
                // The CA has lost what it had.
                approvals.Forget(references);
            }

            await approvals.RunAsync(references, cancellationToken);
            FaultPoint.Reach("outbox-approvals");
            return await ca.PostAsync(row.Path, id, body, cancellationToken);
        }
    }

    private Task PostponeAsync(OutboxRow row, TimeSpan wait, string? refusal, string? detail) => database.WriteAsync(
        transaction => OutboxStore.PostponeAsync(transaction, row, time.GetUtcNow() + (wait < Longest ? wait : Longest), refusal, detail), CancellationToken.None);

    /// <summary>Longer from attempt to attempt.</summary>
    private static TimeSpan Pause(OutboxRow row) => First * Math.Pow(2, Math.Min(row.Tries - 1, Doublings));

    [LoggerMessage(Level = LogLevel.Error, Message = "The outbox could not be sent; it is tried again")]
    private static partial void LogFailed(ILogger logger, Exception exception);

    [LoggerMessage(Level = LogLevel.Error, Message = "Request {RequestId} could not be sent, or its answer not be applied; it is tried again")]
    private static partial void LogNotSent(ILogger logger, string requestId, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The CA could not do {Path}, request {RequestId} ({Kind}): later again")]
    private static partial void LogLater(ILogger logger, string path, string requestId, Refusal kind, Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "The CA refused request {RequestId}: {Kind}")]
    private static partial void LogRefused(ILogger logger, string requestId, Refusal kind);
}
