using System.CommandLine;
using System.Net;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Hsm.Simulator.Wire;
using Command = System.CommandLine.Command;

namespace ZwCa.HsmSim.Verbs;

/// <summary>A running device, seen from its console; and the options by which it is found.</summary>
internal sealed class DeviceConsole
{
    private readonly Option<DnsEndPoint> _connect = VerbOptions.Connect();
    private readonly Option<DirectoryInfo> _clients = VerbOptions.Clients();

    public void AddTo(Command command)
    {
        command.Options.Add(_connect);
        command.Options.Add(_clients);
    }

    /// <exception cref="HsmException">It cannot be reached, or one of the two does not know the other.</exception>
    public async Task<ConsoleClient> OpenAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        return await ConsoleClient.ConnectAsync(parsed.GetRequiredValue(_connect), parsed.GetRequiredValue(_clients).FullName, cancellationToken);
    }

    /// <exception cref="HsmException">There is none of that name.</exception>
    public static async Task<PartitionStatus> FindAsync(ConsoleClient console, string partition, CancellationToken cancellationToken)
    {
        DeviceStatus status = await StatusAsync(console, cancellationToken);
        return status.Partitions.FirstOrDefault(each => each.Name == partition)
            ?? throw new HsmException(
                HsmFailure.TokenNotFound,
                $"There is no partition \"{partition}\"; there are: {string.Join(", ", status.Partitions.Select(each => each.Name))}.");
    }

    public static Task<DeviceStatus> StatusAsync(ConsoleClient console, CancellationToken cancellationToken) =>
        console.AskAsync<Nothing, DeviceStatus>(Operation.Status, default, cancellationToken);
}
