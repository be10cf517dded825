namespace ZwCa;

/// <summary>A folder of a test's own, deleted at its end. Linked into the test projects.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("zwca-");

    public string Path => _folder.FullName;

    /// <returns>The full path of something in it.</returns>
    public string File(string name) => System.IO.Path.Combine(_folder.FullName, name);

    public void Dispose() => _folder.Delete(recursive: true);
}
