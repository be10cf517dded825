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

    /// <param name="actor">Who registers it.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.Duplicate"/>: the certificate is registered already, enabled or not.</exception>
    public Task RegisterAsync(AuditActor actor, X509Certificate2 certificate, string name, ClientKind kind, CancellationToken cancellationToken = default)
    {
        string thumbprint = ThumbprintOf(certificate);
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(name.Length, MaxNameLength);
        return database.WriteAsync(
            async transaction =>
            {
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

                await log.AppendAsync(transaction, new AuditEvent(actor, "client.register", new AuditObject("client", thumbprint), AuditOutcome.Done)
                {
                    Fields = [new AuditField.Text("name", name), new AuditField.Text("kind", kind.ToString())],
                });
            },
            cancellationToken);
    }

    /// <exception cref="RefusalException"><see cref="Refusal.WrongState"/>: not registered, or disabled already.</exception>
    public Task DisableAsync(AuditActor actor, string thumbprint, CancellationToken cancellationToken = default) =>
        SwitchAsync(actor, thumbprint, enabled: false, cancellationToken);

    /// <exception cref="RefusalException"><see cref="Refusal.WrongState"/>: not registered, or not disabled.</exception>
    public Task EnableAsync(AuditActor actor, string thumbprint, CancellationToken cancellationToken = default) =>
        SwitchAsync(actor, thumbprint, enabled: true, cancellationToken);

    private Task SwitchAsync(AuditActor actor, string thumbprint, bool enabled, CancellationToken cancellationToken) => database.WriteAsync(
        async transaction =>
        {
            int changed = await transaction.ExecuteAsync(
                "UPDATE registered_client SET enabled = @Enabled, changed_at = @Now WHERE thumbprint = @Thumbprint AND enabled = @Before",
                new { Thumbprint = thumbprint, Enabled = (short)(enabled ? 1 : 0), Before = (short)(enabled ? 0 : 1), Now = time.GetUtcNow() });
            if (changed == 0)
            {
                throw new RefusalException(Refusal.WrongState, enabled ? "这张链路证书没有登记或没有停用。" : "这张链路证书没有登记或已经停用。");
            }

            await log.AppendAsync(
                transaction,
                new AuditEvent(actor, enabled ? "client.enable" : "client.disable", new AuditObject("client", thumbprint), AuditOutcome.Done));
        },
        cancellationToken);
}
