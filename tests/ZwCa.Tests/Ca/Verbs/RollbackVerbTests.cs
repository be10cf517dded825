using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Audit.Sequencing;
using ZwCa.Ca;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Verbs;
using ZwCa.Tests.Officers;

namespace ZwCa.Tests.Ca.Verbs;

/// <summary>Yesterday's database is back: the two highest officers sign elsewhere, and the verb takes it.</summary>
public sealed class RollbackVerbTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ARestoredDatabase_GoesOn_AsTheHighestTwoHaveSigned()
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(DatabaseKind.Sqlite);
        Clerk administrator = await story.BusinessAdministratorAsync();
        using var folder = new TemporaryFolder();
        HsmKey logKey = await story.Hsm.GenerateKeyAsync(new KeyLabel("log"), HsmKeyKind.Sm2, Token);
        var options = new LogOptions { Origin = "zwca/test", Key = logKey.PublicKey!, Anchors = [new Anchor(folder.File("anchor"))], LeaseDuration = TimeSpan.FromMilliseconds(-1) };
        await SequencerOf(story.Database).RunOnceAsync(Token);
        await BackUpAsync(story, folder.File("yesterday.db"));
        await story.EnrollAsync();
        story.Clock.Advance(TimeSpan.FromSeconds(1));
        await SequencerOf(story.Database).RunOnceAsync(Token);
        await using var database = new Database(new DatabaseOptions { ConnectionString = $"Data Source={folder.File("yesterday.db")};Pooling=False" });
        await using ServiceProvider services = new ServiceCollection()
            .AddSingleton(CaOptionsOf(OfficerStory.ServiceName))
            .AddSingleton(database)
            .AddSingleton(SequencerOf(database))
            .AddSingleton<TimeProvider>(story.Clock)
            .AddSingleton(new OfficerDirectory(database, story.Log, story.Issuers, RoleCatalogue.Standard, story.Clock))
            .BuildServiceProvider();
        string file = folder.File("application.der");

        // What they sign.
        (int code, string said) = await RunAsync("draft", "--reason", "数据库损坏，恢复昨日备份", "--out", file);
        Assert.Equal(0, code);
        Application application = Der.Decode<Application>(await File.ReadAllBytesAsync(file, Token));
        Assert.Contains(Convert.ToHexStringLower(application.Digest), said, StringComparison.Ordinal);
        await WriteAsync("entry.der", story.Sign(story.Super, ApprovalStep.Entry, application));
        await WriteAsync("review.der", story.Sign(story.Audit, ApprovalStep.Review, application));
        await WriteAsync("another.der", story.Sign(administrator, ApprovalStep.Review, application));

        // Another officer; no approval; the two who may; and then there is nothing to decide.
        Assert.Equal(Refusal.NotAllowed, await RefusedAsync(() => AcceptAsync("another.der")));
        Assert.Equal(Refusal.Malformed, await RefusedAsync(() => AcceptAsync("application.der")));
        Assert.Equal(Refusal.Malformed, await RefusedAsync(() => RunAsync("draft", "--reason", "", "--out", file)));
        Assert.Equal(0, (await AcceptAsync("review.der")).Code);
        await new LogGuard(database, options).CheckAsync(Token);
        Assert.Equal(Refusal.WrongState, await RefusedAsync(() => RunAsync("draft", "--reason", "再来一次", "--out", file)));

        Sequencer SequencerOf(Database on) => new(on, new HsmSigner(story.Hsm, logKey), options, story.Clock);

        Task WriteAsync(string name, Approval approval) => File.WriteAllBytesAsync(folder.File(name), Der.Encode(approval), Token);

        Task<(int Code, string Said)> AcceptAsync(string review) =>
            RunAsync("accept", "--application", file, "--entry", folder.File("entry.der"), "--review", folder.File(review));

        async Task<(int Code, string Said)> RunAsync(string name, params string[] arguments)
        {
            ServiceVerb verb = RollbackVerb.Of(provider => provider.GetRequiredService<CaOptions>().Name).Verbs.Single(each => each.Command.Name == name);
            using var output = new StringWriter();
            int exit = await verb.RunAsync!(new VerbContext(verb.Command.Parse(arguments), services, output, TextWriter.Null), Token);
            return (exit, output.ToString());
        }
    }

    private static async Task<Refusal> RefusedAsync(Func<Task> attempt) => (await Assert.ThrowsAsync<RefusalException>(attempt)).Kind;

    private static CaOptions CaOptionsOf(string name) => new()
    {
        Name = name,
        BaseUrl = "http://pki.example.gov.cn",
        PolicyArc = "2.25.1",
        Hsm = new HsmOptions { Endpoint = "127.0.0.1:1", Partition = "ca", ClientFolder = "" },
        Authorities = [],
        OperationsAuthority = "ops",
        SystemAuthority = "system",
        Log = new LogKeyOptions { Origin = "zwca/test", KeyLabel = "log", Anchors = [] },
        PersonIndexKey = "person-index",
        DataKek = "data-kek",
    };

    private static async Task BackUpAsync(OfficerStory story, string path)
    {
        await using var source = new SqliteConnection($"{story.Options.ConnectionString};Pooling=False");
        await source.OpenAsync(Token);
        await using SqliteCommand copy = source.CreateCommand();
        copy.CommandText = "VACUUM INTO @Path";
        copy.Parameters.AddWithValue("@Path", path);
        await copy.ExecuteNonQueryAsync(Token);
    }
}
