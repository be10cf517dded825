using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.Ra.Enrollments;
using ZwCa.Ra.Enrollments.Steps;
using ZwCa.Ra.Subscribers;

namespace ZwCa.Ra.Batches;

/// <summary>Opens batches and has work done on them. The work itself is <see cref="RunBatches"/>'s.</summary>
internal sealed class OpenBatch(RaOptions options, Database database, AuditLog log, PersonRegistry persons, BatchSignal signal, TimeProvider time)
{
    public const int MaxFileLength = 32 << 20;
    public const int PartLength = 1 << 20;

    private const int MaxTitle = 128;

    /// <summary>A renewal, a revocation begins to make drafts at once; an import waits for its file.</summary>
    /// <param name="answer">What else belongs into the transaction, with the batch's id. May run twice.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>; <see cref="Refusal.OutOfScope"/>: another's region; <see cref="Refusal.WrongState"/>: he has begun enough of them.</exception>
    public async Task<string> OpenAsync(Officer officer, BatchRequest request, Func<Transaction, string, Task> answer, CancellationToken cancellationToken)
    {
        BatchKind kind = EnrollmentNames.Parse<BatchKind>(request.Kind, "批次种类");
        var region = RegionCode.Parse(request.Region);
        officer.RequireCovers(region.Value);
        string title = VisibleText.Find(request.Title, MaxTitle) ?? throw new RefusalException(Refusal.Malformed, $"批次名称有误：应为1至{MaxTitle}个可见字符。");
        var content = BatchContent.Read(kind, request);
        DateTimeOffset now = time.GetUtcNow();
        byte[] id = Ulid.Create(now);
        (byte[] keyId, byte[] sealedContent) = content.Seal(persons, id);
        var batch = new Batch
        {
            BatchId = id, Kind = kind, Region = region.Value, Title = title, ContentSealed = sealedContent, DataKeyId = keyId, CreatedBy = officer.SerialNumber.ToString(), CreatedAt = now,
        };
        await database.WriteAsync(
            async transaction =>
            {
                Require(
                    await transaction.FindAsync<string>("SELECT code FROM region WHERE code = @Code", new { Code = region.Value }) is not null, Refusal.OutOfScope, "该区域尚未登记。");

                // Two at once may be one too many: what counts is that files and work do not pile up.
                Require(
                    await BatchStore.CountBegunAsync(transaction, batch.CreatedBy) < options.BatchesPerOfficer,
                    Refusal.WrongState,
                    $"您已有{options.BatchesPerOfficer}个批次尚未生成业务，请先办理或撤销其中的批次。");
                await BatchStore.InsertAsync(transaction, batch);
                await log.AppendAsync(transaction, new AuditEvent(officer.Actor, "batch.open", new AuditObject("batch", batch.Id), AuditOutcome.Done)
                {
                    Fields = [new AuditField.Text("kind", EnrollmentNames.NameOf(kind)), new AuditField.Text("region", region.Value)],
                });
                if (kind != BatchKind.Import)
                {
                    await StartAsync(transaction, Task(officer, batch, BatchTaskKind.Making, now));
                }

                await answer(transaction, batch.Id);
            },
            cancellationToken);
        signal.Raise();
        return batch.Id;
    }

    /// <summary>Takes the file of an import, in the place of one that came before, and has it checked.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>; <see cref="Refusal.WrongState"/>: drafts were made, or something is being done; <see cref="Refusal.Malformed"/>: it is empty.</exception>
    public async Task TakeFileAsync(Officer officer, string id, ReadOnlyMemory<byte> file, Func<Transaction, Task> answer, CancellationToken cancellationToken)
    {
        Require(file.Length > 0, Refusal.Malformed, "文件是空的。");
        Batch seen = await FindAsync(officer, id, cancellationToken);
        byte[] hash = Sm3.HashData(file.Span);
        var parts = new List<(byte[] KeyId, byte[] Sealed)>();
        for (int at = 0; at < file.Length; at += PartLength)
        {
            (byte[] keyId, byte[][] sealedPart) = persons.Seal(seen.BatchId, (BatchFile.FieldOf(hash, parts.Count), file.Slice(at, Math.Min(PartLength, file.Length - at)).ToArray()));
            parts.Add((keyId, sealedPart[0]));
        }

        await database.WriteAsync(
            async transaction =>
            {
                (Batch batch, IReadOnlyList<BatchTask> tasks) = await RequireIdleAsync(transaction, officer, id);
                Require(batch.Kind == BatchKind.Import, Refusal.WrongState, "只有导入批次附文件。");
                Require(tasks.All(each => each.Kind == BatchTaskKind.Checking), Refusal.WrongState, "该批次已生成业务，不能再换文件。");
                await transaction.ExecuteAsync(
                    "UPDATE batch SET file_hash = @Hash, file_length = @Length, file_deleted_at = NULL WHERE batch_id = @BatchId", new { batch.BatchId, Hash = hash, Length = (long)file.Length });
                await transaction.ExecuteAsync("DELETE FROM batch_part WHERE batch_id = @BatchId", new { batch.BatchId });
                for (int i = 0; i < parts.Count; i++)
                {
                    await transaction.ExecuteAsync(
                        "INSERT INTO batch_part (batch_id, number, bytes_sealed, data_key_id) VALUES (@BatchId, @Number, @Sealed, @KeyId)",
                        new { batch.BatchId, Number = (short)i, parts[i].Sealed, parts[i].KeyId });
                }

                await log.AppendAsync(transaction, new AuditEvent(officer.Actor, "batch.file", new AuditObject("batch", batch.Id), AuditOutcome.Done)
                {
                    Fields = [new AuditField.Octets("file", hash), new AuditField.Number("length", file.Length)],
                });
                await StartAsync(transaction, Task(officer, batch, BatchTaskKind.Checking, time.GetUtcNow(), tasks.Count));
                await answer(transaction);
            },
            cancellationToken);
        signal.Raise();
    }

    /// <summary>Has something done: checked once more, made, cancelled.</summary>
    /// <param name="reason">Of a cancellation.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>; <see cref="Refusal.WrongState"/>: it is not its turn.</exception>
    public async Task DoAsync(Officer officer, string id, BatchTaskKind kind, string? reason, Func<Transaction, Task> answer, CancellationToken cancellationToken)
    {
        await database.WriteAsync(
            async transaction =>
            {
                (Batch batch, IReadOnlyList<BatchTask> tasks) = kind == BatchTaskKind.Cancellation ? await StopAsync(transaction, officer, id) : await RequireIdleAsync(transaction, officer, id);
                if (kind != BatchTaskKind.Cancellation)
                {
                    Require(batch is { Kind: BatchKind.Import, FileHash: not null }, Refusal.WrongState, "请先上传文件。");
                    Require(tasks.All(each => each.Kind == BatchTaskKind.Checking), Refusal.WrongState, "该批次已生成业务。");
                    Require(kind == BatchTaskKind.Checking || tasks is [.., { State: BatchTaskState.Done, Done: > 0 }], Refusal.WrongState, "文件未通过检查，或没有可以导入的行。");
                    Require(await BatchStore.HoldFileAsync(transaction, batch.BatchId), Refusal.WrongState, "文件已按保存期限删除，请重新上传。");
                }

                await StartAsync(transaction, Task(officer, batch, kind, time.GetUtcNow(), tasks.Count) with { Reason = reason });
                if (kind == BatchTaskKind.Cancellation)
                {
                    await transaction.ExecuteAsync("UPDATE batch SET cancelled_at = @Now WHERE batch_id = @BatchId", new { batch.BatchId, Now = time.GetUtcNow() });
                }

                await answer(transaction);
            },
            cancellationToken);
        signal.Raise();
    }

    /// <summary>What outside an officer's region lies, he does not learn of.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>.</exception>
    public Task<Batch> FindAsync(Officer officer, string id, CancellationToken cancellationToken) => database.ReadAsync(transaction => FindAsync(transaction, officer, id), cancellationToken);

    /// <summary>The next task of a batch, as it begins.</summary>
    /// <param name="before">So many tasks there were.</param>
    public static BatchTask Task(Officer officer, Batch batch, BatchTaskKind kind, DateTimeOffset now, int before = 0) =>
        new() { BatchId = batch.BatchId, Number = (short)(before + 1), Kind = kind, OfficerSerial = officer.SerialNumber.ToString(), StartedAt = now };

    /// <exception cref="RefusalException"><see cref="Refusal.WrongState"/>: something else has begun.</exception>
    public static async Task StartAsync(Transaction transaction, BatchTask task) =>
        Require(await BatchStore.TryStartAsync(transaction, task), Refusal.WrongState, "该批次正在处理中，请稍后再试。");

    /// <summary>A batch with which something may be begun.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>; <see cref="Refusal.WrongState"/>: something is being done, or it was given up.</exception>
    public static async Task<(Batch Batch, IReadOnlyList<BatchTask> Tasks)> RequireIdleAsync(Transaction transaction, Officer officer, string id)
    {
        Batch batch = await FindAsync(transaction, officer, id);
        IReadOnlyList<BatchTask> tasks = await BatchStore.ListTasksAsync(transaction, batch.BatchId);
        Require(batch.CancelledAt is null, Refusal.WrongState, "该批次已撤销。");
        Require(tasks.All(each => each.State != BatchTaskState.Running), Refusal.WrongState, "该批次正在处理中，请稍后再试。");
        return (batch, tasks);
    }

    /// <summary>A batch that is given up: whatever is being done with it ends. What a cancellation left that could not go on, another one takes.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>; <see cref="Refusal.WrongState"/>: it was given up already.</exception>
    private async Task<(Batch Batch, IReadOnlyList<BatchTask> Tasks)> StopAsync(Transaction transaction, Officer officer, string id)
    {
        Batch batch = await FindAsync(transaction, officer, id);
        IReadOnlyList<BatchTask> tasks = await BatchStore.ListTasksAsync(transaction, batch.BatchId);
        Require(tasks.All(each => each is not { Kind: BatchTaskKind.Cancellation, State: not BatchTaskState.Refused }), Refusal.WrongState, "该批次已撤销。");
        if (await BatchStore.StopAsync(transaction, batch.BatchId, "该批次已撤销，任务终止。", time.GetUtcNow()) > 0)
        {
            await log.AppendAsync(transaction, new AuditEvent(officer.Actor, "batch.stop", new AuditObject("batch", batch.Id), AuditOutcome.Done) { Fields = [new AuditField.Number("task", tasks[^1].Number)] });
        }

        return (batch, tasks);
    }

    private static async Task<Batch> FindAsync(Transaction transaction, Officer officer, string id) =>
        await BatchStore.FindAsync(transaction, Page.Id(id)) is { } batch && officer.Region.Covers(batch.RegionCode) ? batch : throw new RefusalException(Refusal.NotFound, "没有该批次。");

    private static void Require(bool met, Refusal kind, string detail)
    {
        if (!met)
        {
            throw new RefusalException(kind, detail);
        }
    }
}
