using System.Diagnostics;
using System.Reflection;
using ZwCa.Cryptography;

namespace ZwCa.Tests.Cryptography.ConstantTime;

/// <summary>
/// Optimised code of all marked methods, product and controls, from a child process: this test program again, running only
/// <see cref="CompilationTests"/> with the JIT told to print what it makes.
/// </summary>
internal static class Disassembly
{
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(2);

    /// <summary>The two assemblies with marked methods.</summary>
    public static readonly Assembly[] Assemblies = [typeof(ConstantTimeAttribute).Assembly, typeof(Controls).Assembly];

    /// <summary>Processors to compile for, and the runtime settings that make this one look like them.</summary>
    public static readonly IReadOnlyDictionary<string, (string Name, string Value)[]> Processors = new Dictionary<string, (string, string)[]>
    {
        ["this processor"] = [],
        ["a processor without BMI2 and AVX2"] = [("DOTNET_EnableAVX2", "0")],
        ["a processor without vector extensions"] = [("DOTNET_EnableHWIntrinsic", "0")],
    };

    private static readonly Dictionary<string, Lazy<IReadOnlyList<Listing>>> _listings =
        Processors.ToDictionary(pair => pair.Key, pair => new Lazy<IReadOnlyList<Listing>>(() => Run(pair.Value)));

    public static IReadOnlyList<Listing> For(string processor) => _listings[processor].Value;

    private static IReadOnlyList<Listing> Run((string Name, string Value)[] settings)
    {
        string output = Path.GetTempFileName();
        try
        {
            using Process child = Process.Start(Child(output, settings))!;
            Task<string> said = child.StandardOutput.ReadToEndAsync();
            if (!child.WaitForExit(_patience))
            {
                child.Kill(entireProcessTree: true);
                throw new TimeoutException($"The child that compiles the marked methods did not end within {_patience}.");
            }

            if (child.ExitCode != 0)
            {
                throw new InvalidOperationException($"The child that compiles the marked methods ended with {child.ExitCode}: {said.GetAwaiter().GetResult()}");
            }

            return Listing.Parse(File.ReadAllText(output));
        }
        finally
        {
            File.Delete(output);
        }
    }

    private static ProcessStartInfo Child(string output, (string Name, string Value)[] settings)
    {
        string program = Environment.ProcessPath!;
        string assembly = typeof(Disassembly).Assembly.Location;
        string[] test = ["-method", $"{typeof(CompilationTests).FullName}.{nameof(CompilationTests.EveryMarkedMethodCompiles)}"];
        bool muxer = Path.GetFileNameWithoutExtension(program) == "dotnet";
        var start = new ProcessStartInfo(program, muxer ? [assembly, .. test] : test) { RedirectStandardOutput = true };

        // A developer's own JIT settings must not decide what is judged.
        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("DOTNET_JIT", StringComparison.OrdinalIgnoreCase)).ToArray())
        {
            start.Environment.Remove(name);
        }

        start.Environment["DOTNET_TieredCompilation"] = "0";
        start.Environment["DOTNET_TieredPGO"] = "0";
        start.Environment["DOTNET_JitStdOutFile"] = output;
        start.Environment["DOTNET_JitDisasm"] = string.Join(' ', Assemblies.SelectMany(MarkedMethods.Of).Select(MarkedMethods.NameOf).Distinct());
        foreach ((string name, string value) in settings)
        {
            start.Environment[name] = value;
        }

        return start;
    }
}
