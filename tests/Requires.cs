using System.Diagnostics;

namespace ZwCa;

/// <summary>
/// What a test needs of its machine. Where it is missing the test is skipped and says so; with CI=true it fails, because there a
/// skip would be a check that nobody notices is gone. Linked into every test project; the only place that may skip a test.
/// </summary>
internal static class Requires
{
    private static readonly string[] SoftHsmLibraries =
    [
        "/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so",
        "/usr/local/lib/softhsm/libsofthsm2.so", "/opt/homebrew/lib/softhsm/libsofthsm2.so",
    ];

    private static readonly Lazy<Version?> OpenSslVersion = new(ReadOpenSslVersion);

    /// <summary>The openssl command, at least 3.0: older ones lack SM2 signatures with a distinguishing id.</summary>
    public static void OpenSsl()
    {
        Condition(OpenSslVersion.Value is not null, "the openssl command");
        Condition(OpenSslVersion.Value!.Major >= 3, "the openssl command 3.0 or newer");
    }

    /// <summary>
    /// .NET's ECDsa on the SM2 curve, which only OpenSSL 1.1.1 and newer offer (Linux); Windows and macOS do not know the curve.
    /// </summary>
    public static void OpenSslUnderDotNet() => Condition(OperatingSystem.IsLinux(), "Linux, where .NET's ECDsa is OpenSSL");

    /// <summary>A command on PATH.</summary>
    public static void Command(string name) => Condition(OnPath(name), $"the command {name}");

    /// <summary>SoftHSM 2: the softhsm2-util command and its library, where distributions put it.</summary>
    /// <returns>Path of the library.</returns>
    public static string SoftHsm()
    {
        Command("softhsm2-util");
        string? library = SoftHsmLibraries.FirstOrDefault(File.Exists);
        Condition(library is not null, $"the SoftHSM 2 library in one of {string.Join(", ", SoftHsmLibraries)}");
        return library!;
    }

    /// <summary>NSwag, which makes clients from OpenAPI documents: npm's package nswag.</summary>
    /// <returns>Path of dotnet-nswag.dll.</returns>
    public static string NSwag()
    {
        string? program = Environment.GetEnvironmentVariable("ZWCA_NSWAG");
        Condition(File.Exists(program), "NSwag, whose dotnet-nswag.dll is named by ZWCA_NSWAG (npm install nswag)");
        return program!;
    }

    /// <param name="met">Whether the machine has it.</param>
    /// <param name="what">What is needed, as a noun: "the openssl command".</param>
    public static void Condition(bool met, string what) => Condition(met, what, InCi);

    internal static void Condition(bool met, string what, bool ci)
    {
        if (met)
        {
            return;
        }

        string reason = $"not run here: needs {what}";
        if (ci)
        {
            Assert.Fail($"CI=true and {reason}");
        }

        // The default console of `dotnet test` prints a skipped test's name without its reason, but prints warnings.
        TestContext.Current.AddWarning(reason);
        Assert.Skip(reason);
    }

    private static bool InCi => string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase);

    private static bool OnPath(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Any(folder => File.Exists(Path.Combine(folder, OperatingSystem.IsWindows() ? name + ".exe" : name)));

    /// <summary>From <c>OpenSSL 3.0.19 27 Jan 2026 (…)</c>; null where the command is missing or is another program (LibreSSL).</summary>
    private static Version? ReadOpenSslVersion()
    {
        if (!OnPath("openssl"))
        {
            return null;
        }

        var start = new ProcessStartInfo("openssl", ["version"]) { RedirectStandardOutput = true };
        using Process process = Process.Start(start)!;
        string[] words = process.StandardOutput.ReadToEnd().Split(' ');
        process.WaitForExit();
        return words is ["OpenSSL", _, ..] && Version.TryParse(words[1], out Version? version) ? version : null;
    }
}
