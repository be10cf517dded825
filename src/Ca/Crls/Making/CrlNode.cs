using System.Security.Cryptography;
using ZwCa.Data;

namespace ZwCa.Ca.Crls;

/// <summary>This process among those that make CRLs: what it is known by, and where its unfinished files are. Safe for concurrent use.</summary>
internal sealed class CrlNode : IDisposable
{
    /// <summary>After a CRL that was refused or could not be made.</summary>
    public static readonly TimeSpan TryAgainAfter = TimeSpan.FromMinutes(1);

    private const string Prefix = "crl-";

    /// <summary>In each process' folder: locked as long as it lives.</summary>
    private const string AliveName = "alive";

    /// <summary>In the common folder: locked while a process looks around in it and makes its own.</summary>
    private const string DoorName = "crl.lock";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(20);

    private readonly CrlOptions _options;
    private readonly string _name = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
    private readonly Lock _making = new();
    private string? _folder;
    private FileStream? _alive;

    public CrlNode(CrlOptions options) => _options = options;

    /// <summary>For files that nobody else sees. Made when it is first asked for; then what dead processes have left beside it is removed, each of which may be as large as a CRL.</summary>
    /// <exception cref="IOException">It cannot be made: next time it may.</exception>
    public string WorkFolder
    {
        get
        {
            lock (_making)
            {
                return _folder ??= _options.WorkFolder is { } parent ? MakeIn(parent) : Directory.CreateTempSubdirectory("zwca-crl-").FullName;
            }
        }
    }

    /// <summary>Of one attempt: two of one process are strangers to each other, as those of two nodes are.</summary>
    public Lease LeaseOf(CrlScope scope) => new(scope.LeaseName, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)), _options.LeaseFor);

    public void Dispose()
    {
        lock (_making)
        {
            _alive?.Dispose();
            try
            {
                if (_folder is not null)
                {
                    Directory.Delete(_folder, recursive: true);
                }
            }
            catch (DirectoryNotFoundException)
            {
                // Another process that has just started took it for that of a dead one, which it is by now.
            }
        }
    }

    private string MakeIn(string parent)
    {
        try
        {
            Directory.CreateDirectory(parent);

            // Nobody sees the folder of another that is made and not locked yet.
            using FileStream door = Wait(Path.Combine(parent, DoorName));
            string own = Directory.CreateDirectory(Path.Combine(parent, Prefix + _name)).FullName;
            _alive ??= Lock(Path.Combine(own, AliveName)) ?? throw new IOException($"{own} cannot be locked.");
            RemoveDead(parent, own);
            return own;
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"The work folder {parent} cannot be written: {e.Message}", e);
        }
    }

    private static void RemoveDead(string parent, string own)
    {
        // Where a file system knows no locks, every process would look dead.
        using (FileStream? mine = Lock(Path.Combine(own, AliveName)))
        {
            if (mine is not null)
            {
                return;
            }
        }

        foreach (string folder in Directory.EnumerateDirectories(parent, Prefix + "*").Where(folder => folder != own))
        {
            try
            {
                if (Lock(Path.Combine(folder, AliveName)) is { } dead)
                {
                    // Nobody takes it up meanwhile: the door is closed.
                    dead.Dispose();
                    Directory.Delete(folder, recursive: true);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Another user's, or gone meanwhile: it takes room, and nothing else. The next start looks again.
            }
        }
    }

    private static FileStream Wait(string path)
    {
        long began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            if (Lock(path) is { } locked)
            {
                return locked;
            }

            if (TimeProvider.System.GetElapsedTime(began) >= Patience)
            {
                throw new IOException($"{path} is locked by another process.");
            }

            Thread.Sleep(LookAgain);
        }
    }

    /// <summary>The system gives it back when the process ends, however it ends.</summary>
    /// <returns>Null: another has it.</returns>
    private static FileStream? Lock(string path)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 0);
        }
        catch (IOException e) when (IsLocked(e))
        {
            return null;
        }
    }

    /// <summary>EWOULDBLOCK of Linux and macOS; ERROR_SHARING_VIOLATION.</summary>
    private static bool IsLocked(IOException e) => (e.HResult & 0xFFFF) is 11 or 35 or 32;
}
