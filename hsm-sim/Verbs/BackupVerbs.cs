using System.CommandLine;
using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm.Simulator;
using ZwCa.Hsm.Simulator.Wire;
using Command = System.CommandLine.Command;
using WireCommand = ZwCa.Hsm.Simulator.Wire.Command;

namespace ZwCa.HsmSim.Verbs;

/// <summary>A backup is made when m holders signed that it shall be, and opens only with m holders again.</summary>
internal static class BackupVerbs
{
    public static Command Backup() => new("backup", "Makes a backup of a partition, once m of its holders signed the order.") { Draft(), Make() };

    private static Command Draft()
    {
        var device = new DeviceConsole();
        Option<string> partition = VerbOptions.Partition();
        Option<FileInfo> output = VerbOptions.File("--out", "Where the order (DER) goes, for holders to sign; must not exist.");
        var hours = new Option<int>("--hours") { Description = "For how long the order holds, 1 to 168.", DefaultValueFactory = _ => 24 };
        hours.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && !(int.TryParse(result.Tokens[0].Value, out int value) && value is >= 1 and <= 168))
            {
                result.AddError("--hours takes 1 to 168.");
            }
        });
        var command = new Command("draft", "Writes the order to make a backup.") { partition, output, hours };
        device.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using ConsoleClient console = await device.OpenAsync(parsed, cancellationToken);
            PartitionStatus status = await DeviceConsole.FindAsync(console, parsed.GetRequiredValue(partition), cancellationToken);
            DateTimeOffset until = TimeProvider.System.GetUtcNow().AddHours(parsed.GetRequiredValue(hours));
            byte[] statement = Der.Encode(new BackupStatement(status.Id, Time.Truncate(until)));
            using var file = new NewFile(parsed.GetRequiredValue(output));
            file.Write(statement);
            await parsed.InvocationConfiguration.Output.WriteLineAsync($"{Statement.Describe(statement)}\nIt is in {file.Path}; let holders sign it.");
        });
        return command;
    }

    private static Command Make()
    {
        var device = new DeviceConsole();
        Option<string> partition = VerbOptions.Partition();
        Option<FileInfo> statement = VerbOptions.File("--statement", "The order that holders signed.");
        Option<FileInfo[]> signatures = PolicyVerbs.SignatureFiles();
        Option<FileInfo> output = VerbOptions.File("--out", "The backup file; must not exist.");
        var command = new Command("make", "Has the device make a backup.") { partition, statement, signatures, output };
        device.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            // First: the device counts its keys as kept once it has made the backup.
            using var file = new NewFile(parsed.GetRequiredValue(output));
            SignedStatement signed = Statement.Assemble(parsed.GetRequiredValue(statement), parsed.GetRequiredValue(signatures));
            await using ConsoleClient console = await device.OpenAsync(parsed, cancellationToken);
            string name = parsed.GetRequiredValue(partition);
            Bytes backup = await console.AskAsync<WireCommand, Bytes>(Operation.Backup, new WireCommand(name, Der.Encode(signed)), cancellationToken);
            file.Write(backup.Value.Span);
            await parsed.InvocationConfiguration.Output.WriteLineAsync($"The backup of partition {name} is in {file.Path}. Only m of its holders open it.");
        });
        return command;
    }
}
