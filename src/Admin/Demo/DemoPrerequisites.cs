using ZwCa.Admin.Programs;

namespace ZwCa.Admin.Demo;

/// <summary>What a demo needs, looked at before anything starts.</summary>
internal static class DemoPrerequisites
{
    public const int LowestPort = 1024;

    /// <summary>The highest that others can follow.</summary>
    public const int HighestPort = ushort.MaxValue - Ports;

    /// <summary>Listeners, at most.</summary>
    private const int Ports = 16;

    private const long Space = 500L << 20;

    /// <exception cref="DemoException">All that is missing.</exception>
    public static void Require(DemoOptions options)
    {
        var missing = new List<string>();
        missing.AddRange(ServicePrograms.Roles.Where(role => !File.Exists(ServicePrograms.FileOf(role))).Select(role => $"the program of {role} is not at {ServicePrograms.FileOf(role)}: build the solution"));
        if (options.Port is { } port)
        {
            missing.AddRange(Enumerable.Range(port, Ports).Where(each => !FreePort.IsFree(each)).Select(each => $"port {each} is in use: name another with --port, or none"));
        }

        try
        {
            options.Folder.Create();
            string probe = Path.Combine(options.Folder.FullName, ".probe");
            File.WriteAllText(probe, "");
            File.Delete(probe);
            long free = new DriveInfo(options.Folder.FullName).AvailableFreeSpace;
            if (free < Space)
            {
                missing.Add($"{options.Folder.FullName} has {free >> 20} MiB left; {Space >> 20} are needed");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            missing.Add($"nothing can be written to {options.Folder.FullName}: {e.Message.TrimEnd('.')}");
        }

        if (missing.Count > 0)
        {
            throw new DemoException(string.Join("; ", missing) + ".");
        }
    }
}
