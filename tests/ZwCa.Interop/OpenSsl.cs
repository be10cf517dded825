using System.Diagnostics;
using System.Text;
using ZwCa.Asn1;

namespace ZwCa.Interop;

/// <summary>
/// The openssl command in a folder of its own, which is deleted at the end. File names are relative to that folder. The configuration is
/// ours, so that the machine's has no say.
/// </summary>
internal sealed class OpenSsl : IDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    private readonly DirectoryInfo _folder;

    /// <summary>Skips the test, or fails it in CI, where there is no openssl.</summary>
    public OpenSsl()
    {
        Requires.OpenSsl();
        _folder = Directory.CreateTempSubdirectory("zwca-interop-");
        Write("openssl.cnf", "[req]\ndistinguished_name = subject\nstring_mask = utf8only\n[subject]\n"u8);
    }

    /// <summary>3.x signs with SM2 under the empty identity unless told otherwise; 4.0 under the default one.</summary>
    public bool SignsWithEmptyIdentity => Run("version").Text.StartsWith("OpenSSL 3.", StringComparison.Ordinal);

    /// <summary>Runs a command that must succeed.</summary>
    public Output Run(params string[] arguments) => Run(arguments, []);

    /// <inheritdoc cref="Run(string[])"/>
    /// <param name="input">Becomes standard input.</param>
    public Output Run(string[] arguments, ReadOnlySpan<byte> input)
    {
        Output output = Execute(arguments, input);
        Assert.True(output.ExitCode == 0, $"openssl refused:\n{output}");
        return output;
    }

    /// <summary>Runs a command that may succeed or fail.</summary>
    public Output Try(params string[] arguments) => Execute(arguments, []);

    /// <summary>Runs a command that must fail, for the right reason.</summary>
    /// <param name="reason">Must stand in the output.</param>
    public void Refuses(string reason, params string[] arguments)
    {
        Output output = Execute(arguments, []);
        Assert.True(output.ExitCode != 0, $"openssl accepted:\n{output}");
        Assert.True(output.Says(reason), $"openssl refused, but not with \"{reason}\":\n{output}");
    }

    /// <returns>The name.</returns>
    public string Write(string name, ReadOnlySpan<byte> content)
    {
        File.WriteAllBytes(Path.Combine(_folder.FullName, name), content);
        return name;
    }

    /// <summary>A DER value as one PEM block.</summary>
    /// <returns>The name.</returns>
    public string WritePem<T>(string name, string label, T value)
        where T : IDer<T> =>
        Write(name, Encoding.ASCII.GetBytes(Pem.Encode(label, Der.Encode(value))));

    /// <summary>For programs other than openssl.</summary>
    public string PathOf(string name) => Path.Combine(_folder.FullName, name);

    public byte[] Read(string name) => File.ReadAllBytes(Path.Combine(_folder.FullName, name));

    /// <summary>The value of a PEM file with one block.</summary>
    public T ReadPem<T>(string name, string label)
        where T : IDer<T> =>
        Der.Decode<T>(Pem.Decode(label, Encoding.UTF8.GetString(Read(name))));

    public void Dispose() => _folder.Delete(recursive: true);

    private Output Execute(string[] arguments, ReadOnlySpan<byte> input)
    {
        var start = new ProcessStartInfo("openssl", arguments)
        {
            WorkingDirectory = _folder.FullName,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardErrorEncoding = Encoding.UTF8,
        };
        start.Environment["OPENSSL_CONF"] = Path.Combine(_folder.FullName, "openssl.cnf");
        using Process process = Process.Start(start)!;

        // Both outputs are drained while the input is written: a full pipe on one side must not stop the other.
        using var bytes = new MemoryStream();
        Task output = process.StandardOutput.BaseStream.CopyToAsync(bytes);
        Task<string> error = process.StandardError.ReadToEndAsync();
        try
        {
            process.StandardInput.BaseStream.Write(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // The command ended without reading its input; its exit code and error output, judged by the caller, say why.
        }

        if (!process.WaitForExit(Timeout))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"openssl {string.Join(' ', arguments)} did not end within {Timeout.TotalSeconds} s.");
        }

        output.Wait();
        return new Output($"openssl {string.Join(' ', arguments)}", process.ExitCode, bytes.ToArray(), error.Result);
    }

    /// <param name="Bytes">Standard output.</param>
    /// <param name="Error">Standard error, where openssl also puts verdicts such as "verify OK".</param>
    public sealed record Output(string Command, int ExitCode, byte[] Bytes, string Error)
    {
        public string Text => Encoding.UTF8.GetString(Bytes);

        /// <summary>The text without indentation, for comparing what <c>-text</c> prints over several lines.</summary>
        public IReadOnlyList<string> Lines => [.. Text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];

        public bool Says(string text) => Text.Contains(text, StringComparison.Ordinal) || Error.Contains(text, StringComparison.Ordinal);

        /// <summary>The lines stand one after the other.</summary>
        public void HasLines(params string[] expected)
        {
            string[] lines = [.. Lines];
            Assert.True(
                Enumerable.Range(0, lines.Length).Any(i => lines.AsSpan(i).StartsWith(expected)),
                $"{string.Join(" / ", expected)} is missing in\n{this}");
        }

        public override string ToString() => $"{Command}\nexit code {ExitCode}\n{Error}\n{(Text.Contains('\0') ? $"{Bytes.Length} bytes" : Text)}";
    }
}
