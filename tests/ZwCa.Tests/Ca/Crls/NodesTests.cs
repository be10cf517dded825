using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1.Decisions;
using ZwCa.Ca.Crls;
using ZwCa.Data;
using ZwCa.Tests.Ca.Status;

namespace ZwCa.Tests.Ca.Crls;

/// <summary>Several nodes that make CRLs of one database.</summary>
public sealed class NodesTests
{
    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task AtOnce_OneOfThemMakesIt_AndNoNumberIsUsedTwice(DatabaseKind kind)
    {
        await using CrlStory story = await CrlStory.StartAsync(kind);
        CrlNode[] nodes = [.. Enumerable.Range(0, 3).Select(_ => new CrlNode(story.Services.GetRequiredService<CrlOptions>()))];
        MakeCrl[] making = [.. nodes.Select(node => StaleDataTests.Over(story, story.Stage.Database, node))];
        for (int round = 0; round < 5; round++)
        {
            story.Clock.Pass(TimeSpan.FromSeconds(2));
            await story.Stage.RawAsync("UPDATE crl_scope SET due_at = 0 WHERE authority_id = @Id AND shard = @Shard", new { story.Scope.Authority.Id, story.Scope.Shard });
            CrlRow?[] rows = await Task.WhenAll(making.Select(each => Task.Run(() => each.RunAsync(story.Scope, Token), Token)));
            CrlRow made = Assert.Single(rows.OfType<CrlRow>());
            Assert.True(made.State == CrlState.Judged, made.Detail);

            // Both publish it: it is said once.
            await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Task.Run(() => story.Stage.PublishAsync(), Token)));
            Assert.Equal(made.Hash, ZwCa.Cryptography.Sm3.HashData(story.Served()));
            Assert.Equal(round + 2, (await story.LeavesAsync(PublishCrls.PublishAction)).Count);
        }

        Assert.Equal(6, (await story.LeavesAsync(MakeCrl.IssueAction)).Count);
        Assert.Equal(6, await story.Stage.Database.FindAsync<long>("SELECT COUNT(DISTINCT crl_number) FROM crl WHERE state = 3 AND shard = 'all'", cancellationToken: Token));
        Array.ForEach(nodes, node => node.Dispose());
    }

    /// <summary>One dies between reading and its intention; when its lease has run out the other one goes on with the next number.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task OneThatDied_KeepsTheOthersWaitingForItsLease_AndNoLonger(DatabaseKind kind)
    {
        await using CrlStory story = await CrlStory.StartAsync(kind);
        using var dead = new CrlNode(story.Services.GetRequiredService<CrlOptions>());
        Lease lease = dead.LeaseOf(story.Scope);
        long number = await story.Stage.Database.WriteAsync(
            async transaction =>
            {
                Assert.True(await lease.TakeAsync(transaction, story.Clock.GetUtcNow()));
                long taken = await CrlStore.TakeNumberAsync(transaction, story.Scope);
                await CrlStore.BeginAsync(transaction, new CrlRow
                {
                    CrlId = Ulid.Create(story.Clock.GetUtcNow()),
                    AuthorityId = story.Scope.Authority.Id,
                    Shard = story.Scope.Shard,
                    CrlNumber = taken,
                    State = CrlState.Begun,
                    BegunAt = story.Clock.GetUtcNow(),
                    ChangedAt = story.Clock.GetUtcNow(),
                });
                return taken;
            },
            Token);

        Assert.Null(await story.TryMakeAsync());
        story.Clock.Pass(TimeSpan.FromMinutes(6));
        await story.GoOnAsync();
        CrlRow broken = (await story.Stage.Database.ReadAsync(transaction => CrlStore.FindNumberAsync(transaction, story.Scope, number), Token))!;
        Assert.Equal((CrlState.GivenUp, MakeCrl.BrokenOff), (broken.State, broken.Detail));
        Assert.Equal(number + 1, (await story.LastAsync(story.Scope))!.CrlNumber);
        Assert.DoesNotContain(MakeCrl.BrokenOff, (await story.ReadinessAsync()).Reason, StringComparison.Ordinal);
    }

    /// <summary>A node whose device is away lets the other one have it.</summary>
    [Fact]
    public async Task OneThatFails_DoesNotKeepTheLease()
    {
        await using CrlStory story = await CrlStory.StartAsync();
        story.Stage.Hsm.Fault = _ => throw new ZwCa.Hsm.HsmException(ZwCa.Hsm.HsmFailure.Unreachable, "As the test wants it.");
        Assert.Equal(CrlState.GivenUp, (await story.TryMakeAsync())!.State);
        story.Stage.Hsm.Fault = signatures => signatures;

        using var node = new CrlNode(story.Services.GetRequiredService<CrlOptions>());
        MakeCrl other = StaleDataTests.Over(story, story.Stage.Database, node);
        story.Clock.Pass(CrlNode.TryAgainAfter + TimeSpan.FromSeconds(1));
        CrlRow row = (await other.RunAsync(story.Scope, Token))!;
        Assert.True(row.State == CrlState.Judged, row.Detail);
    }

    /// <summary>What is judged is never given up: another node may have put it into a folder already.</summary>
    [Fact]
    public async Task WhatIsJudged_IsNotGivenUp()
    {
        await using CrlStory story = await CrlStory.StartAsync();
        CrlRow row = (await story.TryMakeAsync())!;
        Assert.False(await story.Stage.Database.WriteAsync(transaction => CrlStore.GiveUpAsync(transaction, row.CrlId, "as the test wants it", story.Clock.GetUtcNow()), Token));
        await story.Stage.PublishAsync();
        Assert.Equal(CrlState.Published, (await story.LastAsync(story.Scope))!.State);
    }

    /// <summary>An order that comes while a CRL is being made, which was read before it, is not lost.</summary>
    [Fact]
    public async Task AnOrderDuringARun_IsDoneAfterIt()
    {
        await using CrlStory story = await CrlStory.StartAsync();
        await StaleDataTests.SettleAsync(story);
        bool ordered = false;
        story.Stage.Hsm.Fault = signatures =>
        {
            if (!ordered)
            {
                ordered = true;
                story.Stage.ChangeAsync(story.Valid, DecisionKind.Revoke).GetAwaiter().GetResult();
                story.Stage.RawAsync("UPDATE crl_scope SET due_at = 0").GetAwaiter().GetResult();
            }

            return signatures;
        };
        await story.GoOnAsync();
        Assert.DoesNotContain(story.Valid.Serial, story.Entries().Keys);

        story.Clock.Pass(TimeSpan.FromSeconds(2));
        CrlRow row = (await story.Services.GetRequiredService<MakeCrl>().RunAsync(story.Scope, Token))!;
        Assert.True(row.State == CrlState.Judged, row.Detail);
        await story.Stage.PublishAsync();
        Assert.Contains(story.Valid.Serial, story.Entries().Keys);
    }
}
