using System.Text.Json;
using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.HsmSim.Verbs;

namespace ZwCa.Tests.HsmSim.Server;

/// <summary>The verbs that need no running device, through the program's own entry.</summary>
public sealed class VerbTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("zwca-verbs-");
    private readonly Sm2PrivateKey[] _holders = [.. Enumerable.Range(0, 5).Select(_ => Sm2PrivateKey.Generate())];

    private string Store => PathOf("store");

    public void Dispose()
    {
        Array.ForEach(_holders, key => key.Dispose());
        _folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData("", 2)]
    [InlineData("nonsense", 2)]
    [InlineData("init", 2)]
    [InlineData("run --store x", 2)]
    [InlineData("run --store x --listen nowhere", 2)]
    [InlineData("run --store x --listen 127.0.0.1:65536", 2)]
    [InlineData("run --store x --listen []:1", 2)]
    [InlineData("status --connect :1 --clients c", 2)]
    [InlineData("status --connect a/b:1 --clients c", 2)]
    [InlineData("backup draft --connect h:1 --clients c --partition p --out o --hours 169", 2)]
    [InlineData("run --store no-such-store --listen 127.0.0.1:0", 1)]
    [InlineData("status --connect 127.0.0.1:1 --clients no-such-folder", 1)]
    [InlineData("holder show --key no-such-file", 1)]
    public async Task WhatCannotBeDone_HasItsExitCodeAndAReason(string arguments, int exitCode)
    {
        Ran ran = await RunAsync(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.Equal(exitCode, ran.ExitCode);
        Assert.NotEmpty(ran.Error);
        Assert.True(exitCode == 2 || ran.Error.TrimEnd().Split('\n').Length == 1, ran.Error);
        Assert.DoesNotContain("Exception", ran.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("holder")]
    [InlineData("holder new")]
    [InlineData("holder show")]
    [InlineData("init")]
    [InlineData("run")]
    [InlineData("unlock")]
    [InlineData("status")]
    [InlineData("policy")]
    [InlineData("policy show")]
    [InlineData("policy draft")]
    [InlineData("policy install")]
    [InlineData("backup")]
    [InlineData("backup draft")]
    [InlineData("backup make")]
    [InlineData("restore")]
    [InlineData("sign")]
    public async Task EveryVerb_HasHelp(string verb)
    {
        Ran ran = await RunAsync([.. verb.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]);

        Assert.Equal(0, ran.ExitCode);
        Assert.Contains("Usage:", ran.Output, StringComparison.Ordinal);
        Assert.Contains($"hsm-sim {verb}".TrimEnd(), ran.Output.Replace("testhost", "hsm-sim", StringComparison.Ordinal).Replace("ZwCa.Tests", "hsm-sim", StringComparison.Ordinal), StringComparison.Ordinal);

        // Every line of options says what it is for.
        Assert.DoesNotMatch(@"(?m)^  --\S+( <[^>]*>)?( \(REQUIRED\))?\s*$", ran.Output);
    }

    [Fact]
    public async Task Init_MakesAllThatIsNeeded_AndShowsNoSecret()
    {
        Ran ran = await InitAsync("ca");

        Assert.Equal((0, ""), (ran.ExitCode, ran.Error));
        string[] files = [.. Directory.EnumerateFiles(Store, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(Store, file)).Order(StringComparer.Ordinal)];
        Assert.Superset(
            new HashSet<string>
            {
                "clients/ca/client.pem", "clients/ca/secret", "clients/ca/server.sha256", "clients/console/client.pem", "clients/console/server.sha256",
                "device/server.pem", "device/console.sha256",
            },
            files.Select(file => file.Replace('\\', '/')).ToHashSet());
        Assert.DoesNotContain(File.ReadAllText(Path.Combine(Store, "clients", "ca", "secret")).Trim(), ran.Output, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("PRIVATE KEY", ran.Output, StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
        {
            foreach (string file in Directory.EnumerateFiles(Store, "*", SearchOption.AllDirectories))
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
            }
        }
    }

    [Fact]
    public async Task InitAgain_AddsAPartition_AndLeavesTheRest()
    {
        await InitAsync("ca");
        byte[] device = File.ReadAllBytes(Path.Combine(Store, "device", "server.pem"));
        byte[] secret = File.ReadAllBytes(Path.Combine(Store, "clients", "ca", "secret"));

        Ran again = await InitAsync("kmc");

        Assert.Equal(0, again.ExitCode);
        Assert.Equal(device, File.ReadAllBytes(Path.Combine(Store, "device", "server.pem")));
        Assert.Equal(secret, File.ReadAllBytes(Path.Combine(Store, "clients", "ca", "secret")));
        Assert.NotEqual(secret, File.ReadAllBytes(Path.Combine(Store, "clients", "kmc", "secret")));
    }

    [Fact]
    public async Task InitOfAPartitionThatIsThere_ChangesNothing()
    {
        await InitAsync("ca");
        byte[] secret = File.ReadAllBytes(Path.Combine(Store, "clients", "ca", "secret"));

        Ran again = await InitAsync("ca");

        Assert.Equal(1, again.ExitCode);
        Assert.Contains("ca", again.Error, StringComparison.Ordinal);
        Assert.Equal(secret, File.ReadAllBytes(Path.Combine(Store, "clients", "ca", "secret")));
    }

    [Theory]
    [InlineData("ca", "6", "a=0 b=1 c=2 d=3 e=4", "6 of 5")]
    [InlineData("ca", "1", "a=0 b=1 c=2", "1 of 3")]
    [InlineData("ca", "3", "a=0 b=1", "3 of 2")]
    [InlineData("ca", "2", "a=0 a=1 b=2", "\"a\"")]
    [InlineData("ca", "2", "a=0 b=0 c=1", "another holder's")]
    [InlineData("../ca", "2", "a=0 b=1", "../ca")]
    [InlineData("console", "2", "a=0 b=1", "console")]
    [InlineData("ca", "2", "a=0 b", "NAME=PUBKEY")]
    [InlineData("ca", "2", "a=0 b=04ff", "04ff")]
    public async Task InitThatCannotBe_IsRefusedAndLeavesNothing(string partition, string threshold, string holders, string reason)
    {
        string[] named = [.. holders.Split(' ').Select(each =>
        {
            string[] parts = each.Split('=');
            return parts.Length == 2 && int.TryParse(parts[1], out int index) && index < 5 && parts[1].Length == 1 ? $"{parts[0]}={PublicHex(index)}" : each;
        })];

        Ran ran = await RunAsync(["init", "--store", Store, "--partition", partition, "--threshold", threshold, .. named.SelectMany(each => (string[])["--holder", each])]);

        Assert.Equal(1, ran.ExitCode);
        Assert.Contains(reason, ran.Error, StringComparison.Ordinal);
        Assert.Empty(_folder.EnumerateFileSystemInfos());
    }

    [Fact]
    public async Task Restore_OfSomethingElse_IsRefusedAndLeavesNothing()
    {
        string file = PathOf("not-a-backup");
        File.WriteAllText(file, "not a backup");

        Ran ran = await RunAsync(["restore", "--store", Store, "--partition", "ca", "--backup", file]);

        Assert.Equal(1, ran.ExitCode);
        Assert.False(Directory.Exists(Store));
    }

    [Fact]
    public async Task HolderKey_IsReadByOpenSslUnderItsPassword()
    {
        Requires.OpenSsl();
        string file = PathOf("holder.pem");
        using var password = new EnvironmentPassword("one two three");

        Ran made = await RunAsync(["holder", "new", "--out", file, "--password-env", password.Variable]);
        Ran shown = await RunAsync(["holder", "show", "--key", file, "--password-env", password.Variable]);
        Ran again = await RunAsync(["holder", "new", "--out", file, "--password-env", password.Variable]);

        Assert.Equal(0, made.ExitCode);
        Assert.Equal(made.Output, shown.Output);
        Assert.Equal(1, again.ExitCode);
        Assert.Contains("ENCRYPTED PRIVATE KEY", File.ReadAllText(file), StringComparison.Ordinal);
        string text = OpenSsl(["pkey", "-in", file, "-passin", "pass:one two three", "-pubout"]);
        SubjectPublicKeyInfo judged = Der.Decode<SubjectPublicKeyInfo>(Pem.Decode(Pem.PublicKey, text));
        Assert.Equal(made.Output.Trim(), Convert.ToHexStringLower(judged.PublicKey.Span));
    }

    [Fact]
    public async Task HolderKey_WithAnotherPassword_IsRefused()
    {
        string file = PathOf("holder.pem");
        using var password = new EnvironmentPassword("right");
        using var wrong = new EnvironmentPassword("wrong");
        await RunAsync(["holder", "new", "--out", file, "--password-env", password.Variable]);

        Ran shown = await RunAsync(["holder", "show", "--key", file, "--password-env", wrong.Variable]);
        Ran unset = await RunAsync(["holder", "show", "--key", file, "--password-env", "ZWCA_TEST_NOT_SET"]);

        Assert.Equal((1, 1), (shown.ExitCode, unset.ExitCode));
        Assert.Contains("password", shown.Error, StringComparison.Ordinal);
        Assert.Contains("ZWCA_TEST_NOT_SET", unset.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("right", shown.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sign_SaysWhatIsSigned_AndTheSignatureCounts()
    {
        string keyFile = PathOf("key.pem");
        Ran made = await RunAsync(["holder", "new", "--out", keyFile, "--no-password"]);
        Assert.Contains("tests only", made.Error, StringComparison.Ordinal);
        SubjectPublicKeyInfo signer = SubjectPublicKeyInfo.ForSm2(Convert.FromHexString(made.Output.Trim()));
        var recovery = new RecoveryCase(
            new byte[16], "(2026)京01刑初7号", new byte[32], Enumerable.Repeat((byte)0xab, 16).ToArray(), signer, Time.Truncate(DateTimeOffset.UnixEpoch.AddYears(60)));
        string statement = PathOf("case.der");
        File.WriteAllBytes(statement, Der.Encode(recovery));

        Ran ran = await RunAsync(["sign", "--key", keyFile, "--in", statement, "--out", PathOf("case.sig")]);

        Assert.Equal(0, ran.ExitCode);
        Assert.All(
            (string[])["judicial recovery", "(2026)京01刑初7号", "abababab", "2030-01-01"],
            words => Assert.Contains(words, ran.Output, StringComparison.Ordinal));
        var signature = Der.Decode<StatementSignature>(File.ReadAllBytes(PathOf("case.sig")));
        Assert.Single(new SignedStatement(Der.Encode(recovery), [signature]).ValidSigners([signer]));
    }

    [Fact]
    public async Task Sign_OfSomethingElse_IsRefused()
    {
        string keyFile = PathOf("key.pem");
        await RunAsync(["holder", "new", "--out", keyFile, "--no-password"]);

        Ran ran = await RunAsync(["sign", "--key", keyFile, "--in", keyFile, "--out", PathOf("x.sig")]);

        Assert.Equal(1, ran.ExitCode);
        Assert.False(File.Exists(PathOf("x.sig")));
    }

    /// <summary>The easiest slip of all: the key file as the signature's place.</summary>
    [Fact]
    public async Task FileThatIsThere_IsNeverOverwritten()
    {
        string keyFile = PathOf("key.pem");
        await RunAsync(["holder", "new", "--out", keyFile, "--no-password"]);
        byte[] key = File.ReadAllBytes(keyFile);
        string statement = PathOf("backup.der");
        File.WriteAllBytes(statement, Der.Encode(new BackupStatement(new byte[16], Time.Truncate(DateTimeOffset.UnixEpoch.AddYears(60)))));

        foreach (string[] arguments in (string[][])[["sign", "--key", keyFile, "--in", statement], ["holder", "new", "--no-password"]])
        {
            Ran ran = await RunAsync([.. arguments, "--out", keyFile]);

            Assert.Equal(1, ran.ExitCode);
            Assert.Contains("exists", ran.Error, StringComparison.Ordinal);
            Assert.Equal(key, File.ReadAllBytes(keyFile));
        }
    }

    [Fact]
    public void PolicyDraft_ChangesWhatTheFileSays_AndNothingElse()
    {
        var installed = new PartitionPolicy(
            new byte[16], 4, [new ClientCredential(new byte[32], new byte[32])], true, [new AuthorizingCa("政务CA", [PublicKey(0)])], [PublicKey(1)],
            new RecoveryRule(2, [PublicKey(2), PublicKey(3)]));
        File.WriteAllText(PathOf("ca.pem"), Pem.Encode(Pem.PublicKey, Der.Encode(PublicKey(4))));
        File.WriteAllText(PathOf("policy.json"), """{ "clients": "keep", "authorizingCas": [ { "name": "省CA", "keys": ["ca.pem"] } ], "recovery": null }""");

        PartitionPolicy draft = PolicyDocument.Draft(installed, new FileInfo(PathOf("policy.json")));

        Assert.Equal(5, draft.Version);
        Assert.Equal(installed.Clients, draft.Clients);
        Assert.True(draft.AllowSm2Decrypt);
        Assert.Equal(("省CA", PublicKey(4)), (draft.AuthorizingCas.Single().Name, draft.AuthorizingCas.Single().Keys.Single()));
        Assert.Equal(installed.OfficerIssuers, draft.OfficerIssuers);
        Assert.Null(draft.Recovery);
        JsonElement shown = JsonDocument.Parse(PolicyDocument.Write(draft)).RootElement;
        Assert.Equal("省CA", shown.GetProperty("authorizingCas")[0].GetProperty("name").GetString());
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("""{ "allowSm2decrypt": true }""")]
    [InlineData("""{ "allowSm2Decrypt": "yes" }""")]
    [InlineData("""{ "clients": "none" }""")]
    [InlineData("""{ "clients": [ { "certificateHash": "00", "secretHash": "00" } ] }""")]
    [InlineData("""{ "recovery": { "threshold": 1, "officers": [] } }""")]
    [InlineData("""{ "recovery": {} }""")]
    [InlineData("""{ "authorizingCas": [ null ] }""")]
    [InlineData("""{ "authorizingCas": [ { "name": "x", "keys": [ "no-such-file" ] } ] }""")]
    [InlineData("""{ "version": 9 }""")]
    public void PolicyDraft_OfWhatNoPolicyCanSay_IsRefused(string json)
    {
        var installed = new PartitionPolicy(new byte[16], 0, [], false, [], [], null);
        File.WriteAllText(PathOf("policy.json"), json);

        VerbException e = Assert.Throws<VerbException>(() => PolicyDocument.Draft(installed, new FileInfo(PathOf("policy.json"))));

        Assert.StartsWith(PathOf("policy.json"), e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "clients": [ { "certificateHash": "HASH", "secretHash": "HASH", "name": "x" } ] }""", "name")]
    [InlineData("""{ "authorizingCas": [ { "name": "x", "keys": [ "KEY" ], "officers": [] } ] }""", "officers")]
    [InlineData("""{ "recovery": { "threshold": 2, "officers": [ "KEY", "KEY2" ], "treshold": 3 } }""", "treshold")]
    [InlineData("""{ "allowSm2Decrypt": true, "allowSm2Decrypt": false }""", "allowSm2Decrypt")]
    public void PolicyDraft_WithAFieldThatIsNone_IsRefused_HoweverDeep(string json, string field)
    {
        var installed = new PartitionPolicy(new byte[16], 0, [], false, [], [], null);
        File.WriteAllText(
            PathOf("policy.json"),
            json.Replace("HASH", new string('0', 64), StringComparison.Ordinal).Replace("KEY2", PublicHex(1), StringComparison.Ordinal).Replace("KEY", PublicHex(0), StringComparison.Ordinal));

        VerbException e = Assert.Throws<VerbException>(() => PolicyDocument.Draft(installed, new FileInfo(PathOf("policy.json"))));

        Assert.Contains(field, e.Message, StringComparison.Ordinal);
    }

    internal static async Task<Ran> RunAsync(string[] arguments)
    {
        var output = new StringWriter();
        var error = new StringWriter();
        int exitCode = await CommandLine.RunAsync(arguments, output, error);
        return new Ran(exitCode, output.ToString(), error.ToString());
    }

    private static string OpenSsl(string[] arguments)
    {
        var start = new System.Diagnostics.ProcessStartInfo("openssl", arguments) { RedirectStandardOutput = true };
        using System.Diagnostics.Process process = System.Diagnostics.Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output;
    }

    private Task<Ran> InitAsync(string partition) => RunAsync(
        ["init", "--store", Store, "--partition", partition, .. Enumerable.Range(0, 5).SelectMany(i => (string[])["--holder", $"holder{i}={PublicHex(i)}"])]);

    private string PathOf(string name) => Path.Combine(_folder.FullName, name);

    private string PublicHex(int holder) => Convert.ToHexStringLower(_holders[holder].PublicKey.ToBytes());

    private SubjectPublicKeyInfo PublicKey(int holder) => SubjectPublicKeyInfo.ForSm2(_holders[holder].PublicKey.ToBytes());

    internal sealed record Ran(int ExitCode, string Output, string Error);

    /// <summary>A variable of its own, for tests run side by side.</summary>
    private sealed class EnvironmentPassword : IDisposable
    {
        public EnvironmentPassword(string value) => Environment.SetEnvironmentVariable(Variable, value);

        public string Variable { get; } = $"ZWCA_TEST_{Guid.NewGuid():N}";

        public void Dispose() => Environment.SetEnvironmentVariable(Variable, null);
    }
}
