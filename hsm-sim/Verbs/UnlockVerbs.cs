using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using ZwCa.Cryptography;
using ZwCa.Hsm.Simulator;
using ZwCa.Hsm.Simulator.Wire;
using Command = System.CommandLine.Command;

namespace ZwCa.HsmSim.Verbs;

/// <summary>Holders open a partition one by one; status tells how far they are.</summary>
internal static class UnlockVerbs
{
    public static Command Unlock()
    {
        var device = new DeviceConsole();
        Option<string> partition = VerbOptions.Partition();
        Option<FileInfo> key = VerbOptions.Key();
        Option<string> variable = VerbOptions.PasswordVariable();
        var command = new Command("unlock", "Decrypts a holder's share here, with his key, and enters it.") { partition, key, variable };
        device.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using Sm2PrivateKey holder = KeyFile.Read(parsed.GetRequiredValue(key), parsed.GetRequiredValue(variable));
            await using ConsoleClient console = await device.OpenAsync(parsed, cancellationToken);
            string name = parsed.GetRequiredValue(partition);
            long missing = await EnterAsync(console, name, holder, cancellationToken);
            await parsed.InvocationConfiguration.Output.WriteLineAsync(
                missing == 0 ? $"Partition {name} is open." : $"The share is entered; {missing} more {(missing == 1 ? "is" : "are")} needed to open partition {name}.");
        });
        return command;
    }

    public static Command Status()
    {
        var device = new DeviceConsole();
        var command = new Command("status", "Prints the device's partitions.");
        device.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using ConsoleClient console = await device.OpenAsync(parsed, cancellationToken);
            Print(await DeviceConsole.StatusAsync(console, cancellationToken), parsed.InvocationConfiguration.Output);
        });
        return command;
    }

    private static async Task<long> EnterAsync(ConsoleClient console, string partition, Sm2PrivateKey holder, CancellationToken cancellationToken)
    {
        EncryptedShare encrypted = await console.AskAsync<ShareRequest, EncryptedShare>(
            Operation.GetShare, new ShareRequest(partition, holder.PublicKey.ToBytes()), cancellationToken);
        PartitionStatus status = await DeviceConsole.FindAsync(console, partition, cancellationToken);
        string name = status.Holders.ElementAtOrDefault(encrypted.Index - 1) ?? "?";
        if (status.SharesMissing > 0 && status.Entered.Contains(name))
        {
            throw new VerbException($"{name} has entered his share already; {status.SharesMissing} more of others {(status.SharesMissing == 1 ? "is" : "are")} needed.");
        }

        byte[] share;
        try
        {
            share = holder.Decrypt(encrypted.Ciphertext.Span);
        }
        catch (CryptographicException)
        {
            throw new VerbException($"Share {encrypted.Index} does not decrypt with this key: the store is damaged.");
        }

        try
        {
            Number missing = await console.AskAsync<OpenShare, Number>(
                Operation.EnterShare, new OpenShare(partition, encrypted.Index, share), cancellationToken);
            return missing.Value;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(share);
        }
    }

    private static void Print(DeviceStatus status, TextWriter output)
    {
        string[] titles = ["PARTITION", "ID", "STATE", "HOLDERS", "KEYS", "WITHOUT BACKUP", "LAST BACKUP", "POLICY", "EPOCH", "MARKS"];
        List<string[]> rows = [titles, .. status.Partitions.Select(Row)];
        int[] widths = [.. titles.Select((_, column) => rows.Max(row => row[column].Length))];
        foreach (string[] row in rows)
        {
            output.WriteLine(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
        }
    }

    private static string[] Row(PartitionStatus partition)
    {
        bool open = partition.SharesMissing == 0;
        return
        [
            partition.Name,
            Convert.ToHexStringLower(partition.Id.Span),
            open ? "open" : $"locked, {partition.SharesMissing} missing",
            $"{partition.Threshold} of {partition.Holders.Count}: {string.Join(",", partition.Holders.Select(each => partition.Entered.Contains(each) ? each + "*" : each))}",
            WhenOpen(partition.Keys),
            WhenOpen(partition.KeysWithoutBackup),
            !open ? "?" : partition.LastBackup < 0 ? "never" : DateTimeOffset.FromUnixTimeMilliseconds(partition.LastBackup).ToString("yyyy-MM-dd HH:mm'Z'", CultureInfo.InvariantCulture),
            WhenOpen(partition.PolicyVersion),
            WhenOpen(partition.Epoch),
            partition.Marks.ToString(),
        ];

        string WhenOpen(int value) => open ? value.ToString(CultureInfo.InvariantCulture) : "?";
    }
}
