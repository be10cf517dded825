using System.Text.Json.Nodes;
using ZwCa.Admin.Ceremony;
using ZwCa.Issuance;

namespace ZwCa.Interop.Ceremony;

/// <summary><c>zwca ceremony</c> as people in the room type it.</summary>
public sealed class ProgramTests
{
    private const string Pin = "witness-pin-1";

    /// <summary>The script of docs/CEREMONY.md: tokens of the witnesses, check, run, the holders' signatures, the transcript's, verify.</summary>
    [Fact]
    public async Task TheWholeScript()
    {
        using var tokens = new TemporaryFolder();
        string[] names = ["公证员", "审计代表", "主管部门代表"];
        var keys = new Dictionary<string, string>();
        foreach (string name in names[..2])
        {
            keys.Add(name, await NewTokenAsync(tokens.File(name)));
        }

        await using CeremonyStage stage = await CeremonyStage.CreateAsync(plan =>
        {
            CeremonyStage.Sm2Only(plan);
            foreach (JsonNode? witness in plan["witnesses"]!.AsArray().Where(witness => keys.ContainsKey((string)witness!["name"]!)))
            {
                witness!["publicKey"] = keys[(string)witness["name"]!];
            }
        });
        string hash = stage.Plan().Hash;

        // check shows everything and changes nothing.
        (int exitCode, string output, string error) = await RunAsync("check", stage.PlanPath);
        Assert.True(exitCode == 0, error);
        Assert.Contains($"The plan's SM3 is {hash}", output);
        Assert.Contains("CN=某省政务CA 根 S1 演示 DEMO", output);
        Assert.False(Directory.Exists(stage.Output));

        // run asks for the hash of what was reviewed.
        (exitCode, _, error) = await RunAsync("run", stage.PlanPath, "--out", stage.Output, "--confirm", new string('0', 64));
        Assert.Equal((1, true), (exitCode, error.Contains("it is not the plan that was reviewed", StringComparison.Ordinal)));
        (exitCode, _, error) = await RunAsync("run", stage.PlanPath, "--out", stage.Output, "--confirm", hash[..63]);
        Assert.Equal(1, exitCode);
        (exitCode, _, error) = await RunAsync("run", stage.PlanPath, "--out", stage.Output);
        Assert.Equal((1, true), (exitCode, error.Contains("--confirm", StringComparison.Ordinal)));
        Assert.False(Directory.Exists(stage.Output));

        // It waits for the holders, and goes on.
        (exitCode, output, error) = await RunAsync("run", stage.PlanPath, "--out", stage.Output, "--confirm", $"{hash[..32].ToUpperInvariant()} {hash[32..]}");
        Assert.True(exitCode == 3, output + error);
        Assert.Contains("hsm-sim sign --key", output);
        Assert.Equal(1, (await RunAsync("verify", stage.Output)).ExitCode);
        stage.SignPolicy();
        (exitCode, output, error) = await RunAsync("run", stage.PlanPath, "--out", stage.Output, "--confirm", hash);
        Assert.True(exitCode == 0, output + error);

        // Without the witnesses nothing holds; with two of three everything does.
        (exitCode, _, error) = await RunAsync("verify", stage.Output);
        Assert.Equal(1, exitCode);
        Assert.Contains("0 witnesses have signed the transcript, and it takes 2", error);
        string transcript = Path.Combine(stage.Output, CeremonyFolder.TranscriptFile);
        string sm3 = new CeremonyFolder(stage.Output).HashOf(CeremonyFolder.TranscriptFile);
        Assert.Contains(sm3, output);
        foreach (string name in keys.Keys)
        {
            await TokenAsync("sign", "--token", tokens.File(name), "--statement", transcript, "--out", Path.Combine(stage.Output, CeremonyFolder.SignatureFolder, $"{name}.sig"), "--yes");
        }

        (exitCode, output, error) = await RunAsync("verify", stage.Output, "--transcript", sm3);
        Assert.True(exitCode == 0, output + error);
        Assert.Contains("Everything holds", output);
        Assert.Contains(keys["公证员"], output);
        Assert.Equal(1, (await RunAsync("verify", stage.Output, "--transcript", new string('0', 64))).ExitCode);

        // Once more: nothing is left to be done.
        (exitCode, output, _) = await RunAsync("run", stage.PlanPath, "--out", stage.Output, "--confirm", hash);
        Assert.Equal((0, true, true), (exitCode, output.Contains("has ended already", StringComparison.Ordinal), output.Contains(sm3, StringComparison.Ordinal)));

        // But a transcript that is not what devices and journal say is not shown to witnesses.
        string told = await File.ReadAllTextAsync(transcript, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(transcript, told.Replace("\"began\": \"2", "\"began\": \"1", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        (exitCode, output, error) = await RunAsync("run", stage.PlanPath, "--out", stage.Output, "--confirm", hash);
        Assert.Equal((1, false), (exitCode, output.Contains("The transcript's SM3", StringComparison.Ordinal)));
        Assert.Contains("another content", error);
        await File.WriteAllTextAsync(transcript, told, TestContext.Current.CancellationToken);

        // A plan for a later day.
        string later = Path.Combine(stage.Path, "later.json");
        (exitCode, output, error) = await RunAsync("plan", "renew-arl", "root-s1", "--basis", stage.Output, "--suffix", "2027", "--out", later);
        Assert.True(exitCode == 0, error);
        Assert.Equal(0, (await RunAsync("check", later, "--basis", stage.Output)).ExitCode);
        Assert.Equal(1, (await RunAsync("check", later)).ExitCode);
        Assert.Equal(1, (await RunAsync("plan", "renew-arl", "root-s1", "--basis", stage.Output, "--suffix", "2027", "--out", later)).ExitCode);
    }

    [Theory]
    [InlineData(0, "--help")]
    [InlineData(0, "run", "--help")]
    [InlineData(0, "plan", "rollover", "--help")]
    [InlineData(2)]
    [InlineData(2, "run")]
    [InlineData(2, "run", "plan.json")]
    [InlineData(2, "verify")]
    [InlineData(2, "plan", "renew-arl", "root-s1")]
    [InlineData(2, "abandon")]
    [InlineData(1, "verify", "/nowhere")]
    [InlineData(1, "check", "/nowhere/plan.json")]
    public async Task ExitCodes(int expected, params string[] arguments)
    {
        (int exitCode, string output, string error) = await RunAsync(arguments);

        Assert.True(exitCode == expected, output + error);
        Assert.Equal(expected == 0, error.Length == 0);
    }

    private static Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] arguments) => CeremonyStage.ProgramAsync(["ceremony", .. arguments], []);

    /// <returns>The public key, as the plan has it.</returns>
    private static async Task<string> NewTokenAsync(string folder)
    {
        await TokenAsync("init", "--token", folder, "--label", "w");
        await TokenAsync("csr", "--token", folder, "--container", "w", "--kind", "sm2", "--subject", "CN=w,C=CN", "--out", folder + ".csr");
        return Convert.ToHexStringLower(CsrFile.Read(await File.ReadAllBytesAsync(folder + ".csr")).Info.SubjectPublicKeyInfo.PublicKey.Span);
    }

    private static async Task TokenAsync(params string[] arguments)
    {
        (int exitCode, string output, string error) = await CeremonyStage.ProgramAsync(["token", .. arguments], [(Admin.Token.TokenDesk.PinVariable, Pin)]);
        Assert.True(exitCode == 0, output + error);
    }
}
