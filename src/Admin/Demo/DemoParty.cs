using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Admin.Demo;

/// <summary>Somebody who speaks to a service: a link of his own, and a key that signs what he says. An officer's decides too.</summary>
internal sealed class DemoParty : IDisposable
{
    private readonly Sm2PrivateKey? _key;
    private readonly Certificate? _officer;
    private readonly ECDsa _linkKey;
    private readonly X509Certificate2 _link;
    private readonly HttpClient _client;

    private DemoParty(Sm2PrivateKey? key, Certificate? officer, ECDsa linkKey, X509Certificate2 link, MessageSigner signer, Uri address, LinkTrust trust, string recipient = "ca", IPEndPoint? at = null)
    {
        _key = key;
        _officer = officer;
        _linkKey = linkKey;
        _link = link;
        _client = LinkTls.CreateClient(address, () => _link, trust, TimeSpan.FromMinutes(1), new MessageSigningHandler(signer, recipient, TimeProvider.System), at);
    }

    public Certificate OfficerCertificate => _officer ?? throw new InvalidOperationException("No officer.");

    /// <summary>An officer with both keys in hand.</summary>
    /// <param name="recipient">As the service names itself.</param>
    public static DemoParty OfOfficer(Sm2PrivateKey key, Certificate certificate, ECDsa linkKey, Certificate link, Uri address, LinkTrust trust, string recipient = "ca") =>
        new(key, certificate, linkKey, WithKey(link, linkKey), new MessageSigner(certificate.Tbs.SerialNumber, key), address, trust, recipient);

    /// <summary>An officer whose keys are in a token of the demo, which lets them out.</summary>
    /// <param name="recipient">As the service names itself.</param>
    public static DemoParty OfToken(UnlockedToken token, Certificate link, Uri address, LinkTrust trust, string recipient = "ca")
    {
        string password = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        TokenContainer officer = token.Containers.First(container => container.Name == DemoCeremony.OfficerContainer);
        Sm2PrivateKey key = Sm2KeyFile.Read(token.ExportPrivateKey(officer.Name, password), password);
        var linkKey = ECDsa.Create();
        linkKey.ImportFromEncryptedPem(token.ExportPrivateKey(DemoCeremony.LinkContainer, password), password);
        return OfOfficer(key, officer.Certificate!, linkKey, link, address, trust, recipient);
    }

    /// <summary>The same officer, at another service.</summary>
    /// <param name="address">With the name that stands in the service's link certificate.</param>
    /// <param name="recipient">As the service names itself.</param>
    /// <param name="at">Where it listens: the names of a demonstration resolve to nothing.</param>
    public DemoParty At(Uri address, LinkTrust trust, string recipient, IPEndPoint at) =>
        new(_key, _officer, _linkKey, _link, new MessageSigner(OfficerCertificate.Tbs.SerialNumber, _key!), address, trust, recipient, at);

    /// <summary>A system that signs its messages with a key in a device.</summary>
    public static DemoParty OfSystem(MessageSigner signer, ECDsa linkKey, Certificate link, Uri address, LinkTrust trust) =>
        new(null, null, linkKey, WithKey(link, linkKey), signer, address, trust);

    /// <summary>His decision, signed.</summary>
    public byte[] Sign(ApprovalStep step, Application application) =>
        Der.Encode(ApprovalSigning.Sign(ApprovalSigning.Build(step, [application], TimeProvider.System.GetUtcNow()), _key!, OfficerCertificate));

    /// <param name="id">The same again for the same request; null: a new one.</param>
    /// <exception cref="RefusalException">The service refused.</exception>
    public Task<T> PostAsync<T>(string path, object body, RequestId? id = null) =>
        SendAsync<T>(HttpMethod.Post, path, JsonContent.Create(body, body.GetType(), options: JsonSerializerOptions.Web), id);

    /// <inheritdoc cref="PostAsync{T}"/>
    public Task<T> GetAsync<T>(string path) => SendAsync<T>(HttpMethod.Get, path, null, null);

    /// <inheritdoc cref="PostAsync{T}"/>
    public Task<T> UploadAsync<T>(string path, byte[] file, string mediaType)
    {
        var content = new ByteArrayContent(file);
        content.Headers.ContentType = new(mediaType);
        return SendAsync<T>(HttpMethod.Post, path, content, null);
    }

    public void Dispose()
    {
        _client.Dispose();
        _link.Dispose();
        _linkKey.Dispose();
        _key?.Dispose();
    }

    private async Task<T> SendAsync<T>(HttpMethod method, string path, HttpContent? content, RequestId? id)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        MessageSigningHandler.SetRequestId(request, id ?? RequestId.Create(TimeProvider.System));
        using HttpResponseMessage response = await _client.SendAsync(request);
        await response.ThrowIfRefusedAsync();
        return await response.Content.ReadFromJsonAsync<T>(JsonSerializerOptions.Web) ?? throw new DemoException($"{path} answered with nothing.");
    }

    private static X509Certificate2 WithKey(Certificate certificate, ECDsa key)
    {
        using X509Certificate2 plain = X509CertificateLoader.LoadCertificate(Der.Encode(certificate));
        return plain.CopyWithPrivateKey(key);
    }
}
