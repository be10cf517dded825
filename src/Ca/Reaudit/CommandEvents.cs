using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Officers;

namespace ZwCa.Ca.Reaudit;

/// <summary>Where the log has that a command was done.</summary>
/// <param name="Index"><see cref="long.MaxValue"/>: it waits for its place, and comes after all that have one.</param>
/// <param name="EventId">In hexadecimal; begins with its time.</param>
internal sealed record CommandPlace(long Index, string EventId);

/// <summary>
/// Commands of officers and what the log knows of them. Whoever takes one away makes what was ordered before it look like the last word; whoever adds one, with signatures of people who
/// are in office no more, chooses the times of its rows himself, and not its place in the log.
/// </summary>
internal static class CommandEvents
{
    public const string ProposeAction = "command.propose";
    public const string ApproveAction = "command.approve";

    /// <summary>Between clocks of nodes, and from the beginning of a transaction to its event.</summary>
    private static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(1);

    /// <summary>Somewhere in it something happened that is in the log.</summary>
    private static readonly TimeSpan LookedAt = TimeSpan.FromHours(1);

    /// <param name="leaf">Of a proposal or an approval that was taken in.</param>
    public static async Task<bool> IsThereAsync(Transaction transaction, AuditLeaf leaf)
    {
        // What it came to is in a table of insertions; the command's own row only repeats that.
        Found? row = leaf.Object.Id.Length == 2 * Ulid.Length && leaf.Object.Id.All(char.IsAsciiHexDigitLower)
            ? await transaction.FindAsync<Found>(
                "SELECT c.state, c.action, e.state AS ended FROM officer_command c LEFT JOIN ended_command e ON e.command_id = c.command_id WHERE c.command_id = @Id",
                new { Id = Convert.FromHexString(leaf.Object.Id) })
            : null;
        if (row is null || row.State != (row.Ended ?? CommandState.Proposed) || await CertificateRecords.FindCommandAsync(transaction, leaf.Object.Id) is not { } command)
        {
            return false;
        }

        try
        {
            byte[]? approval = leaf.Action == ApproveAction ? command.Review : command.Proposal;
            Application recorded = Der.Decode<Application>(command.Application);
            return (leaf.Action == ProposeAction || row.State == CommandState.Done)
                && approval is not null
                && row.Action == Der.Decode<CommandBody>(recorded.Body).Action
                && CertificateRecords.OctetsOf(leaf, "application") is { } application
                && application.Span.SequenceEqual(recorded.Digest)
                && CertificateRecords.OctetsOf(leaf, "approval") is { } hash
                && hash.Span.SequenceEqual(Sm3.HashData(approval));
        }
        catch (DerException)
        {
            return false;
        }
    }

    /// <returns>Null: the log does not have that it was proposed and approved as its rows say; or one of the officers was in office no more when it came in.</returns>
    /// <exception cref="DerException">An approval cannot be read.</exception>
    public static async Task<CommandPlace?> FindPlaceAsync(Transaction transaction, Application application, CommandRow command)
    {
        var about = new AuditObject("command", application.EnrollmentId);
        LoggedEvent? done = FindDone(await LoggedEvent.FindAsync(transaction, about), application, command);
        if (done is null)
        {
            // In this order, for between the two the log may give them their places.
            IReadOnlyList<LoggedEvent> pending = await LoggedEvent.ListPendingAsync(transaction, FirstAfter(command.ReviewedAt ?? command.ProposedAt, Tolerance));
            done = FindDone([.. await LoggedEvent.FindAsync(transaction, about), .. pending], application, command);
        }

        if (done is null)
        {
            return null;
        }

        var place = new CommandPlace(done.LogIndex ?? long.MaxValue, Convert.ToHexStringLower(done.EventId));
        foreach (byte[] approval in new[] { command.Proposal, command.Review }.OfType<byte[]>())
        {
            string serial = Der.Decode<Approval>(approval).Certificate.Tbs.SerialNumber.ToString();
            if (await transaction.FindAsync<DateTimeOffset?>("SELECT ended_at FROM ended_certificate WHERE certificate_serial = @Serial", new { Serial = serial }) is { } endedAt
                && await IsLaterAsync(transaction, place.Index, done.EventId, endedAt))
            {
                return null;
            }
        }

        return place;
    }

    /// <summary>By its own time, or, for that can be chosen, by its place: whether the log had something of a later time already.</summary>
    private static async Task<bool> IsLaterAsync(Transaction transaction, long index, byte[] eventId, DateTimeOffset endedAt) =>
        eventId.AsSpan().SequenceCompareTo(FirstAfter(endedAt, Tolerance)) > 0
        || await transaction.FindAsync<long?>(
            $"SELECT log_index FROM log_leaf WHERE event_id > @From AND event_id < @Until AND log_index < @Index ORDER BY event_id {transaction.Dialect.Limit(1)}",
            new { From = FirstAfter(endedAt, Tolerance), Until = FirstAfter(endedAt, Tolerance + LookedAt), Index = index }) is not null;

    /// <summary>Also of a time that no clock has shown, which somebody has written there.</summary>
    private static byte[] FirstAfter(DateTimeOffset time, TimeSpan later) =>
        Ulid.FirstOf(time < DateTimeOffset.UnixEpoch ? DateTimeOffset.UnixEpoch : time > DateTimeOffset.MaxValue - later ? DateTimeOffset.MaxValue : time + later);

    /// <returns>The event by which it was done; null: it, or that of the proposal, is not among them.</returns>
    private static LoggedEvent? FindDone(IReadOnlyList<LoggedEvent> events, Application application, CommandRow command)
    {
        LoggedEvent? proposed = Find(ProposeAction, command.Proposal);
        return proposed is not null && command.Review is { } review ? Find(ApproveAction, review) : proposed;

        LoggedEvent? Find(string action, byte[] approval)
        {
            byte[] hash = Sm3.HashData(approval);
            return events.Where(each => Read(each) is { Outcome: AuditOutcome.Done } leaf
                    && leaf.Action == action
                    && leaf.Object == new AuditObject("command", application.EnrollmentId)
                    && CertificateRecords.OctetsOf(leaf, "application") is { } digest && digest.Span.SequenceEqual(application.Digest)
                    && CertificateRecords.OctetsOf(leaf, "approval") is { } recorded && recorded.Span.SequenceEqual(hash))
                .MinBy(each => each.LogIndex ?? long.MaxValue);
        }
    }

    /// <returns>Null: neither in the log nor waiting for its place, or none that can be read.</returns>
    private static AuditLeaf? Read(LoggedEvent each)
    {
        try
        {
            AuditLeaf? leaf = each.Leaf is not null && (each.LeafHash is null ? each.IsPending : each.IsInLog) ? Der.Decode<AuditLeaf>(each.Leaf) : null;
            return leaf is not null && leaf.Id.Span.SequenceEqual(each.EventId) ? leaf : null;
        }
        catch (DerException)
        {
            return null;
        }
    }

    private sealed record Found
    {
        public required CommandState State { get; init; }

        public required string Action { get; init; }

        /// <summary>Null: it waits.</summary>
        public CommandState? Ended { get; init; }
    }
}
