using System.Diagnostics;
using System.Runtime.InteropServices;

namespace ZwCa.Admin.Programs;

/// <summary>The services' own programs and the device's, which lie in folders beside this one.</summary>
internal static class ServicePrograms
{
    /// <summary>The device.</summary>
    public const string HsmSim = "hsm-sim";

    /// <summary>What <c>--role</c> may be.</summary>
    public static readonly IReadOnlyList<string> Roles = ["ca", "kmc", "ra", "ocsp", HsmSim];

    /// <summary>How a program is started; the caller says where its output goes.</summary>
    /// <param name="role">One of <see cref="Roles"/>.</param>
    public static ProcessStartInfo Start(string role, IEnumerable<string> arguments)
    {
        string program = FileOf(role);

        // Published with a runtime of its own, its executable needs no other; without one it is given the runtime that this program has, wherever that is.
        return HasRuntime(Path.GetDirectoryName(program)!)
            ? new ProcessStartInfo(Path.ChangeExtension(program, OperatingSystem.IsWindows() ? ".exe" : null), arguments)
            : new ProcessStartInfo(Host(), [program, .. arguments]);
    }

    /// <summary>What has to be there, for it to be started.</summary>
    /// <param name="role">One of <see cref="Roles"/>.</param>
    public static string FileOf(string role) => Path.Combine(AppContext.BaseDirectory, role, $"{(role == HsmSim ? role : $"zwca-{role}")}.dll");

    private static bool HasRuntime(string folder) =>
        File.Exists(Path.Combine(folder, OperatingSystem.IsWindows() ? "coreclr.dll" : OperatingSystem.IsMacOS() ? "libcoreclr.dylib" : "libcoreclr.so"));

    /// <returns>The <c>dotnet</c> that belongs to this process's runtime, ROOT/shared/Microsoft.NETCore.App/VERSION; else that of the search path.</returns>
    private static string Host()
    {
        string host = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"));
        return File.Exists(host) ? host : "dotnet";
    }
}
