using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using ZwCa.Contracts;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.Kmc.Requests;

/// <summary>GM/T 0014 over a link: <c>POST /gmt0014</c>, DER of CARequest in, DER of KMRespond out.</summary>
internal static class Gmt0014Api
{
    public const string ContentType = "application/octet-stream";

    public static void MapGmt0014(this IEndpointRouteBuilder app) =>
        app.MapGroup("/gmt0014").RequireClient(ClientKind.Ca).MapPost("", AnswerAsync).Accepts<byte[]>(ContentType);

    /// <summary>No signed message of ours: the CA's signature is in it, and its task number is what makes a retry one.</summary>
    private static async Task<FileContentHttpResult> AnswerAsync(HttpContext http, AnswerRequests requests, RequestOptions options, CancellationToken cancellationToken)
    {
        byte[] message = await ReadAsync(http.Request, options.MaxBytes, cancellationToken);
        ReadOnlyMemory<byte> reply = await requests.RunAsync(message, http.GetClient().Name, cancellationToken);
        return TypedResults.Bytes(reply.ToArray(), ContentType);
    }

    private static async Task<byte[]> ReadAsync(HttpRequest request, int maxBytes, CancellationToken cancellationToken)
    {
        // Room is made for what comes: the length is what the client says.
        using var body = new MemoryStream();
        byte[] part = new byte[16 * 1024];
        for (int count; (count = await request.Body.ReadAsync(part, cancellationToken)) > 0;)
        {
            if (body.Length + count > maxBytes)
            {
                throw new RefusalException(Refusal.TooLarge, $"报文过长，最多{maxBytes}字节。");
            }

            body.Write(part, 0, count);
        }

        return body.ToArray();
    }
}
