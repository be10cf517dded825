using ZwCa.Hsm;
using ZwCa.Hsm.Pkcs11;

namespace ZwCa.Interop.Hsm;

/// <summary>A device to try the abstraction with, made anew for a test.</summary>
internal abstract record TestDevice(string Name, params KeyKind[] Kinds)
{
    public static IReadOnlyList<TestDevice> All { get; } = [new SoftHsmDevice(), new SimulatorDevice()];

    /// <summary>Each device with each kind of key that it signs with.</summary>
    public static TheoryData<string, KeyKind> WithKinds
    {
        get
        {
            var data = new TheoryData<string, KeyKind>();
            foreach (TestDevice device in All)
            {
                foreach (KeyKind kind in device.Kinds)
                {
                    data.Add(device.Name, kind);
                }
            }

            return data;
        }
    }

    public static TestDevice Of(string name) => All.Single(d => d.Name == name);

    /// <summary>Skips the test, or fails it in CI, where the device cannot be had.</summary>
    public abstract Task<OpenDevice> OpenAsync();

    private sealed record SoftHsmDevice() : TestDevice("SoftHSM2", KeyKind.P256, KeyKind.Rsa)
    {
        public override async Task<OpenDevice> OpenAsync()
        {
            var softHsm = new SoftHsm("token");
            return new OpenDevice(await Pkcs11Hsm.ConnectAsync(softHsm.Options("token"), TestContext.Current.CancellationToken), softHsm);
        }
    }

    private sealed record SimulatorDevice() : TestDevice("hsm-sim", KeyKind.Sm2, KeyKind.P256, KeyKind.Rsa)
    {
        public override async Task<OpenDevice> OpenAsync()
        {
            var store = new HsmSimStore();
            HsmSimProcess process = await store.StartAsync();
            return new OpenDevice(await store.ConnectAsync(process), store) { Process = process };
        }
    }
}

/// <summary>The driver, and what it needs: that goes after it.</summary>
internal sealed record OpenDevice(IHsm Hsm, IDisposable Device) : IAsyncDisposable
{
    /// <summary>Null: the device is no process.</summary>
    public HsmSimProcess? Process { get; init; }

    public async ValueTask DisposeAsync()
    {
        await Hsm.DisposeAsync();
        if (Process is not null)
        {
            await Process.DisposeAsync();
        }

        Device.Dispose();
    }
}
