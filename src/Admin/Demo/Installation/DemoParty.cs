using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Admin.Demo;

/// <summary>An officer with his token, at a service: a link of his own, and a key that signs what he says and decides.</summary>
internal sealed class DemoParty : IDisposable
{
    private const int Tries = 100;

    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly MediaTypeHeaderValue JsonType = new("application/json") { CharSet = "utf-8" };

    private readonly Lock _lock = new();
    private readonly UnlockedToken _token;
    private readonly TokenLogin _login;
    private readonly HttpClient _client;

    private DemoParty(UnlockedToken token, TokenLogin login, HttpClient client)
    {
        _token = token;
        _login = login;
        _client = client;
    }

    public Certificate Certificate => _token.Containers.First(container => container.Name == DemoCeremony.OfficerContainer).Certificate!;

    /// <param name="token">Its folder.</param>
    /// <param name="address">With the name that stands in the service's link certificate.</param>
    /// <param name="recipient">As the service names itself.</param>
    /// <param name="at">Where it listens, where the name of a demonstration resolves to nothing.</param>
    public static DemoParty Open(string token, string pin, Uri address, LinkTrust trust, string recipient = "ca", IPEndPoint? at = null)
    {
        UnlockedToken unlocked = SoftwareToken.Open(token, TimeProvider.System).Unlock(pin);
        TokenLogin login = unlocked.OpenLogin(DemoCeremony.OfficerContainer, DemoCeremony.LinkContainer);
        return new DemoParty(
            unlocked, login, LinkTls.CreateClient(address, () => login.Link, trust, Timeout, new MessageSigningHandler(login.Signer, recipient, TimeProvider.System), at));
    }

    /// <summary>His decision over all of them, signed in the token.</summary>
    public byte[] Sign(ApprovalStep step, params IReadOnlyList<Application> applications)
    {
        lock (_lock)
        {
            return Der.Encode(_token.SignApproval(DemoCeremony.OfficerContainer, step, applications));
        }
    }

    /// <param name="id">The same again for the same request; null: a new one.</param>
    /// <exception cref="RefusalException">The service refused.</exception>
    public Task<T> PostAsync<T>(string path, object body, RequestId? id = null) => AskAsync<T>(HttpMethod.Post, path, Json(body), JsonType, id);

    /// <inheritdoc cref="PostAsync{T}"/>
    public Task<T> PutAsync<T>(string path, object body, RequestId? id = null) => AskAsync<T>(HttpMethod.Put, path, Json(body), JsonType, id);

    /// <inheritdoc cref="PostAsync{T}"/>
    public Task<T> GetAsync<T>(string path) => AskAsync<T>(HttpMethod.Get, path, null, null, null);

    /// <inheritdoc cref="PostAsync{T}"/>
    public Task<T> UploadAsync<T>(HttpMethod method, string path, byte[] file, string mediaType, RequestId? id = null) =>
        AskAsync<T>(method, path, file, new MediaTypeHeaderValue(mediaType), id);

    /// <summary>What is no JSON.</summary>
    /// <exception cref="RefusalException">The service refused.</exception>
    public Task<byte[]> DownloadAsync(string path) => SendAsync(HttpMethod.Get, path, null, null, null);

    public void Dispose()
    {
        _client.Dispose();
        _login.Dispose();
        _token.Dispose();
    }

    private static byte[] Json(object body) => JsonSerializer.SerializeToUtf8Bytes(body, body.GetType(), JsonSerializerOptions.Web);

    private async Task<T> AskAsync<T>(HttpMethod method, string path, byte[]? body, MediaTypeHeaderValue? type, RequestId? id) =>
        JsonSerializer.Deserialize<T>(await SendAsync(method, path, body, type, id), JsonSerializerOptions.Web) ?? throw new DemoException($"{path} answered with nothing.");

    /// <summary>A service hears so many messages a second of each officer; the same one again is the same.</summary>
    private async Task<byte[]> SendAsync(HttpMethod method, string path, byte[]? body, MediaTypeHeaderValue? type, RequestId? id)
    {
        id ??= RequestId.Create(TimeProvider.System);
        for (int tried = 1; ; tried++)
        {
            using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : new ByteArrayContent(body) };
            if (request.Content is not null)
            {
                request.Content.Headers.ContentType = type;
            }

            MessageSigningHandler.SetRequestId(request, id);
            using HttpResponseMessage response = await _client.SendAsync(request);
            try
            {
                await response.ThrowIfRefusedAsync();
                return await response.Content.ReadAsByteArrayAsync();
            }
            catch (RefusalException e) when (e.Kind is Refusal.TooManyRequests or Refusal.InProgress && tried < Tries)
            {
                await Task.Delay(e.RetryAfter is { } wait && wait < Pause ? wait : Pause);
            }
        }
    }
}
