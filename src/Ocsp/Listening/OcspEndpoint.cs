using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using ZwCa.Ocsp.Answers;

namespace ZwCa.Ocsp.Listening;

/// <summary>
/// OCSP over HTTP (RFC 6960 appendix A, RFC 5019): POST and GET, each at <c>/</c> and at <c>/ocsp</c>. Errors of OCSP are answers like others, with status 200; those of HTTP are for what is
/// no question at all.
/// </summary>
internal sealed partial class OcspEndpoint(
    OcspOptions options, AnswerOcsp answers, PublishedFiles files, OcspMetrics metrics, Drain drain, TimeProvider time, ILogger<OcspEndpoint> logger)
{
    private const string RequestType = "application/ocsp-request";
    private const string ResponseType = "application/ocsp-response";

    [ThreadStatic]
    private static byte[]? _buffer;

    [ThreadStatic]
    private static HeaderTexts? _texts;

    public Task AnswerAsync(HttpContext http)
    {
        HttpRequest request = http.Request;
        http.Response.Headers.XContentTypeOptions = "nosniff";

        // Ours say more: OcspMetrics.
        if (http.Features.Get<IHttpMetricsTagsFeature>() is { } tags)
        {
            tags.MetricsDisabled = true;
        }

        if (drain.HasBegun)
        {
            http.Response.Headers.Connection = "close";
        }

        if (HttpMethods.IsPost(request.Method))
        {
            return request.Path.Value is "" or "/" or "/ocsp" or "/ocsp/" ? AnswerPostAsync(http) : RefuseAsync(http, StatusCodes.Status404NotFound);
        }

        // What everybody asks comes before what a regular expression has to look at.
        bool isGet = HttpMethods.IsGet(request.Method);
        if (isGet && GetRequest.TryFind(http.Features.Get<IHttpRequestFeature>()!.RawTarget, out ReadOnlySpan<char> text))
        {
            return AnswerGetAsync(http, text);
        }

        if (request.Path.Value is { } path && PublishedFiles.IsName(path))
        {
            return isGet || HttpMethods.IsHead(request.Method) ? files.AnswerAsync(http, path) : RefuseAsync(http, StatusCodes.Status405MethodNotAllowed, "GET, HEAD");
        }

        return !isGet ? RefuseAsync(http, StatusCodes.Status405MethodNotAllowed, "GET, POST")
            : request.Path.Value is "" or "/" or "/ocsp" or "/ocsp/" ? RefuseAsync(http, StatusCodes.Status405MethodNotAllowed, "POST")
            : RefuseAsync(http, StatusCodes.Status404NotFound);
    }

    private static Task RefuseAsync(HttpContext http, int status, string? allow = null)
    {
        http.Response.StatusCode = status;
        http.Response.Headers.CacheControl = "no-store";
        http.Response.ContentLength = 0;
        if (allow is not null)
        {
            http.Response.Headers.Allow = allow;
        }

        return Task.CompletedTask;
    }

    /// <summary>The type, whatever parameters it has.</summary>
    private static bool IsRequestType(string? type)
    {
        ReadOnlySpan<char> name = type;
        int end = name.IndexOf(';');
        return (end < 0 ? name : name[..end]).Trim().Equals(RequestType, StringComparison.OrdinalIgnoreCase);
    }

    private Task AnswerGetAsync(HttpContext http, ReadOnlySpan<char> text)
    {
        long start = time.GetTimestamp();
        byte[] request = ArrayPool<byte>.Shared.Rent(text.Length);
        bool isDecoded = GetRequest.TryDecode(text, request, out int length);
        if (!isDecoded)
        {
            ArrayPool<byte>.Shared.Return(request);
            return SendAsync(http, AnswerOcsp.Error(Outcome.MalformedRequest), start);
        }

        if (TrySendPreSigned(http, request.AsSpan(0, length), start) is { } sent)
        {
            ArrayPool<byte>.Shared.Return(request);
            return sent;
        }

        return AnswerSlowlyAsync(http, request, length, start);
    }

    private async Task AnswerPostAsync(HttpContext http)
    {
        long start = time.GetTimestamp();
        if (!IsRequestType(http.Request.ContentType))
        {
            await RefuseAsync(http, StatusCodes.Status415UnsupportedMediaType);
            return;
        }

        if (http.Request.ContentLength > options.MaxBytes)
        {
            await RefuseAsync(http, StatusCodes.Status413PayloadTooLarge);
            return;
        }

        // Step 1: the whole body, which is one piece of memory nearly always.
        PipeReader reader = http.Request.BodyReader;
        ReadResult read;
        while (true)
        {
            try
            {
                read = await reader.ReadAsync(http.RequestAborted);
            }
            catch (Exception e) when (e is OperationCanceledException or ConnectionResetException)
            {
                // The client has gone: nobody hears the answer, and nothing is wrong here.
                return;
            }

            if (read.Buffer.Length > options.MaxBytes)
            {
                reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                await RefuseAsync(http, StatusCodes.Status413PayloadTooLarge);
                return;
            }

            if (read.IsCompleted)
            {
                break;
            }

            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }

        // Step 2: the short way; else the long one, with bytes of its own.
        int length = (int)read.Buffer.Length;
        if (read.Buffer.IsSingleSegment && TrySendPreSigned(http, read.Buffer.FirstSpan, start) is { } sent)
        {
            reader.AdvanceTo(read.Buffer.End);
            await sent;
            return;
        }

        byte[] request = ArrayPool<byte>.Shared.Rent(Math.Max(1, length));
        read.Buffer.CopyTo(request);
        reader.AdvanceTo(read.Buffer.End);
        await AnswerSlowlyAsync(http, request, length, start);
    }

    /// <param name="request">Rented.</param>
    private async Task AnswerSlowlyAsync(HttpContext http, byte[] request, int length, long start)
    {
        Answer answer;
        try
        {
            answer = await answers.AnswerAsync(request.AsMemory(0, length), http.Connection.RemoteIpAddress, http.RequestAborted);
        }
#pragma warning disable CA1031 // Whatever it is, the client is told in its own language, and the log has the rest.
        catch (Exception e) when (e is not OperationCanceledException)
#pragma warning restore CA1031
        {
            answer = Fail(e);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(request);
        }

        await SendAsync(http, answer, start);
    }

    /// <returns>Null: not signed ahead; nothing was sent.</returns>
    private Task? TrySendPreSigned(HttpContext http, ReadOnlySpan<byte> request, long start)
    {
        byte[] buffer = _buffer ??= GC.AllocateUninitializedArray<byte>(AnswerOcsp.MaxResponse);
        ReadOnlySpan<byte> response;
        PreSigned facts;
        try
        {
            if (!answers.TryPreSigned(request, buffer, out response, out facts))
            {
                return null;
            }
        }
#pragma warning disable CA1031 // As above.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return SendAsync(http, Fail(e), start);
        }

        return SendPreSigned(http, response, facts, start);
    }

    private Answer Fail(Exception exception)
    {
        LogFailed(logger, exception);
        return AnswerOcsp.Error(Outcome.InternalError);
    }

    private Task SendAsync(HttpContext http, in Answer answer, long start)
    {
        if (answer.Outcome == Outcome.PreSigned)
        {
            return SendPreSigned(http, answer.Response.Span, answer.Facts, start);
        }

        metrics.Count(answer.Outcome, time.GetElapsedTime(start));
        http.Response.Headers.CacheControl = "no-store";
        return Send(http.Response, answer.Response.Span);
    }

    private Task SendPreSigned(HttpContext http, ReadOnlySpan<byte> response, in PreSigned facts, long start)
    {
        metrics.Count(Outcome.PreSigned, time.GetElapsedTime(start));

        // RFC 5019 §6.2, and never beyond nextUpdate: a cache that kept it longer would give out what nobody believes.
        IHeaderDictionary headers = http.Response.Headers;
        long now = time.GetUtcNow().ToUnixTimeSeconds();
        long age = Math.Max(0, Math.Min(facts.NextUpdate - now - 1, (long)options.MaxCached.TotalSeconds));
        string tag = string.Create(CultureInfo.InvariantCulture, $"\"{facts.Version:x}-{facts.ThisUpdate:x}-{facts.Signer:x}\"");
        HeaderTexts texts = _texts ??= new HeaderTexts();
        headers.CacheControl = texts.CacheControlOf(age);
        headers.ETag = tag;
        headers.LastModified = texts.DateOf(facts.ThisUpdate);
        headers.Expires = texts.DateOf(now + age);
        if (HttpMethods.IsGet(http.Request.Method) && PublishedFiles.IsKnown(http.Request, tag))
        {
            http.Response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }

        return Send(http.Response, response);
    }

    private static Task Send(HttpResponse response, ReadOnlySpan<byte> body)
    {
        response.ContentType = ResponseType;
        response.ContentLength = body.Length;
        response.BodyWriter.Write(body);
        return Task.CompletedTask;
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A question could not be answered")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}
