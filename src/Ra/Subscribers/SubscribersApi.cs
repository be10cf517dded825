using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Ra.Subscribers;

/// <summary>Subscribers as a resource: of an officer's own region and below. Persons are masked, for everybody.</summary>
internal static class SubscribersApi
{
    public static void MapSubscribers(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder group = app.MapGroup("/subscribers").RequireClient(ClientKind.Officer);
        group.MapPost("", RegisterAsync).RequireSignedMessage();
        group.MapGet("", ListAsync).RequireSignedReading();
        group.MapPost("search", SearchAsync).RequireSignedReading();
        group.MapGet("{id}", ShowAsync).RequireSignedReading();
        group.MapPut("{id}", ChangeAsync).RequireSignedMessage();
    }

    public static RefusalException NotFound() => new(Refusal.NotFound, "没有该用户，或其不在您的管辖范围内。");

    private static async Task<Ok<SubscriberAnswer>> RegisterAsync(
        MessageContext message, SubscriberRequest request, RegisterSubscriber registration, SubscriberStore store, CancellationToken cancellationToken)
    {
        Officer officer = RegionalSender.RequireOfficer(message);
        byte[] id = message.Rows is { } rows
            ? Page.Id(rows)
            : await registration.RunAsync(officer, request, (transaction, made) => message.AnswerWithRowsAsync(transaction, Convert.ToHexStringLower(made)), cancellationToken);
        return await FindAsync(officer, id, store, cancellationToken);
    }

    private static async Task<Ok<SubscriberAnswer>> ChangeAsync(
        MessageContext message, string id, SubscriberRequest request, ChangeSubscriber change, SubscriberStore store, CancellationToken cancellationToken)
    {
        Officer officer = RegionalSender.RequireOfficer(message);
        if (message.Rows is null)
        {
            await change.RunAsync(officer, Page.Id(id), request, transaction => message.AnswerWithRowsAsync(transaction, id), cancellationToken);
        }

        return await FindAsync(officer, Page.Id(id), store, cancellationToken);
    }

    private static Task<Ok<SubscriberAnswer>> ShowAsync(MessageContext message, string id, SubscriberStore store, CancellationToken cancellationToken) =>
        FindAsync(RegionalSender.RequireOfficer(message), Page.Id(id), store, cancellationToken);

    private static async Task<Ok<SubscriberAnswer>> SearchAsync(MessageContext message, SubscriberSearch search, SubscriberStore store, CancellationToken cancellationToken)
    {
        Officer officer = RegionalSender.RequireOfficer(message);
        return Show(officer, await store.FindAsync(SubscriberNumber.Parse(SubscriberRules.ReadKind(search.Kind), search.Number), cancellationToken));
    }

    /// <param name="name">What it begins with; of organisations and devices.</param>
    private static async Task<Ok<SubscriberPage>> ListAsync(
        MessageContext message, SubscriberStore store, CancellationToken cancellationToken,
        string? kind = null, string? region = null, string? organization = null, string? name = null, string? after = null, int? rows = null)
    {
        Officer officer = RegionalSender.RequireOfficer(message);
        var filter = new SubscriberFilter
        {
            Region = region is null ? officer.Region : SubscriberRules.ReadRegion(officer, region),
            Kind = kind is null ? null : SubscriberRules.ReadKind(kind),
            Organization = organization is null ? null : Page.Id(organization),
            NamePrefix = name is null ? null : SubscriberName.Parse(SubscriberKind.Organization, name).Reveal(),
        };
        (IReadOnlyList<Subscriber> page, byte[]? next) = await store.ListAsync(filter, Page.After(after), Page.Rows(rows), cancellationToken);
        return TypedResults.Ok(new SubscriberPage { Subscribers = [.. page.Select(SubscriberAnswers.Show)], Next = next is null ? null : Convert.ToHexStringLower(next) });
    }

    private static async Task<Ok<SubscriberAnswer>> FindAsync(Officer officer, byte[] id, SubscriberStore store, CancellationToken cancellationToken) =>
        Show(officer, await store.FindAsync(id, cancellationToken));

    private static Ok<SubscriberAnswer> Show(Officer officer, Subscriber? found) =>
        found is not null && found.IsVisibleFrom(officer.Region) ? TypedResults.Ok(SubscriberAnswers.Show(found)) : throw NotFound();
}
