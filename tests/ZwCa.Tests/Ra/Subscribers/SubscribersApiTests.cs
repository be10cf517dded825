using System.Net;
using System.Net.Http.Json;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Messages;
using ZwCa.Tests.Officers;

namespace ZwCa.Tests.Ra.Subscribers;

public sealed class SubscribersApiTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AClerk_RegistersFindsAndChanges_AndNobodySeesMoreThanHeMay()
    {
        await using RaRecords records = await RaRecords.CreateAsync(DatabaseKind.Sqlite);
        await using RaDesk desk = await RaDesk.StartAsync(records);
        HttpClient clerk = await desk.SitDownAsync(records.OfCity), county = await desk.SitDownAsync(records.OfCounty), other = await desk.SitDownAsync(records.OfOtherCity);
        HttpClient administrator = await desk.SitDownAsync(await records.AdministratorAsync()), auditor = await desk.SitDownAsync(await records.AuditorAsync(RaRecords.City));
        IdNumber number = OfficerStory.NewIdNumber();

        SubscriberAnswer bureau = await SendAsync<SubscriberAnswer>(clerk, HttpMethod.Post, "/subscribers", RaRecords.Organization());
        SubscriberRequest request = RaRecords.Person(number) with { Organization = bureau.Id };
        SubscriberAnswer person = await SendAsync<SubscriberAnswer>(clerk, HttpMethod.Post, "/subscribers", request);
        Assert.Equal(("person", "王**", number.ToString(), 1L), (person.Kind, person.Name, person.Number, person.Version));
        SubscriberAnswer changed = await SendAsync<SubscriberAnswer>(
            clerk, HttpMethod.Put, $"/subscribers/{person.Id}", new SubscriberRequest { Kind = "person", Region = RaRecords.City, Name = "欧阳小明", Version = 1 });
        Assert.Equal(("欧***", 2L, null), (changed.Name, changed.Version, changed.Organization));

        var search = new SubscriberSearch { Kind = "person", Number = number.Reveal() };
        foreach (HttpClient reader in (HttpClient[])[clerk, administrator, auditor])
        {
            Assert.Equal(changed, await SendAsync<SubscriberAnswer>(reader, HttpMethod.Get, $"/subscribers/{person.Id}"));
            Assert.Equal(changed, await SendAsync<SubscriberAnswer>(reader, HttpMethod.Post, "/subscribers/search", search));
            SubscriberPage page = await SendAsync<SubscriberPage>(reader, HttpMethod.Get, "/subscribers?rows=500");
            Assert.Equal(new HashSet<SubscriberAnswer> { bureau, changed }, page.Subscribers.ToHashSet());
        }

        foreach (HttpClient stranger in (HttpClient[])[county, other])
        {
            await RefusedAsync(Refusal.NotFound, stranger, HttpMethod.Get, $"/subscribers/{person.Id}");
            await RefusedAsync(Refusal.NotFound, stranger, HttpMethod.Post, "/subscribers/search", search);
            await RefusedAsync(Refusal.NotFound, stranger, HttpMethod.Put, $"/subscribers/{person.Id}", new SubscriberRequest { Kind = "person", Region = RaRecords.County, Version = 2 });
            Assert.Empty((await SendAsync<SubscriberPage>(stranger, HttpMethod.Get, "/subscribers")).Subscribers);
        }

        // The county sees its city's bureau, where its people work; the other city does not.
        Assert.Equal(bureau, await SendAsync<SubscriberAnswer>(county, HttpMethod.Get, $"/subscribers/{bureau.Id}"));
        await RefusedAsync(Refusal.NotFound, other, HttpMethod.Get, $"/subscribers/{bureau.Id}");
        foreach (HttpClient reader in (HttpClient[])[administrator, auditor])
        {
            await RefusedAsync(Refusal.NotAllowed, reader, HttpMethod.Post, "/subscribers", RaRecords.Person(OfficerStory.NewIdNumber()));
        }

        // Pages and filters, as they are written in an address.
        SubscriberPage first = await SendAsync<SubscriberPage>(clerk, HttpMethod.Get, "/subscribers?rows=1");
        SubscriberPage second = await SendAsync<SubscriberPage>(clerk, HttpMethod.Get, $"/subscribers?rows=1&after={first.Next}");
        Assert.Equal(2, first.Subscribers.Concat(second.Subscribers).Distinct().Count());
        Assert.Equal(bureau, Assert.Single((await SendAsync<SubscriberPage>(clerk, HttpMethod.Get, $"/subscribers?name={Uri.EscapeDataString("福州")}&kind=organization&region=350100")).Subscribers));
        foreach (string query in (string[])["kind=x", "region=35010", "organization=1", "name=%0A", "after=x", "rows=0", "rows=501"])
        {
            await RefusedAsync(Refusal.Malformed, clerk, HttpMethod.Get, $"/subscribers?{query}");
        }

        await RefusedAsync(Refusal.OutOfScope, clerk, HttpMethod.Get, "/subscribers?region=350200");
        await RefusedAsync(Refusal.Malformed, clerk, HttpMethod.Get, "/subscribers/1");
    }

    [Fact]
    public async Task AskedAgain_NothingIsDoneAgain_AndNobodysDataIsKept()
    {
        await using RaRecords records = await RaRecords.CreateAsync(DatabaseKind.Sqlite);
        await using RaDesk desk = await RaDesk.StartAsync(records);
        HttpClient clerk = await desk.SitDownAsync(records.OfCity);
        SubscriberAnswer registered = await SendAsync<SubscriberAnswer>(clerk, HttpMethod.Post, "/subscribers", RaRecords.Organization());
        var id = RequestId.Create(TimeProvider.System);
        var change = RaRecords.Organization(name: "福州市某委") with { Version = 1 };

        SubscriberAnswer once = await SendAsync<SubscriberAnswer>(clerk, HttpMethod.Put, $"/subscribers/{registered.Id}", change, id);
        SubscriberAnswer again = await SendAsync<SubscriberAnswer>(clerk, HttpMethod.Put, $"/subscribers/{registered.Id}", change, id);

        Assert.Equal((once, 2L), (again, again.Version));
        Assert.Single(await records.EventsAsync("subscriber.change"));
        Assert.Equal(0, await records.Database.FindAsync<long>("SELECT COUNT(*) FROM message_answer WHERE body IS NOT NULL", cancellationToken: Token));
    }

    private static async Task<T> SendAsync<T>(HttpClient client, HttpMethod method, string path, object? body = null, RequestId? id = null)
    {
        using HttpResponseMessage response = await SendAsync(client, method, path, body, id);
        await response.ThrowIfRefusedAsync(Token);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return (await response.Content.ReadFromJsonAsync<T>(Token))!;
    }

    private static async Task RefusedAsync(Refusal kind, HttpClient client, HttpMethod method, string path, object? body = null)
    {
        using HttpResponseMessage response = await SendAsync(client, method, path, body);
        Assert.Equal(RefusalKinds.TypeOf(kind), (await response.Content.ReadFromJsonAsync<Problem>(Token))!.Type);
    }

    private static async Task<HttpResponseMessage> SendAsync(HttpClient client, HttpMethod method, string path, object? body, RequestId? id = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
        MessageSigningHandler.SetRequestId(request, id ?? RequestId.Create(TimeProvider.System));
        return await client.SendAsync(request, Token);
    }
}
