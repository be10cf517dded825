using System.ComponentModel;
using System.Runtime.InteropServices;
using ZwCa.Contracts;

namespace ZwCa.Admin.Token;

/// <summary>The files of a token: of their owner alone, each there whole or not at all, durably.</summary>
internal static class TokenFiles
{
    /// <summary>Bytes. No file of a token, certificates included, comes near.</summary>
    public const int MaxLength = 1 << 20;

    private const UnixFileMode FileMode0600 = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode FolderMode0700 = FileMode0600 | UnixFileMode.UserExecute;
    private const UnixFileMode Others = (UnixFileMode)0b000_111_111;
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

    /// <summary>A file that was not there.</summary>
    /// <exception cref="IOException">It exists, or cannot be made.</exception>
    public static void WriteNew(string path, ReadOnlySpan<byte> content) => Write(path, FileMode.CreateNew, content);

    /// <summary>Puts a file in the place of another: after a crash there is the one or the other.</summary>
    public static void Replace(string path, ReadOnlySpan<byte> content)
    {
        string unfinished = path + ".new";
        Write(unfinished, FileMode.Create, content);
        File.Move(unfinished, path, overwrite: true);
        FlushFolder(Path.GetDirectoryName(path)!);
    }

    /// <summary>Gives a folder that is complete its name.</summary>
    /// <exception cref="IOException">The name is taken.</exception>
    public static void Publish(string unfinished, string path)
    {
        FlushFolder(unfinished);
        Directory.Move(unfinished, path);
        FlushFolder(Path.GetDirectoryName(path)!);
    }

    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>, or <see cref="Refusal.TooLarge"/>.</exception>
    public static byte[] Read(string path, int maxLength = MaxLength)
    {
        if (!File.Exists(path))
        {
            throw new RefusalException(Refusal.NotFound, $"找不到文件 {path}，请检查文件名。");
        }

        using FileStream file = File.OpenRead(path);
        if (file.Length > maxLength)
        {
            throw new RefusalException(Refusal.TooLarge, $"文件 {path} 超过 {maxLength / 1024} KiB，不予读取。");
        }

        byte[] content = new byte[file.Length];
        file.ReadExactly(content);
        return content;
    }

    /// <summary>Whether other users of the machine may do something with it. A copy from a stick often is so.</summary>
    public static bool IsOpenToOthers(string path) => !OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & Others) != 0;

    private static void Write(string path, FileMode mode, ReadOnlySpan<byte> content)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.Write, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = FileMode0600;
        }

        using var file = new FileStream(path, options);
        file.Write(content);
        file.Flush(flushToDisk: true);
    }

    /// <summary>A new name is durable only once its folder is flushed. .NET has no call for that; Windows needs none.</summary>
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
            throw new IOException($"{path}: {new Win32Exception(error).Message}");
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
