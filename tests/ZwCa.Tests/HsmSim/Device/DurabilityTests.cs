using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator.Wire;
using ZwCa.HsmSim.Faults;

namespace ZwCa.Tests.HsmSim.Device;

/// <summary>
/// Nobody is answered before what the answer rests on is on stable storage. The journal is held before its flush; a call that did not wait for it would be done
/// when it comes back.
/// </summary>
public sealed class DurabilityTests : IAsyncLifetime
{
    private static readonly SerialNumber Serial = SerialNumber.Parse("1a2b3c");
    private static readonly SerialNumber OtherSerial = SerialNumber.Parse("1a2b3d");
    private static readonly Person Recipient = new();
    private static readonly TimeSpan Generous = TimeSpan.FromMinutes(1);

    private readonly ManualResetEventSlim _held = new();
    private readonly ManualResetEventSlim _goOn = new();
    private readonly FaultKnobs _faults;
    private TestDevice _device = null!;

    public DurabilityTests() => _faults = new FaultKnobs(enabled: true, () =>
    {
        _held.Set();
        _goOn.Wait();
    });

    public async ValueTask InitializeAsync() => _device = await TestDevice.ForEscrow(faults: _faults);

    public async ValueTask DisposeAsync()
    {
        LetGo();
        await _device.DisposeAsync();
        _held.Dispose();
        _goOn.Dispose();
    }

    [Fact]
    public async Task Signature_WaitsForItsCounter_AndSoDoesWhoReadsTheCounter()
    {
        Hold();
        Task<Bytes> signature = _device.Partition.SignAsync(new SignRequest(TestDevice.Signer, SignatureScheme.Sm2, new byte[32]));
        Task<Number> count = _device.Partition.CountSignaturesAsync(TestDevice.Signer);
        Assert.False(signature.IsCompleted);
        Assert.False(count.IsCompleted);
        LetGo();
        Assert.Equal(64, (await signature).Value.Length);
        Assert.Equal(1, (await count).Value);
    }

    [Fact]
    public async Task NewKey_IsNotFoundBefore_AndNotUsedBefore()
    {
        var label = new KeyLabel("new");
        Hold();
        Task<KeyDescription> made = _device.Partition.GenerateKeyAsync(new NewKey(label, HsmKeyKind.DataKek));
        Assert.True(_held.Wait(Generous, TestContext.Current.CancellationToken));
        Task<KeyDescription> found = _device.Partition.FindKeyAsync(label);
        Task<KeyDescription> again = _device.Partition.GenerateKeyAsync(new NewKey(label, HsmKeyKind.DataKek));
        Assert.False(made.IsCompleted);
        Assert.False(found.IsCompleted);
        Assert.False(again.IsCompleted);
        Refused.Now(HsmFailure.KeyNotFound, "no key new", () => _device.Partition.WrapKey(new WrapRequest(label, new byte[16], default)));
        LetGo();
        await found;
        Assert.NotEmpty(_device.Partition.WrapKey(new WrapRequest(label, new byte[16], default)).Value.ToArray());
        await made;
        await Refused.With(HsmFailure.KeyExists, "new is taken", () => again);
    }

    [Fact]
    public async Task FirstEnvelope_WaitsForItsBinding_AndSoDoesWhoMeetsIt()
    {
        WrappedKeyPair pair = _device.NewPair();
        EnvelopeAuthorization message = new CaAttempt(_device.Story, Serial, Recipient.PublicKey).Build();
        EnvelopeAuthorization other = new CaAttempt(_device.Story, OtherSerial, Recipient.PublicKey).Build();
        Hold();
        Task<KeyEnvelope> first = _device.Envelope(pair.WrappedKey, Recipient.PublicKey, message);
        Task<KeyEnvelope> second = _device.Envelope(pair.WrappedKey, Recipient.PublicKey, message);
        Task<KeyEnvelope> refused = _device.Envelope(pair.WrappedKey, Recipient.PublicKey, other);
        Assert.False(first.IsCompleted);
        Assert.False(second.IsCompleted);
        Assert.False(refused.IsCompleted);
        LetGo();
        TestDevice.OpenAsRecipient(await first, pair, Recipient);
        TestDevice.OpenAsRecipient(await second, pair, Recipient);
        await Refused.For("The key is spent", () => refused);
    }

    [Fact]
    public async Task Policy_IsNotInForceBefore()
    {
        EscrowStory story = _device.Story;
        Hold();
        Task installed = _device.Partition.InstallPolicyAsync(story.SignedByHolders(story.Policy(1, allowSm2Decrypt: true)));
        Assert.False(installed.IsCompleted);
        Assert.False(_device.Partition.Welcome().Capabilities.HasFlag(HsmCapabilities.Sm2Decryption));
        LetGo();
        await installed;
        Assert.True(_device.Partition.Welcome().Capabilities.HasFlag(HsmCapabilities.Sm2Decryption));
    }

    private void Hold() => _faults.Set(new Fault(FaultKind.DieAt, (int)FaultPoint.BeforeFlush));

    private void LetGo()
    {
        _faults.Set(new Fault(FaultKind.DieAt, 0));
        _goOn.Set();
    }
}
