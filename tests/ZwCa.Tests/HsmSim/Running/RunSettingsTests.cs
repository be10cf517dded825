using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using ZwCa.Cryptography;
using ZwCa.Tests.HsmSim.Server;

namespace ZwCa.Tests.HsmSim.Running;

/// <summary>A device that is run from a file, as the services are.</summary>
public sealed class RunSettingsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Sm2PrivateKey[] _holders = [.. Enumerable.Range(0, 3).Select(_ => Sm2PrivateKey.Generate())];

    private string Store => _folder.File("store");

    public void Dispose()
    {
        Array.ForEach(_holders, key => key.Dispose());
        _folder.Dispose();
    }

    [Fact]
    public async Task AGoodConfiguration_IsSaidInLines_AndChangesNothing()
    {
        await InitAsync("ca");
        string[] before = Files();

        VerbTests.Ran ran = await CheckAsync(Write(new { Store = "store", Listen = "127.0.0.1:0" }));

        Assert.Equal((0, ""), (ran.ExitCode, ran.Error));
        string[] lines = ran.Output.TrimEnd().Split(Environment.NewLine);
        Assert.All(lines, line => Assert.StartsWith("ok     ", line, StringComparison.Ordinal));
        Assert.Equal(["configuration", "mode", "store", "store", "certificate", "partition ca", "listen"], lines.Select(line => line[7..].Split(':')[0]));
        Assert.Contains("mode: Production", ran.Output, StringComparison.Ordinal);
        Assert.Contains("2 of 3 holders, made without marks", ran.Output, StringComparison.Ordinal);
        Assert.Equal(before, Files());
    }

    public static TheoryData<string, string> Wrong => new()
    {
        { """{"Store": "store", "Listen": "127.0.0.1:0", "Faluts": true}""", "configuration: Faluts is no setting" },
        { """{"Store": "store", "Listen": "127.0.0.1:0", "Store": "other"}""", "configuration: Store is there twice" },
        { """{"Listen": "127.0.0.1:0"}""", "configuration: Store must be" },
        { """{"Store": 1, "Listen": "127.0.0.1:0"}""", "configuration: Store must be" },
        { """{"Store": "store"}""", "configuration: Listen must be HOST:PORT" },
        { """{"Store": "store", "Listen": "127.0.0.1"}""", "configuration: Listen must be HOST:PORT" },
        { """{"Store": "store", "Listen": "127.0.0.1:0", "AutoUnlock": "yes"}""", "configuration: AutoUnlock must be true or false" },
        { """{"Store": "store", "Listen": "127.0.0.1:0", "Mode": "production"}""", "configuration: Mode must be Production, Demo or Development" },
        { """{"Store": "store", "Listen": "127.0.0.1:0", "Anchor": ""}""", "configuration: Anchor must be a folder" },
        { "{\n\"Store\": store\n}", "is not the JSON that is expected, line 2" },
        { "[]", "is not the JSON that is expected" },
        { """{"Store": "store", "Listen": "127.0.0.1:0", "AutoUnlock": true}""", "mode: Production, in which AutoUnlock and Faults have no place" },
        { """{"Store": "store", "Listen": "127.0.0.1:0", "Faults": true}""", "mode: Production, in which AutoUnlock and Faults have no place" },
        { """{"Store": "elsewhere", "Listen": "127.0.0.1:0"}""", "store: " },
        { """{"Store": "store", "Anchor": "gone", "Listen": "127.0.0.1:0"}""", "gone is missing" },
        { """{"Store": "store", "Listen": "no-such-host.invalid:9600"}""", "listen: no-such-host.invalid cannot be resolved" },
        { """{"Store": "store", "Listen": "127.0.0.1:TAKEN"}""", "listen: 127.0.0.1:" },
    };

    /// <summary>Each is named by check-config, and again where somebody starts the device nevertheless.</summary>
    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task WhatIsWrong_IsNamedBeforeTheDeviceStarts(string text, string said)
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        await InitAsync("ca");
        string config = _folder.File("hsm.json");
        await File.WriteAllTextAsync(
            config,
            text.Replace("TAKEN", $"{((IPEndPoint)other.LocalEndpoint).Port}", StringComparison.Ordinal),
            TestContext.Current.CancellationToken);

        VerbTests.Ran checkedOnly = await CheckAsync(config);
        VerbTests.Ran run = await VerbTests.RunAsync(["run", "--config", config]);

        Assert.Equal((1, 1), (checkedOnly.ExitCode, run.ExitCode));
        Assert.Contains("FAILED ", checkedOnly.Output, StringComparison.Ordinal);
        Assert.Contains(said, checkedOnly.Output, StringComparison.Ordinal);
        Assert.Contains(said.Replace("configuration: ", "", StringComparison.Ordinal), run.Error, StringComparison.Ordinal);
        Assert.Equal("", run.Output);
    }

    [Theory]
    [InlineData("--demo", "Demo")]
    [InlineData("--auto-unlock", "AutoUnlock")]
    public async Task WhatIsMarked_DoesNotRunInProduction(string option, string mark)
    {
        await InitAsync("ca", option);

        VerbTests.Ran ran = await CheckAsync(Write(new { Store = "store", Listen = "127.0.0.1:0" }));
        VerbTests.Ran demo = await CheckAsync(Write(new { Mode = "Demo", Store = "store", Listen = "127.0.0.1:0" }));

        Assert.Equal(1, ran.ExitCode);
        Assert.Contains($"FAILED partition ca: It is marked {mark}", ran.Output, StringComparison.Ordinal);
        Assert.Equal(0, demo.ExitCode);
        Assert.Contains($"marked {mark}", demo.Output, StringComparison.Ordinal);
    }

    public static TheoryData<string, string> Spoilt => new()
    {
        { "open store", "is open to others" },
        { "open anchors", "is open to others" },
        { "no certificate", "FAILED certificate: " },
        { "no anchor", "FAILED partition ca: Its anchor" },
        { "damaged header", "FAILED partition ca: " },
        { "no partition", "FAILED partitions: There is none" },
    };

    [Theory]
    [MemberData(nameof(Spoilt))]
    public async Task WhatIsWrongWithTheStore_IsNamed(string wrong, string said)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        await InitAsync("ca");
        const UnixFileMode Open = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead;
        string partition = Path.Combine(Store, "partitions", "ca");
        switch (wrong)
        {
            case "open store":
                File.SetUnixFileMode(Store, Open);
                break;
            case "open anchors":
                File.SetUnixFileMode($"{Store}.anchor", Open);
                break;
            case "no certificate":
                File.Delete(Path.Combine(Store, "device", "server.pem"));
                break;
            case "no anchor":
                File.Delete(Path.Combine($"{Store}.anchor", "ca"));
                break;
            case "damaged header":
                await File.WriteAllBytesAsync(Path.Combine(partition, "header"), new byte[10], TestContext.Current.CancellationToken);
                break;
            case "no partition":
                Directory.Delete(partition, recursive: true);
                break;
        }

        VerbTests.Ran ran = await CheckAsync(Write(new { Store = "store", Listen = "127.0.0.1:0" }));

        Assert.Equal(1, ran.ExitCode);
        Assert.Contains(said, ran.Output, StringComparison.Ordinal);
        Assert.Equal(1, ran.Output.Split("FAILED").Length - 1);
    }

    [Theory]
    [InlineData("run --config c --store s", "--store stands in the file")]
    [InlineData("run --config c --listen h:1", "--listen stands in the file")]
    [InlineData("run --config c --anchor a", "--anchor stands in the file")]
    [InlineData("run --config c --auto-unlock", "--auto-unlock stands in the file")]
    [InlineData("run --store s", "--listen is needed, or --config")]
    [InlineData("run", "--store is needed, or --config")]
    public async Task TheFileAndTheOptions_AreNotMixed(string arguments, string said)
    {
        VerbTests.Ran ran = await VerbTests.RunAsync(arguments.Split(' '));

        Assert.Equal(2, ran.ExitCode);
        Assert.Contains(said, ran.Error, StringComparison.Ordinal);
    }

    private static Task<VerbTests.Ran> CheckAsync(string config) => VerbTests.RunAsync(["check-config", "--config", config]);

    private async Task InitAsync(string partition, params string[] options)
    {
        string[] holders = [.. _holders.SelectMany((key, i) => (string[])["--holder", $"holder{i}={Convert.ToHexStringLower(key.PublicKey.ToBytes())}"])];
        Assert.Equal(0, (await VerbTests.RunAsync(["init", "--store", Store, "--partition", partition, "--threshold", "2", .. options, .. holders])).ExitCode);
    }

    private string Write(object settings)
    {
        string file = _folder.File("hsm.json");
        File.WriteAllText(file, JsonSerializer.Serialize(settings));
        return file;
    }

    private string[] Files() =>
        [.. Directory.EnumerateFiles(_folder.Path, "*", SearchOption.AllDirectories).Where(file => !file.EndsWith("hsm.json", StringComparison.Ordinal)).Select(file => $"{file} {new FileInfo(file).Length}").Order(StringComparer.Ordinal)];
}
