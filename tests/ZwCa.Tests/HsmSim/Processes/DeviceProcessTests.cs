using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;

namespace ZwCa.Tests.HsmSim.Processes;

/// <summary>The driver and hsm-sim as two processes.</summary>
public class DeviceProcessTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task DeviceDiesAndComesBack_DriverSaysSoAndGoesOnWithoutARestart()
    {
        using var store = new HsmSimStore();
        await using HsmSimProcess first = await store.StartAsync();
        await using SimulatorHsm hsm = await store.ConnectAsync(first);
        HsmKey key = await hsm.GenerateKeyAsync(new KeyLabel("sm2"), HsmKeyKind.Sm2, Cancel);
        byte[] digest = Sm3.HashData("message"u8);

        await first.KillAsync();
        HsmException dead = await Assert.ThrowsAsync<HsmException>(() => hsm.SignAsync(key, SignatureScheme.Sm2, digest, Cancel).WaitAsync(Soon, Cancel));
        Assert.True(dead.IsTransient, dead.Message);

        await using HsmSimProcess second = await store.StartAsync($"{first.Endpoint}");
        byte[] signature = await UntilItAnswersAsync(() => hsm.SignAsync(key, SignatureScheme.Sm2, digest, Cancel));

        Assert.True(Sm2PublicKey.FromBytes(key.PublicKey!.PublicKey.Span).VerifyDigest(digest, signature));
        Assert.Equal(0, await second.StopAsync());
    }

    /// <summary>The credential of one partition opens no other, whatever is asked for, and a key's label means nothing outside its own.</summary>
    [Fact]
    public async Task ClientOfOnePartition_CannotReachAnother()
    {
        using var store = new HsmSimStore("other");
        await using HsmSimProcess device = await store.StartAsync();
        await using SimulatorHsm own = await store.ConnectAsync(device);
        await using SimulatorHsm other = await store.ConnectAsync(device, "other");
        HsmKey key = await other.GenerateKeyAsync(new KeyLabel("root"), HsmKeyKind.Sm2, Cancel);

        Assert.Null(await own.FindKeyAsync(key.Label, Cancel));
        HsmException unknown = await Assert.ThrowsAsync<HsmException>(() => own.SignAsync(key, SignatureScheme.Sm2, new byte[32], Cancel));
        Assert.Equal(HsmFailure.KeyNotFound, unknown.Failure);

        SimulatorOptions foreign = SimulatorOptions.FromFolder(device.Endpoint, "other", Path.Combine(store.Path, "clients", HsmSimStore.Partition));
        HsmException refused = await Assert.ThrowsAsync<HsmException>(() => SimulatorHsm.ConnectAsync(foreign, Cancel));
        Assert.Equal(HsmFailure.WrongCredential, refused.Failure);
    }

    [Fact]
    public async Task DeviceThatIsNotThere_IsUnreachableWithinTheTimeOut()
    {
        using var store = new HsmSimStore();
        HsmSimProcess device = await store.StartAsync();
        SimulatorOptions options = store.Options(device);
        await device.DisposeAsync();

        HsmException e = await Assert.ThrowsAsync<HsmException>(() => SimulatorHsm.ConnectAsync(options, Cancel).WaitAsync(Soon, Cancel));
        Assert.Equal(HsmFailure.Unreachable, e.Failure);
    }

    /// <summary>A store that was copied yesterday and put back today.</summary>
    [Fact]
    public async Task StoreFromThePast_IsRefused()
    {
        using var store = new HsmSimStore();
        using var yesterday = new TemporaryFolder();
        await using (HsmSimProcess device = await store.StartAsync())
        {
            await using SimulatorHsm hsm = await store.ConnectAsync(device);
            await hsm.GenerateKeyAsync(new KeyLabel("old"), HsmKeyKind.Sm2, Cancel);
            await device.StopAsync();
        }

        Copy(store.Path, yesterday.Path);
        await using (HsmSimProcess device = await store.StartAsync())
        {
            await using SimulatorHsm hsm = await store.ConnectAsync(device);
            await hsm.GenerateKeyAsync(new KeyLabel("new"), HsmKeyKind.Sm2, Cancel);
            await device.StopAsync();
        }

        Directory.Delete(store.Path, recursive: true);
        Copy(yesterday.Path, store.Path);
        InvalidOperationException e = await Assert.ThrowsAsync<InvalidOperationException>(() => store.StartAsync());
        Assert.Contains("rolled back", e.Message, StringComparison.Ordinal);
    }

    private static async Task<byte[]> UntilItAnswersAsync(Func<Task<byte[]>> call)
    {
        using var patience = new CancellationTokenSource(Soon);
        while (true)
        {
            try
            {
                return await call();
            }
            catch (HsmException e) when (e.IsTransient && !patience.IsCancellationRequested)
            {
                await Task.Delay(50, patience.Token);
            }
        }
    }

    private static void Copy(string from, string to)
    {
        foreach (string folder in Directory.EnumerateDirectories(from, "*", SearchOption.AllDirectories).Prepend(from))
        {
            Directory.CreateDirectory(Path.Combine(to, Path.GetRelativePath(from, folder)));
        }

        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            File.Copy(file, Path.Combine(to, Path.GetRelativePath(from, file)));
        }
    }
}
