using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Data;

namespace ZwCa.Officers;

/// <summary>Who is in office now. Each question reads the database: who was disabled a moment ago is refused. Safe for concurrent use.</summary>
public sealed class OfficerDirectory(Database database, AuditLog log, OfficerIssuers issuers, RoleCatalogue roles, TimeProvider time)
{
    private const int MaxPage = 500;

    private readonly RefusalLog _refusals = new(database, log);

    internal OfficerStore Store { get; } = new(issuers, roles);

    /// <summary>The officer of a message's sender; whoever verified the message then calls <see cref="RequireStandingAsync"/>.</summary>
    /// <returns>Null where no officer has this as his present certificate.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.NotAllowed"/>: his row is not what his certificate says; an event of the log tells of it.</exception>
    public async Task<Officer?> FindAsync(SerialNumber serial, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(serial);
        OfficerRow? row = await database.ReadAsync(transaction => OfficerStore.FindRowAsync(transaction, serial), cancellationToken);
        try
        {
            return row is null ? null : Store.Build(row);
        }
        catch (RefusalException e)
        {
            await _refusals.RecordAsync(
                OfficerStore.ActorOf(serial), "officer.mismatch", OfficerStore.ObjectOf(row!.OfficerId), e.Kind);
            throw;
        }
    }

    /// <summary>Lets an officer go on who is enabled and certified, as found just now; the attempt of another is an event.</summary>
    /// <param name="action">What he is about to do, for the log.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.NotAllowed"/>, <see cref="Refusal.RecertificationDue"/>.</exception>
    public async Task RequireStandingAsync(Officer officer, string action, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(officer);
        try
        {
            officer.RequireStanding(time.GetUtcNow());
        }
        catch (RefusalException e)
        {
            await _refusals.RecordAsync(officer.Actor, action, OfficerStore.ObjectOf(officer.Id.Span), e.Kind);
            throw;
        }
    }

    /// <summary>The standing of an approval's officer, asked in the transaction that acts on it.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.NotAllowed"/>: unknown, disabled, or with another certificate by now; <see cref="Refusal.RecertificationDue"/>.</exception>
    public async Task<VerifiedApproval> VerifyAsync(Transaction transaction, SignedApproval approval)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        ArgumentNullException.ThrowIfNull(approval);
        return (await Store.VerifyAsync(transaction, approval, time.GetUtcNow())).Approval;
    }

    /// <returns>Whether somebody is in office by this certificate.</returns>
    public static async Task<bool> IsInOfficeAsync(Transaction transaction, SerialNumber serial)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        ArgumentNullException.ThrowIfNull(serial);
        return await OfficerStore.FindRowAsync(transaction, serial) is { IsEnabled: true };
    }

    /// <summary>From now on the certificate makes nobody an officer: it was revoked. Also where no officer has it.</summary>
    public Task EndCertificateAsync(Transaction transaction, SerialNumber serial)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        ArgumentNullException.ThrowIfNull(serial);
        return OfficerStore.EndCertificateAsync(transaction, serial.ToString(), time.GetUtcNow());
    }

    /// <summary>Officers in the order of their ids.</summary>
    /// <param name="within">Only those of this region.</param>
    /// <param name="after">The last id of the page before; empty for the first page.</param>
    /// <param name="rows">1 to 500.</param>
    public async Task<IReadOnlyList<OfficerEntry>> ListAsync(
        PersonRegistry persons, RegionCode within, ReadOnlyMemory<byte> after, int rows, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(persons);
        ArgumentNullException.ThrowIfNull(within);
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rows, MaxPage);
        string prefix = within.Level == RegionLevel.County ? within.Value : within.Value[..((int)within.Level * 2)];
        IReadOnlyList<OfficerRow> page = await database.QueryAsync<OfficerRow>(
            $"""
             SELECT o.officer_id, o.person_id, o.kind, o.role, o.is_top, o.region, o.certificate_serial, o.certificate, o.enabled, o.certified_until,
                 (SELECT COUNT(*) FROM officer_disabling d WHERE d.officer_id = o.officer_id) AS disablings,
                 (SELECT COUNT(*) FROM ended_certificate e WHERE e.certificate_serial = o.certificate_serial) AS endings
             FROM officer o WHERE o.officer_id > @After AND o.region LIKE @Pattern ORDER BY o.officer_id {database.Dialect.Limit(rows)}
             """,
            new { After = after.ToArray(), Pattern = prefix + "%" },
            cancellationToken);
        var entries = new List<OfficerEntry>(page.Count);
        foreach (OfficerRow row in page)
        {
            Person? person = await persons.FindAsync((ReadOnlyMemory<byte>)row.PersonId, cancellationToken);
            entries.Add(new OfficerEntry
            {
                OfficerId = row.OfficerId,
                Name = person?.Name.ToString() ?? "",
                IdNumber = person?.IdNumber.ToString() ?? "",
                Role = row.Role,
                Region = row.Region,
                CertificateSerial = row.CertificateSerial,
                Enabled = row.IsEnabled,
                CertifiedUntil = row.CertifiedUntil,
            });
        }

        return entries;
    }
}
