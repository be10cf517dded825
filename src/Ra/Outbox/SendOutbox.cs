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

    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan First = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    /// <summary>What another attempt, later, may get: the CA, or what it needs, is away, or its operators have to look at something.</summary>
    private static readonly HashSet<Refusal> Passing =
    [
        Refusal.Unavailable, Refusal.AuditUnavailable, Refusal.InProgress, Refusal.TooManyRequests, Refusal.QuotaExhausted, Refusal.Expired, Refusal.LinkNotTrusted, Refusal.BadSignature,
    ];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var running = new HashSet<Task>();
        Task news = Task.CompletedTask;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                // As many as there is room for: one slow answer keeps no other from being sent.
                int room = options.Ca.RequestsAtOnce - running.Count;
                IReadOnlyList<OutboxRow> claimed = room == 0 ? [] : await ClaimAsync(room, stoppingToken);
                running.UnionWith(claimed.Select(row => SendAsync(row, stoppingToken)));
                if (news.IsCompleted)
                {
                    news = signal.WaitAsync(Look, stoppingToken);
                }

                if (claimed.Count < room || room == 0)
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
        IReadOnlyList<OutboxRow> due = await database.ReadAsync(transaction => OutboxStore.ListDueAsync(transaction, now, rows), cancellationToken);
        return due.Count == 0
            ? []
            : await database.WriteAsync(transaction => OutboxStore.ClaimAsync(transaction, due, now, now + (options.Ca.Timeout * 2) + First), cancellationToken);
    }

    private async Task SendAsync(OutboxRow row, CancellationToken cancellationToken)
    {
        FaultPoint.Reach("outbox-claimed");
        IReadOnlyList<byte[]> references = [];
        try
        {
            byte[] body = await persons.OpenAsync(row.DataKeyId, row.OutboxId, PrepareRequest.Field, row.BodySealed, cancellationToken);
            byte[] answer;
            try
            {
                references = DeliverApprovals.ReferencesOf(body);
                await approvals.RunAsync(references, cancellationToken);
                FaultPoint.Reach("outbox-approvals");
                answer = await ca.PostAsync(row.Path, RequestId.Parse(row.RequestId), body, cancellationToken);
            }
            finally
            {
                CryptographicOperations.ZeroMemory(body);
            }

            FaultPoint.Reach("outbox-answered");
            await apply.DoneAsync(row, answer);
            FaultPoint.Reach("outbox-applied");
        }
        catch (RefusalException e) when (Passing.Contains(e.Kind) || e.RetryAfter is not null || !e.FromPeer)
        {
            LogLater(logger, row.Path, row.RequestId, e.Kind, e);
            if (DeliverApprovals.IsMissing(e))
            {
                approvals.Forget(references);
            }

            TimeSpan wait = e.RetryAfter ?? First * Math.Pow(2, Math.Min(row.Tries, Doublings));
            await database.WriteAsync(
                transaction => OutboxStore.PostponeAsync(transaction, row, time.GetUtcNow() + (wait < Longest ? wait : Longest), e.Kind.ToString(), e.Message), CancellationToken.None);
        }
        catch (RefusalException e)
        {
            LogRefused(logger, row.RequestId, e.Kind);
            await apply.RefusedAsync(row, e);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The outbox could not be sent; it is tried again")]
    private static partial void LogFailed(ILogger logger, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The CA could not do {Path}, request {RequestId} ({Kind}): later again")]
    private static partial void LogLater(ILogger logger, string path, string requestId, Refusal kind, Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "The CA refused request {RequestId}: {Kind}")]
    private static partial void LogRefused(ILogger logger, string requestId, Refusal kind);
}
