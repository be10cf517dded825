using ZwCa.Cryptography;

namespace ZwCa.ServiceDefaults.Messages;

/// <summary>
/// The client's side: signs what an HttpClient sends to one recipient. Each call of the client signs anew, so a retry is the same request with the same id
/// (<see cref="SetRequestId"/>) and the same body, sent again.
/// </summary>
/// <param name="recipient">As the service names itself.</param>
/// <param name="time">Its clock may differ from the service's by less than five minutes.</param>
public sealed class MessageSigningHandler(MessageSigner signer, string recipient, TimeProvider time) : DelegatingHandler
{
    private static readonly HttpRequestOptionsKey<RequestId> IdOption = new("zwca.request-id");

    /// <summary>Must be called before the request is sent, with an id that is on stable storage where the request has an effect.</summary>
    public static void SetRequestId(HttpRequestMessage request, RequestId id)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Options.Set(IdOption, id);
    }

    /// <exception cref="InvalidOperationException">The request has no id.</exception>
    /// <exception cref="Hsm.HsmException">The signer's device refused, failed or is away: nothing was sent.</exception>
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (!request.Options.TryGetValue(IdOption, out RequestId? id))
        {
            throw new InvalidOperationException("A signed request needs a request id, which the caller keeps for its retries.");
        }

        byte[] body = request.Content is null ? [] : await request.Content.ReadAsByteArrayAsync(cancellationToken);
        var message = new SignedMessage(
            signer.Sender, recipient, request.Method.Method, request.RequestUri!.PathAndQuery, id, time.GetUtcNow(), Sm3.HashData(body));
        foreach ((string name, string value) in MessageHeaders.Write(message, await signer.SignAsync(message, cancellationToken)))
        {
            request.Headers.Remove(name);
            request.Headers.Add(name, value);
        }

        return await base.SendAsync(request, cancellationToken);
    }
}
