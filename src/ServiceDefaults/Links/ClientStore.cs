using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Data;

namespace ZwCa.ServiceDefaults.Links;

/// <summary>The table of registered clients. A change takes effect with the next request, also on a connection that stands already.</summary>
public sealed class ClientStore(Database database, AuditLog log, TimeProvider time)
{
    private const int MaxNameLength = 64;

    /// <returns>SHA-256 of the certificate, 64 lower-case hexadecimal digits.</returns>
    public static string ThumbprintOf(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return Convert.ToHexStringLower(SHA256.HashData(certificate.RawDataMemory.Span));
    }

    /// <returns>Null: not registered. May be disabled.</returns>
    public Task<RegisteredClient?> FindAsync(string thumbprint, CancellationToken cancellationToken = default) => database.FindAsync<RegisteredClient>(
        "SELECT thumbprint, name, kind, enabled, registered_at, changed_at FROM registered_client WHERE thumbprint = @Thumbprint",
        new { Thumbprint = thumbprint },
        cancellationToken);

    /// <inheritdoc cref="FindAsync(string, CancellationToken)"/>
    public static Task<RegisteredClient?> FindAsync(Transaction transaction, string thumbprint)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        return transaction.FindAsync<RegisteredClient>(
            "SELECT thumbprint, name, kind, enabled, registered_at, changed_at FROM registered_client WHERE thumbprint = @Thumbprint", new { Thumbprint = thumbprint });
    }

    /// <param name="actor">Who registers it.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.Duplicate"/>: the certificate is registered already, enabled or not.</exception>
    public Task RegisterAsync(AuditActor actor, X509Certificate2 certificate, string name, ClientKind kind, CancellationToken cancellationToken = default)
    {
        string thumbprint = ThumbprintOf(certificate);
        RequireName(name);
        return database.WriteAsync(transaction => RegisterAsync(transaction, actor, thumbprint, name, kind), cancellationToken);
    }

    /// <summary>As the other, in the caller's transaction.</summary>
    /// <param name="thumbprint">As <see cref="ThumbprintOf"/> has it.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.Duplicate"/>: the certificate is registered already, enabled or not.</exception>
    public async Task RegisterAsync(Transaction transaction, AuditActor actor, string thumbprint, string name, ClientKind kind)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        RequireName(name);
        bool inserted = await transaction.TryInsertAsync(
            """
            INSERT INTO registered_client (thumbprint, name, kind, enabled, registered_at, changed_at)
            VALUES (@Thumbprint, @Name, @Kind, 1, @Now, @Now)
            """,
            new { Thumbprint = thumbprint, Name = name, Kind = kind, Now = time.GetUtcNow() });
        if (!inserted)
        {
            throw new RefusalException(Refusal.Duplicate, "这张链路证书已经登记过。");
        }

        await log.AppendAsync(transaction, new AuditEvent(actor, "client.register", ObjectOf(thumbprint), AuditOutcome.Done)
        {
            Fields = [new AuditField.Text("name", name), new AuditField.Text("kind", kind.ToString())],
        });
    }

    /// <exception cref="RefusalException"><see cref="Refusal.WrongState"/>: not registered, or disabled already.</exception>
    public Task DisableAsync(AuditActor actor, string thumbprint, CancellationToken cancellationToken = default) =>
        database.WriteAsync(transaction => SwitchAsync(transaction, actor, thumbprint, enabled: false), cancellationToken);

    /// <exception cref="RefusalException"><see cref="Refusal.WrongState"/>: not registered, or not disabled.</exception>
    public Task EnableAsync(AuditActor actor, string thumbprint, CancellationToken cancellationToken = default) =>
        database.WriteAsync(transaction => SwitchAsync(transaction, actor, thumbprint, enabled: true), cancellationToken);

    /// <summary>Disables or enables in the caller's transaction.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.WrongState"/>: not registered, or so already.</exception>
    public async Task SwitchAsync(Transaction transaction, AuditActor actor, string thumbprint, bool enabled)
    {
        if (!await TrySwitchAsync(transaction, actor, thumbprint, enabled))
        {
            throw new RefusalException(Refusal.WrongState, enabled ? "这张链路证书没有登记或没有停用。" : "这张链路证书没有登记或已经停用。");
        }
    }

    /// <summary>Disables all links of a client in the caller's transaction: none of them is heard any more, and none renews itself.</summary>
    public async Task DisableAllAsync(Transaction transaction, AuditActor actor, string name, ClientKind kind)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        while (await transaction.QueryAsync<string>(
            "SELECT thumbprint FROM registered_client WHERE name = @Name AND kind = @Kind AND enabled = 1", new { Name = name, Kind = kind }) is { Count: > 0 } enabled)
        {
            // One that somebody else disables at this moment is disabled; and one that is renewed at this moment has a follower then, who is found the next time.
            foreach (string thumbprint in enabled)
            {
                await TrySwitchAsync(transaction, actor, thumbprint, enabled: false);
            }
        }
    }

    /// <summary>Whether a link is enabled, and stays so until this transaction ends: who disables all of its client's waits, and then finds what was registered here.</summary>
    public static async Task<bool> HoldEnabledAsync(Transaction transaction, string thumbprint)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        return await transaction.ExecuteAsync(
            "UPDATE registered_client SET enabled = enabled WHERE thumbprint = @Thumbprint AND enabled = 1", new { Thumbprint = thumbprint }) == 1;
    }

    /// <param name="after">Thumbprint of the last one of the page before; empty at the beginning.</param>
    /// <param name="rows">At least one.</param>
    /// <returns>In the order of their thumbprints, disabled ones too.</returns>
    public Task<IReadOnlyList<RegisteredClient>> ListAsync(string after, int rows, CancellationToken cancellationToken = default) => database.QueryAsync<RegisteredClient>(
        $"""
         SELECT thumbprint, name, kind, enabled, registered_at, changed_at FROM registered_client
         WHERE thumbprint > @After ORDER BY thumbprint {database.Dialect.Limit(rows)}
         """,
        new { After = after },
        cancellationToken);

    /// <returns>False: not registered, or so already.</returns>
    private async Task<bool> TrySwitchAsync(Transaction transaction, AuditActor actor, string thumbprint, bool enabled)
    {
        bool changed = await transaction.ExecuteAsync(
            "UPDATE registered_client SET enabled = @Enabled, changed_at = @Now WHERE thumbprint = @Thumbprint AND enabled = @Before",
            new { Thumbprint = thumbprint, Enabled = (short)(enabled ? 1 : 0), Before = (short)(enabled ? 0 : 1), Now = time.GetUtcNow() }) == 1;
        if (changed)
        {
            await log.AppendAsync(
                transaction, new AuditEvent(actor, enabled ? "client.enable" : "client.disable", ObjectOf(thumbprint), AuditOutcome.Done));
        }

        return changed;
    }

    private static AuditObject ObjectOf(string thumbprint) => new("client", thumbprint);

    private static void RequireName(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(name.Length, MaxNameLength);
    }
}
