using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.Ra.CertificationAuthority;

namespace ZwCa.Ra.Officers;

/// <summary>
/// Makes this RA's officers those of the CA's directory: regions, persons, offices, links. Several nodes may be at it at once: whoever began last has the newer state, and the others stop. What
/// does not hold about one officer keeps only him out. Safe for concurrent use.
/// </summary>
internal sealed partial class PullOfficers(
    Database database, CaClient ca, KnownOfficers known, PersonRegistry persons, PullLinks links, AuditLog log, RaOptions options, TimeProvider time, ILogger<PullOfficers> logger)
{
    /// <summary>Where somebody is left out, the whole is tried again so often, though nothing has changed at the CA.</summary>
    private static readonly TimeSpan TryAgainEvery = TimeSpan.FromMinutes(1);

    private const int PageRows = 500;
    private const int MaxPages = 1000;
    private const int DigestLength = 32;
    private const int Tries = 3;

    private readonly RegionCode _region = RegionCode.Parse(options.Region);
    private readonly AuditActor _actor = new(AuditActorKind.Service, options.Ca.Recipient);
    private Attempt? _last;

    /// <summary>How many officers, regions and links of the directory this node could not take over when it last tried.</summary>
    public int Skipped => Volatile.Read(ref _last)?.Skipped ?? 0;

    /// <returns>Whether anything was pulled; false: the CA has no news, or another node pulls.</returns>
    /// <exception cref="RefusalException">The CA's; <see cref="Refusal.Unavailable"/>: it is away.</exception>
    /// <exception cref="Hsm.HsmException">The device is away.</exception>
    public async Task<bool> RunAsync(CancellationToken cancellationToken)
    {
        // Step 1: whether there is news.
        byte[] told = (await ca.LookAsync<DirectoryDigest>("/directory/digest", cancellationToken)).Digest;
        DateTimeOffset now = time.GetUtcNow();
        if (await SeeAsync(told, told, now, cancellationToken))
        {
            Volatile.Write(ref _last, null);
            return false;
        }

        if (Volatile.Read(ref _last) is { Skipped: > 0 } last && last.Digest.AsSpan().SequenceEqual(told) && now - last.At < TryAgainEvery)
        {
            await database.WriteAsync(transaction => transaction.ExecuteAsync("UPDATE ca_directory SET pulled_at = @Now WHERE pulled_at > 0", new { Now = now }), cancellationToken);
            return false;
        }

        // Step 2: say that this node begins. Who is overtaken writes nothing any more; and what is broken off is begun anew, for the digest is none of the CA's.
        byte[] pull = RandomNumberGenerator.GetBytes(DigestLength);
        await database.WriteAsync(
            async transaction =>
            {
                if (!await transaction.TryInsertAsync("INSERT INTO ca_directory (directory_number, digest, pulled_at) VALUES (1, @Pull, 0)", new { Pull = pull }))
                {
                    await transaction.ExecuteAsync("UPDATE ca_directory SET digest = @Pull WHERE directory_number = 1", new { Pull = pull });
                }
            },
            cancellationToken);
        (byte[] digest, IReadOnlyList<DirectoryOfficer> officers) = await ReadAsync(cancellationToken);

        // Step 3: regions, in which officers are; who is out of office before who is in, for a person has one office.
        int skipped = await TakeRegionsAsync(cancellationToken);
        var taken = new List<DirectoryOfficer>(officers.Count);
        foreach (DirectoryOfficer officer in officers.OrderBy(each => each.Enabled))
        {
            switch (await TakeAsync(officer, pull, cancellationToken))
            {
                case Outcome.Taken:
                    taken.Add(officer);
                    break;
                case Outcome.Skipped:
                    skipped++;
                    break;
                default:
                    LogOvertaken(logger);
                    return false;
            }
        }

        // Step 4: whom the directory has lost is not its word that he is out of office, which is for good: a person has to look. Nor are his links heard meanwhile.
        skipped += await CountLostAsync(officers, cancellationToken);
        if (await links.RunAsync(taken, transaction => HoldAsync(transaction, pull), _actor, cancellationToken) is not { } badLinks)
        {
            LogOvertaken(logger);
            return false;
        }

        // Step 5: done. Where somebody is left out, every node finds that out for itself.
        skipped += badLinks;
        bool isDone = await SeeAsync(pull, skipped == 0 ? digest : pull, time.GetUtcNow(), cancellationToken);
        Volatile.Write(ref _last, new Attempt(digest, time.GetUtcNow(), skipped));
        LogPulled(logger, officers.Count, skipped);
        return isDone;
    }

    /// <summary>Whether this pull is still the last that was begun; no other begins until this transaction ends.</summary>
    private static async Task<bool> HoldAsync(Transaction transaction, byte[] pull) =>
        await transaction.ExecuteAsync("UPDATE ca_directory SET pulled_at = pulled_at WHERE digest = @Pull", new { Pull = pull }) == 1;

    /// <summary>That the CA was asked; what is in the database is by that digest from now on.</summary>
    /// <returns>False: it was by another before.</returns>
    private async Task<bool> SeeAsync(byte[] before, byte[] digest, DateTimeOffset now, CancellationToken cancellationToken) => await database.WriteAsync(
        transaction => transaction.ExecuteAsync("UPDATE ca_directory SET digest = @Digest, pulled_at = @Now WHERE digest = @Before", new { Before = before, Digest = digest, Now = now }),
        cancellationToken) == 1;

    /// <summary>All pages, of one state.</summary>
    private async Task<(byte[] Digest, IReadOnlyList<DirectoryOfficer> Officers)> ReadAsync(CancellationToken cancellationToken)
    {
        for (int i = 0; i < Tries; i++)
        {
            var officers = new List<DirectoryOfficer>();
            byte[]? digest = null;
            string? next = "";
            for (int pages = 0; next is not null && pages < MaxPages; pages++)
            {
                string after = next.Length == 0 ? "" : $"&after={Convert.ToHexStringLower(Page.Id(next))}";
                DirectoryPage page = await ca.GetAsync<DirectoryPage>($"/directory/officers?rows={PageRows}{after}", cancellationToken);
                if (digest is not null && !digest.AsSpan().SequenceEqual(page.Digest))
                {
                    digest = null;
                    break;
                }

                digest = page.Digest;
                officers.AddRange(page.Officers);
                next = page.Next;
            }

            if (digest is not null)
            {
                return (digest, officers);
            }
        }

        throw new RefusalException(Refusal.Unavailable, "CA的人员目录正在变动，请稍后重试。", options.Ca.PullEvery);
    }

    private async Task<int> TakeRegionsAsync(CancellationToken cancellationToken)
    {
        RegionAnswer[] told = await ca.GetAsync<RegionAnswer[]>("/regions", cancellationToken);
        var here = (await database.QueryAsync<string>("SELECT code FROM region", cancellationToken: cancellationToken)).ToHashSet();
        int skipped = 0;
        foreach (RegionAnswer region in told.Where(each => RegionCode.IsCode(each.Code) && !here.Contains(each.Code)).OrderBy(each => RegionCode.Parse(each.Code).Level))
        {
            var code = RegionCode.Parse(region.Code);
            if (!_region.Covers(code))
            {
                continue;
            }

            if (region.Parent is null || !here.Contains(region.Parent) || region.Parent == region.Code || !RegionCode.Parse(region.Parent).Covers(code))
            {
                LogRegionSkipped(logger, region.Code);
                skipped++;
                continue;
            }

            await database.WriteAsync(
                async transaction =>
                {
                    if (await transaction.TryInsertAsync(
                        "INSERT INTO region (code, level, parent, name) VALUES (@Code, @Level, @Parent, @Name)",
                        new { region.Code, Level = (short)code.Level, region.Parent, region.Name }))
                    {
                        await log.AppendAsync(transaction, new AuditEvent(_actor, OfficerActions.RegisterRegion, new AuditObject("region", region.Code), AuditOutcome.Done)
                        {
                            Fields = [new AuditField.Text("parent", region.Parent), new AuditField.Text("name", region.Name)],
                        });
                    }
                },
                cancellationToken);
            here.Add(region.Code);
        }

        return skipped;
    }

    private async Task<Outcome> TakeAsync(DirectoryOfficer told, byte[] pull, CancellationToken cancellationToken)
    {
        try
        {
            var officer = new KnownOfficer { Id = Page.Id(told.Id), Certificate = told.Certificate, Enabled = told.Enabled, CertifiedUntil = told.CertifiedUntil };
            if (await database.ReadAsync(transaction => KnownOfficers.IsPutAsync(transaction, officer), cancellationToken))
            {
                return Outcome.Taken;
            }

            if (officer.Enabled)
            {
                await EnrollAsync(told, known.Verify(officer.Certificate), cancellationToken);
            }

            return await database.WriteAsync(
                async transaction =>
                {
                    if (!await HoldAsync(transaction, pull))
                    {
                        return Outcome.Overtaken;
                    }

                    await known.PutAsync(transaction, officer, _actor);
                    return Outcome.Taken;
                },
                cancellationToken);
        }
        catch (Exception e) when (e is PersonKeysException or RefusalException { Kind: not Refusal.Unavailable })
        {
            LogSkipped(logger, told.Id, e is RefusalException refused ? refused.Kind.ToString() : e.GetType().Name, e.Message);
            return Outcome.Skipped;
        }
    }

    /// <summary>The person whom the certificate names, by the CA's id. A number that is another's here, or a person with another number, is refused.</summary>
    private async Task EnrollAsync(DirectoryOfficer told, OfficerCertificate certificate, CancellationToken cancellationToken)
    {
        if (!_region.Covers(certificate.Region))
        {
            throw new RefusalException(Refusal.OutOfScope, "该人员不属于本RA的区域。");
        }

        if (!certificate.IsOfPerson(Page.Id(told.Person)))
        {
            throw new RefusalException(Refusal.NotAllowed, "证书中的人员编号与CA目录不一致。");
        }

        await persons.EnrollAsync(IdNumber.Parse(told.IdNumber), PersonName.Parse(told.Name), _actor, certificate.Identity.Person, cancellationToken);
    }

    private async Task<int> CountLostAsync(IReadOnlyList<DirectoryOfficer> told, CancellationToken cancellationToken)
    {
        var ids = told.Select(each => each.Id).ToHashSet();
        string[] lost = [.. (await database.ReadAsync(KnownOfficers.ListEnabledAsync, cancellationToken)).Select(Convert.ToHexStringLower).Where(each => !ids.Contains(each))];
        foreach (string id in lost)
        {
            LogLost(logger, id);
        }

        return lost.Length;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The CA's directory was pulled: {Officers} officers, {Skipped} left out")]
    private static partial void LogPulled(ILogger logger, int officers, int skipped);

    [LoggerMessage(Level = LogLevel.Information, Message = "Another node has begun to pull the CA's directory: this one stops")]
    private static partial void LogOvertaken(ILogger logger);

    [LoggerMessage(Level = LogLevel.Error, Message = "Officer {Officer} of the CA's directory is left out: {Kind}, {Reason}")]
    private static partial void LogSkipped(ILogger logger, string officer, string kind, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "Region {Code} of the CA is left out: the region above it is not known")]
    private static partial void LogRegionSkipped(ILogger logger, string code);

    [LoggerMessage(Level = LogLevel.Error, Message = "Officer {Officer} is in office here, and the CA's directory does not have him: his links are closed")]
    private static partial void LogLost(ILogger logger, string officer);

    private enum Outcome
    {
        Taken,
        Skipped,
        Overtaken,
    }

    /// <param name="Digest">What the CA said.</param>
    private sealed record Attempt(byte[] Digest, DateTimeOffset At, int Skipped);
}
