using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ZwCa.Data;

/// <summary>
/// A folder that others may write to, below a root: reached without following a link, and held, so that what is moved or linked under its name afterwards leads nowhere else. On Linux the
/// system sees to that; elsewhere, where only demonstrations run, names are looked at before they are used. Its reads are safe for concurrent use.
/// </summary>
public sealed partial class PlainFolder : IDisposable
{
    private const int NotThere = 2;
    private const int NotBlocking = 0x800;
    private const int CloseOnExec = 0x80000;

    private const UnixFileMode ForAll = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    /// <summary>These two flags have other values on ARM and POWER than everywhere else (fcntl.h of the kernel).</summary>
    private static readonly bool HasOwnFlags = RuntimeInformation.ProcessArchitecture is Architecture.Arm or Architecture.Arm64 or Architecture.Armv6 or Architecture.Ppc64le;
    private static readonly int OnlyFolder = HasOwnFlags ? 0x4000 : 0x10000;
    private static readonly int NoLink = HasOwnFlags ? 0x8000 : 0x20000;

    private readonly SafeFileHandle? _held;
    private readonly string _shown;

    private PlainFolder(SafeFileHandle? held, string shown)
    {
        _held = held;
        _shown = shown;
    }

    /// <param name="root">May be a link itself: the operator has written it.</param>
    /// <param name="names">From the root on, with slashes; no <c>..</c>.</param>
    /// <param name="make">Those that are missing, for everybody to read; the root is never made.</param>
    /// <returns>Null: it is not there.</returns>
    /// <exception cref="DirectoryNotFoundException">The root is not there.</exception>
    /// <exception cref="IOException">One of the names is a link or no folder, or it may not be entered.</exception>
    public static PlainFolder? Open(string root, string names, bool make)
    {
        if (!Directory.Exists(root))
        {
            throw File.Exists(root) ? new IOException($"{root} is no folder.") : new DirectoryNotFoundException($"The folder {root} is not there: is its disk mounted?");
        }

        var folder = new PlainFolder(OperatingSystem.IsLinux() ? OpenRoot(root) : null, root);
        foreach (string name in names.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            using PlainFolder parent = folder;
            if (parent.Enter(name, make) is not { } entered)
            {
                return null;
            }

            folder = entered;
        }

        return folder;
    }

    /// <summary>For calls that take a path: of a name in this very folder. They are not to follow the name itself.</summary>
    public string Reach(string name) => Path.Combine(_held is null ? _shown : $"/proc/self/fd/{_held.DangerousGetHandle()}", name);

    /// <summary>Opens a file for reading. It does not wait, whatever it is.</summary>
    /// <returns>Null: it is not there.</returns>
    /// <exception cref="NoPlainFileException">A link, a folder, a pipe, a terminal or a socket.</exception>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public FileStream? OpenFile(string name)
    {
        string shown = Path.Combine(_shown, name);
        if (_held is null)
        {
            FileInfo file = new(shown);
            return file.LinkTarget is not null || Directory.Exists(shown) ? throw new NoPlainFileException(shown)
                : file.Exists ? file.Open(new FileStreamOptions { Access = FileAccess.Read, Share = FileShare.Read | FileShare.Delete, BufferSize = 0 })
                : null;
        }

        SafeFileHandle handle = OpenAt(_held, name, NoLink | NotBlocking | CloseOnExec);
        try
        {
            if (handle.IsInvalid)
            {
                int error = Marshal.GetLastPInvokeError();
                return error == NotThere ? null
                    : IsLink(Reach(name)) || !File.Exists(Reach(name)) ? throw new NoPlainFileException(shown)
                    : throw new IOException($"{shown} cannot be read: {Marshal.GetPInvokeErrorMessage(error)}");
            }

            if (File.GetAttributes(handle).HasFlag(FileAttributes.Directory))
            {
                throw new NoPlainFileException(shown);
            }

            var stream = new FileStream(handle, FileAccess.Read, bufferSize: 0, handle.IsAsync);
            if (!stream.CanSeek)
            {
                throw new NoPlainFileException(shown);
            }

            handle = null!;
            return stream;
        }
        finally
        {
            handle?.Dispose();
        }
    }

    public void Dispose() => _held?.Dispose();

    private static bool IsLink(string path) => new FileInfo(path).LinkTarget is not null;

    private static SafeFileHandle OpenRoot(string root)
    {
        SafeFileHandle handle = OpenPath(root, OnlyFolder | CloseOnExec);
        return handle.IsInvalid ? throw Failed(handle, root) : handle;
    }

    private static IOException Failed(SafeFileHandle handle, string shown)
    {
        string message = Marshal.GetLastPInvokeErrorMessage();
        handle.Dispose();
        return new IOException($"The folder {shown} cannot be entered: {message}");
    }

    private PlainFolder? Enter(string name, bool make)
    {
        string shown = Path.Combine(_shown, name);
        if (_held is null || !OperatingSystem.IsLinux())
        {
            return EnterByName(shown, make);
        }

        SafeFileHandle handle = OpenAt(_held, name, OnlyFolder | NoLink | CloseOnExec);
        if (handle.IsInvalid && Marshal.GetLastPInvokeError() == NotThere)
        {
            handle.Dispose();
            if (!make)
            {
                return null;
            }

            Directory.CreateDirectory(Reach(name), ForAll);
            handle = OpenAt(_held, name, OnlyFolder | NoLink | CloseOnExec);
            if (!handle.IsInvalid)
            {
                // Whatever the process' umask says: a web server reads it.
                File.SetUnixFileMode(handle, ForAll);
                Folder.Flush(Reach(""));
            }
        }

        if (!handle.IsInvalid)
        {
            return new PlainFolder(handle, shown);
        }

        IOException failed = Failed(handle, shown);
        throw IsLink(Reach(name)) ? new IOException($"The folder {shown} is a link: it may lead anywhere.", failed) : failed;
    }

    private PlainFolder? EnterByName(string shown, bool make)
    {
        if (IsLink(shown))
        {
            throw new IOException($"The folder {shown} is a link: it may lead anywhere.");
        }

        if (!Directory.Exists(shown))
        {
            if (!make)
            {
                return null;
            }

            Directory.CreateDirectory(shown);
            Folder.Flush(_shown);
        }

        return new PlainFolder(null, shown);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle OpenPath(string path, int flags);

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle OpenAt(SafeFileHandle folder, string name, int flags);
}

/// <summary>Under the name there is something, and it is no file of its own.</summary>
public sealed class NoPlainFileException(string path) : IOException($"{path} is no file of its own: a link, a folder, a device or a pipe.");
