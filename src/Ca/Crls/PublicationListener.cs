using System.Net;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Net.Http.Headers;
using ZwCa.Asn1;
using ZwCa.Issuance;

namespace ZwCa.Ca.Crls;

/// <summary>
/// Serves a publication folder to everybody: CRLs and CA certificates, by plain http, on a listener of its own where nothing else is. For demonstrations and small installations; otherwise
/// a web server does it. It reads files and knows nothing of the database.
/// </summary>
internal static partial class PublicationListener
{
    /// <summary>What a cache may keep at most, however long it is still good: an emergency CRL has to be seen.</summary>
    private static readonly TimeSpan MaxCached = TimeSpan.FromMinutes(10);

    public static void AddPublicationListener(this WebApplicationBuilder builder, CrlOptions options)
    {
        if (options.Listen is not { } address)
        {
            return;
        }

        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPEndPoint.Parse(address), listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            listen.Use(next => connection =>
            {
                connection.Features.Set(new Mark());
                return next(connection);
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
        FileInfo? file = Name().IsMatch(name) ? new FileInfo(folder.PathOf(name)) : null;
        if (file is not { Exists: true })
        {
            response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        await using FileStream stream = file.Open(new FileStreamOptions { Access = FileAccess.Read, Share = FileShare.Read | FileShare.Delete, BufferSize = 0 });
        DateTimeOffset now = time.GetUtcNow();
        DateTimeOffset modified = file.LastWriteTimeUtc;
        bool isCrl = name.EndsWith(".crl", StringComparison.Ordinal);
        TimeSpan cached = MaxCached;
        string tag = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{modified.Ticks:x}-{stream.Length:x}");
        if (isCrl && FindTimes(stream) is { } times)
        {
            // Never beyond nextUpdate (RFC 5019 §6.2 has the same of OCSP).
            cached = TimeSpan.FromTicks(Math.Clamp((times.NextUpdate - now).Ticks, 0, MaxCached.Ticks));
            modified = times.ThisUpdate;
            tag = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{times.Number:x}-{stream.Length:x}");
        }

        // HTTP-dates have seconds.
        modified = DateTimeOffset.FromUnixTimeSeconds(modified.ToUnixTimeSeconds());
        var entityTag = new EntityTagHeaderValue($"\"{tag}\"");
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
            stream.Position = 0;
            await stream.CopyToAsync(response.Body, http.RequestAborted);
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

    private static (System.Numerics.BigInteger Number, DateTimeOffset ThisUpdate, DateTimeOffset NextUpdate)? FindTimes(Stream stream)
    {
        try
        {
            var crl = CrlFile.Read(stream);
            return crl.NextUpdate is { } next && crl.Number is { } number ? (number, crl.ThisUpdate.Value, next.Value) : null;
        }
        catch (DerException)
        {
            // Somebody put it there; what it is, its reader finds out, and the service's health says it.
            return null;
        }
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
