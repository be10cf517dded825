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
        CommandState? state = leaf.Object.Id.Length == 2 * Ulid.Length && leaf.Object.Id.All(char.IsAsciiHexDigitLower)
            ? await transaction.FindAsync<CommandState?>("SELECT state FROM officer_command WHERE command_id = @Id", new { Id = Convert.FromHexString(leaf.Object.Id) })
            : null;
        if (state is null || await CertificateRecords.FindCommandAsync(transaction, leaf.Object.Id) is not { } command)
        {
            return false;
        }

        try
        {
            byte[]? approval = leaf.Action == ApproveAction ? command.Review : command.Proposal;
            return (leaf.Action == ProposeAction || state == CommandState.Done)
                && approval is not null
                && CertificateRecords.OctetsOf(leaf, "application") is { } application
                && application.Span.SequenceEqual(Der.Decode<Application>(command.Application).Digest)
                && CertificateRecords.OctetsOf(leaf, "approval") is { } hash
                && hash.Span.SequenceEqual(Sm3.HashData(approval));
        }
        catch (DerException)
        {
            return false;
        }
    }
}
