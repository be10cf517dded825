using System.Reflection;
using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;

namespace ZwCa.Data;

/// <summary>Which SQLite is loaded: the system's, which gets its patches, and only where there is none the one that comes with the package.</summary>
internal static class SqliteLibrary
{
    private static readonly string[] SystemNames = ["libsqlite3.so.0", "libsqlite3.dylib"];
    private static readonly Lazy<bool> Loaded = new(Load);

    public static void Ensure() => _ = Loaded.Value;

    /// <summary>Makes the file that is not there yet, for its owner alone; the files that SQLite puts beside it get the same rights.</summary>
    /// <param name="path">As in the connection string. A URI is left to SQLite.</param>
    public static void CreateFile(string path)
    {
        if (OperatingSystem.IsWindows() || path.StartsWith("file:", StringComparison.OrdinalIgnoreCase) || File.Exists(path))
        {
            return;
        }

        try
        {
            var options = new FileStreamOptions
            {
                Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            };
            new FileStream(path, options).Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Another was faster, or SQLite, which opens it next, says why it cannot be.
        }
    }

    /// <exception cref="SqliteException">It cannot be opened; the message names the file.</exception>
    public static T Open<T>(T connection, string firstStatement)
        where T : SqliteConnection
    {
        try
        {
            connection.Open();
            using SqliteCommand first = connection.CreateCommand();
            first.CommandText = firstStatement;
            first.ExecuteNonQuery();
            return connection;
        }
        catch (SqliteException e)
        {
            connection.Dispose();
            throw new SqliteException(
                $"The database file {connection.DataSource} cannot be opened: {e.Message} The verb migrate makes one, in a folder that is there.",
                e.SqliteErrorCode,
                e.SqliteExtendedErrorCode);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private static bool Load()
    {
        NativeLibrary.SetDllImportResolver(Assembly.Load("SQLitePCLRaw.provider.e_sqlite3"), static (name, assembly, path) =>
        {
            foreach (string candidate in SystemNames)
            {
                if (name == "e_sqlite3" && NativeLibrary.TryLoad(candidate, assembly, path, out nint library))
                {
                    return library;
                }
            }

            return 0;
        });
        SQLitePCL.Batteries_V2.Init();
        return true;
    }
}
