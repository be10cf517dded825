using System.Security.Cryptography;
using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Cryptography;
using ZwCa.Data;

namespace ZwCa.Audit;

/// <summary>The log of one service, to write to: what its database says happened. Safe for concurrent use.</summary>
public sealed class AuditLog(TimeProvider time)
{
    /// <summary>Characters of an action, of an object's kind and of a personal field's name.</summary>
    public const int MaxNameLength = 64;

    /// <summary>Characters of a personal value.</summary>
    public const int MaxPersonalLength = 1024;

    private const int SaltLength = 16;

    // A lone surrogate would be stored as another text than the one that was hashed.
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The log's tables.</summary>
    public static MigrationSet Migrations { get; } = new("audit", typeof(AuditLog).Assembly);

    /// <summary>Records an event in the transaction of the change that it tells of: both or neither.</summary>
    /// <returns>The event's id, a ULID of 16 bytes.</returns>
    /// <exception cref="ArgumentException">A text is too long or not one line, or a name is there twice.</exception>
    public async Task<byte[]> AppendAsync(Transaction transaction, AuditEvent auditEvent)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        ArgumentNullException.ThrowIfNull(auditEvent);
        PreparedEvent written = Prepare(auditEvent);

        // As few texts as can be: each is a round trip to a server.
        const string insertEvent =
            """
            INSERT INTO audit_event (event_id, leaf) VALUES (@EventId, @Leaf);
            INSERT INTO log_pending (event_id) VALUES (@EventId);
            """;
        const string insertPersonal = "INSERT INTO audit_personal (event_id, name, salt, content) VALUES (@EventId, @Name, @Salt, @Content);";
        (string name, byte[] content, byte[] salt) = written.Personal.FirstOrDefault();
        await transaction.ExecuteAsync(
            written.Personal.Length == 0 ? insertEvent : insertEvent + insertPersonal,
            new { written.EventId, written.Leaf, Name = name, Salt = salt, Content = content });
        foreach ((string nextName, byte[] nextContent, byte[] nextSalt) in written.Personal.Skip(1))
        {
            await transaction.ExecuteAsync(insertPersonal, new { written.EventId, Name = nextName, Salt = nextSalt, Content = nextContent });
        }

        return written.EventId;
    }

    /// <summary>Records many events in the transaction of the changes that they tell of, as the database does it fastest.</summary>
    /// <exception cref="ArgumentException">As <see cref="AppendAsync"/>.</exception>
    public Task AppendAllAsync(Transaction transaction, IReadOnlyCollection<AuditEvent> auditEvents)
    {
        ArgumentNullException.ThrowIfNull(auditEvents);
        return AppendAllAsync(transaction, [.. auditEvents.Select(Prepare)]);
    }

    /// <summary>As <see cref="AppendAllAsync(Transaction, IReadOnlyCollection{AuditEvent})"/>, with what <see cref="Prepare"/> has done before, while nobody waited for it.</summary>
    public async Task AppendAllAsync(Transaction transaction, IReadOnlyCollection<PreparedEvent> auditEvents)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        ArgumentNullException.ThrowIfNull(auditEvents);
        if (auditEvents.Count == 0)
        {
            return;
        }

        await transaction.BulkInsertAsync("audit_event", ["event_id", "leaf"], [.. auditEvents.Select(each => (object?[])[each.EventId, each.Leaf])]);
        await transaction.BulkInsertAsync("log_pending", ["event_id"], [.. auditEvents.Select(each => (object?[])[each.EventId])]);
        object?[][] personal = [.. auditEvents.SelectMany(each => each.Personal.Select(one => (object?[])[each.EventId, one.Name, one.Salt, one.Content]))];
        if (personal.Length > 0)
        {
            await transaction.BulkInsertAsync("audit_personal", ["event_id", "name", "salt", "content"], personal);
        }
    }

    /// <summary>An event as its rows will have it, with the time of now, for one transaction: before a unit of work in which many are recorded.</summary>
    /// <exception cref="ArgumentException">As <see cref="AppendAsync"/>.</exception>
    public PreparedEvent Prepare(AuditEvent auditEvent)
    {
        ArgumentNullException.ThrowIfNull(auditEvent);
        RequireName(auditEvent.Action);
        RequireName(auditEvent.Object.Kind);
        DateTimeOffset now = time.GetUtcNow();
        byte[] id = Ulid.Create(now);

        // A person's data stay outside the leaf, which nobody can change afterwards.
        (string Name, byte[] Content, byte[] Salt)[] personal =
        [
            .. auditEvent.Personal.OrderBy(each => each.Key, StringComparer.Ordinal)
                .Select(each => (RequireName(each.Key), Bytes(each.Value), RandomNumberGenerator.GetBytes(SaltLength))),
        ];
        var leaf = new AuditLeaf(
            id,
            now,
            auditEvent.Actor,
            auditEvent.Action,
            auditEvent.Object,
            auditEvent.Outcome,
            [.. auditEvent.Fields, .. personal.Select(each => new AuditField.Masked(each.Name, Mask(each.Salt, each.Content)))]);
        return new PreparedEvent(id, Der.Encode(leaf), personal);
    }

    /// <summary>Erases a person's value and its salt, and records that; the leaf still verifies, and what the value was cannot be guessed from it.</summary>
    /// <param name="eventId">Of the event that the value belongs to.</param>
    /// <param name="actor">Who erases it.</param>
    /// <returns>False where there is no such value (any more); then nothing is recorded.</returns>
    public async Task<bool> ErasePersonalAsync(Transaction transaction, byte[] eventId, string name, AuditActor actor)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        int erased = await transaction.ExecuteAsync(
            "DELETE FROM audit_personal WHERE event_id = @EventId AND name = @Name", new { EventId = eventId, Name = name });
        if (erased == 0)
        {
            return false;
        }

        await AppendAsync(transaction, LogEvents.Erased(actor, eventId, name));
        return true;
    }

    /// <returns>What a masked field holds: SM3(salt ‖ value).</returns>
    internal static byte[] Mask(ReadOnlySpan<byte> salt, ReadOnlySpan<byte> content) => Sm3.HashData([.. salt, .. content]);

    private static string RequireName(string name) =>
        name.Length <= MaxNameLength ? name : throw new ArgumentException($"\"{name}\" has more than {MaxNameLength} characters.", nameof(name));

    private static byte[] Bytes(string content) =>
        content.Length <= MaxPersonalLength
            ? Utf8.GetBytes(content)
            : throw new ArgumentException($"A personal value has up to {MaxPersonalLength} characters.", nameof(content));
}

/// <summary>An event as its rows have it: recorded nowhere yet.</summary>
public sealed class PreparedEvent
{
    internal PreparedEvent(byte[] eventId, byte[] leaf, (string Name, byte[] Content, byte[] Salt)[] personal)
    {
        EventId = eventId;
        Leaf = leaf;
        Personal = personal;
    }

    internal byte[] EventId { get; }

    internal byte[] Leaf { get; }

    internal (string Name, byte[] Content, byte[] Salt)[] Personal { get; }
}
