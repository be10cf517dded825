using System.Security.Cryptography;
using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Cryptography;
using ZwCa.Data;

namespace ZwCa.Audit;

/// <summary>The log of one service: what its database says happened. Safe for concurrent use.</summary>
public sealed class AuditLog(TimeProvider time)
{
    private const int SaltLength = 16;

    /// <summary>The log's tables.</summary>
    public static MigrationSet Migrations { get; } = new("audit", typeof(AuditLog).Assembly);

    /// <summary>Records an event in the transaction of the change that it tells of: both or neither.</summary>
    /// <returns>The event's id, a ULID of 16 bytes.</returns>
    public async Task<byte[]> AppendAsync(Transaction transaction, AuditEvent auditEvent)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        ArgumentNullException.ThrowIfNull(auditEvent);
        DateTimeOffset now = time.GetUtcNow();
        byte[] id = Ulid.Create(now);

        // A person's data stay outside the leaf, which nobody can change afterwards.
        var personal = auditEvent.Personal.OrderBy(each => each.Key, StringComparer.Ordinal)
            .Select(each => (each.Key, Content: each.Value, Salt: RandomNumberGenerator.GetBytes(SaltLength))).ToArray();
        var leaf = new AuditLeaf(
            id,
            now,
            auditEvent.Actor,
            auditEvent.Action,
            auditEvent.Object,
            auditEvent.Outcome,
            [.. auditEvent.Fields, .. personal.Select(each => new AuditField.Masked(each.Key, Mask(each.Salt, each.Content)))]);

        // As few texts as can be: each is a round trip to a server.
        const string insertEvent =
            """
            INSERT INTO audit_event (event_id, recorded_at, action, actor, object, leaf)
            VALUES (@EventId, @RecordedAt, @Action, @Actor, @Object, @Leaf);
            INSERT INTO log_pending (event_id) VALUES (@EventId);
            """;
        const string insertPersonal = "INSERT INTO audit_personal (event_id, name, salt, content) VALUES (@EventId, @Name, @Salt, @Content);";
        (string name, string content, byte[] salt) = personal.FirstOrDefault();
        await transaction.ExecuteAsync(
            personal.Length == 0 ? insertEvent : insertEvent + insertPersonal,
            new
            {
                EventId = id, RecordedAt = now, leaf.Action, Actor = leaf.Actor.Id, Object = leaf.Object.Id, Leaf = Der.Encode(leaf),
                Name = name, Salt = salt, Content = content,
            });
        foreach ((string nextName, string nextContent, byte[] nextSalt) in personal.Skip(1))
        {
            await transaction.ExecuteAsync(insertPersonal, new { EventId = id, Name = nextName, Salt = nextSalt, Content = nextContent });
        }

        return id;
    }

    private static byte[] Mask(ReadOnlySpan<byte> salt, string content) => Sm3.HashData([.. salt, .. Encoding.UTF8.GetBytes(content)]);
}
