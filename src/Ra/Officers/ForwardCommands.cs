using System.Globalization;
using System.Text;
using System.Text.Json;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.Ra.CertificationAuthority;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Ra.Officers;

/// <summary>Passes officers' commands on to the CA. The CA shows an RA those of its province; an officer sees those of his region. Safe for concurrent use.</summary>
internal sealed class ForwardCommands(Database database, AuditLog log, CaClient ca)
{
    /// <summary>Sends the proposal; the same message is the same request at the CA, whatever became of the first answer.</summary>
    /// <exception cref="RefusalException">The CA's; <see cref="Refusal.Unavailable"/>: it is away.</exception>
    public async Task<CommandAnswer> ProposeAsync(MessageContext message, Officer officer, Application application, CommandProposal proposal, CancellationToken cancellationToken)
    {
        // Another officer's message may have the same id: at the CA both would come from this RA.
        var id = RequestId.Parse(Convert.ToHexStringLower(Sm3.HashData(Encoding.ASCII.GetBytes($"{officer.SerialNumber}/{message.RequestId}"))));
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(proposal, JsonSerializerOptions.Web);
        CommandAnswer answer = CaClient.Read<CommandAnswer>(await ca.PostAsync("/commands", id, json, cancellationToken));
        await database.WriteAsync(
            async transaction =>
            {
                await message.AnswerWithRowsAsync(transaction, application.EnrollmentId);
                await log.AppendAsync(transaction, new AuditEvent(officer.Actor, "command.forward", new AuditObject("command", application.EnrollmentId), AuditOutcome.Done)
                {
                    Fields = [new AuditField.Octets("application", application.Digest)],
                });
            },
            cancellationToken);
        return answer;
    }

    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>: none, or none of the officer's region.</exception>
    public async Task<CommandAnswer> ShowAsync(Officer officer, string id, CancellationToken cancellationToken)
    {
        CommandAnswer answer = await ca.GetAsync<CommandAnswer>($"/commands/{Convert.ToHexStringLower(Page.Id(id))}", cancellationToken);
        return IsVisible(officer, answer) ? answer : throw new RefusalException(Refusal.NotFound, "没有该命令。");
    }

    /// <param name="state">As <see cref="CommandAnswer.State"/>.</param>
    /// <returns>May be short, even empty, and have a next one.</returns>
    public async Task<CommandPage> ListAsync(Officer officer, string? state, byte[] after, int rows, CancellationToken cancellationToken)
    {
        string path = string.Create(CultureInfo.InvariantCulture, $"/commands?rows={rows}")
            + (state is null ? "" : $"&state={Uri.EscapeDataString(state)}")
            + (after.Length == 0 ? "" : $"&after={Convert.ToHexStringLower(after)}");
        CommandPage page = await ca.GetAsync<CommandPage>(path, cancellationToken);
        return page with { Commands = [.. page.Commands.Where(each => IsVisible(officer, each))] };
    }

    private static bool IsVisible(Officer officer, CommandAnswer command)
    {
        try
        {
            return officer.Region.Covers(RegionCode.Parse(Der.Decode<Application>(command.Application).Region));
        }
        catch (DerException)
        {
            return false;
        }
    }
}
