using System.Diagnostics;
using System.Net;
using ZwCa.Admin.Programs;

namespace ZwCa.Admin.Demo;

/// <summary>A service of ours as a child process, with its log in a file beside its configuration. It ends when this process ends.</summary>
internal sealed class DemoService : IAsyncDisposable
{
    private const int MostLines = 20;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly string _role;
    private readonly string _config;
    private readonly List<string> _errors = [];
    private readonly string _log;
    private StreamWriter? _writer;
    private Process? _process;

    /// <param name="config">Of a service that listens on these addresses.</param>
    public DemoService(string role, string config, IPEndPoint listen, IPEndPoint management)
    {
        _role = role;
        _config = config;
        _log = Path.Combine(Path.GetDirectoryName(config)!, $"{role}.log");
        Address = new Uri($"https://{listen}");
        Management = new Uri($"http://{management}");
    }

    public Uri Address { get; }

    public Uri Management { get; }

    public int ProcessId => _process!.Id;

    /// <summary>Besides what is in its configuration: the value of each variable.</summary>
    public IReadOnlyDictionary<string, string> Variables { get; init; } = new Dictionary<string, string>();

    /// <summary>Runs a verb of the service's program.</summary>
    /// <returns>What it printed.</returns>
    /// <exception cref="DemoException">It failed.</exception>
    public string Run(params string[] verb)
    {
        using Process process = Launch([.. verb, "--config", _config]);
        process.StandardInput.Close();
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new DemoException($"zwca-{_role} {verb[0]}: {error.Result.Trim()} {output.Trim()}");
    }

    /// <summary>Starts it and waits until it says that it is ready.</summary>
    /// <exception cref="DemoException">It ended, or did not get ready.</exception>
    public async Task StartAsync()
    {
        _process = Launch(["--until-stdin-closes", "--config", _config]);
        _writer = new StreamWriter(_log, append: true) { AutoFlush = true };
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        _process.OutputDataReceived += (_, line) => Keep(line.Data);
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
        using var client = new HttpClient { BaseAddress = Management, Timeout = TimeSpan.FromSeconds(5) };
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < Patience && !_process.HasExited)
        {
            try
            {
                using HttpResponseMessage answer = await client.GetAsync("/health/ready");
                if (answer.IsSuccessStatusCode)
                {
                    return;
                }
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
                // Not listening yet, or not fast yet.
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100));
        }

        throw new DemoException($"zwca-{_role} did not get ready. {Last()}");
    }

    /// <summary>Ends it in order: it answers what it has begun.</summary>
    /// <exception cref="DemoException">It did not end well.</exception>
    public void Stop()
    {
        _process!.StandardInput.Close();
        if (!_process.WaitForExit(TimeSpan.FromSeconds(40)) || _process.ExitCode != 0)
        {
            throw new DemoException($"zwca-{_role} did not end well. {Last()}");
        }
    }

    public ValueTask DisposeAsync()
    {
        if (_process is { } process)
        {
            if (!process.HasExited)
            {
                process.Kill();
            }

            process.Dispose();
        }

        lock (_errors)
        {
            _writer?.Dispose();
            _writer = null;
        }

        return ValueTask.CompletedTask;
    }

    private void Keep(string? line)
    {
        lock (_errors)
        {
            if (line is null || _writer is null)
            {
                return;
            }

            _writer.WriteLine(line);
            _errors.Add(line);
            if (_errors.Count > MostLines)
            {
                _errors.RemoveAt(0);
            }
        }
    }

    private string Last()
    {
        lock (_errors)
        {
            return string.Join('\n', _errors.TakeLast(10));
        }
    }

    private Process Launch(string[] arguments)
    {
        ProcessStartInfo start = ServicePrograms.Start(_role, arguments);
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        foreach ((string name, string value) in Variables)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start) ?? throw new DemoException($"zwca-{_role} could not be started.");
    }
}
