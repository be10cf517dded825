using System.Reflection;
using ZwCa.Cryptography;

namespace ZwCa.Tests.Cryptography.ConstantTime;

/// <summary>
/// Optimised code of all marked methods, product and controls, from a child process: this test program again, running only
/// <see cref="CompilationTests"/> with the JIT told to print what it makes.
/// </summary>
internal static class Disassembly
{
    /// <summary>The two assemblies with marked methods.</summary>
    public static readonly Assembly[] Assemblies = [typeof(ConstantTimeAttribute).Assembly, typeof(Controls).Assembly];

    /// <summary>Processors to compile for, and the runtime settings that make this one look like them.</summary>
    public static readonly IReadOnlyDictionary<string, (string Name, string Value)[]> Processors = new Dictionary<string, (string, string)[]>
    {
        ["this processor"] = [],
        ["a processor without BMI2 and AVX2"] = [("DOTNET_EnableAVX2", "0")],
        ["a processor without vector extensions"] = [("DOTNET_EnableHWIntrinsic", "0")],
    };

    private static readonly Dictionary<string, Lazy<IReadOnlyList<Listing>>> Listings =
        Processors.ToDictionary(pair => pair.Key, pair => new Lazy<IReadOnlyList<Listing>>(() => Run(pair.Value)));

    public static IReadOnlyList<Listing> For(string processor) => Listings[processor].Value;

    private static IReadOnlyList<Listing> Run((string Name, string Value)[] settings)
    {
        string output = Path.GetTempFileName();
        try
        {
            ChildRun.Run(
                ["-method", $"{typeof(CompilationTests).FullName}.{nameof(CompilationTests.EveryMarkedMethodCompiles)}"],
                [
                    ("DOTNET_TieredCompilation", "0"),
                    ("DOTNET_TieredPGO", "0"),
                    ("DOTNET_JitStdOutFile", output),
                    ("DOTNET_JitDisasm", string.Join(' ', Assemblies.SelectMany(MarkedMethods.Of).Select(MarkedMethods.NameOf).Distinct())),
                    .. settings,
                ]);
            return Listing.Parse(File.ReadAllText(output));
        }
        finally
        {
            File.Delete(output);
        }
    }
}
