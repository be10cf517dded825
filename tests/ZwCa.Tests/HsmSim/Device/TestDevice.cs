using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator.Wire;
using ZwCa.HsmSim.Device;
using ZwCa.HsmSim.Faults;
using ZwCa.HsmSim.Store;

namespace ZwCa.Tests.HsmSim.Device;

/// <summary>A partition with the keys of a key management centre, opened in this process.</summary>
internal sealed class TestDevice : IAsyncDisposable
{
    public static readonly KeyLabel Kek = new("escrow");
    public static readonly KeyLabel OtherKek = new("escrow-2");
    public static readonly KeyLabel DataKek = new("data");
    public static readonly KeyLabel Signer = new("kmc-sign");

    private readonly byte[] _masterKey = RandomNumberGenerator.GetBytes(MasterKey.Length);
    private int _epoch;

    public TestDevice(bool allowSm2Decrypt = false, EscrowStory? story = null)
    {
        Story = story ?? new EscrowStory(new DateTimeOffset(2026, 7, 1, 8, 0, 0, TimeSpan.Zero));
        Clock = new ManualClock(Story.Now);
        BeginEpoch();
        Append(new StoreRecord.PolicyInstalled(Der.Encode(Story.Policy(allowSm2Decrypt: allowSm2Decrypt))));
        Partition = Open();
    }

    public EscrowStory Story { get; }

    public ManualClock Clock { get; }

    public FaultKnobs Faults { get; } = new(enabled: true);

    public PartitionStore Store { get; } = new();

    public OpenPartition Partition { get; private set; }

    /// <summary>With an escrow KEK and a signing key in it.</summary>
    public static async Task<TestDevice> ForEscrow(EscrowStory? story = null)
    {
        var device = new TestDevice(story: story);
        await device.Partition.GenerateKeyAsync(new NewKey(Kek, HsmKeyKind.EscrowKek));
        await device.Partition.GenerateKeyAsync(new NewKey(Signer, HsmKeyKind.Sm2));
        return device;
    }

    /// <summary>As after a restart of the process, from what the store has.</summary>
    public void Reopen() => Partition = Open();

    /// <summary>As a restore does.</summary>
    public void BeginEpoch() => Append(new StoreRecord.EpochBegun(++_epoch, RandomNumberGenerator.GetBytes(StoreRecord.IdLength)));

    public void Append(StoreRecord record)
    {
        lock (Store.Gate)
        {
            Store.Append(record);
        }
    }

    public WrappedKeyPair NewPair() => Partition.GenerateWrappedPairs(new PairsRequest(Kek, 1)).Items[0];

    public async Task<KeyEnvelope> Envelope(
        ReadOnlyMemory<byte> wrappedKey, SubjectPublicKeyInfo recipient, EnvelopeAuthorization authorization, KeyLabel? signer = null) =>
        (await Partition.EnvelopeKeyAsync(new EnvelopeRequest(wrappedKey, Der.Encode(recipient), signer, authorization))).Value;

    /// <returns>The new bound key.</returns>
    public async Task<ReadOnlyMemory<byte>> Bind(WrappedKeyPair pair, SerialNumber serial, SubjectPublicKeyInfo recipient, StoryCa? ca = null)
    {
        byte[] message = Story.Message(ca ?? Story.Ca, [Story.Apply(serial, recipient)], Clock.GetUtcNow());
        return (await Envelope(pair.WrappedKey, recipient, new EnvelopeAuthorization.ByCa(message))).BoundKey;
    }

    /// <summary>Opens an envelope as its recipient does and checks that what is inside is the private key of the pair.</summary>
    /// <returns>d.</returns>
    public static byte[] OpenAsRecipient(KeyEnvelope envelope, WrappedKeyPair pair, Person recipient)
    {
        byte[] key = recipient.Key.Decrypt(envelope.Cipher.Raw.Span);
        using var sm4 = new Sm4(key);
        byte[] content = sm4.DecryptEcb(envelope.EncryptedPrivateKey.Span, PaddingMode.None);
        Assert.Equal(64, content.Length);
        Assert.Equal(new byte[32], content[..32]);
        byte[] d = content[32..];
        Assert.Equal(pair.PublicKey.PublicKey.ToArray(), Sm2PrivateKey.FromBytes(d).PublicKey.ToBytes());
        Assert.Equal(pair.PublicKey.PublicKey.ToArray(), envelope.PublicKey.ToArray());
        Assert.Equal(pair.KeyId.ToArray(), envelope.KeyId.ToArray());
        return d;
    }

    public ValueTask DisposeAsync() => Partition.DisposeAsync();

    private OpenPartition Open() => new(
        new OpenedPartition(
            "kmc",
            Story.PartitionId,
            EscrowStory.Threshold,
            [.. Story.Holders.Select((holder, i) => new Holder($"holder {i}", holder.PublicKey.PublicKey, i + 1, default, default))],
            new MasterKey(_masterKey),
            Store,
            Faults)
        {
            Header = default,
        },
        Clock);
}

internal static class Refused
{
    /// <param name="reason">Part of the message.</param>
    public static async Task With(HsmFailure failure, string reason, Func<Task> call)
    {
        HsmException thrown = await Assert.ThrowsAsync<HsmException>(call);
        Assert.Contains(reason, thrown.Message, StringComparison.Ordinal);
        Assert.Equal(failure, thrown.Failure);
    }

    public static Task For(string reason, Func<Task> call) => With(HsmFailure.Refused, reason, call);

    /// <param name="reason">Part of the message.</param>
    public static void Now(HsmFailure failure, string reason, Action call)
    {
        HsmException thrown = Assert.Throws<HsmException>(call);
        Assert.Contains(reason, thrown.Message, StringComparison.Ordinal);
        Assert.Equal(failure, thrown.Failure);
    }
}
