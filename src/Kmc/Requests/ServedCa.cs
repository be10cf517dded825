using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Data;

namespace ZwCa.Kmc.Requests;

/// <summary>Of a CA; in the database, never changes its meaning.</summary>
internal enum ServedCaState : short
{
    Served = 1,

    /// <summary>By officers: nothing is done for it.</summary>
    Frozen = 2,
}

/// <summary>A CA that this KMC serves.</summary>
internal sealed record ServedCa
{
    public const string Columns = "ca_id, name, certificate, key_hash, link_name, state, signed_part, signature_form, registered_at, changed_at";

    public required short CaId { get; init; }

    /// <summary>As in the device's policy.</summary>
    public required string Name { get; init; }

    /// <summary>DER, of the key that signs its messages.</summary>
    public required byte[] Certificate { get; init; }

    /// <summary>SM3 of the SubjectPublicKeyInfo.</summary>
    public required byte[] KeyHash { get; init; }

    public required string LinkName { get; init; }

    public required ServedCaState State { get; init; }

    public required SignedPart SignedPart { get; init; }

    public required SignatureForm SignatureForm { get; init; }

    public required DateTimeOffset RegisteredAt { get; init; }

    public required DateTimeOffset ChangedAt { get; init; }

    /// <summary>For the log.</summary>
    public AuditActor Actor => new(AuditActorKind.Service, Name);

    /// <summary>Whatever it sends: its message certificate is in its time, and nobody has frozen it.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.NotAllowed"/></exception>
    public void RequireStanding(DateTimeOffset now)
    {
        if (State != ServedCaState.Served)
        {
            throw new RefusalException(Refusal.NotAllowed, "该CA已被冻结。");
        }

        Validity validity = DecodeCertificate().Tbs.Validity;
        if (now < validity.NotBefore.Value || now > validity.NotAfter.Value)
        {
            throw new RefusalException(Refusal.NotAllowed, "该CA的消息证书不在有效期内。");
        }
    }

    public Certificate DecodeCertificate() => Der.Decode<Certificate>(Certificate);

    /// <param name="keyHash">As in EntName.</param>
    public static Task<ServedCa?> FindAsync(Transaction transaction, byte[] keyHash) =>
        transaction.FindAsync<ServedCa>($"SELECT {Columns} FROM served_ca WHERE key_hash = @KeyHash", new { KeyHash = keyHash });

    public static Task<ServedCa?> FindAsync(Transaction transaction, string name) =>
        transaction.FindAsync<ServedCa>($"SELECT {Columns} FROM served_ca WHERE name = @Name", new { Name = name });

    /// <returns>All, frozen ones too: there are few.</returns>
    public static Task<IReadOnlyList<ServedCa>> ListAsync(Transaction transaction) => transaction.QueryAsync<ServedCa>($"SELECT {Columns} FROM served_ca ORDER BY ca_id");

    /// <returns>False: one of that name, or with that key, is registered.</returns>
    public static Task<bool> TryAddAsync(Transaction transaction, ServedCa ca) => transaction.TryInsertAsync(
        """
        INSERT INTO served_ca (ca_id, name, certificate, key_hash, link_name, state, signed_part, signature_form, registered_at, changed_at)
        VALUES (@CaId, @Name, @Certificate, @KeyHash, @LinkName, @State, @SignedPart, @SignatureForm, @RegisteredAt, @ChangedAt)
        """,
        ca);

    /// <returns>False: another CA has the key.</returns>
    public static async Task<bool> ChangeAsync(
        Transaction transaction, string name, byte[] certificate, byte[] keyHash, string link, SignedPart part, SignatureForm form, DateTimeOffset now) => await transaction.ExecuteAsync(
        """
        UPDATE served_ca SET certificate = @Certificate, key_hash = @KeyHash, link_name = @Link, signed_part = @Part, signature_form = @Form, changed_at = @Now
        WHERE name = @Name AND NOT EXISTS (SELECT 1 FROM served_ca o WHERE o.key_hash = @KeyHash AND o.name <> @Name)
        """,
        new { Name = name, Certificate = certificate, KeyHash = keyHash, Link = link, Part = part, Form = form, Now = now }) == 1;

    /// <returns>False: it is in another state than that.</returns>
    public static async Task<bool> MoveAsync(Transaction transaction, string name, ServedCaState from, ServedCaState to, DateTimeOffset now) => await transaction.ExecuteAsync(
        "UPDATE served_ca SET state = @To, changed_at = @Now WHERE name = @Name AND state = @From", new { Name = name, From = from, To = to, Now = now }) == 1;
}
