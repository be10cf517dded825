using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Data;
using ZwCa.ServiceDefaults.Configuration;

namespace ZwCa.ServiceDefaults.Messages;

/// <summary>Signed messages in a service: <c>services.AddSignedMessages(…)</c>, and <c>RequireSignedMessage()</c> on each endpoint that takes them.</summary>
public static class MessageHosting
{
    /// <param name="findSender">Makes, once, what looks senders up.</param>
    public static void AddSignedMessages(this IServiceCollection services, Func<IServiceProvider, FindMessageSender> findSender, MessageOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(findSender);
        options ??= new MessageOptions();
        services.AddSingleton<MessageEvents>();
        services.AddSingleton(provider => new MessageStore(provider.GetRequiredService<Database>(), options.ClaimFor));
        services.AddSingleton(provider =>
        {
            ServiceOptions service = provider.GetRequiredService<ServiceOptions>();
            return !SignedMessage.IsRecipient(service.Name)
                ? throw new ConfigurationException([$"{ServiceOptions.Section}:Name: a service that takes signed messages has a name of a–z 0–9 . -, not {service.Name}."])
                : options.ClaimFor < service.Limits.RequestTimeout
                ? throw new ConfigurationException([$"{ServiceOptions.Section}:Limits:RequestTimeout: a request may not take longer than its claim lasts, {options.ClaimFor}."])
                : ActivatorUtilities.CreateInstance<MessageGate>(provider, options, findSender(provider));
        });
    }

    /// <summary>
    /// The endpoint, its parameters and its filters see a request only after the signature holds, and run it once for each request id. Whatever the
    /// answer depends on is in the method, path, query and body: other headers are not signed.
    /// </summary>
    /// <exception cref="InvalidOperationException">When the endpoints are built: AddSignedMessages is missing.</exception>
    /// <exception cref="ConfigurationException">When the endpoints are built: the service's name is not fit for a recipient, or a request may outlive its claim.</exception>
    public static TBuilder RequireSignedMessage<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => Require(builder, static (gate, http, endpoint) => gate.InvokeAsync(http, endpoint));

    /// <summary>
    /// For endpoints that change nothing: the signature has to hold and to be fresh, and nothing is kept, neither that it was asked nor the answer, which may name persons. Asked again it is
    /// run again.
    /// </summary>
    /// <exception cref="InvalidOperationException">As <see cref="RequireSignedMessage"/>.</exception>
    public static TBuilder RequireSignedReading<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => Require(builder, static (gate, http, endpoint) => gate.ReadAsync(http, endpoint));

    private static TBuilder Require<TBuilder>(TBuilder builder, Func<MessageGate, HttpContext, RequestDelegate, Task> pass)
        where TBuilder : IEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Finally(endpoint =>
        {
            MessageGate gate = endpoint.ApplicationServices.GetRequiredService<MessageGate>();
            RequestDelegate inner = endpoint.RequestDelegate!;
            endpoint.RequestDelegate = http => pass(gate, http, inner);
        });
        return builder;
    }
}
