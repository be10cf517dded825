using System.Text;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.Ra.Subscribers;
using ZwCa.Tests.Officers;

namespace ZwCa.Tests.Ra.Subscribers;

public sealed class SubscriberTests
{
    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task APerson_IsSealed_Masked_AndFoundByHisNumber(DatabaseKind kind)
    {
        await using RaRecords records = await RaRecords.CreateAsync(kind);
        IdNumber number = OfficerStory.NewIdNumber();
        byte[] bureau = await records.RegisterAsync(records.Provincial, RaRecords.Organization(region: RaRecords.Province, name: "福建省某厅"));

        // A county's clerk enrolls staff of a bureau of the province.
        byte[] id = await records.RegisterAsync(records.OfCounty, RaRecords.Person(number, RaRecords.County, organization: bureau));

        Subscriber person = await records.GetAsync(id);
        Assert.Equal(("王小明", number.Reveal()), (person.Name.Reveal(), person.Number.Reveal()));
        Assert.Equal($"王** {number}", person.ToString());
        Assert.Equal(("福建省某厅", 1, 16), (person.OrganizationName, person.Version, person.Id.Length));
        Assert.Equal(await records.Story.Persons.IndexAsync(number, Token), person.PersonIndex);
        SubscriberAnswer shown = SubscriberAnswers.Show(person);
        Assert.Equal(("person", "王**", number.ToString(), RaRecords.County), (shown.Kind, shown.Name, shown.Number, shown.Region));
        Assert.Equal((Convert.ToHexStringLower(bureau), "福建省某厅"), (shown.Organization, shown.OrganizationName));
        Assert.Equal(id, (await records.Store.FindAsync(SubscriberNumber.Parse(SubscriberKind.Person, number.Reveal().ToLowerInvariant()), Token))!.Id);
        Assert.Null(await records.Store.FindAsync(SubscriberNumber.Parse(SubscriberKind.Person, OfficerStory.NewIdNumber().Reveal()), Token));

        // In the database there is neither; what is moved to another row does not open there.
        byte[] other = await records.RegisterAsync(records.OfCounty, RaRecords.Person(OfficerStory.NewIdNumber(), RaRecords.County, "李四"));
        byte[] stored = (await records.Database.FindAsync<byte[]>("SELECT number_sealed FROM subscriber WHERE subscriber_id = @Id", new { Id = id }, Token))!;
        Assert.DoesNotContain(number.Reveal()[6..14], Encoding.Latin1.GetString(stored), StringComparison.Ordinal);
        await records.Story.RawAsync("UPDATE subscriber SET number_sealed = @Stored WHERE subscriber_id = @Other", new { Stored = stored, Other = other });
        await Assert.ThrowsAsync<PersonKeysException>(() => records.GetAsync(other));
        Assert.Equal(3, (await records.EventsAsync("subscriber.register")).Count);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task AKnownNumber_IsTheSubscriberThatIsThere(DatabaseKind kind)
    {
        await using RaRecords records = await RaRecords.CreateAsync(kind);
        IdNumber number = OfficerStory.NewIdNumber();
        byte[] id = await records.RegisterAsync(records.OfCounty, RaRecords.Person(number, RaRecords.County));

        Assert.Equal(id, await records.RegisterAsync(records.OfCounty, RaRecords.Person(number, RaRecords.County)));
        Assert.Equal(id, await records.RegisterAsync(records.OfCity, RaRecords.Person(number, RaRecords.City, "王大明")));
        Assert.Equal("王小明", (await records.GetAsync(id)).Name.Reveal());
        string said = await RaRecords.RefusedAsync(Refusal.Duplicate, () => records.RegisterAsync(records.OfOtherCity, RaRecords.Person(number, RaRecords.OtherCity)));
        Assert.Contains("其他区域", said, StringComparison.Ordinal);

        // Organisations above are known to those below.
        byte[] bureau = await records.RegisterAsync(records.Provincial, RaRecords.Organization(region: RaRecords.Province));
        Assert.Equal(bureau, await records.RegisterAsync(records.OfCounty, RaRecords.Organization(region: RaRecords.County)));
        Assert.Equal(2, await records.Database.FindAsync<long>("SELECT COUNT(*) FROM subscriber", cancellationToken: Token));
        Assert.Equal(2, (await records.EventsAsync("subscriber.register")).Count);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task OfSeveralAtOnce_AllGetTheSameOne(DatabaseKind kind)
    {
        await using RaRecords records = await RaRecords.CreateAsync(kind);
        IdNumber number = OfficerStory.NewIdNumber();

        byte[][] ids = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() => records.RegisterAsync(records.OfCity, RaRecords.Person(number)))));

        Assert.Single(ids.Select(Convert.ToHexStringLower).Distinct());
        Assert.Single(await records.EventsAsync("subscriber.register"));
    }

    [Fact]
    public async Task WhoMayNot_RegistersNobody()
    {
        await using RaRecords records = await RaRecords.CreateAsync(DatabaseKind.Sqlite);
        SubscriberRequest request = RaRecords.Person(OfficerStory.NewIdNumber());
        byte[] own = await records.RegisterAsync(records.OfOtherCity, RaRecords.Organization(region: RaRecords.OtherCity));
        byte[] person = await records.RegisterAsync(records.OfCity, RaRecords.Person(OfficerStory.NewIdNumber()));
        Officer administrator = await records.AdministratorAsync(), auditor = await records.AuditorAsync(RaRecords.City);
        (Refusal Kind, Func<Task> Call)[] refused =
        [
            (Refusal.NotAllowed, () => records.RegisterAsync(administrator, request)),
            (Refusal.NotAllowed, () => records.RegisterAsync(auditor, request)),
            (Refusal.OutOfScope, () => records.RegisterAsync(records.OfOtherCity, request)),
            (Refusal.OutOfScope, () => records.RegisterAsync(records.OfCounty, request)),
            (Refusal.Malformed, () => records.RegisterAsync(records.OfCity, request with { Region = "350199" })),
            (Refusal.Malformed, () => records.RegisterAsync(records.OfCity, request with { Kind = "robot" })),
            (Refusal.Malformed, () => records.RegisterAsync(records.OfCity, request with { Number = null })),
            (Refusal.Malformed, () => records.RegisterAsync(records.OfCity, request with { Name = null })),
            (Refusal.NotFound, () => records.RegisterAsync(records.OfCity, request with { Organization = new string('0', 32) })),
            (Refusal.NotFound, () => records.RegisterAsync(records.OfCity, request with { Organization = Convert.ToHexStringLower(own) })),
            (Refusal.NotFound, () => records.RegisterAsync(records.OfCity, RaRecords.Device(person))),
            (Refusal.Malformed, () => records.RegisterAsync(records.OfCity, RaRecords.Device(own) with { Organization = null })),
            (Refusal.Malformed, () => records.RegisterAsync(records.OfCity, RaRecords.Organization("91350100M000100Y43") with { Organization = Convert.ToHexStringLower(own) })),
        ];
        foreach ((Refusal kind, Func<Task> call) in refused)
        {
            await RaRecords.RefusedAsync(kind, call);
        }

        Assert.Equal(2, await records.Database.FindAsync<long>("SELECT COUNT(*) FROM subscriber", cancellationToken: Token));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task AChange_IsOfTheRowThatWasShown(DatabaseKind kind)
    {
        await using RaRecords records = await RaRecords.CreateAsync(kind);
        IdNumber number = OfficerStory.NewIdNumber();
        byte[] bureau = await records.RegisterAsync(records.OfCity, RaRecords.Organization());
        byte[] id = await records.RegisterAsync(records.OfCity, RaRecords.Person(number, organization: bureau));
        await records.Story.Persons.RotateDataKeyAsync(Token);

        // Without number and name, which its clerk is shown masked.
        var request = new SubscriberRequest { Kind = "person", Region = RaRecords.County, Version = 1 };
        await records.ChangeAsync(records.OfCity, id, request);

        Subscriber moved = await records.GetAsync(id);
        Assert.Equal(("王小明", number.Reveal(), RaRecords.County, 2L), (moved.Name.Reveal(), moved.Number.Reveal(), moved.Region.Value, moved.Version));
        Assert.Null(moved.OrganizationId);
        string said = await RaRecords.RefusedAsync(Refusal.WrongState, () => records.ChangeAsync(records.OfCity, id, request));
        Assert.Contains("已被他人修改", said, StringComparison.Ordinal);
        await records.ChangeAsync(records.OfCounty, id, request with { Name = "王大明", Number = number.Reveal(), Version = 2 });
        Assert.Equal(("王大明", number.Reveal()), ((await records.GetAsync(id)).Name.Reveal(), (await records.GetAsync(id)).Number.Reveal()));
        Assert.Equal(2, (await records.EventsAsync("subscriber.change")).Count);
        Assert.DoesNotContain("大明", string.Join("", (await records.Story.LeafBytesAsync()).Select(Encoding.UTF8.GetString)), StringComparison.Ordinal);

        foreach ((Refusal refusal, Func<Task> call) in ((Refusal, Func<Task>)[])
        [
            (Refusal.Malformed, () => records.ChangeAsync(records.OfCity, id, request with { Version = 3, Kind = "organization" })),
            (Refusal.Malformed, () => records.ChangeAsync(records.OfCity, id, request with { Version = 3, Number = OfficerStory.NewIdNumber().Reveal() })),
            (Refusal.OutOfScope, () => records.ChangeAsync(records.OfCity, id, request with { Version = 3, Region = RaRecords.OtherCity })),
            (Refusal.NotFound, () => records.ChangeAsync(records.OfOtherCity, id, request with { Version = 3, Region = RaRecords.OtherCity })),
            (Refusal.NotFound, () => records.ChangeAsync(records.OfCounty, bureau, RaRecords.Organization(region: RaRecords.County) with { Version = 1 })),
            (Refusal.NotFound, () => records.ChangeAsync(records.OfCity, new byte[16], request)),
            (Refusal.NotAllowed, async () => await records.ChangeAsync(await records.AdministratorAsync(), id, request with { Version = 3 })),
        ])
        {
            await RaRecords.RefusedAsync(refusal, call);
        }

        Assert.Equal(3, (await records.GetAsync(id)).Version);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task OfTwoChangesAtOnce_OneIsDone(DatabaseKind kind)
    {
        await using RaRecords records = await RaRecords.CreateAsync(kind);
        byte[] id = await records.RegisterAsync(records.OfCity, RaRecords.Organization());
        int done = 0;

        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(async () =>
        {
            try
            {
                await records.ChangeAsync(records.OfCity, id, RaRecords.Organization(name: $"某局{i}") with { Version = 1 });
                Interlocked.Increment(ref done);
            }
            catch (RefusalException e) when (e.Kind == Refusal.WrongState)
            {
                // Another was faster.
            }
        })));

        Assert.Equal((1, 2L), (done, (await records.GetAsync(id)).Version));
    }
}
