using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Security.Cryptography;

namespace ZwCa.Benchmarks;

/// <summary>What a figure is worth only together with.</summary>
internal static class Machine
{
    /// <param name="callers">How many threads or callers each operation has.</param>
    public static void Print(string callers = "of each operation one thread")
    {
        Console.WriteLine($"machine  {Processor()}, {Environment.ProcessorCount} cores, {RuntimeInformation.OSDescription}");
        Console.WriteLine($"runtime  {RuntimeInformation.FrameworkDescription} {RuntimeInformation.RuntimeIdentifier}, BMI2 {YesNo(Bmi2.X64.IsSupported)}, AVX2 {YesNo(Avx2.IsSupported)}");
        Console.WriteLine($"openssl  {OpenSslVersion()}");
        Console.WriteLine($"load     {Load()} before the start; {callers}");
    }

    private static string Processor()
    {
        const string file = "/proc/cpuinfo";
        string? line = File.Exists(file) ? File.ReadLines(file).FirstOrDefault(each => each.StartsWith("model name", StringComparison.Ordinal)) : null;
        return line?[(line.IndexOf(':') + 1)..].Trim() ?? RuntimeInformation.ProcessArchitecture.ToString();
    }

    /// <summary>The library that .NET itself has loaded: the one that is measured.</summary>
    private static string OpenSslVersion()
    {
        if (!OperatingSystem.IsLinux())
        {
            return "none under .NET on this system";
        }

        long version = SafeEvpPKeyHandle.OpenSslVersion;
        return $"{version >> 28}.{(version >> 20) & 0xFF}.{(version >> 4) & 0xFFFF}";
    }

    private static string Load()
    {
        const string file = "/proc/loadavg";
        return File.Exists(file) ? string.Join(' ', File.ReadAllText(file).Split(' ')[..3]) : "unknown";
    }

    private static string YesNo(bool value) => value ? "yes" : "no";
}
