using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Crls;
using ZwCa.Contracts.Ca;
using ZwCa.Data;
using ZwCa.Tests.Ca.Status;

namespace ZwCa.Tests.Ca.Crls;

/// <summary>CRLs as they are made and published, one after the other.</summary>
public sealed class MakeCrlTests
{
    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task WhatIsRevokedAndHeld_IsOnTheNextCrl_AndWhatIsResumedIsNoMore(DatabaseKind kind)
    {
        using var folder = new TemporaryFolder();
        await using TestDatabase database = await TestDatabase.CreateAsync(kind);
        await using CaStage stage = await CaStage.StartAsync(new CaSetup { Database = database.Options, Settings = CrlCalls.Settings(folder.Path) });
        CertificateAnswer certificate = (await stage.IssueAsync()).Answer;
        CrlScope scope = stage.ScopeOf(certificate);
        CrlScope complete = stage.CompleteScopeOf(certificate);
        string serial = certificate.Serial;

        Assert.Empty(await stage.PublishedAsync(scope, folder.Path));

        await stage.ChangeAsync(certificate, DecisionKind.Suspend);
        await NextSecondAsync();
        Assert.Equal(RevocationReason.CertificateHold, Assert.Single(await stage.PublishedAsync(scope, folder.Path)).Value);
        Assert.Equal(serial, Assert.Single(await stage.PublishedAsync(complete, folder.Path)).Key);

        await stage.ChangeAsync(certificate, DecisionKind.Resume);
        await NextSecondAsync();
        Assert.Empty(await stage.PublishedAsync(scope, folder.Path));

        await stage.ChangeAsync(certificate, DecisionKind.Revoke, RevocationReason.KeyCompromise);
        await NextSecondAsync();
        Assert.Equal(RevocationReason.KeyCompromise, (await stage.PublishedAsync(scope, folder.Path))[serial]);
        Assert.Equal(RevocationReason.KeyCompromise, (await stage.PublishedAsync(complete, folder.Path))[serial]);
    }

    /// <summary>Of two CRLs of a scope the later one has a later thisUpdate, which has seconds.</summary>
    private static Task NextSecondAsync() => Task.Delay(1100, TestContext.Current.CancellationToken);
}
