using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Messages;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;
using static ZwCa.OfficersApi.CommandReading;

namespace ZwCa.Ca.Certificates;

/// <summary>Approvals as a resource: those over many applications come once, before the requests that name them.</summary>
internal static class ApprovalsApi
{
    public static void MapApprovals(this IEndpointRouteBuilder app) =>
        app.MapGroup("/approvals").RequireClient(ClientKind.Ra).MapPost("", KeepAsync).RequireSignedMessage().Produces<ApprovalAnswer>();

    private static Task<IResult> KeepAsync(MessageContext message, ApprovalRequest request, KeepApproval keep, CancellationToken cancellationToken) =>
        keep.RunAsync(CaSender.RequireRa(message), request, message.AnswerAsync, cancellationToken);
}

/// <summary>
/// Keeps an approval that an RA gives. Nothing is done on it: each request that names it asks anew who may decide about what, and where. What is no officer's word of the RA's region is not kept.
/// </summary>
internal sealed class KeepApproval(Database database, ApprovalVerifier verifier, TimeProvider time)
{
    /// <param name="answer">What else belongs into the transaction: the answer.</param>
    /// <exception cref="RefusalException">
    /// <see cref="Refusal.Malformed"/>; <see cref="Refusal.OutOfScope"/>: an officer of another region; <see cref="Refusal.NotAllowed"/>: he is not in office; and what <see cref="ApprovalVerifier"/> refuses.
    /// </exception>
    public Task<IResult> RunAsync(RegistrationAuthority ra, ApprovalRequest request, Func<Transaction, int, ApprovalAnswer, Task<IResult>> answer, CancellationToken cancellationToken)
    {
        Approval approval = Decode<Approval>(request.Approval ?? [], "审批意见");
        OfficerCertificate officer = verifier.VerifyAlone(approval);
        Require(RegionCode.Parse(ra.Region).Covers(officer.Region), Refusal.OutOfScope, "该审批意见的签署人不在本RA的区域内。");
        SerialNumber serial = officer.SerialNumber;
        return database.WriteAsync(
            async transaction =>
            {
                Require(await OfficerDirectory.IsInOfficeAsync(transaction, serial), Refusal.NotAllowed, "该审批意见的签署人不在任。");
                byte[] hash = await ApprovalStore.RecordAsync(transaction, approval, officer, null, time.GetUtcNow());
                return await answer(transaction, StatusCodes.Status200OK, new ApprovalAnswer { Hash = Convert.ToHexStringLower(hash) });
            },
            cancellationToken);
    }
}
