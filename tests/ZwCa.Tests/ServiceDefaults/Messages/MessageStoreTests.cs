using System.Data.Common;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.ServiceDefaults;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Tests.ServiceDefaults.Messages;

/// <summary>Who runs a request, on each database.</summary>
public sealed class MessageStoreTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeMilliseconds(1_750_000_000_000);
    private static readonly TimeSpan ClaimFor = TimeSpan.FromMinutes(1);
    private static readonly Sm2Signature Signature = Sm2Signature.FromRaw([.. Enumerable.Repeat((byte)0xFF, 64)]);
    private static readonly Answer Done = new(201, "application/json", [1, 2, 3]);

    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task OneRequest_FromClaimToAnswer(DatabaseKind kind)
    {
        await using TestDatabase test = await CreateAsync(kind);
        var store = new MessageStore(test.Database, ClaimFor);

        Assert.Null(await ClaimAsync(store, Message(), 1, Now));
        await RefusesAsync(Refusal.InProgress, () => ClaimAsync(store, Message(), 2, Now + ClaimFor - TimeSpan.FromMilliseconds(1)));
        Assert.True(await store.KeepAsync(Message(), RunId(1), Done, Now));
        EarlierAnswer? answer = await ClaimAsync(store, Message(), 3, Now + TimeSpan.FromDays(1000));

        Assert.Equal((201, "application/json"), (answer!.Bytes!.Status, answer.Bytes.ContentType));
        Assert.Equal(Done.Body, answer.Bytes.Body);

        // An answer never changes.
        Assert.False(await store.KeepAsync(Message(), RunId(1), new Answer(500, null, []), Now));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task WhatAnIdStandsFor_IsNeverChanged(DatabaseKind kind)
    {
        await using TestDatabase test = await CreateAsync(kind);
        var store = new MessageStore(test.Database, ClaimFor);
        Assert.Null(await ClaimAsync(store, Message(), 1, Now));

        foreach (SignedMessage other in (SignedMessage[])[Message(body: 2), Message(target: "/b"), Message(method: "PUT")])
        {
            await RefusesAsync(Refusal.Duplicate, () => ClaimAsync(store, other, 2, Now));
            await store.ReleaseAsync(Message(), RunId(1));
            await RefusesAsync(Refusal.Duplicate, () => ClaimAsync(store, other, 2, Now));
        }

        // Upper and lower case are different ids, and so are those of another sender.
        Assert.Null(await ClaimAsync(store, Message(id: "REQUEST-NUMBER-1", body: 2), 2, Now));
        Assert.Null(await ClaimAsync(store, Message(sender: "02", body: 2), 3, Now));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task ToBeRun_AMessageIsFresh(DatabaseKind kind)
    {
        await using TestDatabase test = await CreateAsync(kind);
        var store = new MessageStore(test.Database, ClaimFor);
        TimeSpan late = MessageStore.Window + TimeSpan.FromMilliseconds(1);

        await RefusesAsync(Refusal.Expired, () => ClaimAsync(store, Message(), 1, Now + late));
        await RefusesAsync(Refusal.Expired, () => ClaimAsync(store, Message(), 1, Now - late));
        Assert.Null(await ClaimAsync(store, Message(), 1, Now + MessageStore.Window));
        await store.ReleaseAsync(Message(), RunId(1));

        // Known, not answered: it would have to be run.
        await RefusesAsync(Refusal.Expired, () => ClaimAsync(store, Message(), 2, Now + late));
        Assert.Null(await ClaimAsync(store, Message(created: Now + late), 2, Now + late));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task ExpiredClaim_IsTakenOver_AndTheFirstRunChangesNothing(DatabaseKind kind)
    {
        await using TestDatabase test = await CreateAsync(kind);
        var store = new MessageStore(test.Database, ClaimFor);
        Assert.Null(await ClaimAsync(store, Message(), 1, Now));

        Assert.Null(await ClaimAsync(store, Message(), 2, Now + ClaimFor));

        Assert.False(await store.KeepAsync(Message(), RunId(1), new Answer(200, null, []), Now));
        await store.ReleaseAsync(Message(), RunId(1));
        await RefusesAsync(Refusal.InProgress, () => ClaimAsync(store, Message(), 3, Now + ClaimFor));
        Assert.True(await store.KeepAsync(Message(), RunId(2), Done, Now));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task ManyAtOnce_OneRuns(DatabaseKind kind)
    {
        await using TestDatabase test = await CreateAsync(kind);

        // As of two nodes; SQLite has one writer only.
        await using var second = new Database(test.Options);
        MessageStore[] stores = [new(test.Database, ClaimFor), new(kind == DatabaseKind.Sqlite ? test.Database : second, ClaimFor)];

        async Task<int> RoundAsync(DateTimeOffset now, byte firstRun)
        {
            bool[] won = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(async () =>
            {
                try
                {
                    return await ClaimAsync(stores[i % 2], Message(), (byte)(firstRun + i), now) is null;
                }
                catch (RefusalException e) when (e.Kind == Refusal.InProgress)
                {
                    return false;
                }
            })));
            return won.Count(each => each);
        }

        Assert.Equal(1, await RoundAsync(Now, 1));
        Assert.Equal(1, await RoundAsync(Now + ClaimFor, 100));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task AnswerAndChange_AreOne(DatabaseKind kind)
    {
        await using TestDatabase test = await CreateAsync(kind);
        var store = new MessageStore(test.Database, ClaimFor);
        Assert.Null(await ClaimAsync(store, Message(), 1, Now));

        await Assert.ThrowsAsync<RefusalException>(() => test.Database.WriteAsync(
            async transaction =>
            {
                await MessageStore.AnswerAsync(transaction, Message(), RunId(1), new EarlierAnswer(null, "rows 1"), Now);
                throw new RefusalException(Refusal.WrongState, "test");
            },
            TestContext.Current.CancellationToken));
        Assert.Null(await store.FindAnswerAsync(Message()));

        await test.Database.WriteAsync(
            transaction => MessageStore.AnswerAsync(transaction, Message(), RunId(1), new EarlierAnswer(null, "rows 1"), Now), TestContext.Current.CancellationToken);
        Assert.Equal(new EarlierAnswer(null, "rows 1"), await store.FindAnswerAsync(Message()));
    }

    /// <summary>Who asked, provable later: the signed lines and the signature.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task WhatWasSigned_IsKept(DatabaseKind kind)
    {
        await using TestDatabase test = await CreateAsync(kind);
        await ClaimAsync(new MessageStore(test.Database, ClaimFor), Message(), 1, Now);

        byte[]? message = await test.Database.FindAsync<byte[]>("SELECT message FROM message_answer", cancellationToken: TestContext.Current.CancellationToken);
        byte[]? signature = await test.Database.FindAsync<byte[]>("SELECT signature FROM message_answer", cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(Message().Bytes.ToArray(), message);
        Assert.Equal(Der.Encode(Signature), signature);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task HalfAnAnswer_IsRefusedByTheDatabase(DatabaseKind kind)
    {
        await using TestDatabase test = await CreateAsync(kind);
        await ClaimAsync(new MessageStore(test.Database, ClaimFor), Message(), 1, Now);

        foreach (string change in (string[])["state = 1", "status = 200", "state = 2, answered_at = 1", "state = 1, answered_at = 1, status = 200, row_reference = 'x'", "state = 3"])
        {
            await Assert.ThrowsAnyAsync<DbException>(() => test.Database.WriteAsync(
                transaction => transaction.ExecuteAsync($"UPDATE message_answer SET {change}"), TestContext.Current.CancellationToken));
        }
    }

    private static Task<TestDatabase> CreateAsync(DatabaseKind kind) =>
        TestDatabase.CreateAsync(kind, MigrationSet.Data, AuditLog.Migrations, ServiceTables.Migrations);

    private static Task<EarlierAnswer?> ClaimAsync(MessageStore store, SignedMessage message, byte run, DateTimeOffset now) =>
        store.ClaimAsync(message, Signature, RunId(run), now, TestContext.Current.CancellationToken);

    private static async Task RefusesAsync(Refusal kind, Func<Task> action) => Assert.Equal(kind, (await Assert.ThrowsAsync<RefusalException>(action)).Kind);

    private static byte[] RunId(byte run) => [.. Enumerable.Repeat(run, Ulid.Length)];

    private static SignedMessage Message(
        string sender = "01", string id = "request-number-1", byte body = 1, string target = "/a", string method = "POST", DateTimeOffset? created = null) =>
        new(SerialNumber.Parse(sender), "ca", method, target, RequestId.Parse(id), created ?? Now, Sm3.HashData([body]));
}
