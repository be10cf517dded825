using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Ca.Reaudit;
using ZwCa.Data;

namespace ZwCa.Ca.Registrations;

/// <summary>A command that was done, and that those officers signed whom its action asks for.</summary>
/// <param name="Region">What both of them signed it for.</param>
/// <param name="Place">Where the log has it.</param>
internal sealed record OrderedCommand(CommandBody Body, string Region, CommandPlace Place);

/// <summary>
/// What officers have ordered, out of what they signed: registers that follow from commands are held against these, for whoever writes to the database writes registers too. A command
/// counts that the log has, from when its officers were in office, and in the log's order: the times in its rows are his who inserts them. What he can do is take commands away; the log knows those. Safe for concurrent use.
/// </summary>
internal sealed class OrderedCommands(ApprovalCheck approvals, CaOptions options)
{
    /// <summary>Those of one action, in the log's order. What nobody has signed, or others than the action's rules name, is left out.</summary>
    /// <param name="isWanted">Of the parameters, unverified: signatures cost. What throws a <see cref="DerException"/> is not wanted.</param>
    public async Task<IReadOnlyList<OrderedCommand>> ListAsync<T>(Transaction transaction, string action, Func<T, bool> isWanted)
        where T : IDer<T>
    {
        var ordered = new List<OrderedCommand>();
        foreach (DoneRow row in await transaction.QueryAsync<DoneRow>(
            "SELECT command_id, application FROM officer_command WHERE action = @Action AND state = 1 ORDER BY command_id", new { Action = action }))
        {
            string id = Convert.ToHexStringLower(row.CommandId);
            try
            {
                Application application = Der.Decode<Application>(row.Application);
                CommandBody body = Der.Decode<CommandBody>(application.Body);
                if (application.EnrollmentId == id && application.CaName == options.Name && body.Action == action && isWanted(Der.Decode<T>(body.Parameters))
                    && await CertificateRecords.FindCommandAsync(transaction, id) is { } command && approvals.Judge(application, command) is null
                    && await CommandEvents.FindPlaceAsync(transaction, application, command) is { } place)
                {
                    ordered.Add(new OrderedCommand(body, application.Region, place));
                }
            }
            catch (DerException)
            {
                // Not from this program: it orders nothing.
            }
        }

        return InOrder(ordered);
    }

    /// <summary>Also of several actions: the last one last.</summary>
    public static IReadOnlyList<OrderedCommand> InOrder(IEnumerable<OrderedCommand> commands) =>
        [.. commands.OrderBy(each => each.Place.Index).ThenBy(each => each.Place.EventId, StringComparer.Ordinal)];

    private sealed record DoneRow
    {
        public required byte[] CommandId { get; init; }

        public required byte[] Application { get; init; }
    }
}
