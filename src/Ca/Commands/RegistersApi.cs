using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Messages;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts.Ca;
using ZwCa.Data;
using ZwCa.Issuance;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Ca.Commands;

/// <summary>What officers' commands have registered, to read. An RA sees of RAs itself.</summary>
internal static class RegistersApi
{
    public static void MapRegisters(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder group = app.MapGroup("").RequireClient(ClientKind.Officer, ClientKind.Ra);
        group.MapGet("/profiles", ListProfilesAsync).RequireSignedReading();
        group.MapGet("/registration-authorities", ListRasAsync).RequireSignedReading();
    }

    private static async Task<Ok<IReadOnlyList<ProfileAnswer>>> ListProfilesAsync(Database database, ProfileStore profiles, CancellationToken cancellationToken) =>
        TypedResults.Ok(await database.ReadAsync<IReadOnlyList<ProfileAnswer>>(
            async transaction =>
            {
                var active = (await transaction.QueryAsync<byte[]>("SELECT profile_hash FROM active_profile")).Select(Convert.ToHexStringLower).ToHashSet();
                var answers = new List<ProfileAnswer>();
                foreach (byte[] hash in await transaction.QueryAsync<byte[]>("SELECT profile_hash FROM profile_version ORDER BY name, added_at"))
                {
                    Profile profile = await profiles.GetAsync(transaction, hash);
                    string text = Convert.ToHexStringLower(hash);
                    answers.Add(new ProfileAnswer { Name = profile.Name, Title = profile.Options.Title, Hash = text, Active = active.Contains(text) });
                }

                return answers;
            },
            cancellationToken));

    private static async Task<Ok<IReadOnlyList<RegistrationAuthorityAnswer>>> ListRasAsync(
        MessageContext message, Database database, AuthorityList authorities, CancellationToken cancellationToken) =>
        TypedResults.Ok(await database.ReadAsync<IReadOnlyList<RegistrationAuthorityAnswer>>(
            async transaction =>
            {
                RegistrationAuthority? own = ((CaSender)message.Sender).Ra;
                ILookup<string, RaStore.ScopeRow> scope = (await RaStore.ListScopeAsync(transaction)).ToLookup(each => each.RaName);
                return
                [
                    .. (await RaStore.ListAsync(transaction)).Where(each => own is null || own.RaName == each.RaName).Select(each => new RegistrationAuthorityAnswer
                    {
                        Name = each.RaName,
                        Entity = each.Entity,
                        Region = each.Region,
                        Enabled = each.Enabled,
                        Quota = each.Quota,
                        Issued = each.Issued,
                        Scope = [.. scope[each.RaName].Select(row => new ScopeAnswer { Profile = row.Profile, Issuer = authorities[row.AuthorityId].KeyIdentifier })],
                    }),
                ];
            },
            cancellationToken));
}
