using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using ZwCa.Audit.Sequencing;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Verbs;

namespace ZwCa.ServiceDefaults;

/// <summary>For services with a device: its keys, and the log that one of them signs. What needs the device is made when it is first asked for: the start checks ask, and report what is wrong.</summary>
public static class ServiceDevice
{
    /// <summary>Registers <see cref="IHsm"/>, unless it is there already.</summary>
    public static void AddDevice(this IServiceCollection services, HsmOptions options) =>
        services.TryAddSingleton<IHsm>(_ => Wait(SimulatorHsm.ConnectAsync(options.ToSimulator())));

    /// <exception cref="StartCheckException">The device has no such key.</exception>
    public static async Task<HsmKey> GetKeyAsync(this IServiceProvider provider, string label)
    {
        IHsm hsm = provider.GetRequiredService<IHsm>();
        return await hsm.FindKeyAsync(new KeyLabel(label)) ?? throw new StartCheckException($"The token {hsm.Token.Label} has no key {label}.");
    }

    /// <summary>Registers <see cref="LogOptions"/>, the sequencer and the gate that issuing goes through.</summary>
    public static void AddDeviceLog(this IServiceCollection services, LogKeyOptions options)
    {
        services.AddSingleton(provider => new LogOptions
        {
            Origin = options.Origin,
            Key = Wait(provider.GetKeyAsync(options.KeyLabel)).PublicKey!,
            Anchors = [.. options.Anchors.Select(path => new Anchor(path))],
        });
        services.AddLogSequencer(provider => new Sequencer(
            provider.GetRequiredService<Database>(),
            new HsmSigner(provider.GetRequiredService<IHsm>(), Wait(provider.GetKeyAsync(options.KeyLabel))),
            provider.GetRequiredService<LogOptions>(),
            provider.GetRequiredService<TimeProvider>()));
        services.AddAuditGate();
    }

    /// <param name="section">Of the service's own configuration.</param>
    /// <exception cref="StartCheckException">The service is in production and names no partition.</exception>
    public static void RequirePinned(this ServiceOptions service, HsmOptions device, string section)
    {
        ArgumentNullException.ThrowIfNull(service);
        ArgumentNullException.ThrowIfNull(device);
        if (service.Mode == ServiceMode.Production && device.Serial is null)
        {
            throw new StartCheckException($"{section}:Hsm:Serial is not set: in production the partition is pinned, so that no other one of the same name is taken for it.");
        }
    }

    /// <summary>Once, at the start, where nothing else runs yet.</summary>
    private static T Wait<T>(Task<T> task) => task.GetAwaiter().GetResult();
}
