using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace ZwCa.ServiceDefaults.Messages;

/// <summary>Collects what an endpoint answers, so that it can be kept before it is sent.</summary>
internal static class AnswerBuffer
{
    /// <summary>
    /// Whether an answer of this status tells how the request ended. Trouble that passes does not: asked again, the request is run again.
    /// </summary>
    public static bool IsFinal(int status) => status
        is (>= StatusCodes.Status200OK and < StatusCodes.Status300MultipleChoices)
        or (>= StatusCodes.Status400BadRequest and < StatusCodes.Status500InternalServerError
            and not StatusCodes.Status401Unauthorized
            and not StatusCodes.Status408RequestTimeout
            and not 425
            and not StatusCodes.Status429TooManyRequests
            and not StatusCodes.Status499ClientClosedRequest);

    /// <summary>Runs something that answers; nothing of the answer leaves.</summary>
    public static async Task<Answer> CollectAsync(HttpContext http, RequestDelegate run)
    {
        IHttpResponseBodyFeature outer = http.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
        using var bytes = new MemoryStream();
        var inner = new StreamResponseBodyFeature(bytes);
        http.Features.Set<IHttpResponseBodyFeature>(inner);
        try
        {
            await run(http);
            await inner.CompleteAsync();
        }
        finally
        {
            http.Features.Set(outer);
        }

        return new Answer(http.Response.StatusCode, http.Response.ContentType, bytes.ToArray());
    }

    /// <summary>Whatever time the request has left: what is done and kept is told. The server ends a client that does not read.</summary>
    public static async Task SendAsync(HttpContext http, Answer answer)
    {
        http.Response.StatusCode = answer.Status;
        http.Response.ContentType = answer.ContentType;
        http.Response.ContentLength = answer.Status == StatusCodes.Status204NoContent ? null : answer.Body.Length;
        if (answer.Body.Length > 0)
        {
            await http.Response.Body.WriteAsync(answer.Body, CancellationToken.None);
        }
    }
}
