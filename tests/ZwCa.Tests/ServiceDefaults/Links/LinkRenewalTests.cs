using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging.Abstractions;
using ZwCa.ServiceDefaults.Links;
using ZwCa.Tests.HsmSim.Device;

namespace ZwCa.Tests.ServiceDefaults.Links;

/// <summary>A service's own link certificate is followed by the next, whatever dies meanwhile.</summary>
public sealed class LinkRenewalTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly SystemCa _ca = new();
    private readonly ManualClock _clock = new(DateTimeOffset.UtcNow);
    private readonly List<byte[]> _keys = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _ca.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(null)]
    [InlineData("link-password")]
    public async Task AfterTwoThirdsOfItsLife_AndNotBefore(string? password)
    {
        LinkCertificate link = Start(password);
        string first = link.Current.Thumbprint;
        using LinkRenewal renewal = Renewal(link, Issue);

        _clock.Advance(TimeSpan.FromDays(39));
        Assert.False(await renewal.RunOnceAsync(Token));
        _clock.Advance(TimeSpan.FromDays(1));
        Assert.True(await renewal.RunOnceAsync(Token));

        Assert.NotEqual(first, link.Current.Thumbprint);
        Assert.Null(link.RenewalFailure);
        using X509Certificate2 onDisk = Files(password).Load(_clock.GetUtcNow());
        Assert.Equal(link.Current.Thumbprint, onDisk.Thumbprint);
        Assert.Empty(Directory.GetFiles(_folder.Path, "*.next"));
        Assert.True(OperatingSystem.IsWindows() || File.GetUnixFileMode(_folder.File("link.key")) == (UnixFileMode.UserRead | UnixFileMode.UserWrite));
        Assert.False(await renewal.RunOnceAsync(Token));
    }

    /// <summary>The CA may have certified it before the answer was lost: with the same key it answers the same.</summary>
    [Fact]
    public async Task AnAttemptThatFailed_IsRepeatedWithTheSameKey_AlsoAfterARestart()
    {
        LinkCertificate link = Start("link-password");
        _clock.Advance(TimeSpan.FromDays(40));
        using LinkRenewal failing = Renewal(link, (_, _) => throw new HttpRequestException("The line is cut."));
        await Assert.ThrowsAsync<HttpRequestException>(() => failing.RunOnceAsync(Token));
        await Assert.ThrowsAsync<HttpRequestException>(() => failing.RunOnceAsync(Token));

        LinkCertificate restarted = Open("link-password");
        using LinkRenewal renewal = Renewal(restarted, Issue);
        Assert.True(await renewal.RunOnceAsync(Token));

        Assert.Equal(3, _keys.Count);
        Assert.All(_keys, each => Assert.Equal(_keys[0], each));
    }

    /// <summary>Key and certificate are two files, and no disk renames two at once.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task ACrashBetweenTheTwoFiles_IsPutRightAtTheNextStart(int moved)
    {
        LinkCertificate link = Start("link-password");
        LinkFiles files = Files("link-password");
        using ECDsa key = files.LoadOrCreateNextKey();
        byte[] request = new CertificateRequest(link.Current.SubjectName, key, HashAlgorithmName.SHA256).CreateSigningRequest();
        using X509Certificate2 next = X509CertificateLoader.LoadCertificate(await Issue(request, Token));
        files.WriteNextCertificate(next);
        if (moved == 1)
        {
            File.Move(_folder.File("link.key.next"), _folder.File("link.key"), overwrite: true);
        }

        Assert.Equal(next.Thumbprint, Open("link-password").Current.Thumbprint);
        Assert.Empty(Directory.GetFiles(_folder.Path, "*.next"));
    }

    [Fact]
    public async Task WhatIsNoFollower_IsNotUsed()
    {
        LinkCertificate link = Start(null);
        string first = link.Current.Thumbprint;
        _clock.Advance(TimeSpan.FromDays(40));
        using var stranger = new SystemCa("Another System CA");
        foreach (Func<byte[], byte[]> answer in (Func<byte[], byte[]>[])
        [
            _ => [1, 2, 3],
            _ => Certificate(_ca, "ra-11", null),
            request => Certificate(_ca, "ra-12", request),
            request => Certificate(stranger, "ra-11", request),
            request => Certificate(_ca, "ra-11", request, usage: X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyAgreement),
            request => Certificate(_ca, "ra-11", request, purposes: [SystemCa.ClientAuthentication]),
            request => Certificate(_ca, "ra-11", request, purposes: [SystemCa.ClientAuthentication, SystemCa.ServerAuthentication, "1.3.6.1.5.5.7.3.4"]),
            request => Certificate(_ca, "ra-11", request, dnsName: "kmc.example.gov.cn"),
            request => Certificate(_ca, "ra-11", request, dnsName: null),
        ])
        {
            using LinkRenewal renewal = Renewal(link, (request, _) => Task.FromResult(answer(request)));
            await Assert.ThrowsAsync<LinkCertificateException>(() => renewal.RunOnceAsync(Token));
        }

        Assert.Equal(first, link.Current.Thumbprint);
        Assert.Equal(first, Open(null).Current.Thumbprint);
    }

    [Fact]
    public async Task AHalfWrittenKey_IsReplaced()
    {
        LinkCertificate link = Start(null);
        _clock.Advance(TimeSpan.FromDays(40));
        await File.WriteAllTextAsync(_folder.File("link.key.next"), "-----BEGIN PRIVATE KEY-----", Token);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(_folder.File("link.key.next"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        using LinkRenewal renewal = Renewal(link, Issue);
        Assert.True(await renewal.RunOnceAsync(Token));
    }

    private LinkCertificate Start(string? password)
    {
        using X509Certificate2 certificate = _ca.Issue("ra-11");
        SystemCa.Write(certificate, _folder.File("link.pem"), _folder.File("link.key"), password);
        return Open(password);
    }

    private LinkFiles Files(string? password) => new(_folder.File("link.pem"), _folder.File("link.key"), password);

    private LinkCertificate Open(string? password) => new(Files(password), _clock, TimeSpan.FromHours(1), NullLogger.Instance);

    private LinkRenewal Renewal(LinkCertificate link, RenewLinkCertificate renew) => new(
        link,
        new LinkTrust([_ca.Certificate], _clock),
        _clock,
        NullLogger<LinkRenewal>.Instance,
        (request, cancellationToken) =>
        {
            _keys.Add(KeyOf(request).ExportSubjectPublicKeyInfo());
            return renew(request, cancellationToken);
        });

    private Task<byte[]> Issue(byte[] request, CancellationToken cancellationToken) => Task.FromResult(Certificate(_ca, "ra-11", request));

    private static PublicKey KeyOf(byte[] request) => CertificateRequest.LoadSigningRequest(request, HashAlgorithmName.SHA256).PublicKey;

    /// <param name="request">Null: a key of its own.</param>
    /// <param name="dnsName">Null: no subjectAltName at all.</param>
    private byte[] Certificate(
        SystemCa ca, string name, byte[]? request, X509KeyUsageFlags usage = X509KeyUsageFlags.DigitalSignature, string[]? purposes = null, string? dnsName = "localhost")
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var certificate = new CertificateRequest(new X500DistinguishedName($"CN={name}"), request is null ? new PublicKey(key) : KeyOf(request), HashAlgorithmName.SHA256);
        certificate.CertificateExtensions.Add(new X509KeyUsageExtension(usage, critical: true));
        var oids = new OidCollection();
        foreach (string purpose in purposes ?? [SystemCa.ClientAuthentication, SystemCa.ServerAuthentication])
        {
            oids.Add(new Oid(purpose));
        }

        certificate.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(oids, critical: true));
        if (dnsName is not null)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddIpAddress(System.Net.IPAddress.Loopback);
            names.AddDnsName(dnsName);
            certificate.CertificateExtensions.Add(names.Build());
        }

        DateTimeOffset now = _clock.GetUtcNow();
        using X509Certificate2 issued = certificate.Create(ca.Certificate, now.AddMinutes(-5), now.AddDays(60), RandomNumberGenerator.GetBytes(16));
        return issued.RawData;
    }
}
