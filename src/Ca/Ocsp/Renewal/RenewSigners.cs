using System.Collections.Concurrent;
using System.Data.Common;
using Microsoft.Extensions.Logging;
using ZwCa.Asn1.Audit;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Jobs;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.Ca.Ocsp.Renewal;

/// <summary>
/// Has the keys that sign responses ahead of time certified again in the last third of their certificates' lives, as nodes have theirs. What comes of it is in use as soon as the feed has told of it;
/// until then, and after it, the older one holds. Safe for concurrent use, on any number of nodes.
/// </summary>
internal sealed partial class RenewSigners(SignersInUse signers, RenewResponder renewal, ClockWatch clock, TimeProvider time, ILogger<RenewSigners> logger)
{
    private static readonly AuditActor Actor = new(AuditActorKind.Job, "ocsp");

    private readonly ConcurrentDictionary<short, string> _faults = [];

    /// <returns>Why this node's last try for that CA led to nothing; null: it did, or there was none.</returns>
    public string? FindFault(Authority authority) => _faults.GetValueOrDefault(authority.Id);

    /// <summary>What fails is tried again at the next run, and keeps no other CA's from it.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        // By a wrong clock everything would be due.
        if (clock.FindFault() is not null)
        {
            return;
        }

        DateTimeOffset now = time.GetUtcNow();
        foreach (OcspSigner signer in signers.Current.All.Where(each => each.Certificate is not null && now >= LinkRenewal.DueAt(each.Begin, each.End)))
        {
            try
            {
                await renewal.RunAsync(signer.Authority.Issuer.KeyIdentifier, signer.Certificate!.Tbs.SubjectPublicKeyInfo, SystemProfile.OcspResponder, Actor, cancellationToken);
                _faults.TryRemove(signer.Authority.Id, out _);
            }
            catch (Exception e) when (e is RefusalException or LintException or HsmException or DbException && !cancellationToken.IsCancellationRequested)
            {
                // A month of the same is one line.
                if (FindFault(signer.Authority) != e.Message)
                {
                    LogFailed(logger, e, signer.Authority.Name);
                }

                _faults[signer.Authority.Id] = e.Message;
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The OCSP signer of CA {Name} was not certified again; it is tried again")]
    private static partial void LogFailed(ILogger logger, Exception exception, string name);
}
