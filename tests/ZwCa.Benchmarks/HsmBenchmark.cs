using System.Security.Cryptography;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;

namespace ZwCa.Benchmarks;

/// <summary>
/// hsm-sim as a process of its own, over loopback TLS, with its journal on this machine's disk; beside it the same SM2 code in this process. RSA
/// through SoftHSM2 beside .NET's.
/// </summary>
internal static class HsmBenchmark
{
    private const int Many = 256;
    private const int Rounds = 7;
    private const int Pairs = 256;

    // Enough that no slice meets one twice: a second envelope of a key is another, shorter way.
    private const int Envelopes = 120_000;
    private static readonly TimeSpan Slice = TimeSpan.FromSeconds(1);

    public static async Task<int> RunAsync()
    {
        Machine.Print("threads and calls in flight as each row says");
        await MeasureSimulatorAsync();
        await SoftHsmBenchmark.RunAsync();
        return 0;
    }

    private static async Task MeasureSimulatorAsync()
    {
        using var store = new HsmSimStore();
        await using HsmSimProcess device = await store.StartAsync();
        await using SimulatorHsm hsm = await store.ConnectAsync(device);

        HsmKey key = await hsm.GenerateKeyAsync(new KeyLabel("sm2"), HsmKeyKind.Sm2);
        HsmKey kek = await hsm.GenerateKeyAsync(new KeyLabel("escrow"), HsmKeyKind.EscrowKek);
        using var ca = new RegisteredCa();
        await store.InstallPolicyAsync(device, ca.Register);

        byte[] digest = RandomNumberGenerator.GetBytes(Sm3.HashSizeInBytes);
        byte[] digests = RandomNumberGenerator.GetBytes(Many * Sm3.HashSizeInBytes);
        using var local = Sm2PrivateKey.Generate();
        var signing = new Load("SM2 signatures", Rounds, Slice);
        signing.Add("in process, 256 a call, 1 thread", 1, Many, () => SignHere(local, digests));
        signing.Add($"in process, 256 a call, {Environment.ProcessorCount} threads", Environment.ProcessorCount, Many, () => SignHere(local, digests));
        signing.Add("hsm-sim, 256 a call, 1 call in flight", 1, Many, () => hsm.SignManyAsync(key, SignatureScheme.Sm2, digests));
        signing.Add("hsm-sim, 256 a call, 8 calls in flight", 8, Many, () => hsm.SignManyAsync(key, SignatureScheme.Sm2, digests));
        signing.Add("hsm-sim, 1 in flight", 1, 1, () => hsm.SignAsync(key, SignatureScheme.Sm2, digest));
        signing.Add("hsm-sim, 64 in flight", 64, 1, () => hsm.SignAsync(key, SignatureScheme.Sm2, digest));
        await signing.RunAsync();
        signing.PrintRatio("hsm.many.vs.inprocess", "hsm-sim, 256 a call, 8 calls in flight", $"in process, 256 a call, {Environment.ProcessorCount} threads");
        signing.PrintRatio("hsm.many-one-call.vs.inprocess-one-thread", "hsm-sim, 256 a call, 1 call in flight", "in process, 256 a call, 1 thread");

        (WrappedKeyPair Pair, EnvelopeAuthorization Authorization, SubjectPublicKeyInfo Recipient)[] work = await PrepareAsync(hsm, kek, ca);
        int next = -1;
        var escrow = new Load("Subscribers' keys", Rounds, Slice);
        escrow.Add($"wrapped key pairs, {Pairs} a call, 2 calls in flight", 2, Pairs, () => hsm.GenerateWrappedKeyPairsAsync(kek, Pairs));
        escrow.Add("envelopes with content signature, 64 in flight", 64, 1, () =>
        {
            (WrappedKeyPair pair, EnvelopeAuthorization authorization, SubjectPublicKeyInfo recipient) = work[Interlocked.Increment(ref next)];
            return hsm.EnvelopeKeyAsync(pair.WrappedKey, recipient, authorization, key);
        });
        await escrow.RunAsync();
        Console.WriteLine($"{next + 1} different keys were enveloped, none twice.");
        SideBySide.PrintRatio("hsm.pairs.vs.bar-of-8000", escrow.Rate($"wrapped key pairs, {Pairs} a call, 2 calls in flight") / 8000);
        SideBySide.PrintRatio("hsm.envelopes.vs.bar-of-2500", escrow.Rate("envelopes with content signature, 64 in flight") / 2500);
        await device.StopAsync();
    }

    private static Task SignHere(Sm2PrivateKey key, byte[] digests)
    {
        key.SignDigests(digests, new byte[2 * digests.Length]);
        return Task.CompletedTask;
    }

    /// <summary>Keys to envelope, each with a request of its own for a recipient of its own.</summary>
    private static async Task<(WrappedKeyPair, EnvelopeAuthorization, SubjectPublicKeyInfo)[]> PrepareAsync(SimulatorHsm hsm, HsmKey kek, RegisteredCa ca)
    {
        var pairs = new List<WrappedKeyPair>();
        while (pairs.Count < Envelopes)
        {
            pairs.AddRange(await hsm.GenerateWrappedKeyPairsAsync(kek, Pairs));
        }

        var work = new (WrappedKeyPair, EnvelopeAuthorization, SubjectPublicKeyInfo)[pairs.Count];
        Parallel.For(0, work.Length, i =>
        {
            using var user = Sm2PrivateKey.Generate();
            SubjectPublicKeyInfo recipient = SubjectPublicKeyInfo.ForSm2(user.PublicKey.ToBytes());
            work[i] = (pairs[i], ca.Apply(RegisteredCa.NextSerialNumber(), recipient), recipient);
        });
        return work;
    }
}
