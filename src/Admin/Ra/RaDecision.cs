using System.Globalization;
using System.Text.Json;
using ZwCa.Admin.Desk;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;

namespace ZwCa.Admin.Ra;

/// <summary>
/// A decision at the terminal. The RA is believed nothing: what it gives to be signed is decoded from its bytes, held against what the officer has asked for, shown in words, and signed only after his yes.
/// </summary>
internal static class RaDecision
{
    private const string AnotherCertificate = "待签内容中的证书不是这项业务的证书，没有签名。请立即报告管理员。";

    /// <param name="key">Of the request that the officer has handed in. Null: he has none in hand.</param>
    /// <param name="isSure">Does not ask; it is shown all the same.</param>
    /// <returns>The version that was shown, and DER of the Approval.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.NotApproved"/>: he said no, or it is something else than he has asked for; <see cref="Refusal.Malformed"/>: it cannot be shown.</exception>
    public static async Task<(long Version, byte[] Approval)> SignAsync(
        OfficerSession session, OfficerDesk desk, EnrollmentAnswer enrollment, ApprovalStep step, SubjectPublicKeyInfo? key, bool isSure, TextWriter output, CancellationToken cancellationToken)
    {
        // Step 1: the bytes.
        ApplicationAnswer answer = await session.GetAsync<ApplicationAnswer>($"/enrollments/{enrollment.Id}/application", cancellationToken);
        Require(answer.Version == enrollment.Version, "业务刚被他人改动，请重新查看后再办理。", Refusal.WrongState);

        // Step 2: whether they are about what he has before him.
        (Application main, Application? following) = Read(enrollment, answer.Application, answer.Following, key);

        // Step 3: in words, all of it.
        output.WriteLine(step == ApprovalStep.Entry ? "将以录入人身份签署下列申请：" : "将以审核人身份同意下列申请：");
        output.Write(DecisionText.Describe(main));
        if (following is not null)
        {
            output.WriteLine("随后办理：");
            output.Write(DecisionText.Describe(following));
        }

        foreach (EvidenceAnswer evidence in enrollment.Evidence)
        {
            output.WriteLine($"  证明材料“{LabelText.Shown(evidence.Title)}”：{LabelText.Shown(evidence.MediaType)}，{evidence.Length} 字节，SM3 {LabelText.Shown(evidence.Hash)}");
        }

        // Step 4: his yes, and his signature.
        if (!isSure)
        {
            desk.Token.Confirm();
        }

        return (answer.Version, session.Sign(step, following is null ? [main] : [main, following]));
    }

    /// <summary>What is to be signed of an enrollment, held against what it is of.</summary>
    /// <param name="main">DER, as is <paramref name="following"/>.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.NotApproved"/>: it is of something else; <see cref="Refusal.Malformed"/>: it cannot be read.</exception>
    public static (Application Main, Application? Following) Read(EnrollmentAnswer enrollment, byte[] main, byte[]? following, SubjectPublicKeyInfo? key)
    {
        (Application Main, Application? Following) read = (Decode(main), following is null ? null : Decode(following));
        RequireFit(enrollment, read.Main, read.Following, key);
        return read;
    }

    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>.</exception>
    public static T Body<T>(Application application)
        where T : IDer<T>
    {
        try
        {
            return Der.Decode<T>(application.Body);
        }
        catch (DerException e)
        {
            throw new RefusalException(Refusal.Malformed, "RA给出的待签内容无法解读，没有签名。请报告管理员。", inner: e);
        }
    }

    private static void RequireFit(EnrollmentAnswer enrollment, Application main, Application? following, SubjectPublicKeyInfo? key)
    {
        DecisionKind expected = enrollment.Kind switch
        {
            "new" or "change" or "replace" => DecisionKind.Issue,
            "renew" => DecisionKind.Renew,
            "rekey" => DecisionKind.Rekey,
            "revoke" => DecisionKind.Revoke,
            "suspend" => DecisionKind.Suspend,
            "resume" => DecisionKind.Resume,
            "recovery" => DecisionKind.Recovery,
            _ => throw new RefusalException(Refusal.Malformed, $"本程序不认识业务种类“{LabelText.Shown(enrollment.Kind)}”，不能签署。请使用新版本的程序。"),
        };
        Require(main.Kind == expected && IsOf(main.EnrollmentId, enrollment.Id) && main.Region == enrollment.Region, "RA给出的待签内容不是这项业务的，没有签名。请立即报告管理员。");
        Require(
            following is null || (enrollment.Kind is "change" or "replace" && following.Kind == DecisionKind.Revoke && following.EnrollmentId == main.EnrollmentId
                && (following.Region, following.CaName, following.RaName) == (main.Region, main.CaName, main.RaName) && IsAbout(Body<StatusBody>(following).Certificate, enrollment)),
            "RA给出的随后事项不属于这项业务，没有签名。请立即报告管理员。");
        switch (expected)
        {
            case DecisionKind.Recovery:
                Require(Convert.ToHexStringLower(Body<RecoveryBody>(main).Issuer.Span) == enrollment.Certificate?.Issuer, AnotherCertificate);
                break;
            case DecisionKind.Revoke or DecisionKind.Suspend or DecisionKind.Resume:
                StatusBody status = Body<StatusBody>(main);
                Require(IsAbout(status.Certificate, enrollment), AnotherCertificate);
                Require(expected != DecisionKind.Revoke || JsonNamingPolicy.CamelCase.ConvertName(status.Reason.ToString()) == enrollment.RevocationReason, "待签内容中的吊销原因与这项业务的不同，没有签名。请立即报告管理员。");
                break;
            default:
                RequireFit(enrollment, Body<CertificateBody>(main), expected, key);
                break;
        }
    }

    private static void RequireFit(EnrollmentAnswer enrollment, CertificateBody body, DecisionKind kind, SubjectPublicKeyInfo? key)
    {
        byte[] evidence = Sm3.HashData([.. enrollment.Evidence.SelectMany(each => Hash(each.Hash))]);
        Require(body.Entity == enrollment.Subscriber.Id, "待签内容中的主体不是这项业务的主体，没有签名。请立即报告管理员。");
        Require(key is null || body.SubjectPublicKeyInfo == key, "待签内容中的公钥不是所交证书请求的公钥，没有签名。请立即报告管理员。");
        Require(body.Evidence.Span.SequenceEqual(evidence), "待签内容与所列证明材料不符，没有签名。请立即报告管理员。");
        Require(kind == DecisionKind.Issue ? body.Replaces is null : body.Replaces is { } old && IsAbout(old, enrollment), AnotherCertificate);
        Require(
            (enrollment.Days is null || body.Days == enrollment.Days)
                && body.Subject.Where(each => each.Type == Oids.OrganizationalUnitName).Select(each => each.Text).SequenceEqual(enrollment.Departments),
            "待签内容中的有效期或部门与这项业务的不同，没有签名。请立即报告管理员。");
    }

    private static Application Decode(byte[] der)
    {
        try
        {
            return Der.Decode<Application>(der);
        }
        catch (DerException e)
        {
            throw new RefusalException(Refusal.Malformed, "RA给出的待签内容无法解读，没有签名。请报告管理员。", inner: e);
        }
    }

    /// <summary>Each submission has a reference of its own: the enrollment's id, and from the second on its number behind that.</summary>
    private static bool IsOf(string reference, string id) =>
        reference == id || (reference.StartsWith($"{id}-", StringComparison.Ordinal) && int.TryParse(reference.AsSpan(id.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number > 1);

    private static bool IsAbout(CertificateReference reference, EnrollmentAnswer enrollment) =>
        enrollment.Certificate == new CertificateName(Convert.ToHexStringLower(reference.Issuer.Span), reference.SerialNumber.ToString());

    /// <returns>Of something else than a hash: nothing, so that it fits no application.</returns>
    private static byte[] Hash(string text) => text.Length == 2 * Sm3.HashSizeInBytes && text.All(char.IsAsciiHexDigitLower) ? Convert.FromHexString(text) : [];

    private static void Require(bool met, string detail, Refusal kind = Refusal.NotApproved)
    {
        if (!met)
        {
            throw new RefusalException(kind, detail);
        }
    }
}
