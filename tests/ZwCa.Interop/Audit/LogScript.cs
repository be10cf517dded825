using System.Diagnostics;
using System.Text;

namespace ZwCa.Interop.Audit;

/// <summary>What somebody is shown who is to believe that an event is in a log.</summary>
/// <param name="Key">PEM.</param>
internal sealed record Evidence(byte[] Checkpoint, byte[] Key, byte[] Leaf, byte[] Proof)
{
    /// <summary>An earlier checkpoint, and the consistency proof from it.</summary>
    public (byte[] First, byte[] Proof)? Consistency { get; init; }

    public IReadOnlyList<string> Options { get; init; } = [];
}

/// <summary>
/// tests/verify-log.py, which knows the log from docs/AUDIT-FORMAT.md only. Its files lie in a folder that is deleted at the end.
/// </summary>
internal sealed class LogScript : IDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(1);

    private readonly TemporaryFolder _folder = new();

    /// <summary>Skips the test, or fails it in CI, where the script cannot run.</summary>
    public LogScript()
    {
        Requires.Command("python3");
        Requires.OpenSsl();
    }

    /// <returns>The name.</returns>
    public string Write(string name, byte[] content)
    {
        File.WriteAllBytes(_folder.File(name), content);
        return name;
    }

    public Verdict Judge(Evidence evidence)
    {
        List<string> arguments =
        [
            Write("checkpoint.der", evidence.Checkpoint), Write("key.pem", evidence.Key),
            Write("leaf.der", evidence.Leaf), Write("proof.der", evidence.Proof),
            .. evidence.Options,
        ];
        if (evidence.Consistency is var (first, proof))
        {
            arguments.AddRange("--consistency", Write("first.der", first), Write("consistency.der", proof));
        }

        return Run([.. arguments]);
    }

    /// <param name="input">Becomes standard input.</param>
    public Verdict Run(string[] arguments, string input = "")
    {
        // Without what else is installed for Python (-I -S): the standard library has to do.
        var start = new ProcessStartInfo("python3", ["-I", "-S", Path.Combine(AppContext.BaseDirectory, "verify-log.py"), .. arguments])
        {
            WorkingDirectory = _folder.Path,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        if (!process.WaitForExit(Timeout))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"The script did not end within {Timeout.TotalSeconds} s.");
        }

        return new Verdict(process.ExitCode, output.Result, error.Result);
    }

    public void Dispose() => _folder.Dispose();

    public sealed record Verdict(int ExitCode, string Output, string Error)
    {
        /// <param name="said">Must stand in the output.</param>
        public void Holds(string said)
        {
            Assert.True(ExitCode == 0 && Error.Length == 0, $"The script refused:\n{this}");
            Assert.Contains(said, Output, StringComparison.Ordinal);
        }

        /// <summary>And nothing that the files say is told.</summary>
        /// <param name="reason">Must stand in the error.</param>
        public void Fails(int exitCode, string reason)
        {
            bool isExpected = ExitCode == exitCode && Error.Contains(reason, StringComparison.Ordinal);
            Assert.True(isExpected, $"Expected {exitCode} with \"{reason}\":\n{this}");
            Assert.Empty(Output);
        }
    }
}
