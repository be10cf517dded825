using System.Net;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Net.Http.Headers;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;
using ZwCa.ServiceDefaults.Configuration;

namespace ZwCa.Ca.Crls;

/// <summary>
/// Serves a publication folder to everybody: CRLs and CA certificates, by plain http, on a listener of its own where nothing else is. For demonstrations and small installations; otherwise
/// a web server does it. It reads files and knows nothing of the database.
/// </summary>
internal static partial class PublicationListener
{
    /// <summary>What a cache may keep at most, however long it is still good: an emergency CRL has to be seen.</summary>
    private static readonly TimeSpan MaxCached = TimeSpan.FromMinutes(10);

    /// <summary>Of a CA's certificate.</summary>
    private const int MaxCertificate = 64 << 10;

    /// <summary>Bytes in a second; who reads slower holds a connection and a file that others want. A CRL of 40 MB takes a line of 64 kbit/s an hour and a half.</summary>
    private const int LeastRate = 8 << 10;

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(15);

    public static void AddPublicationListener(this WebApplicationBuilder builder, CrlOptions options)
    {
        if (options.Listen is not { } address)
        {
            return;
        }

        builder.Services.AddSingleton(new ListenAddress($"{CaOptions.Section}:Crls:{nameof(CrlOptions.Listen)}", IPEndPoint.Parse(address)));
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPEndPoint.Parse(address), listen =>
        {
            var visitors = new VisitorCount();
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
        }));

        // Before everything else of the service: what comes in here goes nowhere else.
        builder.Services.AddSingleton<IStartupFilter>(provider => new Filter(
            new PublicationFolder(options.PublicationFolders[0]), provider.GetRequiredService<TimeProvider>()));
    }

    [GeneratedRegex("^(crl/[0-9a-f]{8,64}/[0-9a-z-]{1,16}[.]crl|ca/[0-9a-f]{8,64}[.]cer)\\z", RegexOptions.CultureInvariant)]
    private static partial Regex Name();

    private static async Task AnswerAsync(HttpContext http, PublicationFolder folder, TimeProvider time)
    {
        HttpResponse response = http.Response;
        bool isHead = HttpMethods.IsHead(http.Request.Method);
        if (!isHead && !HttpMethods.IsGet(http.Request.Method))
        {
            response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            response.Headers.Allow = "GET, HEAD";
            return;
        }

        // Whatever is none of these names never comes near the file system.
        string name = http.Request.Path.Value is ['/', .. string path] ? path : "";
        await using FileStream? stream = Name().IsMatch(name) ? Open(folder, name) : null;
        bool isCrl = name.EndsWith(".crl", StringComparison.Ordinal);
        DateTimeOffset modified = stream is null ? default : File.GetLastWriteTimeUtc(stream.SafeFileHandle);
        if (stream is null || (isCrl ? FindTimes(stream) : await FindCertificateAsync(stream, modified, http.RequestAborted)) is not { } found)
        {
            // Where it is put right in a moment, no cache is to remember that it was not.
            response.StatusCode = StatusCodes.Status404NotFound;
            response.Headers.CacheControl = "no-store";
            return;
        }

        // Never beyond nextUpdate (RFC 5019 §6.2 has the same of OCSP).
        var cached = TimeSpan.FromTicks(Math.Clamp(((found.NextUpdate ?? DateTimeOffset.MaxValue) - time.GetUtcNow()).Ticks, 0, MaxCached.Ticks));

        // A file that was damaged and put right is another one, though it has the number and the length. HTTP-dates have seconds.
        var entityTag = new EntityTagHeaderValue(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"\"{found.Number:x}-{stream.Length:x}-{modified.UtcTicks:x}\""));
        modified = DateTimeOffset.FromUnixTimeSeconds(found.Modified.ToUnixTimeSeconds());
        ResponseHeaders(response, cached, entityTag, modified);
        if (IsKnown(http.Request, entityTag, modified))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        response.ContentType = isCrl ? "application/pkix-crl" : "application/pkix-cert";
        response.ContentLength = stream.Length;
        if (!isHead)
        {
            await SendAsync(http, stream, stream.Length);
        }
    }

    /// <summary>At the rate that is the least, and to the end in the time that this takes.</summary>
    private static async Task SendAsync(HttpContext http, FileStream stream, long length)
    {
        if (http.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = new MinDataRate(LeastRate, Grace);
        }

        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        deadline.CancelAfter(Grace + TimeSpan.FromSeconds((double)length / LeastRate));
        stream.Position = 0;
        try
        {
            // What the head promised, though the file should grow.
            byte[] buffer = new byte[1 << 16];
            for (int count; length > 0 && (count = await stream.ReadAsync(buffer.AsMemory(0, (int)Math.Min(length, buffer.Length)), deadline.Token)) > 0; length -= count)
            {
                await http.Response.Body.WriteAsync(buffer.AsMemory(0, count), deadline.Token);
            }
        }
        catch (OperationCanceledException)
        {
            http.Abort();
        }
    }

    /// <returns>Null: not there, or nothing that is given out.</returns>
    private static FileStream? Open(PublicationFolder folder, string name)
    {
        try
        {
            return folder.Open(name);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Readiness says it, where the service looks at the same folder.
            return null;
        }
    }

    private static void ResponseHeaders(HttpResponse response, TimeSpan cached, EntityTagHeaderValue tag, DateTimeOffset modified)
    {
        response.Headers.CacheControl = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"public, max-age={(long)cached.TotalSeconds}, must-revalidate");
        response.Headers.ETag = tag.ToString();
        response.Headers.LastModified = HeaderUtilities.FormatDate(modified);
        response.Headers.XContentTypeOptions = "nosniff";
    }

    private static bool IsKnown(HttpRequest request, EntityTagHeaderValue tag, DateTimeOffset modified)
    {
        if (EntityTagHeaderValue.TryParseList(request.Headers.IfNoneMatch, out IList<EntityTagHeaderValue>? tags) && tags.Count > 0)
        {
            return tags.Any(each => each.Tag == "*" || each.Compare(tag, useStrongComparison: false));
        }

        return HeaderUtilities.TryParseDate(request.Headers.IfModifiedSince.ToString(), out DateTimeOffset since) && since >= modified;
    }

    /// <returns>Null: no CRL with a number and dates. Somebody put it there; the service's health says what it is.</returns>
    private static Found? FindTimes(FileStream stream)
    {
        try
        {
            return stream.Length <= ServedCrls.MaxLength && CrlFile.Read(stream) is { NextUpdate: { } next, Number: { } number } crl
                ? new Found(number, crl.ThisUpdate.Value, next.Value)
                : null;
        }
        catch (Exception e) when (e is DerException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <returns>Null: no certificate.</returns>
    private static async Task<Found?> FindCertificateAsync(FileStream stream, DateTimeOffset modified, CancellationToken cancellationToken)
    {
        try
        {
            if (stream.Length > MaxCertificate)
            {
                return null;
            }

            byte[] bytes = new byte[stream.Length];
            await stream.ReadExactlyAsync(bytes, cancellationToken);
            return Der.Decode<Certificate>(bytes) is not null ? new Found(0, modified, null) : null;
        }
        catch (Exception e) when (e is DerException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>What is given out: what it says of itself.</summary>
    /// <param name="Number">0 for what has none.</param>
    private sealed record Found(System.Numerics.BigInteger Number, DateTimeOffset Modified, DateTimeOffset? NextUpdate);

    /// <summary>Connections at this listener, so that one visitor does not keep the others out. Safe for concurrent use.</summary>
    private sealed class VisitorCount
    {
        private const int Most = 1024;

        /// <summary>A whole office may come from one address.</summary>
        private const int MostOfOne = 64;

        private readonly Dictionary<string, int> _count = [];
        private readonly Lock _lock = new();
        private int _all;

        public bool TryEnter(IPAddress? visitor)
        {
            lock (_lock)
            {
                int count = _count.GetValueOrDefault(NameOf(visitor));
                if (_all >= Most || count >= MostOfOne)
                {
                    return false;
                }

                _count[NameOf(visitor)] = count + 1;
                _all++;
                return true;
            }
        }

        public void Leave(IPAddress? visitor)
        {
            lock (_lock)
            {
                _all--;
                if (--_count[NameOf(visitor)] == 0)
                {
                    _count.Remove(NameOf(visitor));
                }
            }
        }

        /// <summary>Of IPv6 the network, for everybody has a whole one.</summary>
        private static string NameOf(IPAddress? visitor) => visitor switch
        {
            null => "",
            { IsIPv4MappedToIPv6: true } => visitor.MapToIPv4().ToString(),
            { AddressFamily: System.Net.Sockets.AddressFamily.InterNetworkV6 } => Convert.ToHexString(visitor.GetAddressBytes().AsSpan(0, 8)),
            _ => visitor.ToString(),
        };
    }

    private sealed class Mark;

    private sealed class Filter(PublicationFolder folder, TimeProvider time) : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.MapWhen(context => context.Features.Get<Mark>() is not null, publication => publication.Run(context => AnswerAsync(context, folder, time)));
            next(app);
        };
    }
}
