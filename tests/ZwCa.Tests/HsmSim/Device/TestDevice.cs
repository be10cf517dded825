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

/// <summary>A partition on disk, unlocked by the holders of a story and open in this process.</summary>
internal sealed class TestDevice : IAsyncDisposable
{
    public static readonly KeyLabel Kek = new("escrow");
    public static readonly KeyLabel DataKek = new("data");
    public static readonly KeyLabel Signer = new("kmc-sign");

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("zwca-device");
    private readonly StoreFolder _folder;
    private readonly PartitionFolder _partitionFolder;
    private PartitionStore _store;

    /// <param name="faults">Null: knobs that nobody turned.</param>
    public TestDevice(bool allowSm2Decrypt = false, EscrowStory? story = null, FaultKnobs? faults = null)
    {
        Story = story ?? new EscrowStory(new DateTimeOffset(2026, 7, 1, 8, 0, 0, TimeSpan.Zero));
        Clock = new ManualClock(Story.Now);
        Faults = faults ?? new FaultKnobs(enabled: true);
        _folder = StoreFolder.Create(Path.Combine(_directory.FullName, "store"));
        var partition = new NewPartition(
            "kmc", [.. Story.Holders.Select((holder, i) => ($"holder {i}", holder.PublicKey.PublicKey))], EscrowStory.Threshold)
        {
            Policy = id =>
            {
                Story.PartitionId = id.ToArray();
                return Story.Policy(allowSm2Decrypt: allowSm2Decrypt);
            },
        };
        _partitionFolder = _folder.CreatePartition(partition, Clock);
        (Partition, _store) = Open();
    }

    public EscrowStory Story { get; }

    public ManualClock Clock { get; }

    public FaultKnobs Faults { get; }

    public OpenPartition Partition { get; private set; }

    /// <summary>How many keys are bound.</summary>
    public int Bindings => Look(static state => state.Bindings);

    /// <summary>With an escrow KEK and a signing key in it.</summary>
    public static async Task<TestDevice> ForEscrow(EscrowStory? story = null, FaultKnobs? faults = null)
    {
        var device = new TestDevice(story: story, faults: faults);
        await device.Partition.GenerateKeyAsync(new NewKey(Kek, HsmKeyKind.EscrowKek));
        await device.Partition.GenerateKeyAsync(new NewKey(Signer, HsmKeyKind.Sm2));
        return device;
    }

    /// <summary>As a restart of the process does.</summary>
    public async Task Reopen()
    {
        await Partition.DisposeAsync();
        (Partition, _store) = Open();
    }

    /// <summary>As a restore does.</summary>
    public void BeginEpoch() =>
        Append(new StoreRecord.EpochBegun(Look(static state => state.Epoch) + 1, RandomNumberGenerator.GetBytes(StoreRecord.IdLength)));

    public void Append(StoreRecord record)
    {
        lock (_store.Gate)
        {
            _store.Append(record);
        }
    }

    public T Look<T>(Func<PartitionState, T> look)
    {
        lock (_store.Gate)
        {
            return look(_store.State);
        }
    }

    public WrappedKeyPair NewPair() => Partition.GenerateWrappedPairs(new PairsRequest(Kek, 1)).Items[0];

    public async Task<KeyEnvelope> Envelope(
        ReadOnlyMemory<byte> wrappedKey, SubjectPublicKeyInfo recipient, EnvelopeAuthorization authorization, KeyLabel? signer = null) =>
        (await Partition.EnvelopeKeyAsync(new EnvelopeRequest(wrappedKey, Der.Encode(recipient), signer, authorization))).Value;

    /// <returns>The new bound key.</returns>
    public async Task<ReadOnlyMemory<byte>> Bind(WrappedKeyPair pair, SerialNumber serial, SubjectPublicKeyInfo recipient) =>
        (await Envelope(pair.WrappedKey, recipient, new CaAttempt(Story, serial, recipient).Build())).BoundKey;

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

    public async ValueTask DisposeAsync()
    {
        await Partition.DisposeAsync();
        _folder.Dispose();
        _directory.Delete(recursive: true);
    }

    private (OpenPartition Partition, PartitionStore Store) Open()
    {
        Holder[] holders = [.. _partitionFolder.ReadHeader().Holders.Take(EscrowStory.Threshold)];
        byte[] secret = new byte[MasterKey.Length];
        SecretSharing.Combine(
            [.. holders.Select(holder => holder.Index)],
            [.. holders.Select((holder, i) => Story.Holders[i].Key.Decrypt(holder.EncryptedShare.Span))],
            secret);
        OpenedPartition opened = _partitionFolder.Open(new MasterKey(secret), Faults, Clock, _ => { });
        return (new OpenPartition(opened, Clock), opened.Store);
    }
}
