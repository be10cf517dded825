using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using ZwCa.Ca.Messages;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Ca.Commands;

/// <summary>Persons and the officers among them.</summary>
internal static class PersonsApi
{
    public static void MapPersons(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder group = app.MapGroup("").RequireClient(ClientKind.Officer, ClientKind.Ra);
        app.MapGroup("").RequireClient(ClientKind.Officer).MapPost("/persons", EnrollAsync).RequireSignedMessage();
        group.MapGet("/officers", ListOfficersAsync).RequireSignedMessage();
    }

    /// <summary>
    /// Done twice it is done once: whoever is enrolled already is found. Only for those who may propose an officer, of an RA too, each for himself and over his own link: an RA's server alone
    /// would learn who stands behind each person id that certificates show, by asking for one ID number after the other.
    /// </summary>
    private static async Task<Ok<PersonAnswer>> EnrollAsync(MessageContext message, PersonRequest request, PersonRegistry persons, CancellationToken cancellationToken)
    {
        Officer officer = CaSender.RequireOfficer(message);
        if (officer.Role.Creates.Count == 0)
        {
            throw new RefusalException(Refusal.NotAllowed, "只有可以创建下级人员的角色可以登记人员。");
        }

        Person person = await persons.EnrollAsync(IdNumber.Parse(request.IdNumber), PersonName.Parse(request.Name), officer.Actor, cancellationToken: cancellationToken);
        return TypedResults.Ok(new PersonAnswer { PersonId = Convert.ToHexStringLower(person.Id.Span) });
    }

    private static async Task<Ok<OfficerPage>> ListOfficersAsync(
        MessageContext message, OfficerDirectory directory, PersonRegistry persons, CancellationToken cancellationToken, string? region = null, string? after = null, int? rows = null)
    {
        RegionCode own = ((CaSender)message.Sender).Region;
        RegionCode within = region is null ? own : RegionCode.Parse(region);
        if (!own.Covers(within))
        {
            throw new RefusalException(Refusal.OutOfScope, "该区域不在您的管辖范围内。");
        }

        int count = Page.Rows(rows);
        IReadOnlyList<OfficerEntry> page = await directory.ListAsync(persons, within, Page.After(after), count, cancellationToken);
        return TypedResults.Ok(new OfficerPage
        {
            Officers =
            [
                .. page.Select(each => new OfficerAnswer
                {
                    Id = Convert.ToHexStringLower(each.OfficerId),
                    Name = each.Name,
                    IdNumber = each.IdNumber,
                    Role = each.Role,
                    Region = each.Region,
                    Certificate = each.CertificateSerial,
                    Enabled = each.Enabled,
                    CertifiedUntil = each.CertifiedUntil,
                }),
            ],
            Next = page.Count == count ? Convert.ToHexStringLower(page[^1].OfficerId) : null,
        });
    }
}
