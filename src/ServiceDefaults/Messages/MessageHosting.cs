using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Data;

namespace ZwCa.ServiceDefaults.Messages;

/// <summary>Signed messages in a service: <c>services.AddSignedMessages(…)</c>, and <c>RequireSignedMessage()</c> on each endpoint that takes them.</summary>
public static class MessageHosting
{
    /// <param name="findSender">Makes, once, what looks senders up.</param>
    /// <exception cref="ArgumentException">On first use: the service's name is not fit for a recipient.</exception>
    public static void AddSignedMessages(this IServiceCollection services, Func<IServiceProvider, FindMessageSender> findSender, MessageOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(findSender);
        options ??= new MessageOptions();
        services.AddSingleton<MessageEvents>();
        services.AddSingleton(provider => new MessageStore(provider.GetRequiredService<Database>(), options.ClaimFor));
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<MessageGate>(provider, options, findSender(provider)));
    }

    /// <summary>
    /// The endpoint, its parameters and its filters see a request only after the signature holds, and run it once for each request id. Whatever the
    /// answer depends on is in the method, path, query and body: other headers are not signed.
    /// </summary>
    /// <exception cref="InvalidOperationException">When the endpoint is built: AddSignedMessages is missing.</exception>
    public static TBuilder RequireSignedMessage<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Finally(endpoint =>
        {
            MessageGate gate = endpoint.ApplicationServices.GetRequiredService<MessageGate>();
            RequestDelegate inner = endpoint.RequestDelegate!;
            endpoint.RequestDelegate = http => gate.InvokeAsync(http, inner);
        });
        return builder;
    }
}
