using System.CommandLine;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Audit.Sequencing;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Verbs;

namespace ZwCa.OfficersApi;

/// <summary>
/// <c>rollback</c>: after a database was restored that is older than its log's anchors, the service does not start until both highest officers have signed that it may. <c>draft</c> writes
/// what they sign; <c>accept</c> takes it with their approvals, and the log goes on with a new epoch.
/// </summary>
public static class RollbackVerb
{
    /// <summary>A new one for each run of the program.</summary>
    /// <param name="nameOf">What officers write as caName into what they sign, out of the service's own.</param>
    public static ServiceVerb Of(Func<IServiceProvider, string> nameOf) =>
        new(new Command("rollback", "For a database that was restored and is older than its log's anchors.")) { Verbs = [Draft(nameOf), Accept(nameOf)] };

    private static ServiceVerb Draft(Func<IServiceProvider, string> nameOf)
    {
        var reason = new Option<string>("--reason") { Description = "1 to 256 characters, for those who sign.", Required = true };
        var to = new Option<FileInfo>("--out") { Description = "Gets the application, DER: for the super administrator and the audit administrator to sign.", Required = true };
        return new ServiceVerb(new Command("draft", "Writes the decision that the two highest officers sign.") { reason, to })
        {
            RunAsync = (context, cancellation) =>
                DraftAsync(context, nameOf, context.Parsed.GetRequiredValue(reason), context.Parsed.GetRequiredValue(to).FullName, cancellation),
        };
    }

    private static ServiceVerb Accept(Func<IServiceProvider, string> nameOf)
    {
        var application = new Option<FileInfo>("--application") { Description = "The application, DER, as draft wrote it.", Required = true };
        var entry = new Option<FileInfo>("--entry") { Description = "The approval, DER, of the one who proposes.", Required = true };
        var review = new Option<FileInfo>("--review") { Description = "The approval, DER, of the other.", Required = true };
        return new ServiceVerb(new Command("accept", "Lets the log go on, as the two highest officers have signed.") { application, entry, review })
        {
            RunAsync = async (context, cancellation) => await AcceptAsync(
                context,
                nameOf,
                await ReadAsync<Application>(context.Parsed.GetRequiredValue(application), cancellation),
                await ReadAsync<Approval>(context.Parsed.GetRequiredValue(entry), cancellation),
                await ReadAsync<Approval>(context.Parsed.GetRequiredValue(review), cancellation),
                cancellation),
        };
    }

    private static async Task<int> DraftAsync(VerbContext context, Func<IServiceProvider, string> nameOf, string reason, string to, CancellationToken cancellationToken)
    {
        RolledBackLog state = await context.Services.GetRequiredService<Sequencer>().FindRollbackAsync(cancellationToken)
            ?? throw new RefusalException(Refusal.WrongState, "日志没有落后于锚点，无需决定。");
        Application application;
        try
        {
            application = DecisionOf(context, nameOf).Draft(state, reason);
        }
        catch (ArgumentException)
        {
            throw new RefusalException(Refusal.Malformed, "理由应为1至256个可见字符。");
        }

        await File.WriteAllBytesAsync(to, Der.Encode(application), cancellationToken);
        await context.Output.WriteLineAsync($"{state.Abandoned.Origin}: {state.Abandoned.TreeSize} events are anchored, {state.KeptSize} are left.");
        await context.Output.WriteLineAsync($"SM3 {Convert.ToHexStringLower(application.Digest)}  {to}");
        return 0;
    }

    private static async Task<int> AcceptAsync(
        VerbContext context, Func<IServiceProvider, string> nameOf, Application application, Approval entry, Approval review, CancellationToken cancellationToken)
    {
        Checkpoint first = await DecisionOf(context, nameOf).CarryOutAsync(application, entry, review, context.Services.GetRequiredService<Sequencer>(), cancellationToken);
        await context.Output.WriteLineAsync($"{first.Tbs.Origin}: epoch {first.Tbs.Epoch} begins with {first.Tbs.TreeSize} events.");
        return 0;
    }

    private static RollbackDecision DecisionOf(VerbContext context, Func<IServiceProvider, string> nameOf) => new(
        nameOf(context.Services),
        context.Services.GetRequiredService<Database>(),
        context.Services.GetRequiredService<OfficerDirectory>(),
        context.Services.GetRequiredService<TimeProvider>());

    private static async Task<T> ReadAsync<T>(FileInfo file, CancellationToken cancellationToken)
        where T : IDer<T>
    {
        try
        {
            return Der.Decode<T>(await File.ReadAllBytesAsync(file.FullName, cancellationToken));
        }
        catch (DerException e)
        {
            throw new RefusalException(Refusal.Malformed, $"{file.Name}的编码有误。", inner: e);
        }
    }
}
