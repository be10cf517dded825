using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ZwCa.ServiceDefaults.Configuration;

namespace ZwCa.Ocsp.Listening;

/// <summary>Where everybody asks: plain http, on listeners of their own. What comes in there goes to <see cref="OcspEndpoint"/> and nowhere else, without routing.</summary>
internal static class PublicListener
{
    public static void AddPublicListener(this WebApplicationBuilder builder, OcspOptions options)
    {
        var visitors = new VisitorCount(options);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            foreach (string address in options.Listen)
            {
                kestrel.Listen(IPEndPoint.Parse(address), listen =>
                {
                    listen.Protocols = HttpProtocols.Http1;
                    listen.Use(next => async connection =>
                    {
                        IPAddress? visitor = (connection.RemoteEndPoint as IPEndPoint)?.Address;
                        if (!visitors.TryEnter(visitor))
                        {
                            connection.Abort();
                            return;
                        }

                        try
                        {
                            connection.Features.Set(new Mark());
                            await next(connection);
                        }
                        finally
                        {
                            visitors.Leave(visitor);
                        }
                    });
                });
            }
        });
        // An answer from memory takes microseconds: handing it to another thread costs more than to give it. What waits, waits without a thread.
        builder.Services.Configure<SocketTransportOptions>(transport => transport.UnsafePreferInlineScheduling = true);

        // Its log makes an activity of every request; what fails is in the log of Kestrel too.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);

        // The limit of the service is of its links and its management: they keep it, whatever everybody does here.
        builder.Services.PostConfigure<KestrelServerOptions>(kestrel => kestrel.Limits.MaxConcurrentConnections += options.Connections);
        builder.Services.AddSingleton<IStartupFilter, First>();
        foreach (string address in options.Listen)
        {
            builder.Services.AddSingleton(new ListenAddress($"{OcspOptions.Section}:{nameof(OcspOptions.Listen)}", IPEndPoint.Parse(address)));
        }
    }

    private sealed class Mark;

    /// <summary>Before everything else of the service.</summary>
    private sealed class First(OcspEndpoint endpoint) : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use(rest => http => http.Features.Get<Mark>() is null ? rest(http) : endpoint.AnswerAsync(http));
            next(app);
        };
    }
}
