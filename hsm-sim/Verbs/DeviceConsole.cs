using System.CommandLine;
using System.Net;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Hsm.Simulator.Wire;
using ZwCa.HsmSim.Server;
using Command = System.CommandLine.Command;

namespace ZwCa.HsmSim.Verbs;

/// <summary>A running device, seen from its console; and the options by which it is found.</summary>
internal sealed class DeviceConsole
{
    // A backup, or the opening of a large journal, takes its time.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

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
        DnsEndPoint address = parsed.GetRequiredValue(_connect);
        string folder = parsed.GetRequiredValue(_clients).FullName;
        byte[] pin = Credentials.ReadPin(Path.Combine(folder, Credentials.PinFile));
        var dialer = new TlsDialer(address.Host, address.Port, pin, Path.Combine(folder, Credentials.CertificateFile), null);
        return await ConsoleClient.ConnectAsync(dialer, Patience, cancellationToken);
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
