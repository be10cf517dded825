using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Ra;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.Ra.Certificates;
using ZwCa.Ra.Enrollments.Steps;
using ZwCa.Ra.Evidence;
using ZwCa.Ra.Outbox;
using ZwCa.Ra.Subscribers;

namespace ZwCa.Ra.Enrollments;

/// <summary>Shows enrollments, persons masked.</summary>
internal sealed class EnrollmentAnswers(Database database, PersonRegistry persons, SubscriberStore subscribers, TimeProvider time)
{
    /// <exception cref="Contracts.RefusalException"><see cref="Contracts.Refusal.NotFound"/>: none, or none of the officer's region.</exception>
    public async Task<EnrollmentAnswer> ShowAsync(Officer officer, string id, CancellationToken cancellationToken)
    {
        Enrollment row = officer.RequireVisible(await database.ReadAsync(transaction => EnrollmentStore.FindAsync(transaction, Page.Id(id)), cancellationToken));
        EnrollmentContent content = await EnrollmentContent.OpenAsync(persons, row, cancellationToken);
        Subscriber subscriber = (await subscribers.FindAsync(row.SubscriberId, cancellationToken))!;
        return await database.ReadAsync(
            async transaction => new EnrollmentAnswer
            {
                Id = row.Id,
                TrackingNumber = Tracking.TrackingNumber.Parse(row.TrackingNumber).ToString(),
                Kind = EnrollmentNames.NameOf(row.Kind),
                State = EnrollmentNames.NameOf(row.State),
                Version = row.Version,
                Region = row.Region,
                Profile = row.Profile,
                Subscriber = SubscriberAnswers.Show(subscriber),
                Agent = content.MaskedAgent,
                Days = content.Days,
                Departments = content.Departments,
                AlternativeNames = content.AlternativeNames,
                Certificate = row.CertificateIssuer is null ? null : new CertificateName(row.CertificateIssuer, row.CertificateSerial!),
                RevocationReason = content.RevocationReason,
                Recipient = content.Recipient,
                Reason = row.Reason,
                Waiting = await OutboxStore.FindTroubleAsync(transaction, row.EnrollmentId),
                CreatedAt = row.CreatedAt,
                ChangedAt = row.ChangedAt,
                DueAt = row.DueAt,
                Evidence = [.. (await EvidenceStore.ListAsync(transaction, row.EnrollmentId)).Select(EvidenceStore.Show)],
                Steps = await ListStepsAsync(transaction, row),
                Certificates =
                [
                    .. (await IssuedCertificateStore.ListOfEnrollmentAsync(transaction, row.EnrollmentId)).Select(each => new CertificateName(each.Issuer, each.Serial)),
                ],
            },
            cancellationToken);
    }

    public async Task<EnrollmentPage> ListAsync(Officer officer, EnrollmentQuery query, CancellationToken cancellationToken)
    {
        (string where, object parameters, int rows) = query.Read(officer, time.GetUtcNow());
        IReadOnlyList<Enrollment> page = await database.QueryAsync<Enrollment>(
            $"SELECT {Enrollment.Columns} FROM enrollment WHERE {where} ORDER BY enrollment_id {database.Dialect.Limit(rows)}", parameters, cancellationToken);
        return new EnrollmentPage
        {
            Enrollments =
            [
                .. page.Select(row => new EnrollmentSummary
                {
                    Id = row.Id,
                    TrackingNumber = Tracking.TrackingNumber.Parse(row.TrackingNumber).ToString(),
                    Kind = EnrollmentNames.NameOf(row.Kind),
                    State = EnrollmentNames.NameOf(row.State),
                    Version = row.Version,
                    Region = row.Region,
                    Profile = row.Profile,
                    Subscriber = Convert.ToHexStringLower(row.SubscriberId),
                    CreatedAt = row.CreatedAt,
                    ChangedAt = row.ChangedAt,
                    DueAt = row.DueAt,
                }),
            ],
            Next = page.Count == rows ? page[^1].Id : null,
        };
    }

    private static async Task<IReadOnlyList<StepAnswer>> ListStepsAsync(Transaction transaction, Enrollment row) =>
    [
        .. (await transaction.QueryAsync<Step>(
            "SELECT version, state, actor, reason, taken_at FROM enrollment_step WHERE enrollment_id = @EnrollmentId ORDER BY version", new { row.EnrollmentId }))
            .Select(step => new StepAnswer { Version = step.Version, State = EnrollmentNames.NameOf(step.State), Actor = step.Actor, Reason = step.Reason, At = step.TakenAt }),
    ];

    private sealed record Step
    {
        public required long Version { get; init; }

        public required EnrollmentState State { get; init; }

        public required string Actor { get; init; }

        public string? Reason { get; init; }

        public required DateTimeOffset TakenAt { get; init; }
    }
}
