using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Contracts;
using ZwCa.Contracts.Kmc;
using ZwCa.Kmc.Requests;
using ZwCa.Officers;

namespace ZwCa.Kmc.Recoveries;

/// <summary>What a CA carries beside a message that asks for a key to another recipient. Read, not verified.</summary>
/// <param name="Crl">DER of CertificateList.</param>
internal sealed record RecoveryPapers(Application Application, RecoveryBody Body, Approval Entry, Approval Review, ReadOnlyMemory<byte> Crl)
{
    /// <summary>As the table has it; a CA's own tables have no longer ones.</summary>
    private const int MaxNameLength = 64;

    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: not what they should be, or an application for something else.</exception>
    public static RecoveryPapers Read(KeyRecovery request)
    {
        try
        {
            Application application = Der.Decode<Application>(request.Application);
            Require(application.Kind == DecisionKind.Recovery, Refusal.Malformed, "该申请不是密钥恢复申请。");
            Require(application.RaName.Length <= MaxNameLength && application.EnrollmentId.Length <= MaxNameLength, Refusal.Malformed, "申请中RA名称或业务编号过长。");
            return new RecoveryPapers(
                application, Der.Decode<RecoveryBody>(application.Body), Der.Decode<Approval>(request.Entry), Der.Decode<Approval>(request.Review), request.OfficerCrl);
        }
        catch (DerException e)
        {
            throw new RefusalException(Refusal.Malformed, "申请或审批意见的编码有误。", inner: e);
        }
    }

    /// <summary>The message asks for what the application says, and nothing else.</summary>
    /// <param name="ca">Who signed the message.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>; <see cref="Refusal.OutOfScope"/>: an application to another CA; <see cref="Refusal.NotApproved"/>: another key or recipient.</exception>
    public void RequireAbout(ServedCa ca, KsRequest message)
    {
        Require(message.RequestList.Count == 1 && message.RequestList[0] is RestoreKeyReq, Refusal.Malformed, "密钥恢复的报文应只含一个恢复请求。");
        Require(Application.CaName == ca.Name, Refusal.OutOfScope, "该申请不是向此CA提出的。");
        var restore = (RestoreKeyReq)message.RequestList[0];
        Require(restore.UserCertNo == Body.SerialNumber, Refusal.NotApproved, "该申请是关于另一加密证书的。");
        Require(restore.UserPubKey == Body.Recipient, Refusal.NotApproved, "该申请写明的是另一接收公钥。");
    }

    private static void Require(bool met, Refusal kind, string detail)
    {
        if (!met)
        {
            throw new RefusalException(kind, detail);
        }
    }
}

/// <summary>Papers that hold: two persons in office decided exactly this.</summary>
/// <param name="Crl">By which they were in office.</param>
internal sealed record ApprovedRecovery(RecoveryPapers Papers, ApprovedApplication Approved, OfficerCrl Crl);
