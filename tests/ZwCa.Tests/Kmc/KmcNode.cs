using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging.Abstractions;
using System.Net;
using System.Text.Json;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Contracts.Kmc;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Kmc.EscrowedKeys;
using ZwCa.Kmc.KeyPool;
using ZwCa.Kmc.Recoveries;
using ZwCa.Kmc.Requests;
using ZwCa.Officers;
using ZwCa.ServiceDefaults;

namespace ZwCa.Tests.Kmc;

/// <summary>What a second process needs to be a node of the same KMC, and to answer one message there.</summary>
internal sealed record KmcNode
{
    public required DatabaseKind Kind { get; init; }

    public required string ConnectionString { get; init; }

    public required string Device { get; init; }

    /// <summary>Of the store; the device's clients are below it.</summary>
    public required string Store { get; init; }

    /// <summary>DER, of the KMC's own key.</summary>
    public required byte[] Certificate { get; init; }

    /// <summary>DER of SubjectPublicKeyInfo.</summary>
    public required byte[] OfficerIssuer { get; init; }

    public required KeyRecovery Recovery { get; init; }

    public static async Task RunAsync(string path, CancellationToken cancellationToken)
    {
        KmcNode node = JsonSerializer.Deserialize<KmcNode>(await File.ReadAllBytesAsync(path, cancellationToken))!;
        await using var database = new Database(new DatabaseOptions { Kind = node.Kind, ConnectionString = node.ConnectionString });
        await using SimulatorHsm hsm = await SimulatorHsm.ConnectAsync(
            SimulatorOptions.FromFolder(IPEndPoint.Parse(node.Device), HsmSimStore.Partition, Path.Combine(node.Store, "clients", HsmSimStore.Partition)));
        HsmKey signer = (await hsm.FindKeyAsync(new KeyLabel(KmcScene.SignerLabel), cancellationToken))!;
        using RowMac mac = await RowMac.OpenAsync(hsm, (await hsm.FindKeyAsync(new KeyLabel(KmcScene.RowsLabel), cancellationToken))!, cancellationToken);
        AnswerRequests requests = Requests(
            database, hsm, new KmcSigner(new HsmSigner(hsm, signer), signer, Der.Decode<Certificate>(node.Certificate)), mac, Der.Decode<SubjectPublicKeyInfo>(node.OfficerIssuer));
        await requests.RunAsync(node.Recovery.Message, KmcScene.Link, RecoveryPapers.Read(node.Recovery), cancellationToken);
    }

    public static AnswerRequests Requests(Database database, IHsm hsm, KmcSigner signer, RowMac mac, SubjectPublicKeyInfo officerIssuer)
    {
        var log = new AuditLog(TimeProvider.System);
        var verifier = new ApprovalVerifier(new OfficerIssuers([officerIssuer]), RoleCatalogue.Standard, TimeProvider.System);
        var recoveries = new PlanRecovery(database, log, verifier, TimeProvider.System);
        return new AnswerRequests(
            database,
            log,
            new AuditGate(_ => Task.FromResult<string?>(null)),
            hsm,
            signer,
            mac,
            new Sender(database, TimeProvider.System),
            new PlanRequests(database, log, mac, new StockReserve(database, mac), recoveries, TimeProvider.System),
            recoveries,
            new RequestOptions(),
            new AnswerSteps(new PlainMeters()),
            TimeProvider.System,
            NullLogger<AnswerRequests>.Instance);
    }

    /// <summary>Nobody reads them here.</summary>
    private sealed class PlainMeters : IMeterFactory
    {
        public Meter Create(MeterOptions options) => new(options);

        public void Dispose()
        {
        }
    }
}
