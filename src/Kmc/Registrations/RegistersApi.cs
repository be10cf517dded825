using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Kmc;
using ZwCa.Data;
using ZwCa.Kmc.Messages;
using ZwCa.Kmc.Requests;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Kmc.Registrations;

/// <summary>Persons, and what officers' commands have registered, to read.</summary>
internal static class RegistersApi
{
    private const int ThumbprintLength = 64;

    public static void MapRegisters(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder group = app.MapGroup("").RequireClient(ClientKind.Officer);
        group.MapPost("/persons", EnrollAsync).RequireSignedMessage();
        group.MapGet("/cas", ListCasAsync).RequireSignedMessage();
        group.MapGet("/clients", ListClientsAsync).RequireSignedMessage();
    }

    /// <summary>Done twice it is done once. The registry of persons is the CA's: its id comes along, and one number has one id.</summary>
    private static async Task<Ok<PersonAnswer>> EnrollAsync(MessageContext message, KnownPerson known, PersonRegistry persons, CancellationToken cancellationToken)
    {
        Officer officer = KmcSender.RequireOfficer(message);
        if (officer.Role.Creates.Count == 0)
        {
            throw new RefusalException(Refusal.NotAllowed, "只有可以创建下级人员的角色可以登记人员。");
        }

        Person person = await persons.EnrollAsync(IdNumber.Parse(known.IdNumber), PersonName.Parse(known.Name), officer.Actor, Page.Id(known.PersonId), cancellationToken);
        return TypedResults.Ok(new PersonAnswer { PersonId = Convert.ToHexStringLower(person.Id.Span) });
    }

    private static async Task<Ok<IReadOnlyList<ServedCaAnswer>>> ListCasAsync(MessageContext message, Database database, CancellationToken cancellationToken)
    {
        KmcSender.RequireOfficerOfAll(message);
        IReadOnlyList<ServedCa> cas = await database.ReadAsync(ServedCa.ListAsync, cancellationToken);
        return TypedResults.Ok<IReadOnlyList<ServedCaAnswer>>([.. cas.Select(Show)]);
    }

    private static async Task<Ok<ClientPage>> ListClientsAsync(
        MessageContext message, ClientStore clients, CancellationToken cancellationToken, string? after = null, int? rows = null)
    {
        if (KmcSender.RequireOfficerOfAll(message).Kind == Asn1.Decisions.OfficerKind.Operator)
        {
            throw new RefusalException(Refusal.NotAllowed, "操作人员不能查看已登记的客户端。");
        }

        if (after is not null && !(after.Length == ThumbprintLength && after.All(char.IsAsciiHexDigitLower)))
        {
            throw new RefusalException(Refusal.Malformed, "起点有误：应为64位小写十六进制数。");
        }

        int count = Page.Rows(rows);
        IReadOnlyList<RegisteredClient> page = await clients.ListAsync(after ?? "", count, cancellationToken);
        return TypedResults.Ok(new ClientPage
        {
            Clients =
            [
                .. page.Select(each => new ClientAnswer
                {
                    Thumbprint = each.Thumbprint,
                    Kind = each.Kind.ToString().ToLowerInvariant(),
                    Entity = each.Name,
                    State = each.Enabled ? "enabled" : "disabled",
                    RegisteredAt = each.RegisteredAt,
                    ChangedAt = each.ChangedAt,
                }),
            ],
            Next = page.Count == count ? page[^1].Thumbprint : null,
        });
    }

    private static ServedCaAnswer Show(ServedCa ca)
    {
        TbsCertificate certificate = ca.DecodeCertificate().Tbs;
        return new ServedCaAnswer
        {
            Name = ca.Name,
            State = ca.State.ToString().ToLowerInvariant(),
            Certificate = certificate.SerialNumber.ToString(),
            NotAfter = certificate.Validity.NotAfter.Value,
            Key = Convert.ToHexStringLower(ca.KeyHash),
            Link = ca.LinkName,
            SignedPart = ca.SignedPart.ToString().ToLowerInvariant(),
            SignatureForm = ca.SignatureForm.ToString().ToLowerInvariant(),
            RegisteredAt = ca.RegisteredAt,
            ChangedAt = ca.ChangedAt,
        };
    }
}
