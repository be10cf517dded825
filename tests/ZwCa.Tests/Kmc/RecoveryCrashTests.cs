using System.Text.Json;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Contracts;
using ZwCa.Contracts.Kmc;
using ZwCa.Data;
using ZwCa.Kmc.Recoveries;

namespace ZwCa.Tests.Kmc;

/// <summary>A node of the KMC dies by SIGKILL between two steps of a recovery, and another goes on.</summary>
public sealed class RecoveryCrashTests
{
    private const string NodeVariable = "ZWCA_TEST_KMC_NODE";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Where it dies, and whether the key was delivered by then.</summary>
    public static TheoryData<DatabaseKind, string, bool> Deaths
    {
        get
        {
            var data = new TheoryData<DatabaseKind, string, bool>
            {
                { DatabaseKind.Sqlite, "kmc-bound", false },
                { DatabaseKind.Sqlite, "kmc-opened", false },
                { DatabaseKind.Sqlite, "kmc-signed", false },
                { DatabaseKind.Sqlite, "kmc-kept", true },
            };
            foreach (DatabaseKind kind in TestDatabase.Kinds.Select(row => row.Data).Where(kind => kind != DatabaseKind.SqlServer))
            {
                data.Add(kind, "recovery-intended", false);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Deaths))]
    public async Task TheNodeDies_AnotherDelivers_Once(DatabaseKind kind, string point, bool isDelivered)
    {
        await using RecoveryStory story = await RecoveryStory.StartAsync(kind);
        KeyRecovery recovery = story.Papers() with { Message = story.Message() };
        using var folder = new TemporaryFolder();
        string file = folder.File("node.json");
        await File.WriteAllBytesAsync(file, JsonSerializer.SerializeToUtf8Bytes(story.Scene.ToNode(recovery)), Token);
        InvalidOperationException death = Assert.Throws<InvalidOperationException>(() => ChildRun.Run(
            ["-method", $"{typeof(RecoveryCrashTests).FullName}.{nameof(ANode_Recovers)}"], [(FaultPoint.Variable, point), (NodeVariable, file)]));
        Assert.Contains("ended with 137", death.Message, StringComparison.Ordinal);
        Assert.Single(await story.Scene.EventsAsync(PlanRecovery.IntendAction));
        Assert.Equal(isDelivered ? 1 : 0, (await story.Scene.EventsAsync(PlanRecovery.DeliverAction)).Count);

        if (!isDelivered)
        {
            // Nobody knows yet that the node is dead. A minute later it is.
            Assert.Equal(Refusal.InProgress, (await Assert.ThrowsAsync<RefusalException>(() => story.RecoverAsync(recovery, recovery.Message))).Kind);
            await story.Scene.RawAsync("UPDATE task SET claimed_until = 0");
        }

        KmRespond respond = await story.RecoverAsync(recovery, recovery.Message);
        story.AssertOpensTheOld(respond, story.New);
        Assert.Equal(Der.Encode(respond), Der.Encode(await story.RecoverAsync(recovery, recovery.Message)));
        Assert.Single(await story.Scene.EventsAsync(PlanRecovery.DeliverAction));
        Assert.Equal(Refusal.NotApproved, (await Assert.ThrowsAsync<RefusalException>(() => story.RecoverAsync(recovery))).Kind);
        await story.Scene.SettleAsync();
        Assert.Empty(await story.Scene.Check.RunAsync(Token));
    }

    /// <summary>Also what the child does that dies on the way.</summary>
    [Fact]
    public async Task ANode_Recovers()
    {
        if (Environment.GetEnvironmentVariable(NodeVariable) is { } file)
        {
            await KmcNode.RunAsync(file, Token);
            return;
        }

        await using RecoveryStory story = await RecoveryStory.StartAsync();
        story.AssertOpensTheOld(await story.RecoverAsync(), story.New);
    }
}
