using System.Security.Cryptography;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.Ra.Enrollments;
using ZwCa.Ra.Enrollments.Steps;
using ZwCa.Ra.Subscribers;

namespace ZwCa.Ra.Batches.Import;

/// <summary>What came of a row.</summary>
internal sealed record JudgedApplicant
{
    public required int Row { get; init; }

    /// <summary>Why it is refused, in Chinese, without personal data. Null: it is good, and all of the following is there.</summary>
    public string? Reason { get; init; }

    public ReadApplicant? Read { get; init; }

    public CheckedEnrollment? Enrollment { get; init; }

    /// <summary>Whether the subscriber is to be registered.</summary>
    public bool IsNew { get; init; }

    /// <summary>Whether the key is nobody's yet.</summary>
    public bool IsNewKey { get; init; }
}

/// <summary>Judges rows beside the database and the rows before them, by the rules of a single registration and a single enrollment.</summary>
internal sealed class JudgeApplicants(Database database, SubscriberStore subscribers, CheckEnrollment check, TimeProvider time)
{
    private const int IdLength = 16;
    private const string UnknownOrganization = "没有该所属单位，请先登记单位，或将其列在本行之前。";

    /// <param name="seen">Gets what is good.</param>
    /// <returns>In the order of rows, with what it was judged by.</returns>
    public async Task<(IReadOnlyList<JudgedApplicant> Judged, ApplicantFacts Facts)> RunAsync(
        BatchRun run, IReadOnlyList<ReadApplicant> part, SeenApplicants seen, CancellationToken cancellationToken)
    {
        ApplicantFacts facts = await LoadAsync(part, cancellationToken);

        // Names are compared: opened before anything is written.
        var known = new Dictionary<long, Subscriber>();
        foreach (ReadApplicant each in part.Where(each => each.Applicant is not null))
        {
            if (facts.Find(each.Applicant!.Number) is { } row && !known.ContainsKey(each.Applicant.SubscriberMark))
            {
                known[each.Applicant.SubscriberMark] = await subscribers.OpenAsync(row, cancellationToken);
            }
        }

        var planned = new Dictionary<long, Subscriber>();
        return ([.. part.Select(each => Judge(run, each, facts, known, planned, seen))], facts);
    }

    /// <summary>As it is now.</summary>
    public Task<ApplicantFacts> LoadAsync(IReadOnlyList<ReadApplicant> part, CancellationToken cancellationToken) =>
        database.ReadAsync(transaction => ApplicantFacts.LoadAsync(transaction, part, time.GetUtcNow()), cancellationToken);

    private JudgedApplicant Judge(
        BatchRun run, ReadApplicant read, ApplicantFacts facts, Dictionary<long, Subscriber> known, Dictionary<long, Subscriber> planned, SeenApplicants seen)
    {
        if (read.Applicant is not { } applicant)
        {
            return new JudgedApplicant { Row = read.Row, Reason = read.Reason };
        }

        try
        {
            // Step 1: where, as for a single registration.
            Require(run.Batch.RegionCode.Covers(applicant.Region), "该行政区划不在批次的区域内。");
            Require(run.Officer.Region.Covers(applicant.Region), "该区域不在您的管辖范围内。");
            Require(facts.HasRegion(applicant.Region.Value), "该行政区划尚未登记。");

            // Step 2: whose, where he belongs to somebody: registered, or in a row before.
            (byte[]? organizationId, string? organizationName) = FindOrganization(run.Officer, applicant, facts, planned, seen);

            // Step 3: once in a file.
            RequireOnce(seen.Find(applicant.ApplicationMark), "与第{0}行重复：同一主体的同一业务类型。");
            RequireOnce(applicant.KeyMark is { } mark ? seen.Find(mark) : null, "证书请求与第{0}行相同：每个申请须用各自的密钥。");

            // Step 4: who. Who is registered already, here or by a row before, is the same.
            bool isNew = !known.TryGetValue(applicant.SubscriberMark, out Subscriber? subscriber);
            if (subscriber is not null)
            {
                Require(run.Officer.Region.Covers(subscriber.Region), "该号码已在其他区域登记，请由登记地或上级的录入人员办理变更。");
                Require(subscriber.Name.Reveal() == applicant.Name.Reveal(), "该号码已以另一姓名或名称登记，请核对，或先变更登记。");
                Require(subscriber.OrganizationId.AsSpan().SequenceEqual(organizationId), "所属单位与已登记的不同，请核对，或先变更登记。");
            }
            else
            {
                Require(
                    seen.Find(applicant.SubscriberMark) is not { } earlier || earlier.Details == applicant.DetailsMark,
                    $"同一号码的姓名（名称）、行政区划或所属单位与第{seen.Find(applicant.SubscriberMark)?.Row}行不同。");
                isNew = !planned.TryGetValue(applicant.SubscriberMark, out subscriber);
                subscriber ??= Plan(applicant, read.Index, organizationId, organizationName);
            }

            // Step 5: what, as for a single enrollment.
            TakeInEnrollment.RequireAgent(applicant.Kind, applicant.Content);
            CheckedEnrollment enrollment = check.Check(
                EnrollmentKind.New,
                applicant.Region,
                applicant.Profile,
                applicant.Content,
                new EnrollmentFacts { Subscriber = subscriber, Key = applicant.Key, IsKeyCertified = applicant.KeyHash is { } hash && facts.IsCertified(hash) });

            // Step 6: nothing twice.
            Require(!facts.HasOpen(subscriber.Id, applicant.Profile), "该主体已有同一业务类型的新办业务在办，请勿重复提交。");
            Require(!facts.HasCertificate(subscriber.Id, applicant.Profile), "该主体已有同一业务类型的有效证书，请办理更新或换发。");
            byte[]? owner = applicant.KeyHash is null ? null : facts.FindOwner(applicant.KeyHash);
            Require(owner is null || owner.AsSpan().SequenceEqual(subscriber.Id), EnrollmentStore.KeyOfAnother);
            Require(applicant.KeyHash is null || !facts.IsInUse(applicant.KeyHash), EnrollmentStore.KeyInUse);

            planned[applicant.SubscriberMark] = subscriber;
            seen.Add(applicant);
            return new JudgedApplicant { Row = read.Row, Read = read, Enrollment = enrollment, IsNew = isNew, IsNewKey = applicant.KeyHash is not null && owner is null };
        }
        catch (RefusalException e)
        {
            return new JudgedApplicant { Row = read.Row, Reason = e.Message };
        }
    }

    /// <summary>An organisation of a row before is registered by the time that drafts are made of this one.</summary>
    private static (byte[]? Id, string? Name) FindOrganization(Officer officer, Applicant applicant, ApplicantFacts facts, Dictionary<long, Subscriber> planned, SeenApplicants seen)
    {
        if (applicant.Organization is not { } number)
        {
            return (null, null);
        }

        if (facts.Find(number) is { } row)
        {
            Require(Subscriber.IsVisibleFrom(officer.Region, SubscriberKind.Organization, RegionCode.Parse(row.Region)), UnknownOrganization);
            return (row.SubscriberId, row.Name);
        }

        long mark = Applicant.MarkOf(number);
        if (planned.TryGetValue(mark, out Subscriber? organization))
        {
            return (organization.Id, organization.Name.Reveal());
        }

        Require(seen.Find(mark) is not null, UnknownOrganization);
        return (new byte[IdLength], null);
    }

    /// <summary>A subscriber that is to be registered. The id is no time: certificates name it.</summary>
    private Subscriber Plan(Applicant applicant, byte[]? index, byte[]? organizationId, string? organizationName)
    {
        DateTimeOffset now = time.GetUtcNow();
        return new Subscriber
        {
            Id = RandomNumberGenerator.GetBytes(IdLength),
            Kind = applicant.Kind,
            Region = applicant.Region,
            Name = applicant.Name,
            Number = applicant.Number,
            PersonIndex = index,
            OrganizationId = organizationId,
            OrganizationName = organizationName,
            Version = 1,
            RegisteredAt = now,
            ChangedAt = now,
        };
    }

    private static void RequireOnce(SeenApplicants.Seen? earlier, string detail)
    {
        if (earlier is { } first)
        {
            throw new RefusalException(Refusal.Duplicate, string.Format(System.Globalization.CultureInfo.InvariantCulture, detail, first.Row));
        }
    }

    private static void Require(bool met, string detail)
    {
        if (!met)
        {
            throw new RefusalException(Refusal.Malformed, detail);
        }
    }
}
