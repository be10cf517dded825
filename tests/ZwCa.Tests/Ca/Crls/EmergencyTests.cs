using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Crls;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Officers;
using ZwCa.Tests.Ca.Registrations;
using ZwCa.Tests.Ca.Status;

namespace ZwCa.Tests.Ca.Crls;

/// <summary>Two officers of the CA have all its CRLs made at once.</summary>
public sealed class EmergencyTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TwoOfficers_NotOne_HaveAllCrlsOfACaMadeAtOnce()
    {
        using var folder = new TemporaryFolder();
        await using CaStage stage = await CaStage.StartAsync(new CaSetup
        {
            Settings = new Dictionary<string, string?>(CrlCalls.Settings(folder.Path)) { ["Ca:Crls:Look"] = "00:00:01" },
        });
        CertificateAnswer certificate = (await stage.IssueAsync()).Answer;
        (CrlScope scope, CrlScope complete) = (stage.ScopeOf(certificate), stage.CompleteScopeOf(certificate));
        await UntilAsync(async () => await WaitingAsync(stage) == 0 && File.Exists(Path.Combine(folder.Path, scope.Path)) && File.Exists(Path.Combine(folder.Path, complete.Path)));
        await stage.ChangeAsync(certificate, DecisionKind.Revoke, RevocationReason.KeyCompromise);
        byte[] operations = await File.ReadAllBytesAsync(Path.Combine(folder.Path, $"crl/{stage.Authorities.Operations.KeyIdentifier}/all.crl"), Token);

        // One is not enough, nor twice the same, nor an operator, nor for a region, nor for a CA that is not there.
        byte[] order = Der.Encode(new CrlOrder(scope.Authority.Issuer.KeyIdentifier));
        Application application = StageCommands.Command(CrlActions.Emergency, RegionCode.Nation.Value, order);
        await stage.ProposeAsync(stage.FirstAdministrator, application);
        await Task.Delay(TimeSpan.FromSeconds(3), Token);
        Assert.Equal(0, await WaitingAsync(stage));
        Assert.Empty(CrlCalls.Read(scope, folder.Path));
        await Assert.ThrowsAsync<RefusalException>(() => stage.ApproveAsync(stage.FirstAdministrator, application));
        await Assert.ThrowsAsync<RefusalException>(() => stage.ProposeAsync(stage.Entry, StageCommands.Command(CrlActions.Emergency, RegionCode.Nation.Value, order)));
        await Assert.ThrowsAsync<RefusalException>(() => stage.ProposeAsync(stage.FirstAdministrator, StageCommands.Command(CrlActions.Emergency, CaStage.Province, order)));
        await stage.RefusedAsync(Refusal.NotFound, CrlActions.Emergency, RegionCode.Nation.Value, Der.Encode(new CrlOrder(new byte[20])));
        Assert.Empty(CrlCalls.Read(scope, folder.Path));

        // With the second one it is on both CRLs within seconds; the other CA's stays.
        await stage.ApproveAsync(stage.SecondAdministrator, application);
        await UntilAsync(() => Task.FromResult(CrlCalls.Read(scope, folder.Path).ContainsKey(certificate.Serial) && CrlCalls.Read(complete, folder.Path).ContainsKey(certificate.Serial)));
        Assert.Equal(operations, await File.ReadAllBytesAsync(Path.Combine(folder.Path, $"crl/{stage.Authorities.Operations.KeyIdentifier}/all.crl"), Token));
        Assert.Equal(0, await stage.Database.FindAsync<long>("SELECT COUNT(*) FROM crl WHERE state IN (4, 5)", cancellationToken: Token));
    }

    /// <summary>CRLs that are due, begun or wait to be published.</summary>
    private static async Task<long> WaitingAsync(CaStage stage) =>
        await stage.Database.FindAsync<long>("SELECT COUNT(*) FROM crl_scope WHERE due_at < 2", cancellationToken: Token)
            + await stage.Database.FindAsync<long>("SELECT COUNT(*) FROM crl WHERE state IN (0, 1, 2)", cancellationToken: Token);

    private static async Task UntilAsync(Func<Task<bool>> done)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        patience.CancelAfter(TimeSpan.FromMinutes(2));
        while (!await done())
        {
            await Task.Delay(100, patience.Token);
        }
    }
}
