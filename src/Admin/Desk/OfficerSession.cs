using System.Net.Http.Headers;
using System.Text.Json;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Admin.Desk;

/// <summary>
/// An officer who is logged in with his token: his link, and his signature under whatever he asks. A request whose answer did not come is asked again under the same id, so that it is done once.
/// </summary>
internal sealed class OfficerSession : IDisposable
{
    private const int Tries = 3;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    /// <summary>What may not be null is not: an answer without it cannot be read.</summary>
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { RespectNullableAnnotations = true };

    private readonly OfficerDesk _desk;
    private readonly UnlockedToken _token;
    private readonly TokenLogin _login;
    private readonly HttpClient _client;

    private OfficerSession(DeskSettings settings, OfficerDesk desk, UnlockedToken token, TokenLogin login, HttpClient client)
    {
        Settings = settings;
        _desk = desk;
        _token = token;
        _login = login;
        _client = client;
    }

    public DeskSettings Settings { get; }

    /// <param name="error">Told where others can read the token's secrets.</param>
    /// <exception cref="RefusalException">The token's, and what is wrong with the settings.</exception>
    public static OfficerSession Open(DeskSettings settings, OfficerDesk desk, TextWriter error)
    {
        UnlockedToken token = TokenVerbs.Unlock(TokenVerbs.Open(settings.Token, desk.Token, error), desk.Token);
        TokenLogin? login = null;
        try
        {
            login = token.OpenLogin(settings.Container, settings.LinkContainer);
            return new OfficerSession(settings, desk, token, login, desk.Connect(settings, login));
        }
        catch
        {
            login?.Dispose();
            token.Dispose();
            throw;
        }
    }

    /// <summary>His decision, signed. He was shown what it is about.</summary>
    public byte[] Sign(ApprovalStep step, IReadOnlyList<Application> applications) => Der.Encode(_token.SignApproval(Settings.Container, step, applications));

    public Task<T> GetAsync<T>(string path, CancellationToken cancellationToken) => AskAsync<T>(HttpMethod.Get, path, null, cancellationToken);

    public Task<T> PostAsync<T>(string path, object body, CancellationToken cancellationToken) => AskAsync<T>(HttpMethod.Post, path, body, cancellationToken);

    public Task<T> PutAsync<T>(string path, object body, CancellationToken cancellationToken) => AskAsync<T>(HttpMethod.Put, path, body, cancellationToken);

    public async Task<T> PostFileAsync<T>(string path, byte[] file, string mediaType, CancellationToken cancellationToken) =>
        Read<T>(await SendAsync(HttpMethod.Post, path, file, new MediaTypeHeaderValue(mediaType), cancellationToken));

    public async Task<T> PutFileAsync<T>(string path, byte[] file, string mediaType, CancellationToken cancellationToken) =>
        Read<T>(await SendAsync(HttpMethod.Put, path, file, new MediaTypeHeaderValue(mediaType), cancellationToken));

    public Task<byte[]> GetBytesAsync(string path, CancellationToken cancellationToken) => SendAsync(HttpMethod.Get, path, null, null, cancellationToken);

    /// <summary>Has his link certified again, over itself, for another key.</summary>
    /// <param name="container">For the new key. One without a certificate is what an interrupted attempt has left, and its key is used, for the CA certifies no second one; one with the certificate that follows is the answer.</param>
    /// <returns>The certificate, which the container has now.</returns>
    /// <exception cref="RefusalException">
    /// <see cref="Refusal.WrongState"/>: too early; <see cref="Refusal.Duplicate"/>: the container is something else's; <see cref="Refusal.Malformed"/>: what came is not for this key; and what the CA refuses.
    /// </exception>
    public async Task<Certificate> RenewLinkAsync(string container, CancellationToken cancellationToken)
    {
        // Step 1: whether it is there already, or too early. A key that is made stays.
        TbsCertificate old = Der.Decode<Certificate>(_login.Link.RawDataMemory).Tbs;
        Name subject = old.Subject;
        TokenContainer? found = _token.Find(LabelText.RequireContainer(container));
        if (found is { Kind: TokenKeyKind.P256, Certificate: { } follower } && follower.Tbs.Subject.Equals(subject) && follower.Tbs.Validity.NotAfter.Value > old.Validity.NotAfter.Value)
        {
            return follower;
        }

        if (found is not (null or { Kind: TokenKeyKind.P256, Certificate: null }))
        {
            throw new RefusalException(Refusal.Duplicate, $"容器“{container}”已另有用途。请换一个名称。");
        }

        DateTimeOffset from = LinkRenewal.DueAt(old.Validity.NotBefore.Value, old.Validity.NotAfter.Value);
        if (_desk.Token.Time.GetUtcNow() < from)
        {
            throw new RefusalException(Refusal.WrongState, $"链路证书在有效期的后三分之一才能更新：{from:yyyy-MM-dd HH:mm}（UTC）起。");
        }

        // Step 2: the key, and what the CA makes of it.
        TokenContainer next = found ?? _token.CreateContainer(container, TokenKeyKind.P256);
        byte[] request = Der.Encode(_token.CreateRequest(container, subject));
        try
        {
            Certificate renewed = Der.Decode<Certificate>(await SendAsync(HttpMethod.Post, "/links/renew", request, new MediaTypeHeaderValue(LinkRenewal.RequestType), cancellationToken));
            if (renewed.Tbs.SubjectPublicKeyInfo == next.PublicKey && renewed.Tbs.Subject.Equals(subject))
            {
                _token.ImportCertificate(container, renewed);
                return renewed;
            }
        }
        catch (DerException e)
        {
            throw new RefusalException(Refusal.Malformed, "收到的链路证书无法解读，没有存入令牌。请联系管理员。", inner: e);
        }

        throw new RefusalException(Refusal.Malformed, "收到的链路证书不是这个密钥的，没有存入令牌。请联系管理员。");
    }

    /// <exception cref="JsonException">It is something else.</exception>
    public static T Read<T>(byte[] json) => JsonSerializer.Deserialize<T>(json, Json) ?? throw new JsonException("null");

    public void Dispose()
    {
        _client.Dispose();
        _login.Dispose();
        _token.Dispose();
    }

    private async Task<T> AskAsync<T>(HttpMethod method, string path, object? body, CancellationToken cancellationToken) => Read<T>(await SendAsync(
        method,
        path,
        body is null ? null : JsonSerializer.SerializeToUtf8Bytes(body, body.GetType(), JsonSerializerOptions.Web),
        new MediaTypeHeaderValue("application/json") { CharSet = "utf-8" },
        cancellationToken));

    private async Task<byte[]> SendAsync(HttpMethod method, string path, byte[]? body, MediaTypeHeaderValue? type, CancellationToken cancellationToken)
    {
        var id = RequestId.Create(_desk.Token.Time);
        for (int tried = 1; ; tried++)
        {
            TimeSpan pause = Pause;
            try
            {
                using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : new ByteArrayContent(body) };
                if (request.Content is not null)
                {
                    request.Content.Headers.ContentType = type;
                }

                MessageSigningHandler.SetRequestId(request, id);
                using HttpResponseMessage response = await _client.SendAsync(request, cancellationToken);
                await response.ThrowIfRefusedAsync(cancellationToken);
                return await response.Content.ReadAsByteArrayAsync(cancellationToken);
            }
            catch (RefusalException e) when (e.Kind is Refusal.InProgress or Refusal.TooManyRequests && tried < Tries)
            {
                pause = e.RetryAfter ?? Pause;
            }
            catch (Exception e) when (tried < Tries && !cancellationToken.IsCancellationRequested && e is HttpRequestException or IOException or OperationCanceledException)
            {
                // Nobody knows what became of it: the same again.
            }

            await Task.Delay(pause < LongestPause ? pause : LongestPause, _desk.Token.Time, cancellationToken);
        }
    }
}
