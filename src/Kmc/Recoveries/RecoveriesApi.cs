using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using ZwCa.Contracts.Kmc;
using ZwCa.Kmc.Messages;
using ZwCa.Kmc.Requests;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Kmc.Recoveries;

/// <summary>What CAs ask for beside GM/T 0014. A recovery is signed as GM/T 0014 has it, a receipt as our messages are.</summary>
internal static class RecoveriesApi
{
    public static void MapKeyRecoveries(this IEndpointRouteBuilder app)
    {
        app.MapPost("/recoveries", RecoverAsync).RequireClient(ClientKind.Ca);
        app.MapPost("/receipts", ReceiveAsync).RequireClient(ClientKind.Ca).RequireSignedMessage();
    }

    private static async Task<Ok<KeyRecoveryReply>> RecoverAsync(HttpContext http, KeyRecovery request, AnswerRequests requests, CancellationToken cancellationToken) =>
        TypedResults.Ok(new KeyRecoveryReply
        {
            Reply = (await requests.RunAsync(request.Message, http.GetClient().Name, RecoveryPapers.Read(request), cancellationToken)).ToArray(),
        });

    private static async Task<NoContent> ReceiveAsync(MessageContext message, KeyReceipt receipt, KeepReceipts receipts, CancellationToken cancellationToken)
    {
        await receipts.RunAsync(KmcSender.RequireCa(message), receipt, cancellationToken);
        return TypedResults.NoContent();
    }
}
