using System.Globalization;
using ZwCa.Audit;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.ServiceDefaults;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Tests.ServiceDefaults.Messages;

/// <summary>Several nodes of a service with one database, and nodes that die.</summary>
public sealed class MessageNodesTests
{
    private const string KindVariable = "ZWCA_TEST_MESSAGE_KIND";
    private const string DatabaseVariable = "ZWCA_TEST_MESSAGE_DATABASE";
    private const string TargetVariable = "ZWCA_TEST_MESSAGE_TARGET";

    private static readonly RequestId Id = RequestId.Parse("message-of-a-dying-node");
    private static readonly MessageOptions Options = new() { ClaimFor = TimeSpan.FromMinutes(10) };

    /// <summary>Where the node dies, what it was doing; whether it was done, with its answer, or has to be run again.</summary>
    public static TheoryData<DatabaseKind, string, string, bool> Deaths
    {
        get
        {
            var data = new TheoryData<DatabaseKind, string, string, bool>();
            foreach (DatabaseKind kind in TestDatabase.Kinds.Select(row => row.Data).Where(kind => kind != DatabaseKind.SqlServer))
            {
                data.Add(kind, "message.claimed", "/make", false);
                data.Add(kind, "message.run", "/make", true);
                data.Add(kind, "message.run", "/count/a", false);
            }

            return data;
        }
    }

    [Fact]
    public async Task SecondCallAtAnotherNode_HasToWait_AndGetsTheFirstOnesAnswer()
    {
        Requires.Condition(TestDatabase.IsHere(DatabaseKind.PostgreSql), "a PostgreSQL in ZWCA_TEST_POSTGRES");
        await using TestDatabase database = await CreateAsync(DatabaseKind.PostgreSql);
        await using MessageService here = await MessageService.StartAsync(database.Options);
        await using MessageService there = await MessageService.StartAsync(database.Options);
        using var key = Sm2PrivateKey.Generate();
        Letter letter = here.Write(await here.AddPartyAsync("4a01", "ra-1", Copy(key)), "/slow");
        Letter again = letter with { Party = await there.AddPartyAsync("4a01", "ra-1", Copy(key)) };

        Task<Reply> first = letter.SendAsync();
        await here.Begun.WaitAsync(TestContext.Current.CancellationToken);
        Reply second = await again.SendAsync();
        here.Continue.Release();

        Assert.Equal((409, "InProgress", TimeSpan.FromSeconds(2)), (second.Status, second.Refusal, second.RetryAfter));
        Assert.Equal(await first, await again.SendAsync());
        Assert.Equal((1, 0), (here.Runs, there.Runs));
    }

    [Theory]
    [MemberData(nameof(Deaths))]
    public async Task NodeDies_RetryIsAnsweredOnce(DatabaseKind kind, string point, string target, bool done)
    {
        await using TestDatabase database = await CreateAsync(kind);
        InvalidOperationException death = Assert.Throws<InvalidOperationException>(() => ChildRun.Run(
            ["-method", $"{typeof(MessageNodesTests).FullName}.{nameof(MessageOfANode_IsRun)}"],
            [
                (FaultPoint.Variable, point), (KindVariable, kind.ToString()), (DatabaseVariable, database.Options.ConnectionString), (TargetVariable, target),
            ]));
        Assert.Contains("ended with 137", death.Message, StringComparison.Ordinal);

        await using MessageService service = await MessageService.StartAsync(database.Options, Options);
        Letter letter = await WriteAsync(service, target);
        if (!done)
        {
            // Nobody knows yet that the node is dead.
            Reply early = await letter.SendAsync();
            Assert.Equal("InProgress", early.Refusal);
            Assert.NotNull(early.RetryAfter);

            // When its claim has expired, the old message is too old to be run; the outbox signs it anew.
            service.Clock.Advance(TimeSpan.FromMinutes(11));
            Assert.Equal("Expired", (await letter.SendAsync()).Refusal);
            letter = letter with { Created = service.Clock.GetUtcNow() };
        }

        Reply reply = await letter.SendAsync();

        Assert.Equal(201, reply.Status);
        Assert.Equal(reply, await letter.SendAsync());
        Assert.Equal(done ? 0 : 1, service.Runs);
        Assert.Equal(target == "/make" ? 1 : 0, await service.CountThingsAsync());
    }

    /// <summary>Also what the child does that dies on the way.</summary>
    [Fact]
    public async Task MessageOfANode_IsRun()
    {
        DatabaseOptions? database = Environment.GetEnvironmentVariable(DatabaseVariable) is { } connectionString
            ? new DatabaseOptions { Kind = Enum.Parse<DatabaseKind>(Environment.GetEnvironmentVariable(KindVariable)!), ConnectionString = connectionString }
            : null;
        await using MessageService service = await MessageService.StartAsync(database, Options);

        Reply reply = await (await WriteAsync(service, Environment.GetEnvironmentVariable(TargetVariable) ?? "/make")).SendAsync();

        Assert.Equal(201, reply.Status);
    }

    /// <summary>The run took longer than its claim, another took over: what the first would change is rolled back.</summary>
    [Fact]
    public async Task RunThatOutlivesItsClaim_ChangesNothing()
    {
        await using MessageService service = await MessageService.StartAsync();
        Letter letter = service.Write(await service.AddPartyAsync("4a01", "ra-1"), "/slow-make");
        Task<Reply> first = letter.SendAsync();
        await service.Begun.WaitAsync(TestContext.Current.CancellationToken);
        service.Clock.Advance(TimeSpan.FromSeconds(61));
        Task<Reply> second = letter.SendAsync();
        await service.Begun.WaitAsync(TestContext.Current.CancellationToken);

        // The semaphore wakes who has waited longest: first the run without a claim.
        service.Continue.Release();
        Reply late = await first;
        Assert.Equal(("InProgress", 0), (late.Refusal, await service.CountThingsAsync()));
        service.Continue.Release();

        Assert.Equal("""{"run":2}""", (await second).Text);
        Assert.Equal("""{"run":2}""", (await letter.SendAsync()).Text);
        Assert.Equal((2, 1), (service.Runs, await service.CountThingsAsync()));
    }

    /// <summary>Neither a name that no message can carry, nor requests that may outlive their claims.</summary>
    [Fact]
    public async Task ServiceThatCannotTakeMessages_DoesNotStart()
    {
        ConfigurationException tooShort = await Assert.ThrowsAsync<ConfigurationException>(
            () => MessageService.StartAsync(options: new MessageOptions { ClaimFor = TimeSpan.FromSeconds(29) }));
        Assert.Contains("RequestTimeout", tooShort.Message, StringComparison.Ordinal);

        ConfigurationException name = await Assert.ThrowsAsync<ConfigurationException>(() => MessageService.StartAsync(name: "省CA"));
        Assert.Contains("省CA", name.Message, StringComparison.Ordinal);
    }

    private static async Task<Letter> WriteAsync(MessageService service, string target)
    {
        var key = Sm2PrivateKey.FromBytes(Convert.FromHexString(string.Create(CultureInfo.InvariantCulture, $"{4711:x64}")));
        return service.Write(await service.AddPartyAsync("4a01", "ra-1", key), target) with { Id = Id };
    }

    private static Task<TestDatabase> CreateAsync(DatabaseKind kind) =>
        TestDatabase.CreateAsync(kind, MigrationSet.Data, AuditLog.Migrations, ServiceTables.Migrations);

    private static Sm2PrivateKey Copy(Sm2PrivateKey key)
    {
        byte[] bytes = new byte[Sm2.ScalarSizeInBytes];
        key.ExportBytes(bytes);
        return Sm2PrivateKey.FromBytes(bytes);
    }
}
