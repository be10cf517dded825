using System.Globalization;
using System.Net;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;

namespace ZwCa.Admin.Ceremony;

/// <summary>The devices of a ceremony, each the partition that the plan names and fit for what is made.</summary>
internal sealed class DeviceSet : IAsyncDisposable
{
    private readonly Dictionary<string, IHsm> _devices = [];

    public IHsm this[string id] => _devices[id];

    public IEnumerable<(string Id, IHsm Device)> All => _devices.Select(pair => (pair.Key, pair.Value));

    /// <exception cref="CeremonyException">A partition that is marked as unfit for production, and the plan is of no demonstration.</exception>
    /// <exception cref="HsmException">Away, locked, or the credentials are wrong.</exception>
    public static async Task<DeviceSet> ConnectAsync(PlanFile plan, CancellationToken cancellationToken)
    {
        var set = new DeviceSet();
        try
        {
            foreach (DevicePlan device in plan.Plan.Devices)
            {
                set._devices.Add(device.Id, await ConnectAsync(device with { Client = plan.PathOf(device.Client) }, plan.Plan.Demo, cancellationToken));
            }

            return set;
        }
        catch
        {
            await set.DisposeAsync();
            throw;
        }
    }

    /// <summary>One device. The caller disposes it.</summary>
    /// <inheritdoc cref="ConnectAsync(PlanFile, CancellationToken)"/>
    public static async Task<IHsm> ConnectAsync(DevicePlan device, bool isDemo, CancellationToken cancellationToken)
    {
        var options = SimulatorOptions.FromFolder(EndPointOf(device), device.Partition, device.Client, serial: device.Serial);
        SimulatorHsm hsm = await SimulatorHsm.ConnectAsync(options, cancellationToken);
        if (isDemo || hsm.Token.Marks == StoreMarks.None)
        {
            return hsm;
        }

        StoreMarks marks = hsm.Token.Marks;
        await hsm.DisposeAsync();
        throw new CeremonyException($"The partition {device.Partition} is marked for good ({marks}): it is fit for a demonstration only. Make another one without --demo, --auto-unlock and --faults.");
    }

    /// <summary>Devices of a rehearsal.</summary>
    public static DeviceSet Rehearse(PlanFile plan, Inventory? basis)
    {
        var set = new DeviceSet();
        foreach (DevicePlan device in plan.Plan.Devices)
        {
            IEnumerable<HsmKey> earlier = (basis?.Keys ?? []).Where(key => key.Partition == device.Serial).Select(key => new HsmKey(new KeyLabel(key.Label), key.Kind, key.Decode()));
            set._devices.Add(device.Id, new RehearsalHsm(device.Partition, device.Serial, [.. earlier]));
        }

        return set;
    }

    /// <summary>An address and port, or a name and port; the check of the plan let nothing else pass.</summary>
    public static EndPoint EndPointOf(DevicePlan device) => FindEndPoint(device.Endpoint) ?? throw new CeremonyException($"device {device.Id}: the endpoint is HOST:PORT.");

    /// <returns>Null: neither.</returns>
    public static EndPoint? FindEndPoint(string text)
    {
        int colon = text.LastIndexOf(':');
        if (colon < 1 || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) || port == 0)
        {
            return null;
        }

        string host = text[..colon];
        return IPAddress.TryParse(host, out IPAddress? address) ? new IPEndPoint(address, port)
            : Uri.CheckHostName(host) == UriHostNameType.Dns ? new DnsEndPoint(host, port)
            : null;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (IHsm device in _devices.Values)
        {
            await device.DisposeAsync();
        }
    }
}
