namespace ZwCa.Tests.Asn1.Gm;

/// <summary>Files of tests/testdata.</summary>
internal static class Fixtures
{
    private static readonly string Root = FindRoot();

    /// <param name="path">Below tests/testdata; the extension says how the bytes are written (.b64, .hex, .der).</param>
    public static byte[] Read(string path)
    {
        string file = Path.Combine(Root, path);
        return Path.GetExtension(path) switch
        {
            ".b64" => Convert.FromBase64String(File.ReadAllText(file)),
            ".hex" => Convert.FromHexString(string.Concat(File.ReadAllText(file).Where(char.IsAsciiHexDigit))),
            _ => File.ReadAllBytes(file),
        };
    }

    public static string[] ReadLines(string path) => File.ReadAllLines(Path.Combine(Root, path));

    private static string FindRoot()
    {
        for (DirectoryInfo? directory = new(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            string candidate = Path.Combine(directory.FullName, "tests", "testdata");
            if (Directory.Exists(candidate))
            {
                return candidate;
            }
        }

        throw new DirectoryNotFoundException("tests/testdata is not above the test assembly.");
    }
}
