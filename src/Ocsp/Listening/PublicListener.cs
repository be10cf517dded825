using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace ZwCa.Ocsp.Listening;

/// <summary>Where everybody asks: plain http, on listeners of their own. What comes in there goes to <see cref="OcspEndpoint"/> and nowhere else, without routing.</summary>
internal static class PublicListener
{
    public static void AddPublicListener(this WebApplicationBuilder builder, OcspOptions options)
    {
        var visitors = new VisitorCount(options.Connections, options.ConnectionsOfOne);
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
        builder.Services.AddSingleton<IStartupFilter, First>();
    }

    /// <summary>Connections, so that one visitor does not keep the others out. Safe for concurrent use.</summary>
    internal sealed class VisitorCount(int most, int mostOfOne)
    {
        private readonly Dictionary<UInt128, int> _count = [];
        private readonly Lock _lock = new();
        private int _all;

        public bool TryEnter(IPAddress? visitor)
        {
            UInt128 network = NetworkOf(visitor);
            lock (_lock)
            {
                int count = _count.GetValueOrDefault(network);
                if (_all >= most || count >= mostOfOne)
                {
                    return false;
                }

                _count[network] = count + 1;
                _all++;
                return true;
            }
        }

        public void Leave(IPAddress? visitor)
        {
            UInt128 network = NetworkOf(visitor);
            lock (_lock)
            {
                _all--;
                if (--_count[network] == 0)
                {
                    _count.Remove(network);
                }
            }
        }

        /// <summary>Of IPv6 the network, for everybody has a whole one.</summary>
        private static UInt128 NetworkOf(IPAddress? visitor)
        {
            Span<byte> bytes = stackalloc byte[16];
            bytes.Clear();
            if (visitor is null || !visitor.MapToIPv6().TryWriteBytes(bytes, out _))
            {
                return UInt128.MaxValue;
            }

            if (visitor is { AddressFamily: AddressFamily.InterNetworkV6, IsIPv4MappedToIPv6: false })
            {
                bytes[8..].Clear();
            }

            return System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes);
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
