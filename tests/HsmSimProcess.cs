using System.Diagnostics;
using System.Net;

namespace ZwCa;

/// <summary>hsm-sim as a process of its own, as it runs in production. Linked into the test projects that need a device.</summary>
internal sealed class HsmSimProcess : IAsyncDisposable
{
    private const string Ready = "listening on ";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private bool _isDisposed;

    private HsmSimProcess(Process process, IPEndPoint endpoint, Task<string> log)
    {
        _process = process;
        Endpoint = endpoint;
        Log = log;
    }

    public IPEndPoint Endpoint { get; }

    public int Id => _process.Id;

    /// <summary>What it wrote to its error output; complete when it has ended.</summary>
    public Task<string> Log { get; }

    /// <summary>Runs one of its verbs to the end.</summary>
    public static (int ExitCode, string Output, string Error) Run(params string[] arguments) => Run(arguments, []);

    /// <inheritdoc cref="Run(string[])"/>
    public static (int ExitCode, string Output, string Error) Run(string[] arguments, (string Name, string Value)[] environment)
    {
        using Process process = Launch(arguments, environment);
        process.StandardInput.Close();
        Task<string> error = process.StandardError.ReadToEndAsync();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"hsm-sim {string.Join(' ', arguments)} did not end.");
        }

        return (process.ExitCode, output.Result, error.Result);
    }

    /// <summary>Runs a verb that must succeed.</summary>
    /// <returns>Its output.</returns>
    public static string Do(params string[] arguments)
    {
        (int exitCode, string output, string error) = Run(arguments);
        return exitCode == 0 ? output : throw new InvalidOperationException($"hsm-sim {string.Join(' ', arguments)}: exit code {exitCode}\n{output}{error}");
    }

    /// <summary>Starts <c>run</c> and waits until it listens.</summary>
    /// <param name="listen">Port 0: any.</param>
    public static async Task<HsmSimProcess> StartAsync(string store, IEnumerable<string>? options = null, string listen = "127.0.0.1:0")
    {
        Process process = Launch(["run", "--store", store, "--listen", listen, "--until-stdin-closes", .. options ?? []], []);
        Task<string> log = process.StandardError.ReadToEndAsync();
        Task<string?> line = process.StandardOutput.ReadLineAsync();
        if (await Task.WhenAny(line, Task.Delay(Patience)) != line || line.Result is not { } said || !said.StartsWith(Ready, StringComparison.Ordinal))
        {
            process.Kill(entireProcessTree: true);
            throw new InvalidOperationException($"hsm-sim did not come up: {await log}");
        }

        // Drained, so that a full pipe never stops it.
        _ = process.StandardOutput.ReadToEndAsync();
        return new HsmSimProcess(process, IPEndPoint.Parse(said[Ready.Length..]), log);
    }

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Ends as when its parent ends.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> StopAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync().WaitAsync(Patience);
        return _process.ExitCode;
    }

    /// <summary>Waits for an end that comes from within.</summary>
    public Task WaitForExitAsync() => _process.WaitForExitAsync().WaitAsync(Patience);

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        if (!_process.HasExited)
        {
            await KillAsync();
        }

        _process.Dispose();
    }

    private static Process Launch(string[] arguments, (string Name, string Value)[] environment)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "hsm-sim.dll");
        var start = new ProcessStartInfo("dotnet", [program, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }
}
