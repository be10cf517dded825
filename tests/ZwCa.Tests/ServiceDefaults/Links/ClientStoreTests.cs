using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Data;
using ZwCa.ServiceDefaults;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.Tests.ServiceDefaults.Links;

/// <summary>All links of a client are closed while something else is done to one of them.</summary>
public sealed class ClientStoreTests
{
    private const string Name = "ra-11";

    private static readonly AuditActor Actor = new(AuditActorKind.Service, "test");
    private static readonly string Old = new('a', 64);
    private static readonly string Other = new('b', 64);
    private static readonly string Follower = new('c', 64);

    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Kinds))]
    public Task OneThatSomebodyDisablesMeanwhile_StopsNothing(DatabaseKind kind) => BesideAsync(
        kind, (store, transaction) => store.SwitchAsync(transaction, Actor, Old, enabled: false));

    [Theory]
    [MemberData(nameof(Kinds))]
    public Task TheFollowerOfOneThatIsRenewedMeanwhile_IsClosedToo(DatabaseKind kind) => BesideAsync(
        kind,
        async (store, transaction) =>
        {
            Assert.True(await ClientStore.HoldEnabledAsync(transaction, Old));
            await store.RegisterAsync(transaction, Actor, Follower, Name, ClientKind.Ra);
        });

    /// <summary>What is done is not yet committed when the other begins.</summary>
    private static async Task BesideAsync(DatabaseKind kind, Func<ClientStore, Transaction, Task> change)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, AuditLog.Migrations, ServiceTables.Migrations);
        var store = new ClientStore(test.Database, new AuditLog(TimeProvider.System), TimeProvider.System);
        foreach (string thumbprint in (string[])[Old, Other])
        {
            await test.Database.WriteAsync(transaction => store.RegisterAsync(transaction, Actor, thumbprint, Name, ClientKind.Ra), Token);
        }

        var changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task first = test.Database.WriteAsync(
            async transaction =>
            {
                await change(store, transaction);
                changed.TrySetResult();
                if (kind != DatabaseKind.Sqlite)
                {
                    // There one writes at a time anyway, and awaits nothing.
                    await Task.Delay(300, Token);
                }
            },
            Token);
        await changed.Task;
        await test.Database.WriteAsync(transaction => store.DisableAllAsync(transaction, Actor, Name, ClientKind.Ra), Token);
        await first;

        Assert.DoesNotContain(await store.ListAsync("", 10, Token), each => each.Enabled);
    }
}
