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

/// <summary>The registry of persons.</summary>
internal static class PersonsApi
{
    public static void MapPersons(this IEndpointRouteBuilder app) =>
        app.MapGroup("").RequireClient(ClientKind.Officer).MapPost("/persons", EnrollAsync).RequireSignedMessage();

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
}
