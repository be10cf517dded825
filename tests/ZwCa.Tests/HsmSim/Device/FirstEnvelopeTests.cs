using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.Tests.HsmSim.Device;

/// <summary>The first envelope of a key, its repetition, and what is refused (trust.md §4 a).</summary>
public sealed class FirstEnvelopeTests
{
    private static readonly SerialNumber Serial = SerialNumber.Parse("1a2b3c");
    private static readonly SerialNumber OtherSerial = SerialNumber.Parse("1a2b3d");
    private static readonly Person Recipient = new();
    private static readonly Person Stranger = new();

    private static readonly Dictionary<string, (Func<CaAttempt, CaAttempt> Break, string Reason)> Wrongs = new()
    {
        ["a CA that the policy does not name"] = (a => a with { Ca = a.Story.UnknownCa }, "no CA of the policy"),
        ["somebody else signs in the CA's name"] = (a => a with { Signer = Stranger }, "not signed by the CA"),
        ["another CA of the policy signs in its name"] = (a => a with { Signer = a.Story.OtherCa.Signer }, "not signed by the CA"),
        ["the sender is named by another hash"] = (a => a with { HashAlgorithm = Oids.Sha256 }, "another hash"),
        ["older than a day"] = (a => a with { Age = -TimeSpan.FromHours(24) - TimeSpan.FromSeconds(1) }, "older than 24 hours"),
        ["more than five minutes ahead"] = (a => a with { Age = TimeSpan.FromMinutes(5) + TimeSpan.FromSeconds(1) }, "from the future"),
        ["another recipient is named"] = (a => a with { Named = Stranger.PublicKey }, "not the one that the CA names"),
        ["the recipient is another"] = (a => a with { Named = a.Recipient, Recipient = Stranger.PublicKey }, "not the one that the CA names"),
        ["no request has the index"] = (a => a with { Index = 1 }, "none with the index 1"),
        ["the index is negative"] = (a => a with { Index = -1 }, "none with the index -1"),
        ["a RevokeKeyReq opens nothing"] = (a => a with { Requests = [new RevokeKeyReq(Serial)] }, "asks for no key"),
        ["the index is that of another request"] = (
            a => a with { Requests = [new RevokeKeyReq(Serial), a.Story.ApplyRequest(Serial, a.Recipient)] }, "asks for no key"),
        ["a RestoreKeyReq binds nothing"] = (a => a with { Restores = true }, "never bound"),
        ["an RSA key is asked for"] = (a => a with { Requests = [Apply(a, AlgorithmIdentifier.Rsa)] }, "another key than SM2"),
        ["a P-256 key is asked for"] = (a => a with { Requests = [Apply(a, AlgorithmIdentifier.EcKey(Oids.P256))] }, "another key than SM2"),
        ["another length is asked for"] = (a => a with { Requests = [Apply(a, bits: 512)] }, "another key than SM2"),
        ["an RSA envelope is asked for"] = (a => a with { Requests = [Apply(a, asymmetric: Oids.RsaEncryption)] }, "another envelope"),
        ["another cipher is asked for"] = (a => a with { Requests = [Apply(a, symmetric: Oids.Sm3)] }, "another envelope"),
        ["another hash is asked for"] = (a => a with { Requests = [Apply(a, hash: Oids.Sha256)] }, "another envelope"),
        ["more requests than are read"] = (
            a => a with { Requests = [.. Enumerable.Repeat(a.Story.ApplyRequest(Serial, a.Recipient), 101)] }, "the limit is 100"),
        ["the message is none"] = (a => a with { Tamper = _ => [0x30, 0x00] }, "cannot be read"),
        ["the message is empty"] = (a => a with { Tamper = _ => [] }, "cannot be read"),
        ["the message is longer than is read"] = (a => a with { Tamper = _ => new byte[(1 << 20) + 1] }, "the limit is 1048576"),
        ["the recipient's key is compressed"] = (
            a => a with { Recipient = Compressed(a.Recipient), Named = Compressed(a.Recipient) }, "is not an SM2 key"),
        ["the recipient's key is of P-256"] = (
            a => a with { Recipient = SubjectPublicKeyInfo.ForP256(a.Recipient.PublicKey), Named = a.Recipient }, "is not an SM2 key"),
        ["the recipient's key is off the curve"] = (
            a => a with { Recipient = OffCurve(a.Recipient), Named = OffCurve(a.Recipient) }, "is not an SM2 key"),
    };

    public static TheoryData<string> WrongNames => [.. Wrongs.Keys];

    [Theory]
    [MemberData(nameof(WrongNames))]
    public async Task WhatTheCaDidNotAuthorize_IsRefused_AndOpensOnceItIsRight(string name)
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        WrappedKeyPair pair = device.NewPair();
        var right = new CaAttempt(device.Story, Serial, Recipient.PublicKey);
        (Func<CaAttempt, CaAttempt> spoil, string reason) = Wrongs[name];
        CaAttempt wrong = spoil(right);

        await Refused.For(reason, () => device.Envelope(pair.WrappedKey, wrong.Recipient, wrong.Build()));
        Assert.Equal(0, device.Bindings);

        TestDevice.OpenAsRecipient(await device.Envelope(pair.WrappedKey, right.Recipient, right.Build()), pair, Recipient);
    }

    [Fact]
    public async Task NoAuthorization_IsRefused()
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        await Refused.For("no authorization", () => device.Envelope(device.NewPair().WrappedKey, Recipient.PublicKey, null!));
    }

    [Theory]
    [InlineData(-24 * 3600)]
    [InlineData(5 * 60)]
    public async Task MessagesAtTheEdgeOfTheirTime_Open(int seconds)
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        WrappedKeyPair pair = device.NewPair();
        var attempt = new CaAttempt(device.Story, Serial, Recipient.PublicKey) { Age = TimeSpan.FromSeconds(seconds) };
        TestDevice.OpenAsRecipient(await device.Envelope(pair.WrappedKey, Recipient.PublicKey, attempt.Build()), pair, Recipient);
    }

    /// <summary>SM2 as peers write it.</summary>
    [Fact]
    public async Task EveryNameOfAnSm2Key_Opens()
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        foreach (AlgorithmIdentifier keyType in (AlgorithmIdentifier[])[new(Oids.Sm2), AlgorithmIdentifier.Sm2Key, new(Oids.EcPublicKey)])
        {
            WrappedKeyPair pair = device.NewPair();
            var attempt = new CaAttempt(device.Story, Serial, Recipient.PublicKey);
            attempt = attempt with { Requests = [Apply(attempt, keyType)] };
            TestDevice.OpenAsRecipient(await device.Envelope(pair.WrappedKey, Recipient.PublicKey, attempt.Build()), pair, Recipient);
        }
    }

    [Fact]
    public async Task TheRequestAtTheIndexCounts()
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        WrappedKeyPair pair = device.NewPair();
        EscrowStory story = device.Story;
        var attempt = new CaAttempt(story, Serial, Recipient.PublicKey)
        {
            Requests = [new RevokeKeyReq(OtherSerial), story.ApplyRequest(OtherSerial, Stranger.PublicKey), story.ApplyRequest(Serial, Recipient.PublicKey)],
            Index = 2,
        };
        KeyEnvelope envelope = await device.Envelope(pair.WrappedKey, Recipient.PublicKey, attempt.Build());
        TestDevice.OpenAsRecipient(envelope, pair, Recipient);
        await Refused.For(
            "not the one that the CA names", () => device.Envelope(envelope.BoundKey, Recipient.PublicKey, (attempt with { Index = 1 }).Build()));
    }

    /// <summary>A CA changes its key: for a while both count.</summary>
    [Fact]
    public async Task EachKeyOfACaCounts()
    {
        var story = new EscrowStory(TimeProvider.System.GetUtcNow());
        var next = new StoryCa(story.Ca.Name);
        await using TestDevice device = await TestDevice.ForEscrow(story);
        await device.Partition.InstallPolicyAsync(
            story.SignedByHolders(story.Policy(version: 1, cas: [new AuthorizingCa(story.Ca.Name, [story.Ca.Signer.PublicKey, next.Signer.PublicKey])])));
        WrappedKeyPair pair = device.NewPair();
        ReadOnlyMemory<byte> bound = await device.Bind(pair, Serial, Recipient.PublicKey);
        var attempt = new CaAttempt(story, Serial, Recipient.PublicKey) { Ca = next, Restores = true };
        TestDevice.OpenAsRecipient(await device.Envelope(bound, Recipient.PublicKey, attempt.Build()), pair, Recipient);
    }

    [Fact]
    public async Task BoundKey_OpensAgainForItsRecipientOnly()
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        WrappedKeyPair pair = device.NewPair();
        ReadOnlyMemory<byte> bound = await device.Bind(pair, Serial, Recipient.PublicKey);
        var right = new CaAttempt(device.Story, Serial, Recipient.PublicKey) { Restores = true };

        await Refused.For("another serial number", () => device.Envelope(bound, Recipient.PublicKey, (right with { Serial = OtherSerial }).Build()));
        await Refused.For("another CA", () => device.Envelope(bound, Recipient.PublicKey, (right with { Ca = device.Story.OtherCa }).Build()));
        await Refused.For(
            "an application and two approvals are needed",
            () => device.Envelope(bound, Stranger.PublicKey, (right with { Recipient = Stranger.PublicKey }).Build()));
        await Refused.For(
            "it is restored, not applied for",
            () => device.Envelope(bound, Stranger.PublicKey, (right with { Recipient = Stranger.PublicKey, Restores = false }).Build()));

        KeyEnvelope again = await device.Envelope(bound, Recipient.PublicKey, right.Build());
        TestDevice.OpenAsRecipient(again, pair, Recipient);
        Assert.Equal(bound.ToArray(), again.BoundKey.ToArray());
        TestDevice.OpenAsRecipient(await device.Envelope(bound, Recipient.PublicKey, (right with { Restores = false }).Build()), pair, Recipient);
        Assert.Equal(1, device.Bindings);
    }

    /// <summary>The reply with the bound copy was lost (trust.md §5): the unbound one brings it again, for the same three.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task SpentKey_OpensForItsBindingOnly_AlsoAfterARestart(bool restarts)
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        WrappedKeyPair pair = device.NewPair();
        await device.Bind(pair, Serial, Recipient.PublicKey);
        if (restarts)
        {
            await device.Reopen();
        }

        const string Spent = "The key is spent";
        var right = new CaAttempt(device.Story, Serial, Recipient.PublicKey) { Restores = true };
        foreach (bool restores in (bool[])[false, true])
        {
            CaAttempt same = right with { Restores = restores };
            await Refused.For(Spent, () => device.Envelope(pair.WrappedKey, Recipient.PublicKey, (same with { Serial = OtherSerial }).Build()));
            await Refused.For(Spent, () => device.Envelope(pair.WrappedKey, Recipient.PublicKey, (same with { Ca = device.Story.OtherCa }).Build()));
            await Refused.For(
                Spent, () => device.Envelope(pair.WrappedKey, Stranger.PublicKey, (same with { Recipient = Stranger.PublicKey }).Build()));

            KeyEnvelope again = await device.Envelope(pair.WrappedKey, Recipient.PublicKey, same.Build());
            TestDevice.OpenAsRecipient(again, pair, Recipient);
            TestDevice.OpenAsRecipient(await device.Envelope(again.BoundKey, Recipient.PublicKey, right.Build()), pair, Recipient);
        }

        Assert.Equal(1, device.Bindings);
    }

    [Fact]
    public async Task UnboundKeyOfAnOlderEpoch_IsRefused_BoundOnesOpen()
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        WrappedKeyPair bindsBefore = device.NewPair();
        WrappedKeyPair unused = device.NewPair();
        ReadOnlyMemory<byte> bound = await device.Bind(bindsBefore, Serial, Recipient.PublicKey);
        device.BeginEpoch();
        await device.Reopen();

        var genuine = new CaAttempt(device.Story, OtherSerial, Recipient.PublicKey);
        CaAttempt same = genuine with { Serial = Serial };
        foreach (ReadOnlyMemory<byte> old in (ReadOnlyMemory<byte>[])[bindsBefore.WrappedKey, unused.WrappedKey])
        {
            await Refused.For("older epoch", () => device.Envelope(old, Recipient.PublicKey, genuine.Build()));
            await Refused.For("older epoch", () => device.Envelope(old, Recipient.PublicKey, same.Build()));
        }

        await Refused.For("another serial number", () => device.Envelope(bound, Recipient.PublicKey, genuine.Build()));
        TestDevice.OpenAsRecipient(await device.Envelope(bound, Recipient.PublicKey, same.Build()), bindsBefore, Recipient);
        WrappedKeyPair fresh = device.NewPair();
        TestDevice.OpenAsRecipient(await device.Envelope(fresh.WrappedKey, Recipient.PublicKey, genuine.Build()), fresh, Recipient);
    }

    [Fact]
    public async Task TwoHundredAtOnceForTwoSerialNumbers_OneSerialNumberWins()
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        WrappedKeyPair pair = device.NewPair();
        EnvelopeAuthorization[] messages =
        [
            new CaAttempt(device.Story, Serial, Recipient.PublicKey).Build(),
            new CaAttempt(device.Story, OtherSerial, Recipient.PublicKey).Build(),
        ];
        using var start = new ManualResetEventSlim();
        Task<KeyEnvelope?>[] calls = [.. Enumerable.Range(0, 200).Select(i => Task.Run(async () =>
        {
            start.Wait(TestContext.Current.CancellationToken);
            try
            {
                return (KeyEnvelope?)await device.Envelope(pair.WrappedKey, Recipient.PublicKey, messages[i % 2]);
            }
            catch (HsmException e) when (e.Failure == HsmFailure.Refused)
            {
                Assert.Contains("The key is spent", e.Message, StringComparison.Ordinal);
                return null;
            }
        }))];
        start.Set();
        KeyEnvelope?[] envelopes = await Task.WhenAll(calls);

        bool firstWon = envelopes[0] is not null;
        for (int i = 0; i < envelopes.Length; i++)
        {
            Assert.Equal(firstWon == (i % 2 == 0), envelopes[i] is not null);
        }

        Assert.All(envelopes.OfType<KeyEnvelope>().Take(5), envelope => TestDevice.OpenAsRecipient(envelope, pair, Recipient));
        Assert.Equal(1, device.Bindings);
    }

    [Fact]
    public async Task ContentIsSignedByTheNamedKey_AndCounted()
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        WrappedKeyPair pair = device.NewPair();
        EnvelopeAuthorization message = new CaAttempt(device.Story, Serial, Recipient.PublicKey).Build();

        KeyEnvelope envelope = await device.Envelope(pair.WrappedKey, Recipient.PublicKey, message, TestDevice.Signer);
        byte[] d = TestDevice.OpenAsRecipient(envelope, pair, Recipient);
        KeyDescription signer = await device.Partition.FindKeyAsync(TestDevice.Signer);
        Sm2PublicKey key = Sm2PublicKey.FromBytes(signer.ToKey(TestDevice.Signer).PublicKey!.PublicKey.Span);
        Assert.True(key.Verify(d, envelope.ContentSignature!.Raw.Span));
        Assert.Equal(1, (await device.Partition.CountSignaturesAsync(TestDevice.Signer)).Value);

        Assert.Null((await device.Envelope(envelope.BoundKey, Recipient.PublicKey, message)).ContentSignature);
        Assert.Equal(1, (await device.Partition.CountSignaturesAsync(TestDevice.Signer)).Value);
    }

    [Fact]
    public async Task SignerThatIsNone_IsRefusedAndBindsNothing()
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        WrappedKeyPair pair = device.NewPair();
        EnvelopeAuthorization message = new CaAttempt(device.Story, Serial, Recipient.PublicKey).Build();
        Task<KeyEnvelope> SignedBy(KeyLabel signer) => device.Envelope(pair.WrappedKey, Recipient.PublicKey, message, signer);
        await Refused.With(HsmFailure.KeyNotFound, "no key nobody", () => SignedBy(new KeyLabel("nobody")));
        await Refused.With(HsmFailure.WrongKeyKind, "is of the kind EscrowKek", () => SignedBy(TestDevice.Kek));
        device.Faults.Set(new Fault(FaultKind.FailSigns, 1));
        await Refused.With(HsmFailure.DeviceError, "fault knob", () => SignedBy(TestDevice.Signer));
        Assert.Equal(0, device.Bindings);
        TestDevice.OpenAsRecipient(await SignedBy(TestDevice.Signer), pair, Recipient);
    }

    private static ApplyKeyReq Apply(
        CaAttempt attempt,
        AlgorithmIdentifier? keyType = null,
        int bits = 256,
        string asymmetric = Oids.Sm2Encrypt,
        string symmetric = Oids.Sm4,
        string hash = Oids.Sm3) => new(
            keyType ?? new AlgorithmIdentifier(Oids.Sm2),
            bits,
            new AlgorithmIdentifier(asymmetric),
            new AlgorithmIdentifier(symmetric),
            new AlgorithmIdentifier(hash),
            attempt.Story.ApplyRequest(attempt.Serial, attempt.Recipient).AppUserInfo);

    private static SubjectPublicKeyInfo Compressed(SubjectPublicKeyInfo key)
    {
        ReadOnlySpan<byte> point = key.PublicKey.Span;
        return key with { PublicKey = (byte[])[(byte)(0x02 + (point[64] & 1)), .. point[1..33]] };
    }

    private static SubjectPublicKeyInfo OffCurve(SubjectPublicKeyInfo key)
    {
        byte[] point = key.PublicKey.ToArray();
        point[64] ^= 1;
        return key with { PublicKey = point };
    }
}
