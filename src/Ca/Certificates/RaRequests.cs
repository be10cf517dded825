using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Messages;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Issuance;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Messages;
using ZwCa.ServiceDefaults.Telemetry;
using static ZwCa.OfficersApi.CommandReading;

namespace ZwCa.Ca.Certificates;

/// <summary>Turns what an RA sent into what may be done: the decisions of two officers that hold by themselves, about exactly this, of this RA, in its region.</summary>
internal sealed class RaRequests(CaOptions options, ApprovalVerifier verifier, KnownApprovals known, IssueSteps steps)
{
    private const int MaxReference = 64;

    /// <summary>Any application of an RA.</summary>
    /// <exception cref="RefusalException">
    /// <see cref="Refusal.Malformed"/>, <see cref="Refusal.OutOfScope"/> (another CA, RA or region), <see cref="Refusal.Unavailable"/> (an approval that has not been given yet), and what
    /// <see cref="ApprovalVerifier"/> and <see cref="ApprovedApplication"/> refuse.
    /// </exception>
    public async Task<Approvals> ReadAsync(MessageContext message, DecidedRequest request, CancellationToken cancellationToken)
    {
        RegistrationAuthority ra = CaSender.RequireRa(message);
        Application application = Decode<Application>(request.Application, "申请");
        Approval entry = await ReadAsync(request.Entry, request.EntryHash, "录入意见", cancellationToken);
        Approval review = await ReadAsync(request.Review, request.ReviewHash, "审核意见", cancellationToken);
        Require(application.Kind != DecisionKind.Command, Refusal.Malformed, "该申请是人员命令，不由RA提交。");
        Require(application.CaName == options.Name && application.RaName == ra.RaName, Refusal.OutOfScope, "该申请不是本RA向本CA提出的。");
        Require(RegionCode.Parse(ra.Region).Covers(RegionCode.Parse(application.Region)), Refusal.OutOfScope, "该申请不在本RA的区域内。");
        Require(application.EnrollmentId.Length <= MaxReference, Refusal.Malformed, $"业务编号过长，最多{MaxReference}个字符。");
        Require(entry.Tbs.Step == ApprovalStep.Entry && review.Tbs.Step == ApprovalStep.Review, Refusal.NotApproved, "须有一份录入意见和一份审核意见。");
        return new Approvals(application, entry, verifier.Verify(entry, application), review, verifier.Verify(review, application))
        {
            EntryHash = request.EntryHash,
            ReviewHash = request.ReviewHash,
        };
    }

    /// <summary>An application for a certificate, or for both of a pair: issue, renewal, new key.</summary>
    /// <param name="isPair">What the address says.</param>
    /// <exception cref="RefusalException">As <see cref="ReadAsync(MessageContext, DecidedRequest, CancellationToken)"/>, and <see cref="Refusal.BadCsr"/>, <see cref="Refusal.BadPublicKey"/>, <see cref="Refusal.NotApproved"/> (other evidence or another key).</exception>
    public async Task<IssuanceOrder> ReadOrderAsync(MessageContext message, DecidedRequest request, CancellationToken cancellationToken, bool isPair = false)
    {
        StepWatch watch = steps.Start();
        Approvals approvals = await ReadAsync(message, request, cancellationToken);
        watch.End("approvals");
        Application application = approvals.Application;
        Require(application.Kind is DecisionKind.Issue or DecisionKind.Renew or DecisionKind.Rekey, Refusal.Malformed, "该申请不是签发、更新或换发申请。");
        CertificateBody body = Decode<CertificateBody>(application.Body, "申请内容");
        Require(body.Officer is null, Refusal.OutOfScope, "人员证书不由RA申请。");
        Require((body.Encryption is not null) == isPair, Refusal.Malformed, isPair ? "该申请不是双证书申请。" : "该申请是双证书申请，须向/pairs提交。");

        // What travels beside the application is covered by it: nothing that nobody approved has any effect.
        Require(request.Evidence.All(each => each is { Length: Sm3.HashSizeInBytes }), Refusal.Malformed, "证明材料的杂凑值应为32字节。");
        Require(
            body.Evidence.Span.SequenceEqual(Sm3.HashData([.. request.Evidence.SelectMany(each => each)])), Refusal.NotApproved, "证明材料与审批时的不同。");
        CsrKey key = ProofOfPossession.Verify(Decode<CertificationRequest>(request.Csr ?? [], "证书请求（CSR）"), allowEmptyId: true);
        Require(key.PublicKey == body.SubjectPublicKeyInfo, Refusal.NotApproved, "证书请求中的公钥与审批时的不同。");
        watch.End("request");
        string ra = application.RaName;
        return new IssuanceOrder
        {
            Requester = ra,
            Reference = application.EnrollmentId,
            Kind = (short)application.Kind,
            RequestId = message.RequestId.ToString(),
            Actor = ((CaSender)message.Sender).Actor,
            Owner = $"{ra}/{body.Entity}",
            Region = application.Region,
            Body = body,
            UsesEmptyId = key.UsesEmptyId,
            Application = Der.Encode(application),
            Digest = application.Digest,
            Approvals = approvals,
            RaName = ra,
        };
    }

    /// <summary>An application to recover a subscriber's encryption key.</summary>
    /// <exception cref="RefusalException">As <see cref="ReadAsync(MessageContext, DecidedRequest, CancellationToken)"/>, and <see cref="Refusal.Malformed"/> (another kind).</exception>
    public async Task<(Approvals Approvals, RecoveryBody Body)> ReadRecoveryAsync(MessageContext message, DecidedRequest request, CancellationToken cancellationToken)
    {
        Approvals approvals = await ReadAsync(message, request, cancellationToken);
        Require(approvals.Application.Kind == DecisionKind.Recovery, Refusal.Malformed, "该申请不是密钥恢复申请。");
        Require(request.Csr is null && request.Evidence.Count == 0, Refusal.Malformed, "此类申请没有证书请求和证明材料。");
        return (approvals, Decode<RecoveryBody>(approvals.Application.Body, "申请内容"));
    }

    /// <summary>An application about the status of a certificate: revoke, suspend, resume.</summary>
    /// <param name="kind">What the address says.</param>
    /// <param name="authority">As the address says.</param>
    /// <param name="serial">As the address says.</param>
    /// <exception cref="RefusalException">As <see cref="ReadAsync(MessageContext, DecidedRequest, CancellationToken)"/>, and <see cref="Refusal.Malformed"/> (another kind, a reason that is not for it), <see cref="Refusal.NotApproved"/> (another certificate).</exception>
    public async Task<StatusOrder> ReadStatusOrderAsync(
        MessageContext message, DecidedRequest request, DecisionKind kind, Authority authority, string serial, CancellationToken cancellationToken)
    {
        Approvals approvals = await ReadAsync(message, request, cancellationToken);
        Application application = approvals.Application;
        Require(application.Kind == kind, Refusal.Malformed, "申请的类型与请求的地址不符。");
        Require(request.Csr is null && request.Evidence.Count == 0, Refusal.Malformed, "此类申请没有证书请求和证明材料。");
        StatusBody body = Decode<StatusBody>(application.Body, "申请内容");
        Require(
            body.Certificate.Issuer.Span.SequenceEqual(authority.Issuer.KeyIdentifier.Span) && body.Certificate.SerialNumber.ToString() == serial,
            Refusal.NotApproved,
            "申请所写的证书与请求的地址不符。");
        bool isReason = kind switch
        {
            DecisionKind.Revoke => CertificateStatus.Reasons.Contains(body.Reason),
            DecisionKind.Suspend => body.Reason == RevocationReason.CertificateHold,
            _ => body.Reason == RevocationReason.RemoveFromCrl,
        };
        Require(isReason, Refusal.Malformed, $"原因{CertificateStatus.NameOf(body.Reason)}不适用于此类申请。");
        return new StatusOrder
        {
            RaName = application.RaName,
            Kind = kind,
            AuthorityId = authority.Id,
            Serial = serial,
            Reason = body.Reason,
            RequestId = message.RequestId.ToString(),
            Actor = ((CaSender)message.Sender).Actor,
            Approvals = approvals,
        };
    }

    /// <summary>One that came with the request, or one that came before it.</summary>
    private async Task<Approval> ReadAsync(byte[]? bytes, byte[]? hash, string what, CancellationToken cancellationToken)
    {
        Require((bytes is null) != (hash is null) && hash is null or { Length: Sm3.HashSizeInBytes }, Refusal.Malformed, $"{what}须为其编码，或其32字节的SM3杂凑值，二者择一。");
        return bytes is not null
            ? Decode<Approval>(bytes, what)
            : await known.FindAsync(hash, cancellationToken) ?? throw new RefusalException(Refusal.Unavailable, $"CA尚未收到该{what}，请先提交审批意见，再重发该申请。", TimeSpan.Zero);
    }
}
