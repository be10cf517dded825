using ZwCa.Contracts;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Ra.Enrollments.Steps;

/// <summary>Who may do what with an enrollment: by role and region. Persons are compared where it is decided.</summary>
internal static class Duties
{
    private const int MaxReason = 512;

    /// <exception cref="RefusalException"><see cref="Refusal.NotAllowed"/>: his role does not include it.</exception>
    public static Officer Require(MessageContext message, Duty duty)
    {
        Officer officer = RegionalSender.RequireOfficer(message);
        return officer.Role.Duties.Contains(duty)
            ? officer
            : throw new RefusalException(Refusal.NotAllowed, $"您的角色（{officer.Role.Name}）不能{NameOf(duty)}。");
    }

    /// <summary>Whoever signs has to see what; nobody else does, for it names persons in full.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.NotAllowed"/>: no operator.</exception>
    public static Officer RequireOperator(MessageContext message)
    {
        Officer officer = RegionalSender.RequireOfficer(message);
        return officer.Role.Duties.Count > 0 ? officer : throw new RefusalException(Refusal.NotAllowed, $"您的角色（{officer.Role.Name}）不办理业务。");
    }

    /// <exception cref="RefusalException"><see cref="Refusal.OutOfScope"/>.</exception>
    public static void RequireCovers(this Officer officer, string region)
    {
        if (!officer.Region.Covers(RegionCode.Parse(region)))
        {
            throw new RefusalException(Refusal.OutOfScope, "该区域不在您的管辖范围内。");
        }
    }

    /// <summary>What is outside an officer's region, he does not learn of.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>.</exception>
    public static Enrollment RequireVisible(this Officer officer, Enrollment? enrollment) =>
        enrollment is not null && officer.Region.Covers(enrollment.RegionCode) ? enrollment : throw new RefusalException(Refusal.NotFound, "没有该业务。");

    /// <summary>Somebody who looks at it decides about what he saw.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.WrongState"/>.</exception>
    public static void RequireState(this Enrollment enrollment, long version, params EnrollmentState[] states)
    {
        if (!states.Contains(enrollment.State))
        {
            throw new RefusalException(Refusal.WrongState, $"该业务的状态是“{EnrollmentNames.Chinese(enrollment.State)}”，不能进行此操作。");
        }

        if (enrollment.Version != version)
        {
            throw new RefusalException(Refusal.WrongState, $"该业务已变更（版本{enrollment.Version}，您看到的是{version}），请刷新后再试。");
        }
    }

    /// <summary>Why somebody moves an enrollment, for its clerk and its applicant.</summary>
    /// <returns>Null: none.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: none where one is needed, too long, or with control characters.</exception>
    public static string? ReadReason(string? text, bool isNeeded)
    {
        string? reason = string.IsNullOrWhiteSpace(text) ? null : text.Trim();
        return reason is null && isNeeded ? throw new RefusalException(Refusal.Malformed, "退回、拒绝或撤销须写明原因。")
            : reason is not null && (reason.Length > MaxReason || reason.Any(char.IsControl)) ? throw new RefusalException(Refusal.Malformed, $"意见最多{MaxReason}个字符，不含控制字符。")
            : reason;
    }

    private static string NameOf(Duty duty) => duty switch { Duty.Entry => "录入", Duty.Review => "审核", _ => "制证" };
}
