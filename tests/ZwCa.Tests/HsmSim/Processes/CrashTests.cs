using System.Collections.Concurrent;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Hsm.Simulator.Wire;
using ZwCa.HsmSim.Device;
using ZwCa.HsmSim.Faults;

namespace ZwCa.Tests.HsmSim.Processes;

/// <summary>
/// hsm-sim dies under load, again and again, in every way: by SIGKILL at a random moment, by SIGKILL at each named fault point, by loss of power. After each death the
/// store opens, no acknowledged key is lost, no counter is below the signatures seen nor above those asked for, and what was bound stays bound.
/// </summary>
public class CrashTests
{
    private const int Workers = 8;
    private const int KilledBySignal = 137;

    /// <summary>Keys besides those that the load makes.</summary>
    private const int Reserve = 100;
    private const int Sample = 20;
    private const int MaxSample = 1000;

    /// <summary>Where a new journal takes the place of the old one: at each start, and in a running device only after 64 MiB.</summary>
    private static readonly FaultPoint[] AtStart = [FaultPoint.BeforeRename, FaultPoint.AfterRename];

    private static readonly TimeSpan LongestLife = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private readonly TestRandom _random = new();
    private readonly ConcurrentDictionary<string, SubjectPublicKeyInfo> _acknowledgedKeys = new();
    private readonly ConcurrentDictionary<string, EscrowedKey> _boundKeys = new();
    private readonly ConcurrentQueue<string> _newKeys = new();
    private long _signaturesSeen;
    private long _signaturesAsked;
    private long _lastCount;
    private long _answers;
    private int _labels;

    // In this life: a partition takes only so many.
    private int _keysLeft;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static int Deaths => TestRandom.Long ? 200 : 20;

    [Fact]
    public async Task DeviceDiesUnderLoad_NothingAcknowledgedIsLost()
    {
        using var store = new HsmSimStore();
        using var ca = new RegisteredCa();
        await using (HsmSimProcess device = await store.StartAsync())
        {
            await store.InstallPolicyAsync(device, ca.Register);
            await using SimulatorHsm hsm = await store.ConnectAsync(device);
            await hsm.GenerateKeyAsync(new KeyLabel("counted"), HsmKeyKind.Sm2, Cancel);
            await hsm.GenerateKeyAsync(new KeyLabel("escrow"), HsmKeyKind.EscrowKek, Cancel);
        }

        FaultPoint[] points = [.. Enum.GetValues<FaultPoint>().Except(AtStart)];
        int died = 0;
        for (int i = 0; i < Deaths; i++)
        {
            if (i % 4 == 3)
            {
                DieAtStart(store, AtStart[i / 4 % AtStart.Length]);
            }

            await using HsmSimProcess device = await store.StartAsync(options: "--faults");
            await using SimulatorHsm hsm = await store.ConnectAsync(device);
            await CheckAsync(hsm, ca, all: false);

            using var over = new CancellationTokenSource();
            _keysLeft = (OpenPartition.MaxKeys - Reserve) / Deaths;
            long before = Interlocked.Read(ref _answers);
            int life = i * Workers;
            Task<bool>[] load = [.. Enumerable.Range(life, Workers).Select(worker => WorkAsync(hsm, ca, worker, over.Token))];
            await UntilAsync(() => Interlocked.Read(ref _answers) >= before + Workers, load);

            // A third by the clock, a third at a named point, a third by loss of power.
            switch (i % 3)
            {
                case 0:
                    await Task.Delay(_random.Next((int)LongestLife.TotalMilliseconds), Cancel);
                    await device.KillAsync();
                    break;
                case 1:
                    await ArmAsync(store, device, new Fault(FaultKind.DieAt, (int)points[i / 3 % points.Length]));
                    await device.WaitForExitAsync();
                    break;
                default:
                    await Task.Delay(_random.Next((int)LongestLife.TotalMilliseconds), Cancel);
                    await ArmAsync(store, device, new Fault(FaultKind.PowerLoss, 0));
                    await device.WaitForExitAsync();
                    break;
            }

            died++;
            over.CancelAfter(Soon);
            bool[] cutOff = await Task.WhenAll(load);
            Assert.True(cutOff.All(each => each), $"Death {i}: {cutOff.Count(each => each)} of {Workers} were at work.");
        }

        await using HsmSimProcess last = await store.StartAsync();
        await using SimulatorHsm survivor = await store.ConnectAsync(last);
        await CheckAsync(survivor, ca, all: true);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{died} deaths; {_acknowledgedKeys.Count} keys, {_signaturesSeen} of {_signaturesAsked} signatures, {_boundKeys.Count} bound keys seen; {_random}");
        Assert.True(_acknowledgedKeys.Count > died && _signaturesSeen > died && _boundKeys.Count > died, "There was hardly any load.");
    }

    /// <summary>The device's own console lets it die; the connection that asks may die with it.</summary>
    private static async Task ArmAsync(HsmSimStore store, HsmSimProcess device, Fault fault)
    {
        try
        {
            await using ConsoleClient console = await store.OpenConsoleAsync(device);
            await console.AskAsync<Fault, Nothing>(Operation.SetFault, fault);
        }
        catch (HsmException e) when (e.IsTransient)
        {
            // Dead already: that is what was asked for, and the caller waits for the end.
        }
    }

    private static void DieAtStart(HsmSimStore store, FaultPoint point)
    {
        (int exitCode, _, string error) = HsmSimProcess.Run(
            "run", "--store", store.Path, "--listen", "127.0.0.1:0", "--auto-unlock", "--until-stdin-closes", "--faults", "--die-at", $"{point}");
        Assert.True(exitCode == KilledBySignal, $"{point}: exit code {exitCode}\n{error}");
    }

    /// <summary>Until the load is there: the device dies at work, not while it warms up.</summary>
    private static async Task UntilAsync(Func<bool> condition, Task[] load)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        patience.CancelAfter(Soon);
        while (!condition())
        {
            Assert.DoesNotContain(load, worker => worker.IsCompleted);
            await Task.Delay(5, patience.Token);
        }
    }

    /// <returns>Whether the device died under it.</returns>
    private async Task<bool> WorkAsync(SimulatorHsm hsm, RegisteredCa ca, int worker, CancellationToken over)
    {
        var random = new TestRandom(_random.Seed + worker);
        try
        {
            HsmKey counted = (await hsm.FindKeyAsync(new KeyLabel("counted"), over))!;
            HsmKey kek = (await hsm.FindKeyAsync(new KeyLabel("escrow"), over))!;
            while (!over.IsCancellationRequested)
            {
                switch (random.Next(12))
                {
                    case 0 when Interlocked.Decrement(ref _keysLeft) >= 0:
                        var label = new KeyLabel($"key-{Interlocked.Increment(ref _labels)}");
                        HsmKey made = await hsm.GenerateKeyAsync(label, random.Next(2) == 0 ? HsmKeyKind.Sm2 : HsmKeyKind.P256, over);
                        _acknowledgedKeys[label.Value] = made.PublicKey!;
                        _newKeys.Enqueue(label.Value);
                        break;
                    case < 4:
                        await BindAsync(hsm, kek, ca, over);
                        break;
                    default:
                        int count = random.Next(3) == 0 ? 1 + random.Next(64) : 1;
                        Interlocked.Add(ref _signaturesAsked, count);
                        await hsm.SignManyAsync(counted, SignatureScheme.Sm2, random.Bytes(32 * count), over);
                        Interlocked.Add(ref _signaturesSeen, count);
                        break;
                }

                Interlocked.Increment(ref _answers);
            }

            return false;
        }
        catch (HsmException e) when (e.IsTransient)
        {
            // The device died, as it should.
            return true;
        }
    }

    private async Task BindAsync(SimulatorHsm hsm, HsmKey kek, RegisteredCa ca, CancellationToken over)
    {
        WrappedKeyPair pair = (await hsm.GenerateWrappedKeyPairsAsync(kek, 1, over))[0];
        var key = new EscrowedKey(pair.WrappedKey.ToArray(), RegisteredCa.NextSerialNumber(), Sm2PrivateKey.Generate());
        await hsm.EnvelopeKeyAsync(pair.WrappedKey, key.RecipientKey, ca.Apply(key.SerialNumber, key.RecipientKey), cancellationToken: over);
        _boundKeys[Convert.ToHexString(pair.KeyId.Span)] = key;
    }

    /// <param name="all">False: the new keys and a few of each kind, or the check would soon take longer than the life before it.</param>
    private async Task CheckAsync(SimulatorHsm hsm, RegisteredCa ca, bool all)
    {
        string[] old = [.. _acknowledgedKeys.Keys];
        _random.Shuffle(old);
        await Task.WhenAll(old.Take(all ? old.Length : Sample).Concat(_newKeys).Distinct().Select(async label =>
        {
            HsmKey? key = await hsm.FindKeyAsync(new KeyLabel(label), Cancel);
            Assert.Equal(_acknowledgedKeys[label], key?.PublicKey);
        }));
        _newKeys.Clear();

        long count = await hsm.GetSignatureCountAsync((await hsm.FindKeyAsync(new KeyLabel("counted"), Cancel))!, Cancel);
        Assert.InRange(count, Math.Max(_lastCount, _signaturesSeen), _signaturesAsked);
        _lastCount = count;

        EscrowedKey[] bound = [.. _boundKeys.Values];
        _random.Shuffle(bound);
        foreach (EscrowedKey key in bound.Take(all ? MaxSample : Sample))
        {
            HsmException e = await Assert.ThrowsAsync<HsmException>(
                () => hsm.EnvelopeKeyAsync(key.WrappedKey, key.RecipientKey, ca.Apply(RegisteredCa.NextSerialNumber(), key.RecipientKey), cancellationToken: Cancel));
            Assert.Equal(HsmFailure.Refused, e.Failure);
            await hsm.EnvelopeKeyAsync(key.WrappedKey, key.RecipientKey, ca.Apply(key.SerialNumber, key.RecipientKey), cancellationToken: Cancel);
        }
    }

    /// <summary>A key that was bound: its unbound copy, and to what.</summary>
    private sealed record EscrowedKey(byte[] WrappedKey, SerialNumber SerialNumber, Sm2PrivateKey Recipient)
    {
        public SubjectPublicKeyInfo RecipientKey { get; } = SubjectPublicKeyInfo.ForSm2(Recipient.PublicKey.ToBytes());
    }
}
