using System.Net.Http.Headers;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.Ocsp.Answers;

/// <summary>
/// Has the CA certify the node's keys again, each in the last third of its certificate's life: seven days at most are what a stolen key could be used for. Whatever fails is tried again, for the
/// same key. And looks whether somebody has put another certificate there: nobody who answers waits for the disk.
/// </summary>
/// <param name="http">Over the node's link. Its base address is the CA's.</param>
internal sealed partial class RenewLive(HttpClient http, IReadOnlyList<LiveSigner> signers, TimeProvider time, ILogger<RenewLive> logger) : BackgroundService
{
    private const int MaxLength = 1 << 16;

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RenewEvery = TimeSpan.FromMinutes(1);

    /// <summary>Side by side: a CA that lets us wait keeps no certificate of the operator's back.</summary>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(
        RepeatAsync(LookEvery, signer => Task.Run(signer.Look, stoppingToken), stoppingToken),
        RepeatAsync(RenewEvery, signer => RunOnceAsync(signer, stoppingToken), stoppingToken));

    /// <returns>Whether there is a new one.</returns>
    internal async Task<bool> RunOnceAsync(LiveSigner signer, CancellationToken cancellationToken)
    {
        if (signer.Certificate is not { } old || time.GetUtcNow() < LinkRenewal.DueAt(old.Tbs.Validity.NotBefore.Value, old.Tbs.Validity.NotAfter.Value))
        {
            return false;
        }

        // Step 1: whose it is, its certificate says.
        string issuer = Convert.ToHexStringLower((old.Tbs.Extensions?.Find<AuthorityKeyIdentifier>()?.KeyIdentifier ?? default).Span);

        // Step 2: the request proves the key.
        using var content = new ByteArrayContent(await signer.MakeRequestAsync(cancellationToken)) { Headers = { ContentType = new MediaTypeHeaderValue(LinkRenewal.RequestType) } };
        using HttpResponseMessage answer = await http.PostAsync(new Uri($"responders/{issuer}/renewal", UriKind.Relative), content, cancellationToken);
        await answer.ThrowIfRefusedAsync(cancellationToken);
        await answer.Content.LoadIntoBufferAsync(MaxLength, cancellationToken);
        Certificate next = Der.Decode<Certificate>(await answer.Content.ReadAsByteArrayAsync(cancellationToken));

        // Where the CA's clock is behind ours it is not time yet, and the same one comes back.
        if (Der.Encode(next).AsSpan().SequenceEqual(Der.Encode(old)))
        {
            return false;
        }

        // Step 3: what the CA sent is for this key, of the same CA, and lasts longer; else the file stays.
        if (next.Tbs.SubjectPublicKeyInfo != old.Tbs.SubjectPublicKeyInfo || next.Tbs.Issuer != old.Tbs.Issuer || next.Tbs.Validity.NotAfter <= old.Tbs.Validity.NotAfter)
        {
            throw new DerException("What the CA sent is no certificate that follows this one.");
        }

        if (!signer.Replace(next))
        {
            return false;
        }

        LogRenewed(logger, next.Tbs.Subject.ToString(), next.Tbs.Validity.NotAfter.Value);
        return true;
    }

    private async Task RepeatAsync(TimeSpan every, Func<LiveSigner, Task> what, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(every, time);
        do
        {
            foreach (LiveSigner signer in signers)
            {
                await TryAsync(signer, what, cancellationToken);
            }
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    private async Task TryAsync(LiveSigner signer, Func<LiveSigner, Task> what, CancellationToken cancellationToken)
    {
        try
        {
            await what(signer);
        }
#pragma warning disable CA1031 // Whatever it is, the operator hears of it, and a third of the certificate's life is left to try again; a service that ended here would take all answers with it.
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            LogNotRenewed(logger, e, signer.File);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The key of {Subject} is certified until {NotAfter:O}")]
    private static partial void LogRenewed(ILogger logger, string subject, DateTimeOffset notAfter);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{File} could not be looked at, or renewed: it is tried again")]
    private static partial void LogNotRenewed(ILogger logger, Exception exception, string file);
}
