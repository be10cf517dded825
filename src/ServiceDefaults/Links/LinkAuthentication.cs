using System.Security.Claims;
using System.Security.Cryptography.X509Certificates;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ZwCa.Contracts;

namespace ZwCa.ServiceDefaults.Links;

/// <summary>
/// Who is at the other end of the link: the client certificate of the TLS connection, chained to the system CA, then looked up among the registered
/// clients at each request. The caller learns only that the link is not trusted; the log says why.
/// </summary>
internal sealed partial class LinkAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder, LinkTrust trust, ClientStore clients)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    public const string Name = "Link";

    private static readonly object JudgedKey = new();

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (Context.GetEndpoint()?.Metadata.GetMetadata<IAllowAnonymous>() is not null)
        {
            return AuthenticateResult.NoResult();
        }

        if (Context.Connection.ClientCertificate is not { } certificate)
        {
            return Fail("no client certificate");
        }

        Judged judged = Judge(certificate);
        if (judged.WhyNot is not null)
        {
            return Fail(judged.WhyNot);
        }

        if (!trust.IsValidNow(certificate))
        {
            return Fail("not valid now");
        }

        RegisteredClient? client = await clients.FindAsync(judged.Thumbprint, Context.RequestAborted);
        if (client is not { Enabled: true })
        {
            return Fail(client is null ? "not registered" : "disabled", judged.Thumbprint);
        }

        Context.Features.Set(client);
        var identity = new ClaimsIdentity([new Claim(ClaimTypes.Name, client.Name), new Claim(ClaimTypes.Role, client.Kind.ToString())], Name);
        return AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Name));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties) =>
        throw new RefusalException(Refusal.LinkNotTrusted, "本系统不认可这条链路的证书，请联系系统管理员。");

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) =>
        throw new RefusalException(Refusal.NotAllowed, "这个客户端无权使用此功能。");

    /// <summary>The chain is built once for a connection: its certificate does not change, and the rest is looked at for each request.</summary>
    private Judged Judge(X509Certificate2 certificate)
    {
        IDictionary<object, object?> items = Context.Features.Get<IConnectionItemsFeature>()!.Items;
        lock (items)
        {
            if (items.TryGetValue(JudgedKey, out object? known))
            {
                return (Judged)known!;
            }

            var judged = new Judged(ClientStore.ThumbprintOf(certificate), trust.WhyNot(certificate, LinkTrust.ClientAuthentication));
            items[JudgedKey] = judged;
            return judged;
        }
    }

    private AuthenticateResult Fail(string reason, string thumbprint = "")
    {
        LogNotTrusted(Logger, reason, thumbprint);
        return AuthenticateResult.Fail(reason);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The link is not trusted: {Reason} {Thumbprint}")]
    private static partial void LogNotTrusted(ILogger logger, string reason, string thumbprint);

    /// <param name="WhyNot">Null: it chains to the system CA.</param>
    private sealed record Judged(string Thumbprint, string? WhyNot);
}
