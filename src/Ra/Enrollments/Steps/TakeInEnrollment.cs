using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Ra;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.Ra.Subscribers;
using ZwCa.Ra.Tracking;

namespace ZwCa.Ra.Enrollments.Steps;

/// <summary>Takes an application in as a draft, or changes it as long as nobody has signed it. Nothing is decided here.</summary>
internal sealed class TakeInEnrollment(Database database, EnrollmentStore store, CheckEnrollment check, PersonRegistry persons, TimeLimits limits, TimeProvider time)
{
    /// <param name="answer">What else belongs into the transaction, with the enrollment's id. May run twice.</param>
    /// <exception cref="RefusalException">What <see cref="CheckEnrollment"/> refuses; <see cref="Refusal.OutOfScope"/>: another's region; <see cref="Refusal.Duplicate"/>: the key.</exception>
    public async Task<string> CreateAsync(Officer officer, EnrollmentRequest request, Func<Transaction, string, Task> answer, CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        Enrollment row = await ReadAsync(officer, request, Ulid.Create(now), null, cancellationToken);
        await database.WriteAsync(
            async transaction =>
            {
                await store.InsertAsync(transaction, row, officer.Actor);
                await answer(transaction, row.Id);
            },
            cancellationToken);
        FaultPoint.Reach("enrollment-taken-in");
        return row.Id;
    }

    /// <summary>A draft as <see cref="CreateAsync"/> makes it, for who stores it: <see cref="EnrollmentStore.InsertAsync"/>.</summary>
    /// <exception cref="RefusalException">As <see cref="CreateAsync"/>, but for the key.</exception>
    public Task<Enrollment> PrepareAsync(Officer officer, EnrollmentRequest request, CancellationToken cancellationToken) =>
        ReadAsync(officer, request, Ulid.Create(time.GetUtcNow()), null, cancellationToken);

    /// <exception cref="RefusalException">As <see cref="CreateAsync"/>; <see cref="Refusal.NotFound"/>; <see cref="Refusal.WrongState"/>: it is with the reviewers, or somebody else has changed it.</exception>
    public async Task ChangeAsync(Officer officer, string id, EnrollmentRequest request, Func<Transaction, Task> answer, CancellationToken cancellationToken)
    {
        Enrollment old = officer.RequireVisible(await database.ReadAsync(transaction => EnrollmentStore.FindAsync(transaction, Page.Id(id)), cancellationToken));
        old.RequireState(request.Version, EnrollmentState.Draft, EnrollmentState.Returned);
        if (EnrollmentNames.NameOf(old.Kind) != request.Kind || Convert.ToHexStringLower(old.SubscriberId) != request.Subscriber)
        {
            throw new RefusalException(Refusal.Malformed, "业务种类和主体不能更改，请撤销后重新受理。");
        }

        Enrollment row = await ReadAsync(officer, request, old.EnrollmentId, old, cancellationToken);
        await database.WriteAsync(
            async transaction =>
            {
                await store.ChangeAsync(transaction, row, officer.Actor);
                await answer(transaction);
            },
            cancellationToken);
    }

    /// <summary>Takes the token's key of an application that was taken in without one, or another in its place.</summary>
    /// <exception cref="RefusalException">As <see cref="ChangeAsync"/>.</exception>
    public async Task SetKeyAsync(Officer officer, string id, CsrRequest request, Func<Transaction, Task> answer, CancellationToken cancellationToken)
    {
        Enrollment old = officer.RequireVisible(await database.ReadAsync(transaction => EnrollmentStore.FindAsync(transaction, Page.Id(id)), cancellationToken));
        old.RequireState(request.Version, EnrollmentState.Draft, EnrollmentState.Returned);
        EnrollmentContent content = await EnrollmentContent.OpenAsync(persons, old, cancellationToken) with { Csr = request.Csr };
        CertificateName? certificate = old.CertificateIssuer is null ? null : new CertificateName(old.CertificateIssuer, old.CertificateSerial!);
        CheckedEnrollment enrollment = await check.RunAsync(old.Kind, old.RegionCode, old.Profile, old.SubscriberId, certificate, content, cancellationToken);
        (byte[] keyId, byte[] sealedContent) = content.Seal(persons, old.EnrollmentId);
        Enrollment row = old with { ContentSealed = sealedContent, DataKeyId = keyId, KeyHash = enrollment.KeyHash, ChangedAt = time.GetUtcNow() };
        await database.WriteAsync(
            async transaction =>
            {
                await store.ChangeAsync(transaction, row, officer.Actor, "enrollment.key");
                await answer(transaction);
            },
            cancellationToken);
    }

    /// <summary>A new draft, its content sealed.</summary>
    /// <param name="id">Of the enrollment: a ULID.</param>
    /// <param name="agent">Index of who acts for the subscriber, 32 bytes. Null: nobody.</param>
    public Enrollment Draft(Officer officer, byte[] id, RegionCode region, CheckedEnrollment enrollment, byte[]? agent)
    {
        (byte[] keyId, byte[] sealedContent) = enrollment.Content.Seal(persons, id);
        DateTimeOffset now = time.GetUtcNow();
        return new Enrollment
        {
            EnrollmentId = id,
            TrackingNumber = TrackingNumber.Create().Value,
            Kind = enrollment.Kind,
            State = EnrollmentState.Draft,
            Version = 1,
            Round = 0,
            Region = region.Value,
            Profile = enrollment.ProfileName,
            SubscriberId = enrollment.Subscriber.Id,
            ApplicantIndex = enrollment.Subscriber.PersonIndex ?? EnrollmentNames.Nobody,
            AgentIndex = agent ?? EnrollmentNames.Nobody,
            ContentSealed = sealedContent,
            DataKeyId = keyId,
            KeyHash = enrollment.KeyHash,
            CreatedBy = officer.SerialNumber.ToString(),
            CreatedAt = now,
            ChangedAt = now,
            DueAt = now + limits.Correct,
        };
    }

    /// <summary>Somebody comes for an organisation, and who decides about it is not him.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: nobody is named.</exception>
    public static void RequireAgent(SubscriberKind kind, EnrollmentContent content)
    {
        if (kind != SubscriberKind.Person && content.AgentNumber is null)
        {
            throw new RefusalException(Refusal.Malformed, "机构和设备的业务须填写经办人的姓名和身份证号码。");
        }
    }

    /// <param name="old">Null: it is new.</param>
    private async Task<Enrollment> ReadAsync(Officer officer, EnrollmentRequest request, byte[] id, Enrollment? old, CancellationToken cancellationToken)
    {
        EnrollmentKind kind = EnrollmentNames.Parse<EnrollmentKind>(request.Kind, "业务种类");
        var region = RegionCode.Parse(request.Region);
        officer.RequireCovers(region.Value);
        await RequireRegionAsync(region, cancellationToken);
        var content = EnrollmentContent.Read(request);
        CheckedEnrollment enrollment = await check.RunAsync(kind, region, request.Profile, Page.Id(request.Subscriber ?? ""), request.Certificate, content, cancellationToken);

        // Whom the officer may not see, he takes nothing in for.
        if (!officer.Region.Covers(enrollment.Subscriber.Region))
        {
            throw new RefusalException(Refusal.NotFound, "没有该主体。");
        }

        RequireAgent(enrollment.Subscriber.Kind, content);

        // The device and the sealing come before the transaction.
        byte[]? agent = content.AgentNumber is null ? null : await persons.IndexAsync(IdNumber.Parse(content.AgentNumber), cancellationToken);
        Enrollment draft = Draft(officer, id, region, enrollment, agent) with { CertificateIssuer = request.Certificate?.Issuer, CertificateSerial = request.Certificate?.Serial };
        return old is null ? draft : draft with
        {
            TrackingNumber = old.TrackingNumber,
            State = old.State,
            Version = old.Version,
            Round = old.Round,
            CreatedBy = old.CreatedBy,
            CreatedAt = old.CreatedAt,
            DueAt = old.DueAt ?? draft.DueAt,
        };
    }

    private async Task RequireRegionAsync(RegionCode region, CancellationToken cancellationToken)
    {
        if (await database.FindAsync<string>("SELECT code FROM region WHERE code = @Code", new { Code = region.Value }, cancellationToken) is null)
        {
            throw new RefusalException(Refusal.OutOfScope, "该区域尚未登记。");
        }
    }
}
