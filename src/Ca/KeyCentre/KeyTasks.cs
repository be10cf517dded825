using Microsoft.Extensions.Logging;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Certificates;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Hsm;

namespace ZwCa.Ca.KeyCentre;

/// <summary>Of a row of <c>key_task</c>; in the database, never changes its meaning.</summary>
internal enum KeyTaskKind : short
{
    /// <summary>A key is being asked for: nothing to tell yet.</summary>
    Applied = 1,

    /// <summary>Nobody shall be given the key any more.</summary>
    Revoke = 2,

    /// <summary>The subscriber has what the KMC answered.</summary>
    Receipt = 3,
}

/// <summary>What the KMC has to be told: a row of the table <c>key_task</c>.</summary>
internal sealed record KeyTask
{
    public const string Columns = "key_task_id, kind, certificate_id, key_serial, task_no, tries, try_after, added_at";

    public required byte[] KeyTaskId { get; init; }

    public required KeyTaskKind Kind { get; init; }

    /// <summary>The encryption certificate.</summary>
    public required byte[] CertificateId { get; init; }

    /// <summary>By which the KMC knows the key.</summary>
    public required string KeySerial { get; init; }

    /// <summary>Of a receipt: decimal, of the message that was answered.</summary>
    public string? TaskNo { get; init; }

    public required long Tries { get; init; }

    public required DateTimeOffset TryAfter { get; init; }

    /// <summary>Of a reservation that was closed: when it was made, so before the key was asked for.</summary>
    public required DateTimeOffset AddedAt { get; init; }
}

/// <summary>The rows, inside one unit of work.</summary>
internal static class KeyTaskStore
{
    public static Task AddAsync(Transaction transaction, KeyTaskKind kind, byte[] certificateId, string keySerial, DateTimeOffset now, string? taskNo = null) => transaction.ExecuteAsync(
        """
        INSERT INTO key_task (key_task_id, kind, certificate_id, key_serial, task_no, tries, try_after, added_at)
        VALUES (@Id, @Kind, @CertificateId, @KeySerial, @TaskNo, 0, @Now, @Now)
        """,
        new { Id = Ulid.Create(now), Kind = (short)kind, CertificateId = certificateId, KeySerial = keySerial, TaskNo = taskNo, Now = now });

    /// <summary>The key has its certificate's intention: nobody takes it back for having been reserved.</summary>
    /// <returns>False: the reservation was closed, and the key is being revoked.</returns>
    public static async Task<bool> KeepAsync(Transaction transaction, byte[] certificateId) => await transaction.ExecuteAsync(
        "DELETE FROM key_task WHERE certificate_id = @CertificateId AND kind = 1", new { CertificateId = certificateId }) == 1;

    /// <summary>The reservation was closed: whatever the KMC has bound to it goes into history.</summary>
    public static Task GiveUpAsync(Transaction transaction, byte[] certificateId, DateTimeOffset now) => transaction.ExecuteAsync(
        "UPDATE key_task SET kind = 2, try_after = @Now WHERE certificate_id = @CertificateId AND kind = 1", new { CertificateId = certificateId, Now = now });

    /// <returns>Those that are due, oldest first.</returns>
    public static Task<IReadOnlyList<KeyTask>> ListDueAsync(Transaction transaction, DateTimeOffset now, int rows) => transaction.QueryAsync<KeyTask>(
        $"SELECT {KeyTask.Columns} FROM key_task WHERE kind IN (2, 3) AND try_after <= @Now ORDER BY try_after, key_task_id {transaction.Dialect.Limit(rows)}", new { Now = now });

    /// <returns>False: another node is at it.</returns>
    public static async Task<bool> TakeAsync(Transaction transaction, KeyTask task, DateTimeOffset next) => await transaction.ExecuteAsync(
        "UPDATE key_task SET tries = tries + 1, try_after = @Next WHERE key_task_id = @KeyTaskId AND tries = @Tries", new { task.KeyTaskId, task.Tries, Next = next }) == 1;

    public static Task<int> EndAsync(Transaction transaction, KeyTask task) => transaction.ExecuteAsync("DELETE FROM key_task WHERE key_task_id = @KeyTaskId", task);

    /// <returns>How many wait, and since when the oldest does.</returns>
    public static async Task<long> CountLateAsync(Transaction transaction, DateTimeOffset before) =>
        await transaction.GetAsync<long>("SELECT COUNT(*) FROM key_task WHERE kind IN (2, 3) AND added_at < @Before", new { Before = before });
}

/// <summary>Tells the KMC what it has to be told, until it has said that it knows. Safe to run on several nodes.</summary>
internal sealed partial class KeyTasks(
    Database database, AuditLog log, AuthorityList authorities, KeyCentreClient centre, KeyCentreOptions options, TimeProvider time, ILogger<KeyTasks> logger)
{
    public const string RevokeAction = "key.revoke";
    public const string ReceiptAction = "key.receipt";

    private const int Batch = 100;
    private const int AtOnce = 8;
    private const int Doublings = 5;

    private static readonly AuditActor Actor = new(AuditActorKind.Job, "key-centre");
    private static readonly TimeSpan First = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);

    /// <summary>All that is due, several at once, until it is told or one says that the KMC is away.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<KeyTask> due;
        bool isAway = false;
        do
        {
            due = await database.ReadAsync(transaction => KeyTaskStore.ListDueAsync(transaction, time.GetUtcNow(), Batch), cancellationToken);
            await Parallel.ForEachAsync(due, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken }, async (task, cancellation) =>
            {
                if (!Volatile.Read(ref isAway) && !await TryAsync(task, cancellation))
                {
                    Volatile.Write(ref isAway, true);
                }
            });
        }
        while (due.Count == Batch && !isAway);
    }

    /// <returns>False: the KMC, or the device that signs to it, is away: the others will hear the same.</returns>
    private async Task<bool> TryAsync(KeyTask task, CancellationToken cancellationToken)
    {
        TimeSpan wait = task.Tries < Doublings ? First * Math.Pow(2, task.Tries) : Longest;
        if (!await database.WriteAsync(transaction => KeyTaskStore.TakeAsync(transaction, task, time.GetUtcNow() + (wait < Longest ? wait : Longest)), cancellationToken))
        {
            return true;
        }

        try
        {
            bool isKnown = await TellAsync(task, cancellationToken);

            // What was asked for may still be on its way: then it is told again later.
            if (isKnown || task.Kind != KeyTaskKind.Revoke || time.GetUtcNow() > task.AddedAt + options.UnknownAfter)
            {
                await database.WriteAsync(transaction => EndAsync(transaction, task, isKnown), cancellationToken);
            }

            return true;
        }
        catch (Exception e) when (e is RefusalException or HsmException)
        {
            LogLater(logger, task.Kind, task.KeySerial, e);
            return e is not (HsmException or RefusalException { InnerException: HttpRequestException or OperationCanceledException });
        }
    }

    /// <returns>False: the KMC does not know it.</returns>
    private async Task<bool> TellAsync(KeyTask task, CancellationToken cancellationToken)
    {
        if (task.Kind == KeyTaskKind.Revoke)
        {
            return await centre.RevokeAsync(SerialNumber.Parse(task.KeySerial), cancellationToken);
        }

        try
        {
            await centre.TellReceiptAsync(task.TaskNo!, cancellationToken);
            return true;
        }
        catch (RefusalException e) when (e.Kind is Refusal.NotFound or Refusal.WrongState)
        {
            // A KMC that was restored from a backup, say: it has no such answer to erase.
            LogLater(logger, task.Kind, task.KeySerial, e);
            return false;
        }
    }

    private async Task<bool> EndAsync(Transaction transaction, KeyTask task, bool isKnown)
    {
        if (await KeyTaskStore.EndAsync(transaction, task) != 1)
        {
            return false;
        }

        CertificateRow row = (await CertificateStore.FindAsync(transaction, task.CertificateId))!;
        await log.AppendAsync(
            transaction,
            new AuditEvent(Actor, task.Kind == KeyTaskKind.Revoke ? RevokeAction : ReceiptAction, row.ObjectOf(authorities), AuditOutcome.Done)
            {
                Fields = [new AuditField.Text("keySerial", task.KeySerial), new AuditField.Number("known", isKnown ? 1 : 0)],
            });
        return true;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The KMC could not be told ({Kind}) about the key {KeySerial}: later again")]
    private static partial void LogLater(ILogger logger, KeyTaskKind kind, string keySerial, Exception exception);
}
