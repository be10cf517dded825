using ZwCa.Data;

namespace ZwCa.Tests.Data;

/// <summary>64 writers on one SQLite file; the id of every answered write is in a file beside it.</summary>
internal static class GroupedWriters
{
    private const int Writers = SqliteWriter.MaxGroup;

    public static DatabaseOptions OptionsOf(string folder) => new() { ConnectionString = $"Data Source={Path.Combine(folder, "test.db")}" };

    public static string AnswersOf(string folder) => Path.Combine(folder, "answered");

    public static async Task PrepareAsync(string folder)
    {
        await using var database = new Database(OptionsOf(folder));
        await new Migrator(database, [Sample.Tables], TimeProvider.System).MigrateAsync();
        await database.WriteAsync(transaction => transaction.ExecuteAsync("INSERT INTO account (account_number, total) VALUES (1, 0)"));
    }

    public static async Task WriteAsync(string folder, int each)
    {
        await using var database = new Database(OptionsOf(folder));

        // Without a buffer of its own: the system has what a process that is killed has written.
        await using var answers = new FileStream(AnswersOf(folder), FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0);
        var gate = new Lock();
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(_ => Task.Run(async () =>
        {
            for (int i = 0; i < each; i++)
            {
                byte[] id = Ulid.Create(TimeProvider.System.GetUtcNow());
                await database.WriteAsync(async transaction =>
                {
                    await Sample.InsertAsync(transaction, new Item { Id = id, Name = Convert.ToHexStringLower(id), Content = new byte[500] });
                    long total = await transaction.GetAsync<long>("SELECT total FROM account");
                    await transaction.ExecuteAsync("INSERT INTO note (note_number, item_id) VALUES (@Number, @Id)", new { Number = total + 1, Id = id });
                    await transaction.ExecuteAsync("UPDATE account SET total = @Total", new { Total = total + 1 });
                });
                lock (gate)
                {
                    answers.Write(id);
                }
            }
        })));
    }

    /// <summary>Every answered write is there, and no half of one.</summary>
    /// <returns>How many are there.</returns>
    public static async Task<long> CheckAsync(string folder)
    {
        await using var database = new Database(OptionsOf(folder));

        // Writes first: it is the writer that has to find its way.
        await database.WriteAsync(transaction => transaction.ExecuteAsync("UPDATE account SET total = total"));
        Assert.Equal("ok", await database.FindAsync<string>("PRAGMA integrity_check"));
        HashSet<string> items = [.. await database.QueryAsync<string>("SELECT name FROM item")];
        byte[] answered = File.Exists(AnswersOf(folder)) ? await File.ReadAllBytesAsync(AnswersOf(folder)) : [];
        Assert.All(answered.Chunk(Ulid.Length).Where(id => id.Length == Ulid.Length), id => Assert.Contains(Convert.ToHexStringLower(id), items));
        Assert.InRange(items.Count - (answered.Length / Ulid.Length), 0, int.MaxValue);
        Assert.Equal(items.Count, await database.FindAsync<long>("SELECT COUNT(*) FROM note JOIN item ON item.id = note.item_id"));
        Assert.Equal(items.Count, await database.FindAsync<long>("SELECT MAX(note_number) FROM note"));
        Assert.Equal(items.Count, await database.FindAsync<long>("SELECT total FROM account"));
        return items.Count;
    }
}
