using System.CommandLine;
using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Hsm.Simulator;
using ZwCa.Hsm.Simulator.Wire;
using Command = System.CommandLine.Command;
using WireCommand = ZwCa.Hsm.Simulator.Wire.Command;

namespace ZwCa.HsmSim.Verbs;

/// <summary>A partition's policy: drafted from the one in force, signed by m holders, installed.</summary>
internal static class PolicyVerbs
{
    public static Command Policy() => new("policy", "What a partition lets be done with its keys: shown, drafted, and installed once m of its holders signed.")
    {
        Show(), Draft(), Install(),
    };

    private static Command Show()
    {
        var device = new DeviceConsole();
        Option<string> partition = VerbOptions.Partition();
        var command = new Command("show", "Prints the policy in force as JSON.") { partition };
        device.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using ConsoleClient console = await device.OpenAsync(parsed, cancellationToken);
            PartitionPolicy policy = await GetAsync(console, parsed.GetRequiredValue(partition), cancellationToken);
            await parsed.InvocationConfiguration.Output.WriteLineAsync(PolicyDocument.Write(policy));
        });
        return command;
    }

    private static Command Draft()
    {
        var device = new DeviceConsole();
        Option<string> partition = VerbOptions.Partition();
        Option<FileInfo> from = VerbOptions.File(
            "--from",
            "JSON with what changes: clients (\"keep\", or a list of certificate files whose secret lies beside them, or entries as show prints them), "
            + "allowSm2Decrypt, authorizingCas, officerIssuers, recovery. Keys are PEM files or hexadecimal.");
        Option<FileInfo> output = VerbOptions.File("--out", "Where the draft (DER) goes, for holders to sign; must not exist.");
        var command = new Command("draft", "Makes the next version of the policy out of the one in force.") { partition, from, output };
        device.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using ConsoleClient console = await device.OpenAsync(parsed, cancellationToken);
            PartitionPolicy installed = await GetAsync(console, parsed.GetRequiredValue(partition), cancellationToken);
            PartitionPolicy draft = PolicyDocument.Draft(installed, parsed.GetRequiredValue(from));
            using var file = new NewFile(parsed.GetRequiredValue(output));
            file.Write(Der.Encode(draft));
            await parsed.InvocationConfiguration.Output.WriteLineAsync($"{PolicyDocument.Write(draft)}\nVersion {draft.Version} is drafted in {file.Path}; let holders sign it.");
        });
        return command;
    }

    private static Command Install()
    {
        var device = new DeviceConsole();
        Option<string> partition = VerbOptions.Partition();
        Option<FileInfo> statement = VerbOptions.File("--statement", "The draft that holders signed.");
        Option<FileInfo[]> signatures = SignatureFiles();
        var command = new Command("install", "Puts a policy in force. The device checks the holders' signatures.") { partition, statement, signatures };
        device.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            SignedStatement signed = Statement.Assemble(parsed.GetRequiredValue(statement), parsed.GetRequiredValue(signatures));
            await using ConsoleClient console = await device.OpenAsync(parsed, cancellationToken);
            string name = parsed.GetRequiredValue(partition);
            await console.AskAsync<WireCommand, Nothing>(
                Operation.InstallPolicy, new WireCommand(name, Der.Encode(signed)), cancellationToken);
            await parsed.InvocationConfiguration.Output.WriteLineAsync($"The policy of partition {name} is in force.");
        });
        return command;
    }

    public static Option<FileInfo[]> SignatureFiles() => new("--signature") { Description = "A holder's signature file; once for each.", Required = true };

    private static async Task<PartitionPolicy> GetAsync(ConsoleClient console, string partition, CancellationToken cancellationToken)
    {
        Bytes policy = await console.AskAsync<PartitionName, Bytes>(Operation.GetPolicy, new PartitionName(partition), cancellationToken);
        return Der.Decode<PartitionPolicy>(policy.Value);
    }
}
