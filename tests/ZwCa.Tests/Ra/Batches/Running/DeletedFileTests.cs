using ZwCa.Asn1.Audit;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Ra.Batches;
using ZwCa.Ra.Batches.Files;
using ZwCa.Ra.Batches.Import;
using ZwCa.Tests.Ra.Batches.Import;
using static ZwCa.Tests.Ra.Batches.Import.ApplicantText;

namespace ZwCa.Tests.Ra.Batches.Running;

/// <summary>A file of applicants is kept for thirty days after the last that was done with it.</summary>
public sealed class DeletedFileTests
{
    private static readonly TimeSpan Kept = TimeSpan.FromDays(30);

    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task AfterDraftsWereMade_ItGoesInTime_WithAnEvent_AndItsRejectsAreRefused(DatabaseKind kind)
    {
        await using RaRecords records = await RaRecords.CreateAsync(kind);
        var desk = new ImportDesk(records);
        string id = await desk.OpenAsync(File(Person(1), Person(2, days: "9999")));
        await desk.RunAsync(id);
        records.Story.Clock.Advance(TimeSpan.FromDays(1));
        await desk.MakeAsync(id);
        await desk.RunAsync(id);
        byte[] hash = (await GetAsync(records, id)).FileHash!;
        records.Story.Clock.Advance(Kept - TimeSpan.FromMilliseconds(1));
        Assert.Equal(0, await DeleteAsync(records));
        await OpenRejectsAsync(records, desk, id);

        records.Story.Clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(1, await DeleteAsync(records));

        Assert.Equal(0, await desk.CountAsync("batch_part"));
        Batch batch = await GetAsync(records, id);
        Assert.Equal(records.Story.Clock.GetUtcNow(), batch.FileDeletedAt);
        Assert.Equal(hash, batch.FileHash);
        AuditLeaf leaf = Assert.Single(await records.EventsAsync("batch.file-delete"));
        Assert.Equal((new AuditActor(AuditActorKind.Job, "batch-files"), new AuditObject("batch", id)), (leaf.Actor, leaf.Object));
        Assert.Equal(hash, Assert.IsType<AuditField.Octets>(Assert.Single(leaf.Fields)).Value.ToArray());
        Assert.Contains("已按保存期限删除", await RaRecords.RefusedAsync(Refusal.WrongState, () => OpenRejectsAsync(records, desk, id)), StringComparison.Ordinal);
        Assert.Equal((0, 1), (await DeleteAsync(records), await desk.CountAsync("enrollment")));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task WhatNobodyWentOnWith_GoesToo_AndMayComeAgain(DatabaseKind kind)
    {
        await using RaRecords records = await RaRecords.CreateAsync(kind);
        var desk = new ImportDesk(records);
        string id = await desk.OpenAsync(File(Person(1)));
        await desk.RunAsync(id);
        records.Story.Clock.Advance(Kept);
        Assert.Equal(1, await DeleteAsync(records));

        Assert.Contains("请重新上传", await RaRecords.RefusedAsync(Refusal.WrongState, () => desk.MakeAsync(id)), StringComparison.Ordinal);
        await desk.Batches.TakeFileAsync(records.OfCity, id, File(Person(1), Person(2)), _ => Task.CompletedTask, Token);
        Assert.Null((await GetAsync(records, id)).FileDeletedAt);
        Assert.Equal(0, await DeleteAsync(records));
        Assert.Equal(2, (await desk.RunAsync(id)).Done);
        await desk.MakeAsync(id);
        Assert.Equal(2, (await desk.RunAsync(id)).Done);
    }

    [Fact]
    public async Task WhatIsStillWorkedOn_Stays_UntilItIsGivenUp()
    {
        await using RaRecords records = await RaRecords.CreateAsync(DatabaseKind.Sqlite);
        var desk = new ImportDesk(records);
        string id = await desk.OpenAsync(File(Person(1)));
        records.Story.Clock.Advance(Kept * 2);
        Assert.Equal(0, await DeleteAsync(records));

        await desk.Batches.DoAsync(records.OfCity, id, BatchTaskKind.Cancellation, "文件有误", _ => Task.CompletedTask, Token);
        Assert.Equal(0, await DeleteAsync(records));
        records.Story.Clock.Advance(Kept);
        Assert.Equal(1, await DeleteAsync(records));
    }

    /// <summary>Whoever had begun to read it.</summary>
    [Fact]
    public async Task HalfAFile_IsNeverTakenForAWholeOne()
    {
        await using RaRecords records = await RaRecords.CreateAsync(DatabaseKind.Sqlite);
        var desk = new ImportDesk(records);
        byte[] file = File(Enumerable.Range(1, 24_000).Select(i => Person(i)));
        Assert.True(file.Length > OpenBatch.PartLength);
        string id = await desk.OpenAsync(file);
        await records.Story.RawAsync("DELETE FROM batch_part WHERE number = 1");

        await RaRecords.RefusedAsync(Refusal.WrongState, () => desk.RunAsync(id));
        Assert.Equal(BatchTaskState.Running, (await desk.LastAsync(id)).State);
    }

    private static Task<int> DeleteAsync(RaRecords records) => new DeleteFiles(RaDesk.Options, records.Database, records.Story.Log, records.Story.Clock).RunAsync(Token);

    private static async Task<Batch> GetAsync(RaRecords records, string id) => (await records.Database.ReadAsync(transaction => BatchStore.FindAsync(transaction, Convert.FromHexString(id)), Token))!;

    private static async Task OpenRejectsAsync(RaRecords records, ImportDesk desk, string id)
    {
        var rejects = new RejectedRows(records.Database, desk.Batches, records.Story.Persons);
        (Batch batch, _) = await rejects.FindAsync(records.OfCity, id, Token);
        (await rejects.OpenAsync(batch, Token)).Dispose();
    }
}
