using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using ZwCa.Hsm.Pkcs11;

namespace ZwCa.Interop.Hsm;

/// <summary>
/// SoftHSM 2 with tokens of its own in a folder that is deleted at the end, and a copy of its library of its own: what a test does to the library's
/// state, C_Finalize above all, other tests do not see.
/// </summary>
internal sealed partial class SoftHsm : IDisposable
{
    public const string Pin = "12345678";

    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(1);

    /// <summary>The C library reads its configuration's place when it is initialized, out of an environment that all copies share.</summary>
    private static readonly Lock Environment = new();

    private readonly DirectoryInfo _folder;
    private readonly string _configuration;

    /// <summary>Skips the test, or fails it in CI, where there is no SoftHSM.</summary>
    public SoftHsm(params string[] tokens)
    {
        string library = Requires.SoftHsm();
        _folder = Directory.CreateTempSubdirectory("zwca-softhsm-");
        Directory.CreateDirectory(Path.Combine(_folder.FullName, "tokens"));
        _configuration = Path.Combine(_folder.FullName, "softhsm2.conf");
        File.WriteAllText(
            _configuration, $"directories.tokendir = {_folder.FullName}/tokens\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n");
        foreach (string token in tokens)
        {
            Run("--init-token", "--free", "--label", token, "--pin", Pin, "--so-pin", "87654321");
        }

        Library = Path.Combine(_folder.FullName, "libsofthsm2.so");
        File.Copy(library, Library);
        Module = Pkcs11Module.Load(Library);
        Initialize(Module.Initialize);
    }

    /// <summary>The copy's path.</summary>
    public string Library { get; }

    public Pkcs11Module Module { get; }

    /// <summary>The tokens that were made; the library shows one more that is not initialized.</summary>
    public IReadOnlyList<SeenToken> Tokens => [.. SeenToken.All(Module).Where(t => t.IsInitialized)];

    public Pkcs11Options Options(string token, string? serial = null, string pin = Pin, int sessions = 8) => new()
    {
        Library = Library,
        TokenLabel = token,
        TokenSerial = serial,
        Pin = () => Encoding.UTF8.GetBytes(pin),
        Sessions = sessions,
    };

    /// <summary>Runs something in which the library is initialized, with our configuration.</summary>
    public void Initialize(Action action)
    {
        lock (Environment)
        {
            Assert.Equal(0, SetEnvironment("SOFTHSM2_CONF", _configuration, 1));
            action();
        }
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private void Run(params string[] arguments)
    {
        var start = new ProcessStartInfo("softhsm2-util", arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["SOFTHSM2_CONF"] = _configuration;
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Timeout))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"softhsm2-util did not end within {Timeout.TotalSeconds} s.");
        }

        Assert.True(process.ExitCode == 0, $"softhsm2-util {string.Join(' ', arguments)}\n{output.Result}\n{error.Result}");
    }

    /// <summary>.NET keeps an environment of its own; getenv sees only what setenv has set.</summary>
    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}
