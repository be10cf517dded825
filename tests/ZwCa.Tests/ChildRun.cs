using System.Diagnostics;

namespace ZwCa.Tests;

/// <summary>This test program again, in a process of its own, with other runtime settings and some of the tests.</summary>
internal static class ChildRun
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    /// <param name="selection">Options of the xUnit v3 runner that choose the tests: <c>-class</c>, <c>-method</c>.</param>
    /// <param name="settings">Environment variables on top of ours.</param>
    /// <returns>What the child printed.</returns>
    /// <exception cref="InvalidOperationException">A test failed, or none ran.</exception>
    public static string Run(IEnumerable<string> selection, IEnumerable<(string Name, string Value)> settings)
    {
        string program = Environment.ProcessPath!;
        string assembly = typeof(ChildRun).Assembly.Location;
        bool muxer = Path.GetFileNameWithoutExtension(program) == "dotnet";
        var start = new ProcessStartInfo(program, muxer ? [assembly, .. selection] : selection) { RedirectStandardOutput = true };

        // Neither a developer's own JIT settings nor the rule that a skip fails in CI are for the child: it is made to lack things.
        foreach (string name in start.Environment.Keys.Where(name => name == "CI" || name.StartsWith("DOTNET_JIT", StringComparison.OrdinalIgnoreCase)).ToArray())
        {
            start.Environment.Remove(name);
        }

        foreach ((string name, string value) in settings)
        {
            start.Environment[name] = value;
        }

        using Process child = Process.Start(start)!;
        Task<string> said = child.StandardOutput.ReadToEndAsync();
        if (!child.WaitForExit(Patience))
        {
            child.Kill(entireProcessTree: true);
            throw new TimeoutException($"The child did not end within {Patience}.");
        }

        string output = said.GetAwaiter().GetResult();
        if (child.ExitCode != 0 || output.Contains("Total: 0,", StringComparison.Ordinal))
        {
            throw new InvalidOperationException($"The child ended with {child.ExitCode}: {output}");
        }

        return output;
    }
}
