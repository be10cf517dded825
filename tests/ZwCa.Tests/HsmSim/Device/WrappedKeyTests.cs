using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator.Wire;
using ZwCa.HsmSim.Device;

namespace ZwCa.Tests.HsmSim.Device;

/// <summary>Wrapped subscribers' keys: what they authenticate, and that no other operation opens them.</summary>
public sealed class WrappedKeyTests
{
    private static readonly SerialNumber Serial = SerialNumber.Parse("1a2b3c");
    private static readonly Person Recipient = new();

    [Theory]
    [InlineData(1)]
    [InlineData(33)]
    [InlineData(1024)]
    public async Task Pairs_AreDifferentAndOpen(int count)
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        IReadOnlyList<WrappedKeyPair> pairs = device.Partition.GenerateWrappedPairs(new PairsRequest(TestDevice.Kek, count)).Items;
        Assert.Equal(count, pairs.Count);
        Assert.Equal(count, pairs.Select(pair => Convert.ToHexString(pair.KeyId.Span)).Distinct().Count());
        Assert.Equal(count, pairs.Select(pair => pair.PublicKey).Distinct().Count());
        foreach (WrappedKeyPair pair in (WrappedKeyPair[])[pairs[0], pairs[count / 2], pairs[^1]])
        {
            EnvelopeAuthorization message = new CaAttempt(device.Story, Serial, Recipient.PublicKey).Build();
            TestDevice.OpenAsRecipient(await device.Envelope(pair.WrappedKey, Recipient.PublicKey, message), pair, Recipient);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(1025)]
    public async Task OtherCounts_AreBadInput(int count)
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        Refused.Now(HsmFailure.BadInput, "1 to 1024 pairs", () => device.Partition.GenerateWrappedPairs(new PairsRequest(TestDevice.Kek, count)));
    }

    /// <summary>The largest that the wire takes: a label of 64, a CA name of 256 characters of four bytes, a serial number of 20.</summary>
    [Fact]
    public async Task LongestBoundKey_FitsTheWire()
    {
        var story = new EscrowStory(TimeProvider.System.GetUtcNow());
        var ca = new StoryCa(string.Concat(Enumerable.Repeat("𠮷", 256)));
        await using TestDevice device = await TestDevice.ForEscrow(story);
        await device.Partition.InstallPolicyAsync(story.SignedByHolders(story.Policy(version: 1, cas: [ca.ToAuthorizing()])));
        var kek = new KeyLabel(new string('k', KeyLabel.MaxLength));
        await device.Partition.GenerateKeyAsync(new NewKey(kek, HsmKeyKind.EscrowKek));
        WrappedKeyPair pair = device.Partition.GenerateWrappedPairs(new PairsRequest(kek, 1)).Items[0];
        var serial = SerialNumber.Parse("7f" + new string('f', 38));
        var attempt = new CaAttempt(story, serial, Recipient.PublicKey) { Ca = ca };
        KeyEnvelope envelope = await device.Envelope(pair.WrappedKey, Recipient.PublicKey, attempt.Build());
        Envelope read = Message.Decode<Envelope>(Message.Encode(new Envelope(envelope)));
        TestDevice.OpenAsRecipient(await device.Envelope(read.Value.BoundKey, Recipient.PublicKey, attempt.Build()), pair, Recipient);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task EveryChangedByteAndEveryTruncation_IsRefused(bool bound)
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        WrappedKeyPair pair = device.NewPair();
        byte[] wrapped = (bound ? await device.Bind(pair, Serial, Recipient.PublicKey) : pair.WrappedKey).ToArray();
        EnvelopeAuthorization message = new CaAttempt(device.Story, Serial, Recipient.PublicKey).Build();
        var random = new TestRandom();
        for (int i = 0; i < wrapped.Length; i++)
        {
            byte[] changed = [.. wrapped];
            changed[i] ^= (byte)random.Next(1, 256);
            await AssertRefused(changed);
            await AssertRefused(wrapped[..i]);
        }

        await AssertRefused([.. wrapped, 0]);
        TestDevice.OpenAsRecipient(await device.Envelope(wrapped, Recipient.PublicKey, message), pair, Recipient);

        async Task AssertRefused(byte[] other)
        {
            HsmException thrown = await Assert.ThrowsAsync<HsmException>(() => device.Envelope(other, Recipient.PublicKey, message));
            Assert.True(
                thrown.Failure is HsmFailure.BadInput or HsmFailure.Refused or HsmFailure.KeyNotFound or HsmFailure.WrongKeyKind,
                $"{thrown.Failure}: {thrown.Message}");
        }
    }

    /// <summary>The clear part of one key before the sealed part of another: neither label nor key id nor public key can be exchanged.</summary>
    [Fact]
    public async Task PartsOfTwoKeys_AreNoKey()
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        WrappedKeyPair one = device.NewPair();
        WrappedKeyPair two = device.NewPair();
        EnvelopeAuthorization message = new CaAttempt(device.Story, Serial, Recipient.PublicKey).Build();
        byte[] mixed = [.. one.WrappedKey.Span[..^60], .. two.WrappedKey.Span[^60..]];
        await Refused.With(HsmFailure.BadInput, "did not wrap that", () => device.Envelope(mixed, Recipient.PublicKey, message));
        byte[] whole = [.. one.WrappedKey.Span[..^60], .. one.WrappedKey.Span[^60..]];
        TestDevice.OpenAsRecipient(await device.Envelope(whole, Recipient.PublicKey, message), one, Recipient);
    }

    [Fact]
    public async Task KeyOfAnotherPartition_IsRefused()
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        await using TestDevice elsewhere = await TestDevice.ForEscrow();
        WrappedKeyPair foreign = elsewhere.NewPair();
        EnvelopeAuthorization message = new CaAttempt(device.Story, Serial, Recipient.PublicKey).Build();
        await Refused.For("of another partition", () => device.Envelope(foreign.WrappedKey, Recipient.PublicKey, message));

        // As if it were ours: the id is authenticated, and the KEK is another.
        byte[] renamed = [.. foreign.WrappedKey.Span[..1], .. device.Story.PartitionId, .. foreign.WrappedKey.Span[17..]];
        await Refused.With(HsmFailure.BadInput, "did not wrap that", () => device.Envelope(renamed, Recipient.PublicKey, message));

        EnvelopeAuthorization there = new CaAttempt(elsewhere.Story, Serial, Recipient.PublicKey).Build();
        TestDevice.OpenAsRecipient(await elsewhere.Envelope(foreign.WrappedKey, Recipient.PublicKey, there), foreign, Recipient);
    }

    [Fact]
    public async Task KeyUnderAnotherKek_IsRefused()
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        await device.Partition.GenerateKeyAsync(new NewKey(new KeyLabel("escroW"), HsmKeyKind.EscrowKek));
        WrappedKeyPair pair = device.NewPair();
        EnvelopeAuthorization message = new CaAttempt(device.Story, Serial, Recipient.PublicKey).Build();
        byte[] renamed = pair.WrappedKey.ToArray();
        int last = renamed.AsSpan().IndexOf("escrow"u8) + 5;
        renamed[last] = (byte)'W';
        await Refused.With(HsmFailure.BadInput, "escroW did not wrap that", () => device.Envelope(renamed, Recipient.PublicKey, message));
        renamed[last] = (byte)'w';
        TestDevice.OpenAsRecipient(await device.Envelope(renamed, Recipient.PublicKey, message), pair, Recipient);
    }

    /// <summary>The operations of the two kinds of KEK do not meet: neither by the key's kind nor by the bytes.</summary>
    [Fact]
    public async Task EscrowedKeysAndDataKeys_DoNotOpenAsEachOther()
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        await device.Partition.GenerateKeyAsync(new NewKey(TestDevice.DataKek, HsmKeyKind.DataKek));
        WrappedKeyPair pair = device.NewPair();
        byte[] escrowed = pair.WrappedKey.ToArray();
        byte[] sealedPart = escrowed[^60..];
        byte[] wrapped = device.Partition.WrapKey(new WrapRequest(TestDevice.DataKek, new byte[32], default)).Value.ToArray();
        EnvelopeAuthorization message = new CaAttempt(device.Story, Serial, Recipient.PublicKey).Build();

        foreach (byte[] given in (byte[][])[escrowed, sealedPart, [1, .. sealedPart]])
        {
            Refused.Now(HsmFailure.WrongKeyKind, "is of the kind EscrowKek", () => device.Partition.UnwrapKey(new WrapRequest(TestDevice.Kek, given, default)));
            Refused.Now(HsmFailure.BadInput, "did not wrap that", () => device.Partition.UnwrapKey(new WrapRequest(TestDevice.DataKek, given, default)));
        }

        Refused.Now(HsmFailure.WrongKeyKind, "is of the kind EscrowKek", () => device.Partition.WrapKey(new WrapRequest(TestDevice.Kek, new byte[32], default)));
        Refused.Now(HsmFailure.WrongKeyKind, "is of the kind DataKek", () => device.Partition.GenerateWrappedPairs(new PairsRequest(TestDevice.DataKek, 1)));
        await Refused.With(HsmFailure.BadInput, "Not a wrapped key", () => device.Envelope(wrapped, Recipient.PublicKey, message));

        // A data key's wrapping behind the clear part of an escrowed key that names the data KEK.
        int label = escrowed.AsSpan().IndexOf("escrow"u8);
        byte[] named = [.. escrowed[..(label - 4)], 0, 0, 0, 4, .. "data"u8, .. escrowed[(label + 6)..^60], .. wrapped[1..]];
        await Refused.With(HsmFailure.WrongKeyKind, "is of the kind DataKek", () => device.Envelope(named, Recipient.PublicKey, message));
        byte[] behind = [.. escrowed[..^60], .. wrapped[1..]];
        Assert.Equal(escrowed.Length, behind.Length);
        await Refused.With(HsmFailure.BadInput, "did not wrap that", () => device.Envelope(behind, Recipient.PublicKey, message));

        Assert.Equal(new byte[32], device.Partition.UnwrapKey(new WrapRequest(TestDevice.DataKek, wrapped, default)).Value.ToArray());
        TestDevice.OpenAsRecipient(await device.Envelope(escrowed, Recipient.PublicKey, message), pair, Recipient);
    }

    /// <summary>Were one secret a key of both kinds, and the associated data alike, the subkeys would still differ.</summary>
    [Fact]
    public void OneSecretAsBothKinds_OpensNothingOfTheOther()
    {
        byte[] secret = new TestRandom().Bytes(16);
        byte[] partition = new byte[16];
        using var data = new DataKek(TestDevice.DataKek, secret, partition);
        using var escrow = new EscrowKek(TestDevice.DataKek, secret, partition);
        byte[] domain = [.. "zwca data key\0"u8, 1, .. partition, 4, .. "data"u8];
        byte[] wrapped = data.Wrap(new byte[32], default);
        byte[] opened = new byte[32];
        byte[] byEscrow = new byte[EscrowKek.SealedLength];
        escrow.Seal(new byte[32], domain, byEscrow);
        Assert.False(escrow.TryOpen(wrapped.AsSpan(1), domain, opened));
        Assert.Null(data.Unwrap([1, .. byEscrow], default));

        Assert.True(escrow.TryOpen(byEscrow, domain, opened));
        Assert.NotNull(data.Unwrap(wrapped, default));
    }

    /// <summary>Nothing that a client holds tells the private key: neither blob has it in the clear.</summary>
    [Fact]
    public async Task WrappedKey_DoesNotShowThePrivateKey()
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        WrappedKeyPair pair = device.NewPair();
        EnvelopeAuthorization message = new CaAttempt(device.Story, Serial, Recipient.PublicKey).Build();
        KeyEnvelope envelope = await device.Envelope(pair.WrappedKey, Recipient.PublicKey, message);
        byte[] d = TestDevice.OpenAsRecipient(envelope, pair, Recipient);
        foreach (ReadOnlyMemory<byte> seen in (ReadOnlyMemory<byte>[])[pair.WrappedKey, envelope.BoundKey, envelope.EncryptedPrivateKey, envelope.Cipher.Raw])
        {
            Assert.Equal(-1, seen.Span.IndexOf(d.AsSpan(0, Sm2.ScalarSizeInBytes / 4)));
        }

        KeyEnvelope again = await device.Envelope(envelope.BoundKey, Recipient.PublicKey, message);
        Assert.NotEqual(envelope.EncryptedPrivateKey.ToArray(), again.EncryptedPrivateKey.ToArray());
    }
}
