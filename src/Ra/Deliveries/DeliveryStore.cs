using ZwCa.Data;

namespace ZwCa.Ra.Deliveries;

/// <summary>In the database, never changes its meaning.</summary>
internal enum DeliveryState : short
{
    Waiting = 1,

    Received = 2,

    /// <summary>The token found another key than the certificate's.</summary>
    Refused = 3,

    /// <summary>Revoked before anybody had fetched it.</summary>
    Withdrawn = 4,
}

/// <summary>What is to be handed out: a row of the table <c>delivery</c>.</summary>
internal sealed record Delivery
{
    public const string Columns = "enrollment_id, state, pair_id, recipient, challenge, challenge_until, fetched_at, reminded_at, reminders, receipt, opened_at, ended_at";

    public required byte[] EnrollmentId { get; init; }

    public required DeliveryState State { get; init; }

    public byte[]? PairId { get; init; }

    /// <summary>DER of SubjectPublicKeyInfo.</summary>
    public required byte[] Recipient { get; init; }

    public byte[]? Challenge { get; init; }

    public DateTimeOffset? ChallengeUntil { get; init; }

    public DateTimeOffset? FetchedAt { get; init; }

    public DateTimeOffset? RemindedAt { get; init; }

    public required long Reminders { get; init; }

    /// <summary>DER of SignedReceipt, on its way to the CA or there.</summary>
    public byte[]? Receipt { get; init; }

    public required DateTimeOffset OpenedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }
}

/// <summary>The rows, inside one unit of work.</summary>
internal static class DeliveryStore
{
    public static Task<Delivery?> FindAsync(Transaction transaction, byte[] enrollmentId) =>
        transaction.FindAsync<Delivery>($"SELECT {Delivery.Columns} FROM delivery WHERE enrollment_id = @Id", new { Id = enrollmentId });

    /// <param name="recipient">DER of SubjectPublicKeyInfo: the key that has to answer.</param>
    public static Task OpenAsync(Transaction transaction, byte[] enrollmentId, byte[]? pairId, byte[] recipient, DateTimeOffset now) => transaction.ExecuteAsync(
        "INSERT INTO delivery (enrollment_id, state, pair_id, recipient, reminders, opened_at) VALUES (@Id, 1, @PairId, @Recipient, 0, @Now)",
        new { Id = enrollmentId, PairId = pairId, Recipient = recipient, Now = now });

    /// <returns>False: it waits no more.</returns>
    public static async Task<bool> ChallengeAsync(Transaction transaction, byte[] enrollmentId, byte[] challenge, DateTimeOffset until) => await transaction.ExecuteAsync(
        "UPDATE delivery SET challenge = @Challenge, challenge_until = @Until WHERE enrollment_id = @Id AND state = 1", new { Id = enrollmentId, Challenge = challenge, Until = until }) == 1;

    /// <summary>A challenge is answered once.</summary>
    /// <returns>False: it was answered, or another was asked for.</returns>
    public static async Task<bool> FetchAsync(Transaction transaction, byte[] enrollmentId, byte[] challenge, DateTimeOffset now) => await transaction.ExecuteAsync(
        "UPDATE delivery SET challenge = NULL, challenge_until = NULL, fetched_at = @Now WHERE enrollment_id = @Id AND state = 1 AND challenge = @Challenge",
        new { Id = enrollmentId, Challenge = challenge, Now = now }) == 1;

    /// <returns>False: there is one on its way, or it waits no more.</returns>
    public static async Task<bool> KeepReceiptAsync(Transaction transaction, byte[] enrollmentId, byte[] receipt) => await transaction.ExecuteAsync(
        "UPDATE delivery SET receipt = @Receipt WHERE enrollment_id = @Id AND state = 1 AND receipt IS NULL", new { Id = enrollmentId, Receipt = receipt }) == 1;

    public static Task<int> ForgetReceiptAsync(Transaction transaction, byte[] enrollmentId) =>
        transaction.ExecuteAsync("UPDATE delivery SET receipt = NULL WHERE enrollment_id = @Id AND state = 1", new { Id = enrollmentId });

    /// <returns>False: it has ended already.</returns>
    public static async Task<bool> EndAsync(Transaction transaction, byte[] enrollmentId, DeliveryState state, DateTimeOffset now) => await transaction.ExecuteAsync(
        "UPDATE delivery SET state = @State, challenge = NULL, challenge_until = NULL, ended_at = @Now WHERE enrollment_id = @Id AND state = 1",
        new { Id = enrollmentId, State = state, Now = now }) == 1;
}
