using ZwCa.Asn1.Decisions;
using ZwCa.Contracts.Ca;
using ZwCa.Data;

namespace ZwCa.Tests.Stories.Ocsp;

/// <summary>The CA is away, or dies at the worst moment: the responder says what it knows, and no more than that.</summary>
public sealed class OutageTests
{
    private const int KilledBySignal = 137;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TheResponderRestartsWhileTheCaIsDown_AnswersFromItsCopy_AndCatchesUp()
    {
        Requires.Condition(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "SIGKILL");
        await using OcspScene scene = await OcspScene.StartAsync();
        CertificateAnswer certificate = await scene.IssueAsync();
        CertificateAnswer revoked = await scene.IssueAsync();
        await scene.UntilAsync(certificate.Serial, Heard.Good);
        await scene.UntilAsync(revoked.Serial, Heard.Good);
        await scene.ChangeAsync(revoked, DecisionKind.Revoke);
        await scene.UntilAsync(revoked.Serial, Heard.Revoked);

        // Both die. The responder comes back alone: what was signed ahead is given out; what would have to be signed now is for later, for nobody knows what has happened meanwhile.
        await scene.Ca.KillAsync();
        await scene.Node.KillAsync();
        await scene.Node.StartAsync();
        Assert.Equal(Heard.Good, (await scene.Agency.AskAsync(certificate.Serial)).Word);
        Assert.Equal(Heard.Revoked, (await scene.Agency.AskAsync(revoked.Serial)).Word);
        foreach (string serial in (string[])[certificate.Serial, revoked.Serial, "7F"])
        {
            Assert.Equal(Heard.TryLater, (await scene.Agency.AskAsync(serial, isFresh: true)).Word);
        }

        Assert.Equal(Heard.TryLater, (await scene.Agency.AskAsync("7F")).Word);
        Assert.Equal(Heard.TryLater, (await scene.Agency.AskAsync(certificate.Serial, hash: Agency.Sm3)).Word);

        // The CA comes back, and what it then does is seen at once. The responder does not restart for it.
        await scene.Ca.StartAsync();
        await scene.ChangeAsync(certificate, DecisionKind.Revoke);
        await scene.UntilAsync(certificate.Serial, Heard.Revoked);
        await scene.UntilAsync(certificate.Serial, Heard.Revoked, isFresh: true);
        Assert.Equal(Heard.Revoked, (await scene.Agency.AskAsync(revoked.Serial)).Word);
    }

    /// <summary>
    /// 2019 and after: rows were lost after signing, and OCSP said *unknown* of real certificates. Here the intention is stored first; until it is stored that it was signed, nobody has the certificate, and
    /// its serial number is not good. The retry gets that certificate, and it is known.
    /// </summary>
    [Fact]
    public async Task Incident2_WhatWasSignedWhenTheCaDied_IsNotGoodBeforeItIsStored_AndKnownOnceTheRaHasIt()
    {
        Requires.Condition(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "SIGKILL");
        await using OcspScene scene = await OcspScene.StartAsync();
        foreach (string point in (string[])["issue-intended", "issue-signed"])
        {
            await scene.Ca.KillAsync();
            scene.Ca.Launch(point);
            Task<CertificateAnswer> asking = scene.IssueAsync();
            Assert.True(await scene.Ca.WaitForExitAsync() == KilledBySignal, $"{point}: {scene.Ca.Log}");
            string intended;
            await using (Database database = scene.Ca.OpenDatabase())
            {
                intended = (await database.FindAsync<string>("SELECT serial FROM certificate WHERE state = 1", cancellationToken: Token))!;
            }

            Assert.Equal(Heard.Unknown, (await scene.Agency.AskAsync(intended)).Word);
            Assert.Equal(Heard.Unknown, (await scene.Agency.AskAsync(intended, isFresh: true)).Word);
            await scene.Ca.StartAsync();
            Assert.Equal(intended, (await asking).Serial);
            await scene.UntilAsync(intended, Heard.Good);
            await scene.UntilAsync(intended, Heard.Good, isFresh: true);
        }
    }
}
