using System.Globalization;
using System.Net.Http.Headers;

namespace ZwCa.Contracts;

/// <summary>The other service answered with something that is neither success nor a refusal. The message holds the status and its request id only.</summary>
public sealed class UnexpectedResponseException(int status, string? requestId)
    : Exception(string.Create(CultureInfo.InvariantCulture, $"The service answered {status} without saying why, request id {requestId ?? "unknown"}."))
{
    /// <summary>The HTTP status.</summary>
    public int Status { get; } = status;

    /// <summary>Under which the other service logged it.</summary>
    public string? RequestId { get; } = requestId;
}

/// <summary>For typed clients: an answer that is no success becomes the exception that the service threw.</summary>
public static class ProblemResponse
{
    private const int MaxRequestIdLength = 64;

    /// <summary>Returns after success (2xx), without touching the body.</summary>
    /// <exception cref="RefusalException">The service refused: the same kind, detail and waiting time as it threw.</exception>
    /// <exception cref="UnexpectedResponseException">No problem document of ours, or one larger than <see cref="Problem.MaxLength"/>.</exception>
    /// <exception cref="HttpRequestException">The connection broke.</exception>
    public static async Task ThrowIfRefusedAsync(this HttpResponseMessage response, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(response);
        if (response.IsSuccessStatusCode)
        {
            return;
        }

        Problem? problem = await ReadAsync(response.Content, cancellationToken);
        int status = (int)response.StatusCode;

        // A type that does not fit the status is none of ours: something between the services answered, or changed it.
        if (problem?.ToRefusal() is { } refusal && RefusalKinds.StatusOf(refusal.Kind) == status)
        {
            throw refusal;
        }

        bool isId = problem?.RequestId is { Length: <= MaxRequestIdLength } id && id.All(char.IsAsciiLetterOrDigit);
        throw new UnexpectedResponseException(status, isId ? problem!.RequestId : null);
    }

    private static async Task<Problem?> ReadAsync(HttpContent content, CancellationToken cancellationToken)
    {
        if (content.Headers.ContentType is not MediaTypeHeaderValue { MediaType: Problem.ContentType } || content.Headers.ContentLength > Problem.MaxLength)
        {
            return null;
        }

        byte[] document = new byte[Problem.MaxLength + 1];
        await using Stream body = await content.ReadAsStreamAsync(cancellationToken);
        int length = await body.ReadAtLeastAsync(document, document.Length, throwOnEndOfStream: false, cancellationToken);
        return length <= Problem.MaxLength ? Problem.FromJson(document.AsSpan(0, length)) : null;
    }
}
