using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Data;

namespace ZwCa.Tests.Audit;

/// <summary>What is written, listed, and erased.</summary>
public sealed class AuditLogTests
{
    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task An_erased_value_leaves_a_leaf_that_still_verifies(DatabaseKind kind)
    {
        const string name = "张三\0👤";
        await using LogFixture log = await LogFixture.CreateAsync(kind);
        AuditEvent told = LogFixture.Event(1) with { Personal = new Dictionary<string, string> { ["name"] = name, ["phone"] = "13900000000" } };
        byte[] id = await log.Database.WriteAsync(transaction => log.Log.AppendAsync(transaction, told), Token);
        await SequenceAsync();
        var list = new EventList(log.Database);
        IReadOnlyList<PersonalValue> personal = await list.GetPersonalAsync(id, Token);
        Assert.Equal([("name", name), ("phone", "13900000000")], personal.Select(each => (each.Name, each.Value)));
        Assert.NotEqual(personal[0].Salt, personal[1].Salt);
        AuditLeaf leaf = await ProvenAsync();
        log.Verifier.VerifyPersonal(leaf, "name", personal[0].Salt, name);
        Assert.Throws<LogNotProvenException>(() => log.Verifier.VerifyPersonal(leaf, "name", personal[0].Salt, "李四"));
        Assert.Throws<LogNotProvenException>(() => log.Verifier.VerifyPersonal(leaf, "name", personal[1].Salt, name));
        Assert.Throws<LogNotProvenException>(() => log.Verifier.VerifyPersonal(leaf, "address", personal[0].Salt, name));

        Assert.True(await EraseAsync());
        Assert.False(await EraseAsync());
        await SequenceAsync();
        Assert.Equal(["phone"], (await list.GetPersonalAsync(id, Token)).Select(each => each.Name));
        Assert.Equal(leaf.Fields, (await ProvenAsync()).Fields);
        ListedEvent erased = Assert.Single(await list.ListAsync(new EventFilter { Action = LogEvents.EraseAction }, cancellationToken: Token));
        Assert.Equal(Convert.ToHexStringLower(id), erased.Leaf.Object.Id);
        await log.CheckAsync([id, erased.EventId]);

        async Task SequenceAsync()
        {
            log.Clock.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(1, (await log.Sequencer().RunOnceAsync(Token)).Sequenced);
        }

        Task<bool> EraseAsync() => log.Database.WriteAsync(transaction => log.Log.ErasePersonalAsync(transaction, id, "name", LogFixture.Actor), Token);

        async Task<AuditLeaf> ProvenAsync()
        {
            ProvenEvent proven = (await log.Proofs.FindAsync(id, Token))!;
            return log.Verifier.VerifyInclusion(proven.Leaf, proven.Proof, proven.Checkpoint);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Events_are_listed_page_by_page_and_by_what_is_asked(DatabaseKind kind)
    {
        await using LogFixture log = await LogFixture.CreateAsync(kind);
        var list = new EventList(log.Database);
        var ids = new List<byte[]>();
        for (int i = 0; i < 10; i++)
        {
            log.Clock.Advance(TimeSpan.FromSeconds(1));
            AuditEvent told = LogFixture.Event(i) with
            {
                Action = i % 2 == 0 ? "certificate.issue" : "certificate.revoke",
                Actor = new AuditActor(AuditActorKind.Officer, i < 5 ? "一" : "二"),
            };
            ids.Add(await log.Database.WriteAsync(transaction => log.Log.AppendAsync(transaction, told), Token));
        }

        Assert.Empty(await PagesAsync(new EventFilter(), false));
        await log.Sequencer().RunOnceAsync(Token);
        DateTimeOffset third = Ulid.TimeOf(ids[3]);
        Assert.Equal([0, 1, 2, 3], await PagesAsync(new EventFilter { Until = Ulid.TimeOf(ids[4]) }, false));
        Assert.Equal([9, 8, 7, 6, 5, 4, 3], await PagesAsync(new EventFilter { From = third }, true));
        Assert.Equal([0, 2, 4, 6, 8], await PagesAsync(new EventFilter { Action = "certificate.issue" }, false));
        Assert.Equal([8, 6], await PagesAsync(new EventFilter { Action = "certificate.issue", Actor = "二" }, true));
        Assert.Equal([7], await PagesAsync(new EventFilter { Object = new AuditObject("certificate", "0007") }, false));
        Assert.Empty(await PagesAsync(new EventFilter { Object = new AuditObject("officer", "0007") }, false));
        Assert.Empty(await PagesAsync(new EventFilter { Until = DateTimeOffset.MinValue }, true));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => list.ListAsync(new EventFilter(), rows: 1001, cancellationToken: Token));

        async Task<List<int>> PagesAsync(EventFilter filter, bool newestFirst)
        {
            var numbers = new List<int>();
            byte[]? after = null;
            while (await list.ListAsync(filter, after, 3, newestFirst, Token) is { Count: > 0 } page)
            {
                numbers.AddRange(page.Select(each => ids.FindIndex(id => id.AsSpan().SequenceEqual(each.EventId))));
                after = page[^1].EventId;
            }

            return numbers;
        }
    }

    [Fact]
    public async Task What_the_tables_would_not_take_is_refused()
    {
        await using LogFixture log = await LogFixture.CreateAsync(DatabaseKind.Sqlite);
        string longName = new('a', 65);
        AuditEvent sound = LogFixture.Event(1);
        AuditEvent[] wrong =
        [
            sound with { Action = longName },
            sound with { Action = "" },
            sound with { Object = new AuditObject(longName, "1") },
            sound with { Personal = new Dictionary<string, string> { [longName] = "" } },
            sound with { Personal = new Dictionary<string, string> { ["name"] = new('a', 1025) } },
            sound with { Personal = new Dictionary<string, string> { ["name"] = "\ud800" } },
            sound with { Personal = new Dictionary<string, string> { ["number"] = "a field has the name" } },
            sound with { Fields = [.. Enumerable.Range(0, 65).Select(i => new AuditField.Number($"n{i}", i))] },
        ];
        foreach (AuditEvent each in wrong)
        {
            await Assert.ThrowsAnyAsync<ArgumentException>(() => log.Database.WriteAsync(transaction => log.Log.AppendAsync(transaction, each), Token));
        }

        Assert.Equal(0, await log.Database.FindAsync<long>("SELECT COUNT(*) FROM audit_event", cancellationToken: Token));
    }
}
