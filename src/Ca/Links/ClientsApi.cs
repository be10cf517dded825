using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.Messages;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Ca.Links;

/// <summary>Which links are registered: for those who open and close them, and those who watch them.</summary>
internal static class ClientsApi
{
    private const int ThumbprintLength = 64;
    private const int PersonLength = 16;

    public static void MapClients(this IEndpointRouteBuilder app) =>
        app.MapGroup("/clients").RequireClient(ClientKind.Officer).MapGet("", ListAsync).RequireSignedMessage();

    /// <summary>As with the commands about them: an RA's link is its region's, an officer's that of his office, any other the nation's.</summary>
    private static async Task<Ok<ClientPage>> ListAsync(
        MessageContext message, Database database, ClientStore clients, AuthorityList authorities, CancellationToken cancellationToken, string? after = null, int? rows = null)
    {
        Officer officer = CaSender.RequireOfficer(message);
        if (officer.Kind == OfficerKind.Operator)
        {
            throw new RefusalException(Refusal.NotAllowed, "操作人员不能查看已登记的客户端。");
        }

        if (after is not null && !(after.Length == ThumbprintLength && after.All(char.IsAsciiHexDigitLower)))
        {
            throw new RefusalException(Refusal.Malformed, "起点有误：应为64位小写十六进制数。");
        }

        int count = Page.Rows(rows);
        IReadOnlyList<RegisteredClient> page = await clients.ListAsync(after ?? "", count, cancellationToken);
        return TypedResults.Ok(await database.ReadAsync(
            async transaction =>
            {
                var answers = new List<ClientAnswer>();
                foreach (RegisteredClient client in page)
                {
                    if (officer.Region.Covers(await RegionOfAsync(transaction, client)))
                    {
                        answers.Add(Show(client, await FindCertificateAsync(transaction, client, authorities)));
                    }
                }

                return new ClientPage { Clients = answers, Next = page.Count == count ? page[^1].Thumbprint : null };
            },
            cancellationToken));
    }

    private static async Task<RegionCode> RegionOfAsync(Transaction transaction, RegisteredClient client)
    {
        // A name that is no person's, and a row that somebody spoilt, is shown to those who see the whole nation's, and keeps nobody from seeing the others.
        string? region = client.Kind switch
        {
            ClientKind.Officer when client.Name.Length == 2 * PersonLength && client.Name.All(char.IsAsciiHexDigit) => await transaction.FindAsync<string>(
                "SELECT region FROM officer WHERE person_id = @Person AND enabled = 1", new { Person = Convert.FromHexString(client.Name) }),
            ClientKind.Ra => (await RaStore.FindAsync(transaction, client.Name))?.Region,
            _ => null,
        };
        return RegionCode.IsCode(region) ? RegionCode.Parse(region) : RegionCode.Nation;
    }

    /// <returns>Null: this CA has not issued the link's certificate.</returns>
    private static async Task<CertificateRow?> FindCertificateAsync(Transaction transaction, RegisteredClient client, AuthorityList authorities)
    {
        IReadOnlyList<CertificateRow> rows = await transaction.QueryAsync<CertificateRow>(
            $"SELECT {CertificateRow.Columns} FROM certificate WHERE owner = @Owner AND authority_id = @Authority AND signature IS NOT NULL",
            new { Owner = $"{IssuanceOrder.SystemOwner}/{client.Name}", Authority = authorities.System.Id });
        return rows.FirstOrDefault(row => Convert.ToHexStringLower(SHA256.HashData(Der.Encode(row.FindCertificate()!))) == client.Thumbprint);
    }

    private static ClientAnswer Show(RegisteredClient client, CertificateRow? certificate) => new()
    {
        Thumbprint = client.Thumbprint,
        Kind = client.Kind.ToString().ToLowerInvariant(),
        Entity = client.Name,
        State = certificate?.State == CertificateState.Revoked ? "revoked" : client.Enabled ? "enabled" : "disabled",
        Serial = certificate?.Serial,
        NotAfter = certificate?.NotAfter,
        RegisteredAt = client.RegisteredAt,
        ChangedAt = client.ChangedAt,
    };
}
