using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.Ra.Enrollments;

namespace ZwCa.Ra.Batches.Following;

/// <summary>Makes a draft of a revocation for each certificate that an organisation, its devices and those who work there still have.</summary>
internal sealed class MakeRevocations(Database database, PersonRegistry persons, FollowingDrafts drafts) : IBatchWork
{
    public bool Does(Batch batch, BatchTaskKind kind) => batch.Kind == BatchKind.Revocation && kind == BatchTaskKind.Making;

    public async Task RunAsync(BatchRun run, CancellationToken cancellationToken)
    {
        BatchContent content = await BatchContent.OpenAsync(persons, run.Batch, cancellationToken);
        await BatchOrganization.RequireAsync(database, run.Officer, content, cancellationToken);
        await drafts.RunAsync(
            run,
            content,
            EnrollmentKind.Revoke,
            (position, rows, cancellation) => ListAsync(run, content, position, rows, cancellation),
            static certificate => $"{Convert.ToHexStringLower(certificate.SubscriberId)}/{certificate.Issuer}/{certificate.Serial}",
            (_, _) => Task.FromResult(new EnrollmentContent { RevocationReason = content.RevocationReason }),
            cancellationToken);
    }

    /// <summary>By whose they are.</summary>
    private Task<IReadOnlyList<FollowedCertificate>> ListAsync(BatchRun run, BatchContent content, string? position, int rows, CancellationToken cancellationToken)
    {
        string[] after = (position ?? "//").Split('/');
        return database.QueryAsync<FollowedCertificate>(
            $"""
             SELECT {FollowedCertificate.Columns} FROM certificate c JOIN subscriber s ON s.subscriber_id = c.subscriber_id
             WHERE (s.subscriber_id = @Organization OR s.organization_id = @Organization) AND c.state IN (1, 2) AND c.half IN (0, 1) AND c.not_after > @Now AND s.subscriber_id >= @Subscriber
                 AND (s.subscriber_id > @Subscriber OR c.issuer > @Issuer OR (c.issuer = @Issuer AND c.serial > @Serial))
                 AND NOT EXISTS (
                     SELECT 1 FROM enrollment e WHERE e.certificate_issuer = c.issuer AND e.certificate_serial = c.serial AND e.kind = @Kind AND e.is_open = 1)
             ORDER BY s.subscriber_id, c.issuer, c.serial {database.Dialect.Limit(rows)}
             """,
            new
            {
                content.Organization,
                Now = run.Task.StartedAt,
                Subscriber = Convert.FromHexString(after[0]),
                Issuer = after[1],
                Serial = after[2],
                Kind = EnrollmentKind.Revoke,
            },
            cancellationToken);
    }
}
