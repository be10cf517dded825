using ZwCa.Contracts;
using ZwCa.Officers;

namespace ZwCa.Ra.Enrollments;

/// <summary>What an application asks for; in the database, never changes its meaning.</summary>
internal enum EnrollmentKind : short
{
    /// <summary>新办.</summary>
    New = 1,

    /// <summary>更新: the same key for longer.</summary>
    Renew = 2,

    /// <summary>换发: another key.</summary>
    Rekey = 3,

    /// <summary>变更: another name or another place to work at; the old certificate ends when the new one is delivered.</summary>
    Change = 4,

    /// <summary>补办: the token is lost; the old certificate ends at once.</summary>
    Replace = 5,

    /// <summary>吊销.</summary>
    Revoke = 6,

    /// <summary>冻结.</summary>
    Suspend = 7,

    /// <summary>解冻.</summary>
    Resume = 8,

    /// <summary>密钥恢复.</summary>
    Recovery = 9,
}

/// <summary>Where an enrollment is on its way; in the database, never changes its meaning. docs/WORKFLOW.md draws it.</summary>
internal enum EnrollmentState : short
{
    Draft = 0,

    /// <summary>Entered and signed; the first review is due.</summary>
    Submitted = 1,

    /// <summary>Approved by a lower level; another review is due.</summary>
    Reviewed = 2,

    /// <summary>Back with its clerk, by a reviewer or by the CA.</summary>
    Returned = 3,

    Rejected = 4,

    /// <summary>Approved; the CA is being asked.</summary>
    Issuing = 5,

    /// <summary>To be handed out.</summary>
    Issued = 6,

    /// <summary>Done: the token has signed its receipt, or there was nothing to hand out.</summary>
    Delivered = 7,

    Archived = 8,

    Cancelled = 9,
}

/// <summary>A row of the table <c>enrollment</c>.</summary>
internal sealed record Enrollment
{
    public const string Columns =
        """
        enrollment_id, tracking_number, kind, state, version, round, region, profile, subscriber_id, applicant_index, agent_index, content_sealed, data_key_id, key_hash, certificate_issuer,
        certificate_serial, created_by, created_at, changed_at, due_at, reason
        """;

    public required byte[] EnrollmentId { get; init; }

    public required string TrackingNumber { get; init; }

    public required EnrollmentKind Kind { get; init; }

    public required EnrollmentState State { get; init; }

    public required long Version { get; init; }

    public required short Round { get; init; }

    public required string Region { get; init; }

    public required string Profile { get; init; }

    public required byte[] SubscriberId { get; init; }

    public required byte[] ApplicantIndex { get; init; }

    public required byte[] AgentIndex { get; init; }

    public required byte[] ContentSealed { get; init; }

    public required byte[] DataKeyId { get; init; }

    public byte[]? KeyHash { get; init; }

    public string? CertificateIssuer { get; init; }

    public string? CertificateSerial { get; init; }

    public required string CreatedBy { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset ChangedAt { get; init; }

    public DateTimeOffset? DueAt { get; init; }

    public string? Reason { get; init; }

    /// <summary>As in addresses, events and applications.</summary>
    public string Id => Convert.ToHexStringLower(EnrollmentId);

    public RegionCode RegionCode => RegionCode.Parse(Region);

    /// <summary>Whether certificates come of it.</summary>
    public bool IsForCertificate => Kind is >= EnrollmentKind.New and <= EnrollmentKind.Replace;

    /// <summary>Not with the reviewers: a draft, or returned to its clerk.</summary>
    public bool IsChangeable => State is EnrollmentState.Draft or EnrollmentState.Returned;
}

/// <summary>Kinds and states as they are written in JSON.</summary>
internal static class EnrollmentNames
{
    /// <summary>Nobody: a person's index that none has.</summary>
    public static readonly byte[] Nobody = new byte[32];

    public static string NameOf<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();

    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: no such name.</exception>
    public static T Parse<T>(string? text, string what)
        where T : struct, Enum
    {
        foreach (T value in Enum.GetValues<T>())
        {
            if (NameOf(value) == text)
            {
                return value;
            }
        }

        throw new RefusalException(Refusal.Malformed, $"{what}有误：应为{string.Join('、', Enum.GetValues<T>().Select(NameOf))}之一。");
    }

    /// <summary>For those who read it.</summary>
    public static string Chinese(EnrollmentState state) => state switch
    {
        EnrollmentState.Draft => "草稿",
        EnrollmentState.Submitted => "待审核",
        EnrollmentState.Reviewed => "待上级审核",
        EnrollmentState.Returned => "已退回",
        EnrollmentState.Rejected => "未通过",
        EnrollmentState.Issuing => "签发中",
        EnrollmentState.Issued => "待领取",
        EnrollmentState.Delivered => "已办结",
        EnrollmentState.Archived => "已归档",
        _ => "已撤销",
    };
}
