using System.Diagnostics;
using System.Net;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.HsmSim.Verbs;

namespace ZwCa.Tests.HsmSim.Server;

/// <summary>The device as a process of its own, worked with through its verbs from the first key to the restored backup.</summary>
public sealed class ProcessTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("zwca-process-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task TwoOfThreeHolders_UnlockChangeThePolicyBackUpAndRestore()
    {
        string[] holders = [.. Enumerable.Range(0, 3).Select(i => PathOf($"holder{i}.pem"))];
        var publicKeys = new List<string>();
        foreach (string holder in holders)
        {
            publicKeys.Add((await DoAsync("holder", "new", "--out", holder, "--no-password")).Trim());
        }

        await DoAsync([
            "init", "--store", PathOf("store"), "--partition", "ca", "--threshold", "2",
            "--holder", $"a={publicKeys[0]}", "--holder", $"b={publicKeys[1]}", "--holder", $"c={publicKeys[2]}"]);
        var label = new KeyLabel("root");
        HsmKey key;
        await using (var device = await RunningDevice.StartAsync(PathOf("store")))
        {
            string[] console = ["--connect", device.Address, "--clients", PathOf("store/clients/console")];
            string[] ca = [.. console, "--partition", "ca"];

            Assert.Contains("1 more", await DoAsync(["unlock", .. ca, "--key", holders[0]]), StringComparison.Ordinal);
            Assert.Contains("a has entered his share already", await FailAsync(["unlock", .. ca, "--key", holders[0]]), StringComparison.Ordinal);
            Assert.Contains("locked, 1 missing", await DoAsync(["status", .. console]), StringComparison.Ordinal);
            Assert.Contains("is open", await DoAsync(["unlock", .. ca, "--key", holders[2]]), StringComparison.Ordinal);
            await using (SimulatorHsm hsm = await ConnectAsync(device, PathOf("store")))
            {
                key = await hsm.GenerateKeyAsync(label, HsmKeyKind.Sm2, TestContext.Current.CancellationToken);
            }

            File.WriteAllText(PathOf("policy.json"), """{ "allowSm2Decrypt": true }""");
            await DoAsync(["policy", "draft", .. ca, "--from", PathOf("policy.json"), "--out", PathOf("policy.der")]);
            string[] policySignatures = await SignAsync("policy.der", holders[0], holders[1]);
            Assert.Contains("2 holders must sign", await FailAsync(["policy", "install", .. ca, "--statement", PathOf("policy.der"), .. policySignatures[..2]]), StringComparison.Ordinal);
            await DoAsync(["policy", "install", .. ca, "--statement", PathOf("policy.der"), .. policySignatures]);
            Assert.Contains("\"version\": 1", await DoAsync(["policy", "show", .. ca]), StringComparison.Ordinal);

            await DoAsync(["backup", "draft", .. ca, "--out", PathOf("backup.der")]);
            string[] backupSignatures = await SignAsync("backup.der", holders[1], holders[2]);

            // The device counts as kept what it has handed out, so it is not asked where the file cannot be made.
            await FailAsync(["backup", "make", .. ca, "--statement", PathOf("backup.der"), .. backupSignatures, "--out", PathOf("no-such-folder/ca.backup")]);
            Assert.Contains("never", await DoAsync(["status", .. console]), StringComparison.Ordinal);
            await DoAsync(["backup", "make", .. ca, "--statement", PathOf("backup.der"), .. backupSignatures, "--out", PathOf("ca.backup")]);
            Assert.Equal(0, await device.EndAsync());
        }

        string restored = await DoAsync(["restore", "--store", PathOf("other"), "--partition", "ca", "--backup", PathOf("ca.backup")]);
        Assert.Contains(File.ReadAllText(PathOf("other/clients/ca/server.sha256")).Trim(), restored, StringComparison.Ordinal);

        // The client keeps what it is known by and learns only the new device's certificate.
        File.Copy(PathOf("store/clients/ca/client.pem"), PathOf("other/clients/ca/client.pem"));
        File.Copy(PathOf("store/clients/ca/secret"), PathOf("other/clients/ca/secret"));
        await using (var device = await RunningDevice.StartAsync(PathOf("other")))
        {
            string[] console = ["--connect", device.Address, "--clients", PathOf("other/clients/console")];
            await DoAsync(["unlock", .. console, "--partition", "ca", "--key", holders[1]]);
            await DoAsync(["unlock", .. console, "--partition", "ca", "--key", holders[2]]);
            await using SimulatorHsm hsm = await ConnectAsync(device, PathOf("other"));

            HsmKey? found = await hsm.FindKeyAsync(label, TestContext.Current.CancellationToken);

            Assert.Equal(key.PublicKey, found?.PublicKey);
            Assert.True(hsm.Token.Can(HsmCapabilities.Sm2Decryption));
            Assert.Equal(0, await device.EndAsync());
        }
    }

    [Fact]
    public async Task EndOfStandardInput_EndsTheDevice()
    {
        using var a = Sm2PrivateKey.Generate();
        using var b = Sm2PrivateKey.Generate();
        await DoAsync([
            "init", "--store", PathOf("store"), "--partition", "ca", "--threshold", "2", "--auto-unlock", "--demo",
            "--holder", $"a={Convert.ToHexStringLower(a.PublicKey.ToBytes())}", "--holder", $"b={Convert.ToHexStringLower(b.PublicKey.ToBytes())}"]);
        await using var device = await RunningDevice.StartAsync(PathOf("store"), "--until-stdin-closes", "--auto-unlock");

        string status = await DoAsync(["status", "--connect", device.Address, "--clients", PathOf("store/clients/console")]);
        string second = await FailAsync(["run", "--store", PathOf("store"), "--listen", "127.0.0.1:0"]);
        string wrong = await FailAsync(["status", "--connect", device.Address, "--clients", PathOf("store/clients/ca")]);

        Assert.Contains("AutoUnlock, Demo", status, StringComparison.Ordinal);
        Assert.Contains("in use", second, StringComparison.Ordinal);
        Assert.Contains("not the console's", wrong, StringComparison.Ordinal);
        Assert.Equal(0, await device.CloseInputAsync());
    }

    private static async Task<string> DoAsync(params string[] arguments)
    {
        VerbTests.Ran ran = await VerbTests.RunAsync(arguments);
        Assert.True(ran.ExitCode == 0, $"{string.Join(' ', arguments)}: {ran.Error}");
        return ran.Output;
    }

    private static async Task<string> FailAsync(params string[] arguments)
    {
        VerbTests.Ran ran = await VerbTests.RunAsync(arguments);
        Assert.Equal(1, ran.ExitCode);
        return ran.Error;
    }

    private static Task<SimulatorHsm> ConnectAsync(RunningDevice device, string store) => SimulatorHsm.ConnectAsync(
        SimulatorOptions.FromFolder(IPEndPoint.Parse(device.Address), "ca", Path.Combine(store, "clients", "ca")), TestContext.Current.CancellationToken);

    /// <returns>The options that name the signatures.</returns>
    private async Task<string[]> SignAsync(string statement, params string[] holders)
    {
        var options = new List<string>();
        foreach (string holder in holders)
        {
            string signature = PathOf($"{statement}.{Path.GetFileName(holder)}.sig");
            await DoAsync("sign", "--key", holder, "--in", PathOf(statement), "--out", signature);
            options.AddRange(["--signature", signature]);
        }

        return [.. options];
    }

    private string PathOf(string name) => Path.Combine(_folder.FullName, name);

    private sealed class RunningDevice : IAsyncDisposable
    {
        private readonly Process _process;
        private readonly Task<string> _log;

        private RunningDevice(Process process, Task<string> log, string address)
        {
            _process = process;
            _log = log;
            Address = address;
        }

        public string Address { get; }

        public static async Task<RunningDevice> StartAsync(string store, params string[] options)
        {
            string program = typeof(CommandLine).Assembly.Location;
            var start = new ProcessStartInfo("dotnet", [program, "run", "--store", store, "--listen", "127.0.0.1:0", .. options])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            Process process = Process.Start(start)!;
            Task<string> log = process.StandardError.ReadToEndAsync();
            string? ready = await process.StandardOutput.ReadLineAsync().WaitAsync(TestDevice.Patience);
            Assert.StartsWith("listening on ", ready ?? await log, StringComparison.Ordinal);
            return new RunningDevice(process, log, ready!["listening on ".Length..]);
        }

        /// <summary>SIGTERM.</summary>
        /// <returns>The exit code.</returns>
        public async Task<int> EndAsync()
        {
            Requires.Command("kill");
            using Process kill = Process.Start("kill", ["-TERM", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
            return await ExitAsync();
        }

        public async Task<int> CloseInputAsync()
        {
            _process.StandardInput.Close();
            return await ExitAsync();
        }

        public async ValueTask DisposeAsync()
        {
            if (!_process.HasExited)
            {
                _process.Kill();
            }

            TestContext.Current.TestOutputHelper?.WriteLine(await _log);
            _process.Dispose();
        }

        private async Task<int> ExitAsync()
        {
            await _process.WaitForExitAsync().WaitAsync(TestDevice.Patience);
            return _process.ExitCode;
        }
    }
}
