using System.Globalization;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.Ra.Enrollments;

namespace ZwCa.Ra.Batches.Following;

/// <summary>Makes a draft of a renewal for each certificate of the batch's region that expires soon and that nobody has followed yet: with the key that it has, and what was applied for then.</summary>
internal sealed class MakeRenewals(Database database, PersonRegistry persons, FollowingDrafts drafts) : IBatchWork
{
    public bool Does(Batch batch, BatchTaskKind kind) => batch.Kind == BatchKind.Renewal && kind == BatchTaskKind.Making;

    public async Task RunAsync(BatchRun run, CancellationToken cancellationToken)
    {
        BatchContent content = await BatchContent.OpenAsync(persons, run.Batch, cancellationToken);
        await BatchOrganization.RequireAsync(database, run.Officer, content, cancellationToken);
        await drafts.RunAsync(
            run,
            content,
            EnrollmentKind.Renew,
            (position, rows, cancellation) => ListAsync(run, content, position, rows, cancellation),
            static certificate => string.Create(CultureInfo.InvariantCulture, $"{certificate.NotAfter.ToUnixTimeMilliseconds()}/{certificate.Issuer}/{certificate.Serial}"),
            ContentOfAsync,
            cancellationToken);
    }

    /// <summary>In the order in which they expire.</summary>
    private Task<IReadOnlyList<FollowedCertificate>> ListAsync(BatchRun run, BatchContent content, string? position, int rows, CancellationToken cancellationToken)
    {
        string[] after = (position ?? "0//").Split('/');
        RegionCode within = run.Batch.RegionCode;
        return database.QueryAsync<FollowedCertificate>(
            $"""
             SELECT {FollowedCertificate.Columns} FROM certificate c JOIN subscriber s ON s.subscriber_id = c.subscriber_id
             WHERE c.state = 1 AND c.half IN (0, 1) AND c.not_after > @Now AND c.not_after <= @Until AND c.not_after >= @At
                 AND (c.not_after > @At OR c.issuer > @Issuer OR (c.issuer = @Issuer AND c.serial > @Serial))
                 AND c.region LIKE @Pattern {(content.Profile is null ? "" : "AND c.profile = @Profile")}
                 {(content.Organization is null ? "" : "AND (s.subscriber_id = @Organization OR s.organization_id = @Organization)")}
                 AND NOT EXISTS (
                     SELECT 1 FROM enrollment e WHERE e.certificate_issuer = c.issuer AND e.certificate_serial = c.serial AND (e.is_open = 1 OR (e.kind BETWEEN 2 AND 5 AND e.state IN (7, 8))))
             ORDER BY c.not_after, c.issuer, c.serial {database.Dialect.Limit(rows)}
             """,
            new
            {
                Now = run.Task.StartedAt,
                Until = run.Task.StartedAt.AddDays(content.WithinDays!.Value),
                At = DateTimeOffset.FromUnixTimeMilliseconds(long.Parse(after[0], CultureInfo.InvariantCulture)),
                Issuer = after[1],
                Serial = after[2],
                Pattern = within.Value[..((int)within.Level * 2)] + "%",
                content.Profile,
                content.Organization,
            },
            cancellationToken);
    }

    private async Task<EnrollmentContent> ContentOfAsync(FollowedCertificate certificate, CancellationToken cancellationToken)
    {
        Enrollment origin = (await database.ReadAsync(transaction => EnrollmentStore.FindAsync(transaction, certificate.EnrollmentId), cancellationToken))!;
        return origin.State != EnrollmentState.Issued
            ? await EnrollmentContent.OpenAsync(persons, origin, cancellationToken)
            : throw new RefusalException(Refusal.WrongState, "原证书尚未领取，领取后才能更新。");
    }
}
