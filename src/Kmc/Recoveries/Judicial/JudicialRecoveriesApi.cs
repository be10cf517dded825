using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Contracts.Kmc;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Kmc.EscrowedKeys;
using ZwCa.Kmc.Messages;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Kmc.Recoveries;

/// <summary>Judicial recoveries as a resource, for officers of the KMC. They are ordered by a command.</summary>
internal static class JudicialRecoveriesApi
{
    public static void MapJudicialRecoveries(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder group = app.MapGroup("/judicial-recoveries").RequireClient(ClientKind.Officer);
        group.MapPost("", DraftAsync).RequireSignedMessage();
        group.MapGet("{id}", ShowAsync).RequireSignedMessage();
        app.MapGet("/escrowed-keys", FindKeyAsync).RequireClient(ClientKind.Officer).RequireSignedMessage();
    }

    private static Task<Ok<JudicialDraftAnswer>> DraftAsync(MessageContext message, JudicialDraft draft, OfficerCommands commands)
    {
        KmcSender.RequireOfficer(message);
        try
        {
            var order = new JudicialOrder(draft.CaName, ReadSerial(draft.Serial), Der.Decode<SignedStatement>(draft.Statement));
            order.DecodeCase();
            return Task.FromResult(TypedResults.Ok(new JudicialDraftAnswer { Application = Der.Encode(commands.Draft(JudicialActions.Order, RegionCode.Nation, Der.Encode(order))) }));
        }
        catch (Exception e) when (e is DerException or ArgumentException)
        {
            throw new RefusalException(Refusal.Malformed, "司法恢复的案件或签名格式有误。", inner: e);
        }
    }

    /// <summary>The message keeps the recovery's id for an answer, not the envelope: that would outlive its erasure.</summary>
    private static async Task<Ok<JudicialRecoveryAnswer>> ShowAsync(MessageContext message, string id, FetchJudicialRecovery recoveries, CancellationToken cancellationToken) =>
        TypedResults.Ok(await recoveries.RunAsync(
            KmcSender.RequireOfficer(message),
            id.Length == 2 * Ulid.Length && id.All(char.IsAsciiHexDigitLower) ? Convert.FromHexString(id) : throw new RefusalException(Refusal.NotFound, "没有该司法恢复。"),
            transaction => message.Rows is null ? message.AnswerWithRowsAsync(transaction, id) : Task.CompletedTask,
            cancellationToken));

    private static async Task<Ok<EscrowedKeyAnswer>> FindKeyAsync(MessageContext message, string ca, string serial, Database database, RowMac mac, IHsm hsm, CancellationToken cancellationToken)
    {
        KmcSender.RequireOfficer(message);
        string number = ReadSerial(serial).ToString();
        EscrowedKey key = await database.ReadAsync(transaction => JudicialRecoveryStore.FindKeyAsync(transaction, mac, ca, number), cancellationToken)
            ?? throw new RefusalException(Refusal.NotFound, "没有该CA该序列号的密钥。");
        return TypedResults.Ok(new EscrowedKeyAnswer
        {
            Partition = hsm.Token.Serial, KeyId = Convert.ToHexStringLower(key.KeyId), State = key.State.ToString(), PublicKey = key.PublicKey,
        });
    }

    private static SerialNumber ReadSerial(string text)
    {
        try
        {
            return SerialNumber.Parse(text);
        }
        catch (FormatException e)
        {
            throw new RefusalException(Refusal.Malformed, "证书序列号应为十六进制数。", inner: e);
        }
    }
}
