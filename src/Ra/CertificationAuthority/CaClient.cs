using System.Net.Http.Json;
using System.Text.Json;
using ZwCa.Contracts;
using ZwCa.Hsm;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Ra.CertificationAuthority;

/// <summary>
/// Speaks to the CA over this RA's link, each request signed with its message key. A refusal of the CA comes out as the exception that it threw; whatever else goes wrong as one of kind
/// <see cref="Refusal.Unavailable"/>: nobody knows then what became of the request, and it is sent again as it was. Safe for concurrent use.
/// </summary>
/// <param name="plain">Over the link, without signatures: for what only asks whether there is news.</param>
/// <param name="signed">Likewise, signing each request.</param>
internal sealed class CaClient(HttpClient plain, HttpClient signed, Checkpoints checkpoints, TimeProvider time)
{
    public const string CheckpointHeader = "ZwCa-Checkpoint";

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(10);

    /// <summary>Sends exactly these bytes under this id; again it is the same request.</summary>
    /// <returns>The answer's JSON.</returns>
    /// <exception cref="RefusalException">The CA's; <see cref="Refusal.Unavailable"/>: it is away, or answered with something else.</exception>
    public Task<byte[]> PostAsync(string path, RequestId id, ReadOnlyMemory<byte> json, CancellationToken cancellationToken) => AskAsync(
        async () =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ReadOnlyMemoryContent(json) };
            request.Content.Headers.ContentType = new("application/json") { CharSet = "utf-8" };
            return await SendAsync(request, id, cancellationToken);
        },
        cancellationToken);

    /// <summary>As <see cref="PostAsync(string, RequestId, ReadOnlyMemory{byte}, CancellationToken)"/>.</summary>
    public async Task<T> PostAsync<T>(string path, object body, CancellationToken cancellationToken) =>
        Read<T>(await PostAsync(path, RequestId.Create(time), JsonSerializer.SerializeToUtf8Bytes(body, body.GetType(), JsonSerializerOptions.Web), cancellationToken));

    /// <summary>A signed reading.</summary>
    public async Task<T> GetAsync<T>(string path, CancellationToken cancellationToken) => Read<T>(await AskAsync(
        async () =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            return await SendAsync(request, RequestId.Create(time), cancellationToken);
        },
        cancellationToken));

    /// <summary>A reading over the link alone.</summary>
    public Task<T> LookAsync<T>(string path, CancellationToken cancellationToken) => AskAsync(
        async () =>
        {
            using HttpResponseMessage response = await plain.GetAsync(path, cancellationToken);
            See(response);
            await response.ThrowIfRefusedAsync(cancellationToken);
            return await response.Content.ReadFromJsonAsync<T>(cancellationToken) ?? throw new UnexpectedResponseException((int)response.StatusCode, null);
        },
        cancellationToken);

    /// <exception cref="RefusalException"><see cref="Refusal.Unavailable"/>: it is something else.</exception>
    public static T Read<T>(byte[] json)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(json, JsonSerializerOptions.Web) ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw new RefusalException(Refusal.Unavailable, "CA的应答无法识别，请联系管理员。", RetryAfter, e);
        }
    }

    private async Task<byte[]> SendAsync(HttpRequestMessage request, RequestId id, CancellationToken cancellationToken)
    {
        MessageSigningHandler.SetRequestId(request, id);
        using HttpResponseMessage response = await signed.SendAsync(request, cancellationToken);
        See(response);
        await response.ThrowIfRefusedAsync(cancellationToken);
        return await response.Content.ReadAsByteArrayAsync(cancellationToken);
    }

    private void See(HttpResponseMessage response)
    {
        if (response.Headers.TryGetValues(CheckpointHeader, out IEnumerable<string>? values))
        {
            checkpoints.See(values.First());
        }
    }

    private static async Task<T> AskAsync<T>(Func<Task<T>> ask, CancellationToken cancellationToken)
    {
        try
        {
            return await ask();
        }
        catch (Exception e) when (
            e is HttpRequestException or UnexpectedResponseException or IOException or JsonException or HsmException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new RefusalException(Refusal.Unavailable, "CA暂时不可用，请稍后重试。", RetryAfter, e);
        }
    }
}
