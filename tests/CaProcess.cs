using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Ca;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Verbs;

namespace ZwCa;

/// <summary>How a <see cref="CaProcess"/> differs from the plain one.</summary>
internal sealed record CaProcessSetup
{
    /// <summary>Where everything lies, and stays: a folder that does not exist yet. Null: one that is deleted at the end.</summary>
    public string? Folder { get; init; }

    /// <summary>Settings besides, or instead of, the plain ones: <c>Ca:RecoverAfter</c>.</summary>
    public IReadOnlyDictionary<string, string?> Settings { get; init; } = new Dictionary<string, string?>();

    /// <summary>Whether there is an RSA CA too.</summary>
    public bool WithRsa { get; init; }

    /// <summary>Fills in more, while the service does not run yet.</summary>
    public Func<CaScene, IServiceProvider, Task> Fill { get; init; } = (_, _) => Task.CompletedTask;
}

/// <summary>
/// The CA as it runs in production: a process of its own, its keys in an hsm-sim that is another, an SQLite file with full durability; filled as <see cref="CaScene"/> says. It listens on
/// the same ports through all its lives. Linked into the test projects.
/// </summary>
internal sealed partial class CaProcess : IAsyncDisposable
{
    public const string Partition = "ca";

    private const int Terminate = 15;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(50);

    private readonly TemporaryFolder? _temporary;
    private readonly string _folder;
    private readonly Uri _management;
    private readonly HttpClient _health;
    private readonly StringBuilder _log = new();
    private HsmSimStore _store = null!;
    private SampleHierarchy _hierarchy = null!;
    private Process? _process;

    private CaProcess(CaProcessSetup setup)
    {
        _temporary = setup.Folder is null ? new TemporaryFolder() : null;
        _folder = setup.Folder ?? _temporary!.Path;
        Address = new Uri($"https://127.0.0.1:{FreePort()}");
        _management = new Uri($"http://127.0.0.1:{FreePort()}");
        _health = new HttpClient { BaseAddress = _management, Timeout = TimeSpan.FromSeconds(5) };
    }

    public Uri Address { get; }

    public CaScene Scene { get; private set; } = null!;

    public CaIssuers Issuers { get; private set; } = null!;

    /// <summary>May be replaced by another of the same address, once the old one has ended.</summary>
    public HsmSimProcess Device { get; set; } = null!;

    /// <summary>Of the device.</summary>
    public HsmSimStore Store => _store;

    /// <summary>A connection of the test's own to the CA's partition.</summary>
    public SimulatorHsm Hsm { get; private set; } = null!;

    public string DatabaseFile => Path.Combine(_folder, "ca.db");

    /// <summary>For the log's key, and where its anchor is.</summary>
    public string AnchorFile => Path.Combine(_folder, "log.anchor");

    public int Id => _process!.Id;

    /// <summary>What it wrote to its outputs, through all its lives.</summary>
    public string Log
    {
        get
        {
            lock (_log)
            {
                return _log.ToString();
            }
        }
    }

    private string ConfigFile => Path.Combine(_folder, "ca.json");

    /// <summary>Everything is there, the device runs, the service does not yet.</summary>
    public static async Task<CaProcess> CreateAsync(CaProcessSetup? setup = null)
    {
        setup ??= new CaProcessSetup();
        var process = new CaProcess(setup);
        try
        {
            await process.PrepareAsync(setup);
            return process;
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    /// <summary>A database of this program's own over the file: to read beside the service, to write while it does not run.</summary>
    public Database OpenDatabase() => new(new DatabaseOptions { ConnectionString = $"Data Source={DatabaseFile}" });

    public async Task<long> CountSignaturesAsync(string label) =>
        await Hsm.GetSignatureCountAsync(await Hsm.FindKeyAsync(new KeyLabel(label)) ?? throw new ArgumentException("No such key.", nameof(label)));

    /// <summary>Starts it without waiting for anything.</summary>
    /// <param name="faultPoint">As in ZWCA_FAULT_POINT. Null: none.</param>
    public void Launch(string? faultPoint = null)
    {
        if (_process is { HasExited: false })
        {
            throw new InvalidOperationException("It runs.");
        }

        _process?.Dispose();
        // The signal that a file may not grow has to be an error of the write, as on a full disk.
        string[] command = ["dotnet", Path.Combine(AppContext.BaseDirectory, "zwca-ca.dll"), "--config", ConfigFile];
        var start = new ProcessStartInfo("/bin/sh", ["-c", "trap '' XFSZ; exec \"$@\"", "sh", .. command])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment[FaultPoint.Variable] = faultPoint ?? "";
        _process = Process.Start(start)!;
        _process.OutputDataReceived += Keep;
        _process.ErrorDataReceived += Keep;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Starts it and waits until it says that it is ready.</summary>
    public async Task StartAsync()
    {
        Launch();
        if (!await WaitUntilReadyAsync())
        {
            throw new InvalidOperationException($"The CA ended before it was ready.\n{Log}");
        }
    }

    /// <returns>False: it ended before.</returns>
    public async Task<bool> WaitUntilReadyAsync()
    {
        var clock = Stopwatch.StartNew();
        while (!_process!.HasExited)
        {
            try
            {
                using HttpResponseMessage answer = await _health.GetAsync("/health/ready");
                if (answer.StatusCode == HttpStatusCode.OK)
                {
                    return true;
                }
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
                // It does not listen yet.
            }

            if (clock.Elapsed > Patience)
            {
                throw new TimeoutException($"The CA was not ready in time.\n{Log}");
            }

            await Task.Delay(LookAgain);
        }

        return false;
    }

    /// <returns>The Prometheus text.</returns>
    public Task<string> ReadMetricsAsync() => _health.GetStringAsync("/metrics");

    /// <summary>SIGKILL.</summary>
    /// <returns>False: it was dead already.</returns>
    public async Task<bool> KillAsync()
    {
        bool alive = !_process!.HasExited;
        _process.Kill();
        await _process.WaitForExitAsync();
        return alive;
    }

    /// <summary>SIGTERM.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> StopAsync()
    {
        if (Signal(_process!.Id, Terminate) != 0)
        {
            throw new InvalidOperationException("The signal was not sent.");
        }

        return await WaitForExitAsync();
    }

    /// <summary>Waits for an end that comes from within.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> WaitForExitAsync()
    {
        try
        {
            await _process!.WaitForExitAsync().WaitAsync(Patience);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"The CA did not end.\n{Log}", e);
        }

        return _process.ExitCode;
    }

    /// <summary>Lets no file grow beyond so many bytes, and none be written beyond them: nearly a full disk. Linux.</summary>
    /// <param name="bytes">Null: there is room again.</param>
    public async Task LimitFilesAsync(int? bytes)
    {
        string size = bytes?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "unlimited";
        using Process limit = Process.Start("prlimit", ["--pid", Id.ToString(System.Globalization.CultureInfo.InvariantCulture), $"--fsize={size}:"]);
        await limit.WaitForExitAsync();
        if (limit.ExitCode != 0)
        {
            throw new InvalidOperationException("prlimit refused.");
        }
    }

    /// <summary>The device again, on the port of before.</summary>
    public async Task StartDeviceAsync()
    {
        string listen = Device.Endpoint.ToString();
        await Device.DisposeAsync();
        Device = await _store.StartAsync(listen);
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false })
        {
            await KillAsync();
        }

        _process?.Dispose();
        _health.Dispose();
        Scene?.Dispose();
        if (Hsm is not null)
        {
            await Hsm.DisposeAsync();
        }

        if (Device is not null)
        {
            await Device.DisposeAsync();
        }

        _store?.Dispose();
        if (_hierarchy is not null)
        {
            await _hierarchy.DisposeAsync();
        }

        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        _temporary?.Dispose();
    }

    /// <summary>Nobody has it at present; and no connection gets it by chance while the process is down, for those begin at 32768.</summary>
    public static int FreePort()
    {
        while (true)
        {
            int port = RandomNumberGenerator.GetInt32(20_000, 32_768);
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                // Another one.
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int process, int signal);

    private async Task PrepareAsync(CaProcessSetup setup)
    {
        string state = Path.Combine(_folder, CaScene.StateFile);
        bool isNew = !File.Exists(state);
        Directory.CreateDirectory(_folder);
        _store = HsmSimStore.At(Path.Combine(_folder, "hsm"), Partition);
        Device = await _store.StartAsync();
        Hsm = await _store.ConnectAsync(Device, Partition);
        _hierarchy = await SampleHierarchy.CreateAsync();
        Issuers = isNew ? await CaIssuers.InDeviceAsync(_hierarchy, Hsm, setup.WithRsa) : await CaIssuers.OpenAsync(Hsm, _folder);
        WriteConfiguration(setup);
        if (!isNew)
        {
            Scene = new CaScene(_hierarchy, Issuers, null, _folder, Address, TimeProvider.System);
            Scene.Load(state);
            return;
        }

        // Filled through the program's own parts, which are not started: no listener, no job, no sequencer.
        var program = new ServiceProgram { Description = "The CA of a test.", Tables = CaHosting.Tables, Checks = CaHosting.Checks, Add = CaHosting.Add, Map = CaHosting.Map };
        Microsoft.Extensions.Configuration.IConfigurationRoot configuration = ServiceConfiguration.Load(ConfigFile);
        await using WebApplication app = program.Build(ServiceConfiguration.Read(configuration), configuration, TextWriter.Null);
        await app.Services.GetRequiredService<Migrator>().MigrateAsync();
        foreach (StartCheck check in CaHosting.Checks)
        {
            await check.Run(app.Services, CancellationToken.None);
        }

        Scene = new CaScene(_hierarchy, Issuers, app.Services, _folder, Address, TimeProvider.System);
        await Scene.FillAsync();
        await setup.Fill(Scene, app.Services);
        Scene.Save(state);
    }

    private void WriteConfiguration(CaProcessSetup setup)
    {
        Dictionary<string, string?> settings = CaScene.WriteSettings(Issuers, _folder);
        LinkOptionsFiles link = CaScene.WriteServerLink(Issuers, _folder, TimeProvider.System);
        settings["Ca:Hsm:Endpoint"] = Device.Endpoint.ToString();
        settings["Ca:Hsm:Partition"] = Partition;
        settings["Ca:Hsm:ClientFolder"] = Path.Combine(_store.Path, "clients", Partition);
        settings["Service:Name"] = CaScene.ServiceName;
        settings["Service:Mode"] = nameof(ServiceMode.Development);
        settings["Service:Listen"] = Address.Authority;
        settings["Service:Management"] = _management.Authority;
        settings["Service:Link:CertificateFile"] = link.Certificate;
        settings["Service:Link:KeyFile"] = link.Key;
        settings["Service:Link:SystemCaFile"] = link.SystemCa;
        settings["Service:Database:ConnectionString"] = $"Data Source={DatabaseFile}";
        settings["Service:Limits:RequestsPerSecond"] = "100000";
        settings["Service:Limits:RequestsAtOnce"] = "100000";
        foreach ((string name, string? value) in setup.Settings)
        {
            settings[name] = value;
        }

        File.WriteAllText(ConfigFile, JsonSerializer.Serialize(settings));
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        if (line.Data is not null)
        {
            lock (_log)
            {
                _log.AppendLine(line.Data);
            }
        }
    }
}
