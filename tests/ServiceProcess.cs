using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using ZwCa.Data;

namespace ZwCa;

/// <summary>A service of ours as a process of its own, which listens on the same ports through all its lives. Linked into the test projects.</summary>
/// <param name="program">Of the assembly beside this one.</param>
internal abstract partial class ServiceProcess(string program) : IAsyncDisposable
{
    private const int Terminate = 15;
    private const int Continue = 18;
    private const int Halt = 19;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(50);

    /// <summary>Each is somebody's for good: he may be down at the moment, and come back to it.</summary>
    private static readonly ConcurrentDictionary<int, bool> Taken = [];

    private readonly StringBuilder _log = new();
    private HttpClient? _health;
    private Process? _process;

    public Uri Address { get; } = new($"https://127.0.0.1:{FreePort()}");

    public Uri Management { get; } = new($"http://127.0.0.1:{FreePort()}");

    public int Id => _process!.Id;

    public bool IsRunning => _process is { HasExited: false };

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

    /// <summary>The core that it may use. Null: all.</summary>
    public string? Core { get; init; }

    protected abstract string ConfigFile { get; }

    private HttpClient Health => _health ??= new HttpClient { BaseAddress = Management, Timeout = TimeSpan.FromSeconds(5) };

    /// <summary>Starts it without waiting for anything.</summary>
    /// <param name="faultPoint">As in ZWCA_FAULT_POINT. Null: none.</param>
    public void Launch(string? faultPoint = null)
    {
        if (IsRunning)
        {
            throw new InvalidOperationException("It runs.");
        }

        _process?.Dispose();
        // The signal that a file may not grow has to be an error of the write, as on a full disk.
        string[] command = [.. Core is null ? (string[])[] : ["taskset", "-c", Core], "dotnet", Path.Combine(AppContext.BaseDirectory, $"{program}.dll"), "--config", ConfigFile];
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
    /// <param name="patience">Null: a minute.</param>
    public async Task StartAsync(TimeSpan? patience = null)
    {
        Launch();
        if (!await WaitUntilReadyAsync(patience))
        {
            throw new InvalidOperationException($"It ended before it was ready.\n{Log}");
        }
    }

    /// <returns>False: it ended before.</returns>
    public async Task<bool> WaitUntilReadyAsync(TimeSpan? patience = null)
    {
        var clock = Stopwatch.StartNew();
        string last = "";
        while (!_process!.HasExited)
        {
            try
            {
                using HttpResponseMessage answer = await Health.GetAsync("/health/ready");
                if (answer.StatusCode == HttpStatusCode.OK)
                {
                    return true;
                }

                last = await answer.Content.ReadAsStringAsync();
            }
            catch (Exception e)
            {
                // It does not listen yet, or the connection broke: whatever it was, he who waits in vain is told.
                last = e.ToString();
            }

            if (clock.Elapsed > (patience ?? Patience))
            {
                throw new TimeoutException($"It was not ready in time: {last}\n{Log}");
            }

            await Task.Delay(LookAgain);
        }

        return false;
    }

    /// <returns>The Prometheus text.</returns>
    public Task<string> ReadMetricsAsync() => Health.GetStringAsync("/metrics");

    /// <summary>SIGKILL.</summary>
    /// <returns>False: it was dead already.</returns>
    public async Task<bool> KillAsync()
    {
        bool alive = !_process!.HasExited;
        _process.Kill();
        await _process.WaitForExitAsync();
        return alive;
    }

    /// <summary>SIGSTOP: it is there, and does nothing.</summary>
    public void Suspend() => _ = Signal(_process!.Id, Halt);

    /// <summary>SIGCONT.</summary>
    public void Resume() => _ = Signal(_process!.Id, Continue);

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
    /// <param name="patience">Null: a minute.</param>
    /// <returns>The exit code.</returns>
    public async Task<int> WaitForExitAsync(TimeSpan? patience = null)
    {
        try
        {
            await _process!.WaitForExitAsync().WaitAsync(patience ?? Patience);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"It did not end.\n{Log}", e);
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

    public virtual async ValueTask DisposeAsync()
    {
        if (IsRunning)
        {
            await KillAsync();
        }

        _process?.Dispose();
        _health?.Dispose();
    }

    /// <summary>Nobody has it at present; and no connection gets it by chance while the process is down, for those begin at 32768.</summary>
    public static int FreePort()
    {
        while (true)
        {
            int port = RandomNumberGenerator.GetInt32(20_000, 32_768);
            if (!Taken.TryAdd(port, true))
            {
                continue;
            }

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
