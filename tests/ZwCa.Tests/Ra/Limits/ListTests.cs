using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Data;

namespace ZwCa.Tests.Ra.Limits;

/// <summary>Lists: filters hold together, pages go on by key, and each enrollment comes once.</summary>
public sealed class ListTests(RaFixture fixture) : IClassFixture<RaFixture>
{
    private RaStage Stage { get; set; } = fixture.Stage;

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task PagesOfTwo_GiveAllOnceAndInOrder(DatabaseKind kind)
    {
        Stage = await fixture.OnAsync(kind);

        // Six of one person: the last page is full, and the one after it is empty.
        string person = await Stage.PersonAsync();
        List<string> taken = [];
        for (int i = 0; i < 6; i++)
        {
            taken.Add((await Stage.TakeInAsync(RaStage.NewRequest(person, Stage.Pairs.NewKey()))).Id);
        }

        (List<string> all, int pages) = await WalkAsync($"/enrollments?subscriber={person}&rows=2");
        Assert.Equal(taken, all);
        Assert.Equal(4, pages);
        (all, pages) = await WalkAsync($"/enrollments?subscriber={person}&rows=5");
        Assert.Equal((6, 2), (all.Count, pages));
        Assert.Equal(taken, all);

        // What comes in meanwhile comes at the end; what has moved on stays where it is.
        EnrollmentPage first = await ListAsync($"?subscriber={person}&rows=2");
        await Stage.SubmitAsync(await Stage.GetAsync<EnrollmentAnswer>(Stage.City, $"/enrollments/{taken[2]}"));
        string late = (await Stage.TakeInAsync(RaStage.NewRequest(person, Stage.Pairs.NewKey()))).Id;
        EnrollmentPage rest = await ListAsync($"?subscriber={person}&after={first.Next}");
        Assert.Equal([.. taken.Skip(2), late], rest.Enrollments.Select(each => each.Id));
        Assert.Null(rest.Next);
    }

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task FiltersHoldTogether(DatabaseKind kind)
    {
        Stage = await fixture.OnAsync(kind);
        string person = await Stage.PersonAsync(CaScene.County), another = await Stage.PersonAsync(CaScene.County, "李四");
        EnrollmentAnswer draft = await Stage.TakeInAsync(RaStage.NewRequest(person, Stage.Pairs.NewKey(), region: CaScene.County), Stage.County);
        EnrollmentAnswer city = await Stage.TakeInAsync(RaStage.NewRequest(person, Stage.Pairs.NewKey()));
        EnrollmentAnswer submitted = await Stage.SubmitAsync(await Stage.TakeInAsync(RaStage.NewRequest(person, Stage.Pairs.NewKey(), region: CaScene.County), Stage.County), Stage.County);
        EnrollmentAnswer others = await Stage.TakeInAsync(RaStage.NewRequest(another, Stage.Pairs.NewKey(), region: CaScene.County), Stage.County);
        Assert.Equal([draft.Id, city.Id, submitted.Id], await IdsAsync($"?subscriber={person}"));
        Assert.Equal([draft.Id, city.Id], await IdsAsync($"?subscriber={person}&state=draft"));
        Assert.Equal([submitted.Id], await IdsAsync($"?subscriber={person}&state=submitted"));
        Assert.Equal([draft.Id, submitted.Id], await IdsAsync($"?subscriber={person}&region={CaScene.County}"));
        Assert.Equal([draft.Id], await IdsAsync($"?subscriber={person}&region={CaScene.County}&state=draft&kind=new&overdue=false"));
        Assert.Equal([draft.Id, submitted.Id], await IdsAsync($"?subscriber={person}", Stage.County));
        Assert.Equal([draft.Id, city.Id, submitted.Id], await IdsAsync($"?subscriber={person}&region={CaScene.City}", Stage.Province));
        Assert.Equal([others.Id], await IdsAsync($"?subscriber={another}", Stage.Auditor));
        Assert.Empty(await IdsAsync($"?subscriber={person}&kind=revoke"));
        Assert.Empty(await IdsAsync($"?subscriber={person}&overdue=true"));
        EnrollmentSummary shown = Assert.Single((await ListAsync($"?subscriber={another}")).Enrollments);
        Assert.Equal(
            (others.TrackingNumber, "new", "draft", 1L, CaScene.County, "person", another, others.DueAt),
            (shown.TrackingNumber, shown.Kind, shown.State, shown.Version, shown.Region, shown.Profile, shown.Subscriber, shown.DueAt));
    }

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task ATrackingNumber_IsFoundAsPeopleWriteIt(DatabaseKind kind)
    {
        Stage = await fixture.OnAsync(kind);
        EnrollmentAnswer draft = await Stage.TakeInAsync(RaStage.NewRequest(await Stage.PersonAsync(), Stage.Pairs.NewKey()));
        string number = draft.TrackingNumber;
        foreach (string written in (string[])[number, number.ToLowerInvariant(), string.Join('-', number.Chunk(4).Select(group => new string(group))), $" {number[..8]} {number[8..]} "])
        {
            Assert.Equal([draft.Id], await IdsAsync($"?trackingNumber={Uri.EscapeDataString(written)}"));
        }

        // Who is not responsible does not find it, and a slip is no other number.
        Assert.Empty(await IdsAsync($"?trackingNumber={number}", Stage.County));
        string slip = $"{number[..^1]}{(number[^1] == '7' ? '8' : '7')}";
        await RaStage.RefusedAsync(() => ListAsync($"?trackingNumber={slip}"), Refusal.Malformed);
    }

    [Theory]
    [InlineData("state=lost")]
    [InlineData("state=Draft")]
    [InlineData("kind=0")]
    [InlineData("rows=0")]
    [InlineData("rows=501")]
    [InlineData("rows=many")]
    [InlineData("after=1")]
    [InlineData("subscriber=X")]
    [InlineData("region=35")]
    [InlineData("overdue=perhaps")]
    [InlineData("trackingNumber=")]
    public async Task AWrongFilter_IsNoFilter(string filter) => await RaStage.RefusedAsync(() => ListAsync($"?{filter}"), Refusal.Malformed);

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task Subscribers_ComeInPagesToo(DatabaseKind kind)
    {
        Stage = await fixture.OnAsync(kind);
        string organization = (await Stage.PostAsync<SubscriberAnswer>(
            Stage.City, "/subscribers", new SubscriberRequest { Kind = "organization", Region = CaScene.City, Name = "福州市图书馆", Number = RaStage.NewCreditCode() })).Id;
        List<string> made = [];
        for (int i = 0; i < 5; i++)
        {
            made.Add(await Stage.PersonAsync(organization: organization));
        }

        List<string> all = [];
        string? after = null;
        do
        {
            SubscriberPage page = await Stage.GetAsync<SubscriberPage>(Stage.City, $"/subscribers?organization={organization}&rows=2{(after is null ? "" : $"&after={after}")}");
            Assert.InRange(page.Subscribers.Count, 0, 2);
            all.AddRange(page.Subscribers.Select(each => each.Id));
            after = page.Next;
        }
        while (after is not null);

        Assert.Equal(made.Order(StringComparer.Ordinal), all);
    }

    private async Task<(List<string> Ids, int Pages)> WalkAsync(string path)
    {
        List<string> all = [];
        int pages = 0;
        for (string? after = ""; after is not null; pages++)
        {
            EnrollmentPage page = await Stage.GetAsync<EnrollmentPage>(Stage.City, after.Length == 0 ? path : $"{path}&after={after}");
            all.AddRange(page.Enrollments.Select(each => each.Id));
            after = page.Next;
        }

        return (all, pages);
    }

    private Task<EnrollmentPage> ListAsync(string query, StageOfficer? who = null) => Stage.GetAsync<EnrollmentPage>(who ?? Stage.City, $"/enrollments{query}");

    private async Task<IReadOnlyList<string>> IdsAsync(string query, StageOfficer? who = null) => [.. (await ListAsync(query, who)).Enrollments.Select(each => each.Id)];
}
