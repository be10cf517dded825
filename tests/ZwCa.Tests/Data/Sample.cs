using ZwCa.Data;

namespace ZwCa.Tests.Data;

/// <summary>Tables of these tests: one with every type, one below it that is insert-only, one account to add to.</summary>
internal static class Sample
{
    public static readonly MigrationSet Tables = new(
        "sample",
        [
            (
                "0001_tables.sql",
                """
                CREATE TABLE item (
                    id {blob(16)} NOT NULL PRIMARY KEY,
                    name {text(64)} NOT NULL UNIQUE,
                    amount bigint,
                    state smallint,
                    active smallint,
                    made_at bigint,
                    content {blob}
                );
                CREATE TABLE note (
                    note_number bigint NOT NULL PRIMARY KEY,
                    item_id {blob(16)} NOT NULL REFERENCES item (id),
                    words {text(200)}
                );
                {insert_only(note)};
                CREATE TABLE account (
                    account_number bigint NOT NULL PRIMARY KEY,
                    total bigint NOT NULL
                );
                """),
        ]);

    public static Item NewItem(string name) => new() { Id = Ulid.Create(TimeProvider.System.GetUtcNow()), Name = name };

    public static Task InsertAsync(Transaction transaction, Item item) => transaction.ExecuteAsync(
        "INSERT INTO item (id, name, amount, state, active, made_at, content) VALUES (@Id, @Name, @Amount, @State, @Active, @MadeAt, @Content)", item);

    public static Task<long> CountAsync(Database database, CancellationToken cancellationToken) =>
        database.FindAsync<long>("SELECT COUNT(*) FROM item", cancellationToken: cancellationToken);
}

internal enum ItemState : short
{
    Draft = 1,
    Landed = 32767,
}

internal sealed record Item
{
    public required byte[] Id { get; init; }

    public required string Name { get; init; }

    public long? Amount { get; init; }

    public ItemState? State { get; init; }

    public bool? Active { get; init; }

    public DateTimeOffset? MadeAt { get; init; }

    public byte[]? Content { get; init; }
}

internal sealed record Whole
{
    public required int Amount { get; init; }

    public required ItemState State { get; init; }

    public required bool Active { get; init; }

    public required DateTimeOffset MadeAt { get; init; }
}
