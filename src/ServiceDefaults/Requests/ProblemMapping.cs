using System.Data.Common;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using ZwCa.Asn1;
using ZwCa.Contracts;
using ZwCa.Hsm;

namespace ZwCa.ServiceDefaults.Requests;

/// <summary>
/// The one place where an exception becomes an answer: refusals with their text; malformed input; what is away, as <see cref="Refusal.Unavailable"/>
/// without detail; anything else as status 500 without detail. The last two are logged here, once, with the request id.
/// </summary>
internal sealed partial class ProblemMapping(RequestDelegate next, IMeterFactory meters, ILogger<ProblemMapping> logger)
{
    /// <summary>The client has gone: nobody reads the answer. For the log only.</summary>
    private const int ClientGone = 499;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    private readonly Counter<long> _refusals = meters.Create("ZwCa.ServiceDefaults")
        .CreateCounter<long>("zwca.refusals", null, "Requests that were not done, by kind of refusal.");

    public async Task InvokeAsync(HttpContext context)
    {
        Exception thrown;
        try
        {
            await next(context);
            if (context.Response.HasStarted || OfStatus(context.Response) is not { } refusal)
            {
                return;
            }

            thrown = refusal;
        }
        catch (Exception e)
        {
            thrown = e;
        }

        if (context.RequestAborted.IsCancellationRequested)
        {
            SetStatus(context.Response, ClientGone);
            return;
        }

        RefusalException? answer = ToRefusal(thrown);
        string kind = answer?.Kind.ToString() ?? "Failure";
        RequestRecord? record = RequestRecord.Of(context);
        record?.Refusal = kind;
        _refusals.Add(1, new KeyValuePair<string, object?>("kind", kind));
        if (answer is null || answer != thrown)
        {
            LogFailure(answer is null || answer.Kind == Refusal.Unavailable ? LogLevel.Error : LogLevel.Information, thrown);
        }

        if (context.Response.HasStarted)
        {
            // Half of an answer must not look whole.
            context.Abort();
            return;
        }

        await WriteAsync(context, answer is null ? Problem.OfFailure(record?.Id) : Problem.Of(answer, record?.Id), record?.Id);
    }

    /// <returns>Null: a failure of this program.</returns>
    private static RefusalException? ToRefusal(Exception e) => e switch
    {
        // About this service's own link or message to the other: the caller can do nothing about it, and his own link is fine.
        RefusalException { FromPeer: true, Kind: Refusal.LinkNotTrusted or Refusal.BadSignature or Refusal.Expired } => Away(e),
        RefusalException refusal => refusal,
        DerException => new RefusalException(Refusal.Malformed, $"数据不是正确的 DER 编码：{e.Message}", inner: e),
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } =>
            new RefusalException(Refusal.TooLarge, "请求内容超过允许的大小。", inner: e),
        BadHttpRequestException { StatusCode: StatusCodes.Status408RequestTimeout } =>
            new RefusalException(Refusal.Unavailable, "请求没有在规定时间内发送完毕，请重试。", RetryAfter, e),
        BadHttpRequestException { InnerException: JsonException json } => OfJson(json),
        BadHttpRequestException => new RefusalException(Refusal.Malformed, "请求的参数或内容不符合接口要求。", inner: e),
        JsonException json => OfJson(json),
        DbException or HsmException or TimeoutException or OperationCanceledException or HttpRequestException or UnexpectedResponseException => Away(e),
        _ => null,
    };

    private static RefusalException Away(Exception e) => new(Refusal.Unavailable, "服务暂时不可用，请稍后再试。", RetryAfter, e);

    private static RefusalException OfJson(JsonException e) => new(
        Refusal.Malformed,
        e is { LineNumber: { } line, BytePositionInLine: { } column }
            ? string.Create(CultureInfo.InvariantCulture, $"JSON 内容不符合接口要求：第 {line + 1} 行第 {column + 1} 字节处。")
            : "JSON 内容不符合接口要求。",
        inner: e);

    /// <summary>Routing and time-outs say no with a bare status.</summary>
    private static RefusalException? OfStatus(HttpResponse response) => response.StatusCode switch
    {
        _ when response.ContentType is not null || response.ContentLength is not null => null,
        StatusCodes.Status400BadRequest => new RefusalException(Refusal.Malformed, "请求的参数或内容不符合接口要求。"),
        StatusCodes.Status404NotFound => new RefusalException(Refusal.NotFound, "没有这个地址或对象。"),
        StatusCodes.Status405MethodNotAllowed => new RefusalException(Refusal.Malformed, "这个地址不接受这种请求方法。"),
        StatusCodes.Status413PayloadTooLarge => new RefusalException(Refusal.TooLarge, "请求内容超过允许的大小。"),
        StatusCodes.Status415UnsupportedMediaType => new RefusalException(Refusal.Malformed, "这个地址不接受这种内容类型。"),
        StatusCodes.Status504GatewayTimeout => new RefusalException(Refusal.Unavailable, "请求没有在规定时间内处理完，请稍后再试。", RetryAfter),
        _ => null,
    };

    private static async Task WriteAsync(HttpContext context, Problem problem, string? requestId)
    {
        HttpResponse response = context.Response;
        response.Clear();
        response.StatusCode = problem.Status;
        response.ContentType = Problem.ContentType;
        response.Headers.CacheControl = "no-store";
        response.Headers[RequestLog.Header] = requestId;
        if (problem.Retry is { } seconds)
        {
            response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        byte[] document = problem.ToJson();
        response.ContentLength = document.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await response.Body.WriteAsync(document, context.RequestAborted);
        }
    }

    private static void SetStatus(HttpResponse response, int status)
    {
        if (!response.HasStarted)
        {
            response.StatusCode = status;
        }
    }

    private void LogFailure(LogLevel level, Exception thrown) => LogNotDone(logger, level, thrown, thrown.GetType().Name);

    [LoggerMessage(Message = "The request was not done: {Failure}")]
    private static partial void LogNotDone(ILogger logger, LogLevel level, Exception thrown, string failure);
}
