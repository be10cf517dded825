using ZwCa.Admin.Ceremony;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.Interop.Ceremony;

/// <summary>A device fails in the middle: the people in the room are told, and the ceremony goes on when it is back.</summary>
public sealed class DeviceFaultTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TheDeviceDies_AndComesBack()
    {
        await using CeremonyStage stage = await CeremonyStage.CreateAsync(CeremonyStage.Small);

        HsmException e = await Assert.ThrowsAsync<HsmException>(() => CeremonyRun.RunAsync(stage.Plan(), null, stage.Output, TimeProvider.System, Say, Cancelled));
        Assert.True(e.IsTransient, e.Message);
        (int exitCode, _, string error) = await stage.RunProgramAsync();
        Assert.Equal(1, exitCode);
        Assert.Contains("run the same command again", error);
        byte[] journal = await File.ReadAllBytesAsync(Path.Combine(stage.Output, CeremonyFolder.JournalFile), Cancelled);
        await stage.RestartDeviceAsync();
        await stage.CompleteAsync();

        Assert.Empty(CeremonyVerification.Check(stage.Output).Faults);
        Assert.True((await File.ReadAllBytesAsync(Path.Combine(stage.Output, CeremonyFolder.JournalFile), Cancelled)).AsSpan().StartsWith(journal));

        void Say(string line)
        {
            if (line.StartsWith("Certificate root-s1", StringComparison.Ordinal))
            {
                stage.KillDeviceAsync().GetAwaiter().GetResult();
            }
        }
    }

    [Fact]
    public async Task TheDeviceFailsToSign_AndSignsAgain()
    {
        await using CeremonyStage stage = await CeremonyStage.CreateAsync(CeremonyStage.Small);
        await stage.RestartDeviceAsync("--faults");
        await using (ConsoleClient console = await stage.Store.OpenConsoleAsync(stage.Device))
        {
            await console.AskAsync<Fault, Nothing>(Operation.SetFault, new Fault(FaultKind.FailSigns, 2), Cancelled);
        }

        Assert.Equal(HsmFailure.DeviceError, (await Assert.ThrowsAsync<HsmException>(() => stage.RunAsync())).Failure);
        Assert.Equal(HsmFailure.DeviceError, (await Assert.ThrowsAsync<HsmException>(() => stage.RunAsync())).Failure);
        await stage.CompleteAsync();

        Assert.Empty(CeremonyVerification.Check(stage.Output).Faults);
        Assert.Single(Made.Journal(stage.Output), entry => entry is { What: JournalEntry.CertificateIntent, Id: "root-s1" });
    }

    [Fact]
    public async Task AnswersThatAreLost_AreMadeUpFor()
    {
        await using CeremonyStage stage = await CeremonyStage.CreateAsync(CeremonyStage.Small);
        await stage.RestartDeviceAsync("--faults");
        int lost = 0;
        for (int i = 0; i < 10; i++)
        {
            await using (ConsoleClient console = await stage.Store.OpenConsoleAsync(stage.Device))
            {
                await console.AskAsync<Fault, Nothing>(Operation.SetFault, new Fault(FaultKind.DropAnswers, 1), Cancelled);
            }

            try
            {
                // The next answer is lost; the ones after it arrive. A key was perhaps made, a signature perhaps given.
                await stage.RunAsync();
                break;
            }
            catch (HsmException)
            {
                lost++;
            }
        }

        await stage.CompleteAsync();
        Assert.True(lost > 0);
        Assert.Empty(CeremonyVerification.Check(stage.Output).Faults);
    }

    [Fact]
    public async Task AnotherPartition_AKeyThatIsThere_AndOneThatIsGone()
    {
        await using CeremonyStage stage = await CeremonyStage.CreateAsync(CeremonyStage.Small);
        await using SimulatorHsm ca = await stage.ConnectAsync("ca");
        string plan = await File.ReadAllTextAsync(stage.PlanPath, Cancelled);
        await File.WriteAllTextAsync(stage.PlanPath, plan.Replace(ca.Token.Serial, new string('1', 32), StringComparison.Ordinal), Cancelled);
        Assert.Contains(new string('1', 32), (await Assert.ThrowsAsync<HsmException>(() => stage.RunAsync())).Message);
        Directory.Delete(stage.Output, recursive: true);

        await File.WriteAllTextAsync(stage.PlanPath, plan, Cancelled);
        await ca.GenerateKeyAsync(new KeyLabel("issuing-s1"), HsmKeyKind.Sm2, Cancelled);
        Assert.Contains("has a key issuing-s1 already", (await Assert.ThrowsAsync<CeremonyException>(() => stage.RunAsync())).Message);
    }

    [Fact]
    public async Task AMarkedPartition_IsForDemonstrationsOnly()
    {
        await using CeremonyStage stage = await CeremonyStage.CreateAsync(plan =>
        {
            CeremonyStage.Small(plan);
            BadPlanTests.MakeReal(plan);
        });

        Assert.Contains("marked for good", (await Assert.ThrowsAsync<CeremonyException>(() => stage.RunAsync())).Message);
    }

    /// <summary>The device counts only its holders, whoever else signed.</summary>
    [Fact]
    public async Task ThePolicySignedByAStranger_IsRefused()
    {
        await using CeremonyStage stage = await CeremonyStage.CreateAsync(CeremonyStage.Sm2Only);
        Assert.Contains("sign its new policy", await stage.RunAsync());
        stage.SignPolicy();
        string second = Path.Combine(stage.Output, "policy/kmc-holder1.sig");
        byte[] good = await File.ReadAllBytesAsync(second, Cancelled);
        using var stranger = Cryptography.Sm2PrivateKey.Generate();
        byte[] draft = await File.ReadAllBytesAsync(Path.Combine(stage.Output, "policy/kmc.der"), Cancelled);
        await File.WriteAllBytesAsync(second, Asn1.Der.Encode(Asn1.Custody.StatementSignature.Create(draft, stranger)), Cancelled);
        Assert.Contains("Only its holders count", (await Assert.ThrowsAsync<CeremonyException>(() => stage.RunAsync())).Message);
        await File.WriteAllTextAsync(second, "nonsense", Cancelled);
        Assert.Contains("is no signature", (await Assert.ThrowsAsync<CeremonyException>(() => stage.RunAsync())).Message);

        // Meanwhile the holders install another policy: the draft can no longer come into force, and is made anew.
        await stage.Store.InstallPolicyAsync(stage.Device, policy => policy, "kmc");
        await File.WriteAllBytesAsync(second, good, Cancelled);
        Assert.Contains("sign its new policy", await stage.RunAsync());
        Assert.False(File.Exists(second));
        stage.SignPolicy();
        Assert.Null(await stage.RunAsync());
        stage.SignTranscript();
        Assert.Empty(CeremonyVerification.Check(stage.Output).Faults);
    }

    [Fact]
    public async Task AStrangeFileInTheFolder_IsNotSignedByTheWitnesses()
    {
        await using CeremonyStage stage = await CeremonyStage.CreateAsync(CeremonyStage.Small);
        Directory.CreateDirectory(stage.Output);
        await File.WriteAllTextAsync(Path.Combine(stage.Output, "notes.txt"), "x", Cancelled);
        Assert.Contains("is not empty", (await Assert.ThrowsAsync<CeremonyException>(() => stage.RunAsync())).Message);
        File.Delete(Path.Combine(stage.Output, "notes.txt"));
        await Assert.ThrowsAsync<CeremonyException>(() => CeremonyRun.RunAsync(stage.Plan(), null, stage.Output, TimeProvider.System, Say, Cancelled));
        File.Delete(Path.Combine(stage.Output, "notes.txt"));
        await stage.CompleteAsync();
        Assert.Empty(CeremonyVerification.Check(stage.Output).Faults);

        void Say(string line)
        {
            File.WriteAllText(Path.Combine(stage.Output, "notes.txt"), line);
        }
    }
}
