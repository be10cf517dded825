using System.ComponentModel;
using System.Runtime.InteropServices;

namespace ZwCa.HsmSim.Store;

/// <summary>Files of the owner alone, and changes of folders that outlast a power loss: a new name is durable only once its folder is flushed.</summary>
internal static class Disk
{
    private const UnixFileMode FileMode0600 = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode FolderMode0700 = FileMode0600 | UnixFileMode.UserExecute;
    private const int ReadOnly = 0;

    /// <summary>Makes a folder where there is none.</summary>
    public static void MakeFolder(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            Directory.CreateDirectory(path, FolderMode0700);
        }
    }

    /// <summary>Opens a file for reading and writing, unbuffered.</summary>
    public static FileStream Open(string path, FileMode mode, FileShare share = FileShare.ReadWrite | FileShare.Delete)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = share, BufferSize = 0 };
        if (!OperatingSystem.IsWindows() && mode is not (FileMode.Open or FileMode.Truncate))
        {
            options.UnixCreateMode = FileMode0600;
        }

        return new FileStream(path, options);
    }

    /// <summary>Puts a file in its place whole or not at all, durably.</summary>
    public static void Replace(string path, ReadOnlySpan<byte> content)
    {
        string unfinished = path + ".new";
        using (FileStream file = Open(unfinished, FileMode.Create))
        {
            RandomAccess.Write(file.SafeFileHandle, content, 0);
            RandomAccess.FlushToDisk(file.SafeFileHandle);
        }

        File.Move(unfinished, path, overwrite: true);
        FlushFolder(Path.GetDirectoryName(path)!);
    }

    /// <summary>Makes durable what a process that is gone wrote to a file.</summary>
    public static void Flush(string path)
    {
        using FileStream file = Open(path, FileMode.Open);
        RandomAccess.FlushToDisk(file.SafeFileHandle);
    }

    /// <summary>Makes durable what was made, renamed or deleted in a folder. .NET has no way to; Windows needs none.</summary>
    public static void FlushFolder(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        int folder = OpenFolder(path, ReadOnly);
        bool done = folder >= 0 && FlushFile(folder) == 0;
        int error = Marshal.GetLastPInvokeError();
        if (folder >= 0)
        {
            _ = CloseFile(folder);
        }

        if (!done)
        {
            throw new IOException($"The folder {path} cannot be flushed.", new Win32Exception(error));
        }
    }

    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int OpenFolder([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int FlushFile(int file);

    [DllImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int CloseFile(int file);
}
