using Microsoft.Extensions.DependencyInjection;
using Quartz;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Bulk;
using ZwCa.Ca.Jobs;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Hsm;
using ZwCa.Officers;
using ZwCa.Tests.Ca.Crls;
using ZwCa.Tests.Ca.Registrations;

namespace ZwCa.Tests.Jobs;

/// <summary>A node that is a day ahead finds everything old, and would date what it does in the future: its jobs do nothing until the clock is right.</summary>
public sealed class WrongClockTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Recovery_TouchesNothing_UntilTheClockIsRight()
    {
        var clock = new MovedTime();
        await using CaStage stage = await CaStage.StartAsync(new CaSetup { Time = clock });
        stage.Hsm.Fault = _ => throw new HsmException(HsmFailure.Unreachable, "As the test wants it.");
        await Assert.ThrowsAsync<RefusalException>(() => stage.IssueAsync());
        stage.Hsm.Fault = signatures => signatures;
        Assert.Equal(1, await WaitingAsync());

        clock.Set(TimeSpan.FromDays(1));
        await RunAsync<RecoveryJob>(stage);
        Assert.Equal(1, await WaitingAsync());

        clock.Set(TimeSpan.FromDays(-1));
        clock.Pass(TimeSpan.FromMinutes(3));
        await RunAsync<RecoveryJob>(stage);
        Assert.Equal(0, await WaitingAsync());

        Task<long> WaitingAsync() => stage.Database.FindAsync<long>("SELECT COUNT(*) FROM certificate WHERE state < 2", cancellationToken: Token);
    }

    [Fact]
    public async Task BulkChanges_AreNotDone_UntilTheClockIsRight()
    {
        var clock = new MovedTime();
        await using CaStage stage = await CaStage.StartAsync(new CaSetup { Time = clock });
        CertificateAnswer certificate = (await stage.IssueAsync()).Answer;
        clock.Set(TimeSpan.FromMinutes(2));
        var body = new BulkStatusBody(
            DecisionKind.Revoke, RevocationReason.Superseded, new CertificateSelection.Certificates([new CertificateReference(Convert.FromHexString(certificate.Issuer), SerialNumber.Parse(certificate.Serial))]));
        await stage.CommandAsync(CertificateActions.Bulk, RegionCode.Nation.Value, Der.Encode(body));
        await RunAsync<BulkChangeJob>(stage);
        Assert.Equal(0, await RevokedAsync());

        // And what was approved in the future is not of the future any more.
        clock.Set(TimeSpan.FromMinutes(-2));
        clock.Pass(TimeSpan.FromMinutes(4));
        await RunAsync<BulkChangeJob>(stage);
        for (int i = 0; i < 100 && await RevokedAsync() == 0; i++)
        {
            // The service's own may be at it.
            await Task.Delay(100, Token);
        }

        Assert.Equal(1, await RevokedAsync());

        Task<long> RevokedAsync() => stage.Database.FindAsync<long>("SELECT COUNT(*) FROM revocation", cancellationToken: Token);
    }

    private static async Task RunAsync<TJob>(CaStage stage)
        where TJob : IJob => await ActivatorUtilities.CreateInstance<TJob>(stage.App.Services).Execute(null!, Token);
}
