using ZwCa.HsmSim.Store;

namespace ZwCa.HsmSim.Verbs;

/// <summary>
/// A file that a verb makes. Never one that is there already, which may be a key; made before the work begins, so that nothing is done whose result
/// could not be kept; gone again when the work fails.
/// </summary>
internal sealed class NewFile : IDisposable
{
    private readonly FileStream _stream;
    private bool _isWritten;

    /// <exception cref="VerbException">It exists.</exception>
    /// <exception cref="IOException">It cannot be made.</exception>
    public NewFile(FileInfo file)
    {
        Path = file.FullName;
        if (file.Exists)
        {
            throw new VerbException($"{Path} exists. Nothing is overwritten.");
        }

        _stream = Disk.Open(Path, FileMode.CreateNew);
    }

    public string Path { get; }

    /// <summary>All of it, durably.</summary>
    /// <param name="content">May be secret; the caller zeroes it.</param>
    public void Write(ReadOnlySpan<byte> content)
    {
        RandomAccess.Write(_stream.SafeFileHandle, content, 0);
        RandomAccess.FlushToDisk(_stream.SafeFileHandle);
        Disk.FlushFolder(System.IO.Path.GetDirectoryName(Path)!);
        _isWritten = true;
    }

    public void Dispose()
    {
        _stream.Dispose();
        if (!_isWritten)
        {
            File.Delete(Path);
        }
    }
}
