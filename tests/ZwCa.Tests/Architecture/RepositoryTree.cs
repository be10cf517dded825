namespace ZwCa.Tests.Architecture;

/// <summary>The source tree that this test assembly was built from. Paths are relative to its root, with forward slashes.</summary>
internal static class RepositoryTree
{
    private static readonly string[] _notSource = [".git", "bin", "obj", ".vs", ".idea", "TestResults", "BenchmarkDotNet.Artifacts", "demo-out"];

    public static string Root { get; } = FindRoot();

    /// <param name="extensions">With the dot; none means every file.</param>
    public static IEnumerable<string> Files(params string[] extensions) =>
        Folders()
            .Prepend("")
            .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Root, folder)))
            .Where(file => extensions.Length == 0 || extensions.Contains(Path.GetExtension(file)))
            .Select(Relative);

    public static IEnumerable<string> Folders()
    {
        var open = new Stack<string>([Root]);
        while (open.TryPop(out string? folder))
        {
            foreach (string child in Directory.EnumerateDirectories(folder).Where(child => !_notSource.Contains(Path.GetFileName(child))))
            {
                open.Push(child);
                yield return Relative(child);
            }
        }
    }

    public static string ReadText(string file) => File.ReadAllText(Path.Combine(Root, file));

    private static string Relative(string path) => Path.GetRelativePath(Root, path).Replace('\\', '/');

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "ZwCa.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"No ZwCa.sln above {AppContext.BaseDirectory}.");
    }
}
