using System.Diagnostics;

namespace ZwCa.Admin.Programs;

/// <summary>The services' own programs, which lie in folders beside this one.</summary>
internal static class ServicePrograms
{
    /// <summary>What <c>--role</c> may be.</summary>
    public static readonly IReadOnlyList<string> Roles = ["ca", "kmc", "ra", "ocsp"];

    /// <summary>How a service is started; the caller says where its output goes.</summary>
    /// <param name="role">One of <see cref="Roles"/>.</param>
    public static ProcessStartInfo Start(string role, IEnumerable<string> arguments) =>
        new("dotnet", [FileOf(role), .. arguments]);

    public static string FileOf(string role) => Path.Combine(AppContext.BaseDirectory, role, $"zwca-{role}.dll");
}
