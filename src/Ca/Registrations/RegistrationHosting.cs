using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Audit;
using ZwCa.Ca.Bulk;
using ZwCa.Ca.Commands;
using ZwCa.Ca.Crls;
using ZwCa.Ca.Links;
using ZwCa.Ca.Ocsp.Renewal;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.Ca.Registrations;

/// <summary>Who asks this CA for anything, and the commands by which officers say so.</summary>
internal static class RegistrationHosting
{
    public static void AddRegistrations(this IServiceCollection services)
    {
        services.AddSingleton(provider => new OfficerActions(provider.GetRequiredService<OfficerDirectory>(), OfficerActions.DefaultCertifiedFor));
        services.AddSingleton<OfficerEndings>();
        services.AddSingleton<RaActions>();
        services.AddSingleton<ProfileActions>();
        services.AddSingleton<OrderActions>();
        services.AddSingleton<ClientActions>();
        services.AddSingleton(provider => new OfficerCommands(
            provider.GetRequiredService<CaOptions>().Name,
            provider.GetRequiredService<Database>(),
            provider.GetRequiredService<AuditLog>(),
            provider.GetRequiredService<OfficerDirectory>(),
            [
                .. provider.GetRequiredService<OfficerEndings>().Of(provider.GetRequiredService<OfficerActions>()),
                .. provider.GetRequiredService<RaActions>().All,
                .. provider.GetRequiredService<ProfileActions>().All,
                provider.GetRequiredService<OrderActions>().Action,
                .. provider.GetRequiredService<ClientActions>().All,
                .. provider.GetRequiredService<CertificateActions>().All,
                .. provider.GetRequiredService<CrlActions>().All,
            ],
            provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<RunOrders>();
        services.AddSingleton<OrderAnswers>();
        services.AddSingleton(provider => new CommandFollowUp
        {
            CarryOutAsync = provider.GetRequiredService<RunOrders>().TryAsync,
            CompleteAsync = provider.GetRequiredService<OrderAnswers>().CompleteAsync,
        });
        services.AddSingleton<CommandAnswers>();
        services.AddSingleton<RaDirectory>();

        // Links renew themselves here, this service's own too.
        services.AddSingleton<RenewLink>();
        services.AddSingleton<RenewResponder>();
        services.AddSingleton<RenewLinkCertificate>(provider =>
        {
            RenewLink renewal = provider.GetRequiredService<RenewLink>();
            LinkCertificate own = provider.GetRequiredService<LinkCertificate>();
            return (request, cancellationToken) => renewal.RunAsync(own.Current, client: null, request, cancellationToken);
        });
    }

    public static void MapRegistrations(this IEndpointRouteBuilder app)
    {
        app.MapCommands(ClientKind.Ra);
        app.MapDirectory(ClientKind.Ra);
        app.MapRaDirectory();
        app.MapLog();
        app.MapPersons();
        app.MapRegisters();
        app.MapLinks();
        app.MapResponders();
        app.MapClients();
    }
}
