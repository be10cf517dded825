using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Cryptography.X509Certificates;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator.Wire;
using ZwCa.HsmSim.Device;
using ZwCa.HsmSim.Faults;
using ZwCa.HsmSim.Server;
using ZwCa.HsmSim.Store;
using Command = System.CommandLine.Command;

namespace ZwCa.HsmSim.Verbs;

/// <summary>The device itself.</summary>
internal static class RunVerb
{
    public static Command Run()
    {
        Option<DirectoryInfo> store = VerbOptions.Store();
        Option<DirectoryInfo?> anchor = VerbOptions.Anchor();
        Option<DnsEndPoint> listen = VerbOptions.Address("--listen", "Where to listen, HOST:PORT; port 0 takes a free one, which is printed.");
        listen.Required = true;
        var faults = new Option<bool>("--faults") { Description = "For tests: the console may let things go wrong. Marks every partition that is opened, for good." };
        var dieAt = new Option<FaultPoint?>("--die-at") { Description = "For tests, with --faults: the fault point at which the process ends as by SIGKILL." };
        var autoUnlock = new Option<bool>("--auto-unlock") { Description = "For development: opens the partitions that init made with --auto-unlock." };
        var untilStdinCloses = new Option<bool>("--until-stdin-closes") { Description = "Ends when standard input does: with the process that started this one." };
        var command = new Command("run", "Runs the device: prints \"listening on ADDRESS:PORT\" once it is ready, and its log on stderr. Ends in order on SIGTERM and SIGINT.")
        {
            store, anchor, listen, faults, dieAt, autoUnlock, untilStdinCloses,
        };
        command.SetAction(async (parsed, _) =>
        {
            using StoreFolder folder = StoreFolder.Open(parsed.GetRequiredValue(store).FullName, parsed.GetValue(anchor)?.FullName);
            using X509Certificate2 certificate = Credentials.LoadServer(folder);
            FaultKnobs knobs = Knobs(parsed.GetValue(faults), parsed.GetValue(dieAt));
            var log = new DeviceLog(parsed.InvocationConfiguration.Error, TimeProvider.System);
            List<Partition> partitions = Load(folder, knobs, log);
            try
            {
                if (parsed.GetValue(autoUnlock))
                {
                    await AutoUnlockAsync(partitions, log);
                }

                using var ending = new Ending(parsed.GetValue(untilStdinCloses));
                await using var server = new DeviceServer(certificate, Credentials.LoadConsoleHash(folder), partitions, knobs, log);
                IPEndPoint address = Start(server, await ResolveAsync(parsed.GetRequiredValue(listen)));
                await parsed.InvocationConfiguration.Output.WriteLineAsync($"listening on {address}");
                await parsed.InvocationConfiguration.Output.FlushAsync(CancellationToken.None);
                log.Write($"ends: {await ending.Reason}");
            }
            finally
            {
                foreach (Partition partition in partitions)
                {
                    await partition.DisposeAsync();
                }
            }
        });
        return command;
    }

    private static FaultKnobs Knobs(bool enabled, FaultPoint? dieAt)
    {
        var knobs = new FaultKnobs(enabled);
        if (dieAt is { } point)
        {
            knobs.Set(enabled ? new Fault(FaultKind.DieAt, (int)point) : throw new VerbException("--die-at needs --faults."));
        }

        return knobs;
    }

    /// <summary>A partition that cannot be read keeps none of the others from their work.</summary>
    private static List<Partition> Load(StoreFolder store, FaultKnobs faults, DeviceLog log)
    {
        var partitions = new List<Partition>();
        foreach (PartitionFolder folder in store.Partitions)
        {
            try
            {
                partitions.Add(new Partition(folder, faults, TimeProvider.System, opened => new OpenPartition(opened, TimeProvider.System), log.Write));
            }
            catch (StoreException e)
            {
                log.Write($"{folder.Name}: left out: {e.Message}");
            }
        }

        return partitions;
    }

    /// <exception cref="HsmException">A partition that was made so does not open: nobody is there who would see it in the status.</exception>
    private static async Task AutoUnlockAsync(List<Partition> partitions, DeviceLog log)
    {
        foreach (Partition partition in partitions)
        {
            log.Write(await partition.TryAutoUnlockAsync()
                ? $"{partition.Name}: open by auto-unlock, unfit for production"
                : $"{partition.Name}: was not made with --auto-unlock; its holders have to unlock it");
        }
    }

    private static IPEndPoint Start(DeviceServer server, IPEndPoint address)
    {
        try
        {
            return server.Start(address);
        }
        catch (SocketException e)
        {
            throw new VerbException($"{address} cannot be listened on: {e.Message}.");
        }
    }

    private static async Task<IPEndPoint> ResolveAsync(DnsEndPoint address)
    {
        IPAddress[] found;
        try
        {
            found = await Dns.GetHostAddressesAsync(address.Host);
        }
        catch (SocketException e)
        {
            throw new VerbException($"{address.Host} cannot be resolved: {e.Message}.");
        }

        return new IPEndPoint(found.FirstOrDefault() ?? throw new VerbException($"{address.Host} has no address."), address.Port);
    }

    /// <summary>Waits for what ends the device.</summary>
    private sealed class Ending : IDisposable
    {
        private readonly TaskCompletionSource<string> _reason = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly PosixSignalRegistration[] _signals;

        public Ending(bool untilStdinCloses)
        {
            _signals = [On(PosixSignal.SIGTERM), On(PosixSignal.SIGINT)];
            if (untilStdinCloses)
            {
                new Thread(WaitForStdin) { IsBackground = true, Name = "stdin" }.Start();
            }
        }

        public Task<string> Reason => _reason.Task;

        public void Dispose() => Array.ForEach(_signals, signal => signal.Dispose());

        private PosixSignalRegistration On(PosixSignal signal) => PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            _reason.TrySetResult(signal.ToString());
        });

        private void WaitForStdin()
        {
            byte[] ignored = new byte[256];
            using Stream input = Console.OpenStandardInput();
            try
            {
                while (input.Read(ignored) > 0)
                {
                }

                _reason.TrySetResult("standard input was closed");
            }
            catch (IOException e)
            {
                _reason.TrySetResult($"standard input failed: {e.Message}");
            }
        }
    }
}
