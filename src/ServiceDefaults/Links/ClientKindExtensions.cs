using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace ZwCa.ServiceDefaults.Links;

/// <summary>Which clients an endpoint is for, and which one is asking.</summary>
public static class ClientKindExtensions
{
    /// <summary>Other clients are refused <see cref="Contracts.Refusal.NotAllowed"/>.</summary>
    public static TBuilder RequireClient<TBuilder>(this TBuilder endpoint, params ClientKind[] kinds)
        where TBuilder : IEndpointConventionBuilder => endpoint.RequireAuthorization(
            new AuthorizationPolicyBuilder(LinkAuthentication.Name).RequireAuthenticatedUser().RequireRole(kinds.Select(kind => kind.ToString())).Build());

    /// <summary>The client of the link.</summary>
    /// <exception cref="InvalidOperationException">The endpoint allows anybody.</exception>
    public static RegisteredClient GetClient(this HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Features.Get<RegisteredClient>() ?? throw new InvalidOperationException("The endpoint allows anybody.");
    }
}
