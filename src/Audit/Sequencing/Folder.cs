using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ZwCa.Audit.Sequencing;

/// <summary>A new name, or one that was given to another file, survives a power failure only once the folder was flushed; .NET has no call for that.</summary>
public static partial class Folder
{
    private const int ReadOnly = 0;

    /// <summary>Returns when the names in the folder are on stable storage. Windows has no such call, and keeps names in its journal.</summary>
    /// <exception cref="IOException">The folder cannot be opened or flushed.</exception>
    public static void Flush(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using SafeFileHandle folder = Open(path, ReadOnly);
        if (folder.IsInvalid || Synchronize(folder) != 0)
        {
            throw new IOException($"The folder {path} cannot be flushed: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Synchronize(SafeFileHandle handle);
}
