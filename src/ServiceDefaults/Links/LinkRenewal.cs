using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ZwCa.Asn1;
using ZwCa.Contracts;

namespace ZwCa.ServiceDefaults.Links;

/// <summary>Gets the certificate that follows the service's own link certificate.</summary>
/// <param name="request">DER of a PKCS #10 request.</param>
/// <returns>DER of the certificate: for the same key the same.</returns>
public delegate Task<byte[]> RenewLinkCertificate(byte[] request, CancellationToken cancellationToken);

/// <summary>
/// Renews the service's own link certificate in the last third of its life: a new key, which is on the disk before anybody certifies it, then both files, which
/// <see cref="LinkCertificate"/> takes up. Whatever fails is tried again, with the same key, until it is done.
/// </summary>
public sealed partial class LinkRenewal : BackgroundService
{
    public const string RequestType = "application/pkcs10";
    public const string AnswerType = "application/pkix-cert";

    private static readonly TimeSpan FirstWait = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(1);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    // Issued by one profile of one CA: what is the same is encoded the same.
    private static readonly (string Oid, string Name)[] Compared = [(Oids.KeyUsage, "keyUsage"), (Oids.ExtendedKeyUsage, "extKeyUsage"), (Oids.SubjectAltName, "subjectAltName")];

    private readonly LinkCertificate _link;
    private readonly LinkTrust _trust;
    private readonly RenewLinkCertificate? _renew;
    private readonly TimeProvider _time;
    private readonly ILogger<LinkRenewal> _logger;

    /// <param name="renew">Null: somebody else puts new files there.</param>
    public LinkRenewal(LinkCertificate link, LinkTrust trust, TimeProvider time, ILogger<LinkRenewal> logger, RenewLinkCertificate? renew = null)
    {
        ArgumentNullException.ThrowIfNull(link);
        ArgumentNullException.ThrowIfNull(trust);
        ArgumentNullException.ThrowIfNull(time);
        _link = link;
        _trust = trust;
        _time = time;
        _logger = logger;
        _renew = renew;
    }

    /// <summary>When two thirds of a link certificate's life are over: before, nobody renews it.</summary>
    public static DateTimeOffset DueAt(DateTimeOffset notBefore, DateTimeOffset notAfter) => notBefore + ((notAfter - notBefore) * 2 / 3);

    /// <summary>Asks a CA over the link that is to be renewed.</summary>
    /// <param name="url">Of the CA's <c>/links/renew</c>.</param>
    public static RenewLinkCertificate Over(Uri url, LinkCertificate link, LinkTrust trust) => async (request, cancellationToken) =>
    {
        using HttpClient client = LinkTls.CreateClient(url, () => link.Current, trust, Patience);
        using var content = new ByteArrayContent(request) { Headers = { ContentType = new MediaTypeHeaderValue(RequestType) } };
        using HttpResponseMessage response = await client.PostAsync(url, content, cancellationToken);
        await response.ThrowIfRefusedAsync(cancellationToken);
        return await response.Content.ReadAsByteArrayAsync(cancellationToken);
    };

    /// <summary>Renews the certificate if it is time.</summary>
    /// <returns>Whether there is a new one.</returns>
    /// <exception cref="RefusalException">The CA refused.</exception>
    /// <exception cref="LinkCertificateException">What the CA sent is no certificate for this service, or a file cannot be written.</exception>
    internal async Task<bool> RunOnceAsync(CancellationToken cancellationToken)
    {
        X509Certificate2 current = _link.Current;
        if (_renew is null || _time.GetUtcNow() < DueAt(current.NotBefore, current.NotAfter))
        {
            return false;
        }

        // Step 1: the key. One that an earlier attempt left is used again: the CA may have certified it, and certifies no second one.
        using ECDsa key = _link.Files.LoadOrCreateNextKey();
        byte[] request = new CertificateRequest(current.SubjectName, key, HashAlgorithmName.SHA256).CreateSigningRequest();

        // Step 2: the certificate.
        byte[] answer = await _renew(request, cancellationToken);
        using X509Certificate2 next = Read(answer);
        string? wrong = !next.PublicKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(key.ExportSubjectPublicKeyInfo()) ? "it is for another key"
            : !next.SubjectName.RawData.AsSpan().SequenceEqual(current.SubjectName.RawData) ? "it is for another name"
            : WhatDiffers(current, next) is { } extension ? $"its {extension} is another"
            : _trust.WhyNot(next, LinkTrust.ClientAuthentication);
        if (wrong is not null)
        {
            throw new LinkCertificateException($"The certificate that the CA sent is not used: {wrong}.");
        }

        // Step 3: both files; from now on connections use it.
        _link.Files.WriteNextCertificate(next);
        _link.Files.FinishRenewal();
        _link.LookNow();
        return true;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (_renew is null)
        {
            return;
        }

        TimeSpan wait = FirstWait;
        while (!stoppingToken.IsCancellationRequested)
        {
            TimeSpan pause = LongestWait;
            try
            {
                if (await RunOnceAsync(stoppingToken))
                {
                    LogRenewed(_logger);
                }

                wait = FirstWait;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // Whatever it is, the operator hears of it, and a third of the certificate's life is left to try again.
            catch (Exception e)
#pragma warning restore CA1031
            {
                LogFailed(_logger, e);
                pause = wait;
                wait = wait * 2 < LongestWait ? wait * 2 : LongestWait;
            }

            await Task.Delay(pause, _time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>A follower may do what the old one might, under the same names: not more, and not less, for others call this service by them.</summary>
    /// <returns>Null: nothing that counts.</returns>
    private static string? WhatDiffers(X509Certificate2 current, X509Certificate2 next)
    {
        foreach ((string oid, string name) in Compared)
        {
            if (!(current.Extensions[oid]?.RawData ?? []).AsSpan().SequenceEqual(next.Extensions[oid]?.RawData))
            {
                return name;
            }
        }

        return null;
    }

    private static X509Certificate2 Read(byte[] answer)
    {
        try
        {
            return X509CertificateLoader.LoadCertificate(answer);
        }
        catch (CryptographicException)
        {
            throw new LinkCertificateException("The CA sent something that is no certificate.");
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The CA has issued the next link certificate")]
    private static partial void LogRenewed(ILogger logger);

    [LoggerMessage(Level = LogLevel.Error, Message = "The link certificate was not renewed; it is tried again")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}
