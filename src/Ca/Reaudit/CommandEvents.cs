using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Officers;

namespace ZwCa.Ca.Reaudit;

/// <summary>Whether a command of officers is still there as the log knows it: whoever takes one away makes what was ordered before it look like the last word.</summary>
internal static class CommandEvents
{
    public const string ProposeAction = "command.propose";
    public const string ApproveAction = "command.approve";

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

    private sealed record Found
    {
        public required CommandState State { get; init; }

        public required string Action { get; init; }

        /// <summary>Null: it waits.</summary>
        public CommandState? Ended { get; init; }
    }
}
