using System.Globalization;
using ZwCa.Audit;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Kmc;
using ZwCa.Kmc.EscrowedKeys;
using ZwCa.Kmc.KeyPool;
using ZwCa.ServiceDefaults;

namespace ZwCa.Benchmarks;

/// <summary>
/// The KMC's stock of keys: pairs that hsm-sim, a process of its own, makes and wraps, each row with its MAC, durably on SQLite, as the job refills it. Beside it the device alone, and OpenSSL
/// making SM2 pairs one by one in this process, which neither wraps nor stores them.
/// </summary>
internal static class PoolBenchmark
{
    private const int Rounds = 7;
    private const int Batch = 1024;
    private const int Run = 8 * Batch;
    private const int OpenSslPairs = 64;

    private static readonly TimeSpan Slice = TimeSpan.FromSeconds(2);

    public static async Task<int> RunAsync()
    {
        Machine.Print("of each operation one caller; hsm-sim uses all cores");
        using var store = new HsmSimStore();
        await using HsmSimProcess device = await store.StartAsync();
        await using SimulatorHsm hsm = await store.ConnectAsync(device);
        HsmKey kek = await hsm.GenerateKeyAsync(new KeyLabel("escrow"), HsmKeyKind.EscrowKek);
        HsmKey macKey = await hsm.GenerateKeyAsync(new KeyLabel("rows"), HsmKeyKind.HmacSm3);
        using RowMac mac = await RowMac.OpenAsync(hsm, macKey);
        using var folder = new TemporaryFolder();
        await using var database = new Database(new DatabaseOptions { ConnectionString = $"Data Source={folder.File("kmc.db")};Pooling=False" });
        await new Migrator(database, [MigrationSet.Data, AuditLog.Migrations, ServiceTables.Migrations, KmcTables.Migrations], TimeProvider.System).MigrateAsync();

        const string pool = "KMC: made, wrapped, with MAC, durably stored", alone = "hsm-sim alone: made and wrapped, 1,024 a call", openssl = "OpenSSL: made one by one, kept nowhere";
        int stock = 0;
        var load = new Load("SM2 pairs for subscribers", Rounds, Slice);
        load.Add(pool, 1, Run, RefillAsync);
        load.Add(alone, 1, Batch, () => hsm.GenerateWrappedKeyPairsAsync(kek, Batch));
        load.Add(openssl, 1, OpenSslPairs, GenerateHere);
        await load.RunAsync();

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{stock:N0} pairs in stock at the end."));
        load.PrintRatio("pool.stored.vs.openssl-keygen", pool, openssl);
        load.PrintRatio("pool.stored.vs.device-alone", pool, alone);
        SideBySide.PrintRatio("pool.stored.vs.bar-of-5000", load.Rate(pool) / 5000);
        await MeasureStepsAsync(hsm, kek, mac, database);
        await device.StopAsync();
        return 0;

        // One run of the job, for a stock that lacks so many.
        async Task RefillAsync()
        {
            var options = new PoolOptions { Threshold = stock + Run, Full = stock + Run, Batch = Batch };
            stock += (int)await new RefillPool(database, new AuditLog(TimeProvider.System), hsm, new EscrowKek(kek), mac, options, TimeProvider.System).RunAsync(CancellationToken.None);
        }
    }

    /// <summary>What a batch's steps take when nothing else is done.</summary>
    private static async Task MeasureStepsAsync(SimulatorHsm hsm, HsmKey kek, RowMac mac, Database database)
    {
        IReadOnlyList<WrappedKeyPair> pairs = await hsm.GenerateWrappedKeyPairsAsync(kek, Batch);
        var steps = new Load("Where the time goes, pairs a step", Rounds, TimeSpan.FromSeconds(1));
        steps.Add("hsm-sim: made and wrapped", 1, Batch, () => hsm.GenerateWrappedKeyPairsAsync(kek, Batch));
        steps.Add("rows and their MACs", 1, Batch, () =>
        {
            Rows();
            return Task.CompletedTask;
        });
        steps.Add("rows, their MACs, and durably stored", 1, Batch, () =>
        {
            EscrowedKey[] rows = Rows();
            return database.WriteAsync(transaction => EscrowedKeyStore.InsertStockAsync(transaction, rows));
        });
        await steps.RunAsync();

        EscrowedKey[] Rows() => [.. pairs.Select(pair => mac.Seal(RefillPool.NewRow(pair with { KeyId = Guid.NewGuid().ToByteArray() }, DateTimeOffset.UnixEpoch)))];
    }

    private static Task GenerateHere()
    {
        for (int i = 0; i < OpenSslPairs; i++)
        {
            LibCrypto.GenerateSm2();
        }

        return Task.CompletedTask;
    }
}
