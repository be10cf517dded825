using System.Net;
using ZwCa.Admin.Token;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Admin.Desk;

/// <summary>Where the verbs get from what is no option.</summary>
/// <param name="Token">PINs, a person's yes, the time.</param>
/// <param name="Connect">A client of the service that signs what it sends.</param>
/// <param name="ConnectPublic">A client of the applicants' listener.</param>
internal sealed record OfficerDesk(TokenDesk Token, Func<DeskSettings, TokenLogin, HttpClient> Connect, Func<Uri, HttpClient> ConnectPublic)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(1);

    public static OfficerDesk Terminal { get; } = new(
        TokenDesk.Terminal,
        static (settings, login) => LinkTls.CreateClient(
            new Uri(settings.Address),
            () => login.Link,
            LinkTrust.Load(settings.SystemCaFile, TimeProvider.System),
            Timeout,
            new MessageSigningHandler(login.Signer, settings.Recipient, TimeProvider.System),
            settings.At is null ? null : IPEndPoint.Parse(settings.At)),
        static address => new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = address, Timeout = Timeout, MaxResponseContentBufferSize = 1 << 20 });
}
