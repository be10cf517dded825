using System.Diagnostics;
using System.Net;
using ZwCa.Admin.Programs;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;

namespace ZwCa.Admin.Demo;

/// <summary>
/// hsm-sim as a child process with a store whose five holders are files of the demo: any three open a partition. It ends when this process ends; what it
/// keeps is encrypted, and opened again by three.
/// </summary>
internal sealed class DemoDevice(DirectoryInfo folder, string password) : IAsyncDisposable
{
    public const int Threshold = 3;

    private const string PasswordVariable = "ZWCA_HOLDER_PASSWORD";
    private const string Ready = "listening on ";

    private static readonly string[] HolderNames = ["赵", "钱", "孙", "李", "周"];

    private Process? _process;
    private IPEndPoint? _endpoint;

    public static IReadOnlyList<string> Holders => HolderNames;

    private string Store => Path.Combine(folder.FullName, "store");

    /// <summary>Makes the holders' keys and a partition whose shares are encrypted to them.</summary>
    /// <param name="partitions">Names.</param>
    /// <exception cref="DemoException">hsm-sim refused.</exception>
    public void Initialize(params IReadOnlyList<string> partitions)
    {
        folder.Create();
        var options = new List<string>();
        foreach (string name in HolderNames)
        {
            using var key = Sm2PrivateKey.Generate();
            File.WriteAllText(KeyFile(name), Sm2KeyFile.Write(key, password));
            options.AddRange(["--holder", $"{name}={Convert.ToHexStringLower(key.PublicKey.ToBytes())}"]);
        }

        foreach (string partition in partitions)
        {
            Run(["init", "--store", Store, "--partition", partition, "--threshold", $"{Threshold}", "--demo", .. options]);
        }
    }

    /// <param name="listen">Where the services expect it.</param>
    /// <exception cref="DemoException">It did not come up.</exception>
    public void Start(IPEndPoint listen)
    {
        _process = Launch(["run", "--store", Store, "--listen", $"{listen}", "--until-stdin-closes"]);
        _process.StandardInput.AutoFlush = true;
        Task<string> log = _process.StandardError.ReadToEndAsync();
        string? line = _process.StandardOutput.ReadLine();
        _endpoint = line is not null && line.StartsWith(Ready, StringComparison.Ordinal)
            ? IPEndPoint.Parse(line[Ready.Length..])
            : throw new DemoException($"hsm-sim did not come up: {log.Result}");
    }

    /// <summary>As many holders as it takes open their shares, each with his own key, and enter them.</summary>
    /// <exception cref="DemoException">Refused.</exception>
    public void Unlock(IReadOnlyList<string> partitions) => Parallel.ForEach(partitions, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, partition =>
    {
        foreach (string holder in Holders.Take(Threshold))
        {
            Unlock(partition, holder);
        }
    });

    private void Unlock(string partition, string holder) =>
        Run(["unlock", "--connect", $"{_endpoint}", "--clients", ClientFolder("console"), "--partition", partition, "--key", KeyFile(holder)]);

    /// <exception cref="HsmException">Locked, or away.</exception>
    public Task<SimulatorHsm> ConnectAsync(string partition) =>
        SimulatorHsm.ConnectAsync(SimulatorOptions.FromFolder(_endpoint!, partition, ClientFolder(partition)));

    /// <summary>Ends the device and waits for it.</summary>
    /// <exception cref="DemoException">It did not end well.</exception>
    public void Stop()
    {
        _process!.StandardInput.Close();
        if (!_process.WaitForExit(TimeSpan.FromSeconds(30)) || _process.ExitCode != 0)
        {
            throw new DemoException("hsm-sim did not end well.");
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

        return ValueTask.CompletedTask;
    }

    /// <summary>One holder signs what holders sign.</summary>
    /// <exception cref="DemoException">Refused.</exception>
    public void Sign(string holder, string statement, string signature) => Run(["sign", "--key", KeyFile(holder), "--in", statement, "--out", signature]);

    /// <summary>With the credentials of a partition's client, or the console's.</summary>
    public string ClientFolder(string name) => Path.Combine(Store, "clients", name);

    /// <summary>HOST:PORT.</summary>
    public string Endpoint => _endpoint!.ToString();

    private string KeyFile(string holder) => Path.Combine(folder.FullName, $"holder-{holder}.pem");

    private void Run(string[] arguments)
    {
        using Process process = Launch(arguments);
        process.StandardInput.Close();
        Task<string> error = process.StandardError.ReadToEndAsync();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new DemoException($"hsm-sim {arguments[0]}: {error.Result.Trim()}");
        }
    }

    private Process Launch(string[] arguments)
    {
        ProcessStartInfo start = ServicePrograms.Start(ServicePrograms.HsmSim, arguments);
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.Environment[PasswordVariable] = password;
        return Process.Start(start)!;
    }
}
