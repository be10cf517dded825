using System.Data.Common;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Ca.Certificates;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.Ca.Registrations;

/// <summary>What became of an order. The number is in the database.</summary>
internal enum OrderState
{
    Waiting = 0,
    Issued = 1,
    Refused = 2,
}

/// <summary>
/// Issues what two officers ordered, after their command's transaction. What is issued, and as whose, the command says that both signed, verified once more: a row that somebody adds
/// makes nothing. Safe for concurrent use, on any number of nodes.
/// </summary>
internal sealed partial class RunOrders(
    Database database, OfficerCommands commands, IssueCertificate issuance, ClientStore clients, CaOptions options, TimeProvider time, ILogger<RunOrders> logger)
{
    private const int Batch = 100;
    private const int MaxDetail = 1000;

    /// <summary>Orders that have been waiting for longer than a request takes.</summary>
    /// <exception cref="HsmException">The device is away: they go on waiting.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<byte[]> waiting = await database.QueryAsync<byte[]>(
            $"SELECT order_id FROM certificate_order WHERE state = 0 AND ordered_at <= @Before ORDER BY order_id {database.Dialect.Limit(Batch)}",
            new { Before = time.GetUtcNow() - options.RecoverAfter },
            cancellationToken);
        foreach (byte[] id in waiting)
        {
            try
            {
                await RunAsync(id, cancellationToken);
            }
#pragma warning disable CA1031 // One order that cannot be read must not keep the others waiting; the operator hears of it each time.
            catch (Exception e) when (e is not (HsmException or DbException or OperationCanceledException))
#pragma warning restore CA1031
            {
                LogFailed(logger, Convert.ToHexStringLower(id), e);
            }
        }
    }

    /// <summary>For whoever approved it just now: what fails for a while is tried again by the job.</summary>
    public async Task TryAsync(byte[] id, CancellationToken cancellationToken)
    {
        try
        {
            await RunAsync(id, cancellationToken);
        }
        catch (Exception e) when (e is HsmException or DbException)
        {
            LogWaits(logger, Convert.ToHexStringLower(id), e);
        }
    }

    private async Task RunAsync(byte[] id, CancellationToken cancellationToken)
    {
        if (await database.FindAsync<OrderState?>("SELECT state FROM certificate_order WHERE order_id = @Id", new { Id = id }, cancellationToken) != OrderState.Waiting)
        {
            return;
        }

        try
        {
            // Step 1: what was ordered, by two who are in office.
            (ApprovedApplication approved, CommandBody command) = await commands.VerifyDoneAsync(id, cancellationToken);
            (CertificateOrder order, ClientRegistration? client) = Read(command);

            // Step 2: issue it, or find what was issued. With the certificate the order ends, and a link's owner is known by it.
            var actor = new AuditActor(AuditActorKind.Officer, approved.Review.Officer.SerialNumber.ToString());
            CsrKey key = ProofOfPossession.Verify(order.Request, allowEmptyId: true);
            await issuance.RunAsync(
                new IssuanceOrder
                {
                    Requester = IssuanceOrder.Command,
                    Reference = approved.Application.EnrollmentId,
                    Kind = (short)DecisionKind.Command,
                    RequestId = approved.Application.EnrollmentId,
                    Actor = actor,
                    Owner = $"{IssuanceOrder.SystemOwner}/{order.Body.Entity}",

                    // A link's subject has no place.
                    Region = client is null ? approved.Application.Region : RegionCode.Nation.Value,
                    Body = key.PublicKey == order.Body.SubjectPublicKeyInfo ? order.Body : throw new RefusalException(Refusal.NotApproved, "证书请求中的公钥与命令所写的不同。"),
                    UsesEmptyId = key.UsesEmptyId,
                    Application = Der.Encode(approved.Application),
                    Digest = approved.Digest.ToArray(),
                    Stored = (transaction, row) => EndAsync(transaction, id, row, client, actor),
                },
                cancellationToken);
        }
        catch (RefusalException e) when (e.RetryAfter is null && e.Kind is not (Refusal.Unavailable or Refusal.AuditUnavailable or Refusal.InProgress))
        {
            await RefuseAsync(id, e.Kind.ToString(), e.Message);
        }
        catch (RefusalException e)
        {
            LogWaits(logger, Convert.ToHexStringLower(id), e);
        }
    }

    private static (CertificateOrder Order, ClientRegistration? Client) Read(CommandBody command)
    {
        if (command.Action == OrderActions.Order)
        {
            return (Der.Decode<CertificateOrder>(command.Parameters), null);
        }

        ClientRegistration client = command.Action == ClientActions.Register
            ? Der.Decode<ClientRegistration>(command.Parameters)
            : throw new RefusalException(Refusal.NotApproved, "该命令不申请证书。");
        return (client.Order, client);
    }

    private async Task EndAsync(Transaction transaction, byte[] id, CertificateRow row, ClientRegistration? client, AuditActor actor)
    {
        bool ended = await transaction.ExecuteAsync(
            "UPDATE certificate_order SET state = 1, ended_at = @Now WHERE order_id = @Id AND state = 0", new { Id = id, Now = time.GetUtcNow() }) == 1;

        // What was revoked before anybody knew it opens no link, and none of an RA's that was disabled since.
        bool isOpened = client is not { Kind: LinkKind.Ra } || await RaStore.HoldEnabledAsync(transaction, client.Name);
        if (ended && client is not null && row.State == CertificateState.Valid && isOpened)
        {
            string thumbprint = Convert.ToHexStringLower(SHA256.HashData(Der.Encode(row.FindCertificate()!)));
            await clients.RegisterAsync(transaction, actor, thumbprint, client.Name, (ClientKind)(int)client.Kind);
        }
    }

    private Task RefuseAsync(byte[] id, string refusal, string detail) => database.WriteAsync(
        async transaction =>
        {
            // Another node may run the same order, and has then spent the decision: only an intention that was given up is an end.
            CertificateRow? row = await FindCertificateAsync(transaction, id);
            if (row is null or { State: CertificateState.Revoked, Signature: null })
            {
                await transaction.ExecuteAsync(
                    "UPDATE certificate_order SET state = 2, refusal = @Refusal, detail = @Detail, ended_at = @Now WHERE order_id = @Id AND state = 0",
                    new { Id = id, Refusal = refusal, Detail = detail[..Math.Min(detail.Length, MaxDetail)], Now = time.GetUtcNow() });
            }
            else if (row.Signature is not null)
            {
                // Recovery issued it, and one of the two is in office no more: the certificate stands, and opens no link.
                await transaction.ExecuteAsync(
                    "UPDATE certificate_order SET state = 1, ended_at = @Now WHERE order_id = @Id AND state = 0", new { Id = id, Now = time.GetUtcNow() });
            }
        });

    /// <returns>Null: nothing has come of the order, not even an intention.</returns>
    public static async Task<CertificateRow?> FindCertificateAsync(Transaction transaction, byte[] id)
    {
        byte[]? certificate = await transaction.FindAsync<byte[]>(
            "SELECT certificate_id FROM decision WHERE requester = @Requester AND reference = @Reference AND kind = @Kind",
            new { Requester = IssuanceOrder.Command, Reference = Convert.ToHexStringLower(id), Kind = (short)DecisionKind.Command });
        return certificate is null ? null : await CertificateStore.FindAsync(transaction, certificate);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The order {Order} failed; it goes on waiting")]
    private static partial void LogFailed(ILogger logger, string order, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The order {Order} goes on waiting")]
    private static partial void LogWaits(ILogger logger, string order, Exception exception);
}
