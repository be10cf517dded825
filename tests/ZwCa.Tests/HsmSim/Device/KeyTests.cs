using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator.Wire;
using ZwCa.HsmSim.Device;

namespace ZwCa.Tests.HsmSim.Device;

/// <summary>Keys: made once, used for one thing, kept over a restart, counted. .NET judges RSA and ECDSA.</summary>
public sealed class KeyTests
{
    private static readonly KeyLabel Label = new("a.key_1");

    public static TheoryData<HsmKeyKind> Kinds => [.. Enum.GetValues<HsmKeyKind>()];

    public static TheoryData<HsmKeyKind, SignatureScheme> Signings => new(
        from kind in (HsmKeyKind[])[HsmKeyKind.Sm2, HsmKeyKind.P256, HsmKeyKind.Rsa2048, HsmKeyKind.Rsa3072, HsmKeyKind.Rsa4096]
        from scheme in Enum.GetValues<SignatureScheme>()
        where scheme.Fits(kind)
        select (kind, scheme));

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Key_IsFoundAsItWasMade_AlsoAfterARestart(HsmKeyKind kind)
    {
        await using var device = new TestDevice();
        await Refused.With(HsmFailure.KeyNotFound, "no key a.key_1", () => device.Partition.FindKeyAsync(Label));
        KeyDescription made = await device.Partition.GenerateKeyAsync(new NewKey(Label, kind));
        Assert.Equal(kind, made.Kind);
        Assert.Equal(kind.IsAsymmetric(), !made.PublicKey.IsEmpty);
        for (int i = 0; i < 2; i++)
        {
            KeyDescription found = await device.Partition.FindKeyAsync(Label);
            Assert.Equal(kind, found.Kind);
            Assert.Equal(made.PublicKey.ToArray(), found.PublicKey.ToArray());
            await Refused.With(HsmFailure.KeyExists, "a.key_1 is taken", () => device.Partition.GenerateKeyAsync(new NewKey(Label, kind)));
            await device.Reopen();
        }
    }

    [Theory]
    [MemberData(nameof(Signings))]
    public async Task Signatures_Verify_AndAreCounted_AlsoAfterARestart(HsmKeyKind kind, SignatureScheme scheme)
    {
        await using var device = new TestDevice();
        SubjectPublicKeyInfo publicKey = (await device.Partition.GenerateKeyAsync(new NewKey(Label, kind))).ToKey(Label).PublicKey!;
        int length = scheme.DigestLength();
        byte[] digests = new TestRandom().Bytes(5 * length);

        byte[] one = (await device.Partition.SignAsync(new SignRequest(Label, scheme, digests.AsMemory(0, length)))).Value.ToArray();
        Assert.True(Verify(publicKey, scheme, digests[..length], one));
        Assert.Equal(1, (await device.Partition.CountSignaturesAsync(Label)).Value);

        await device.Reopen();
        byte[] many = (await device.Partition.SignAsync(new SignRequest(Label, scheme, digests))).Value.ToArray();
        Assert.Equal(6, (await device.Partition.CountSignaturesAsync(Label)).Value);
        int signatureLength = scheme.SignatureLength(kind);
        Assert.Equal(5 * signatureLength, many.Length);
        for (int i = 0; i < 5; i++)
        {
            byte[] signature = many[(i * signatureLength)..((i + 1) * signatureLength)];
            Assert.True(Verify(publicKey, scheme, digests[(i * length)..((i + 1) * length)], signature));
            Assert.False(Verify(publicKey, scheme, digests[(((i + 1) % 5) * length)..][..length], signature));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Key_DoesOneThingOnly(HsmKeyKind kind)
    {
        await using var device = new TestDevice(allowSm2Decrypt: true);
        await device.Partition.GenerateKeyAsync(new NewKey(Label, kind));
        foreach (SignatureScheme scheme in Enum.GetValues<SignatureScheme>())
        {
            Task Sign() => device.Partition.SignAsync(new SignRequest(Label, scheme, new byte[scheme.DigestLength()]));
            await (scheme.Fits(kind) ? Sign() : Refused.With(HsmFailure.WrongKeyKind, $"is of the kind {kind}", Sign));
        }

        Dictionary<HsmKeyKind, Action> uses = new()
        {
            [HsmKeyKind.HmacSm3] = () => device.Partition.ComputeHmac(new KeyedData(Label, new byte[1])),
            [HsmKeyKind.DataKek] = () => device.Partition.WrapKey(new WrapRequest(Label, new byte[1], default)),
            [HsmKeyKind.EscrowKek] = () => device.Partition.GenerateWrappedPairs(new PairsRequest(Label, 1)),
        };
        foreach ((HsmKeyKind able, Action use) in uses)
        {
            if (able == kind)
            {
                use();
            }
            else
            {
                Refused.Now(HsmFailure.WrongKeyKind, $"is of the kind {kind}", use);
            }
        }

        Refused.Now(
            kind == HsmKeyKind.Sm2Decryption ? HsmFailure.BadInput : HsmFailure.WrongKeyKind,
            "a.key_1",
            () => device.Partition.Decrypt(new KeyedData(Label, new byte[98])));
        Refused.Now(
            kind == HsmKeyKind.DataKek ? HsmFailure.BadInput : HsmFailure.WrongKeyKind,
            "a.key_1",
            () => device.Partition.UnwrapKey(new WrapRequest(Label, new byte[40], default)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(31)]
    [InlineData(33)]
    [InlineData(4097 * 32)]
    public async Task DigestsOfAnotherLength_AreBadInput_AndNotCounted(int length)
    {
        await using var device = new TestDevice();
        await device.Partition.GenerateKeyAsync(new NewKey(Label, HsmKeyKind.Sm2));
        await Refused.With(
            HsmFailure.BadInput, "digests of 32 bytes", () => device.Partition.SignAsync(new SignRequest(Label, SignatureScheme.Sm2, new byte[length])));
        Assert.Equal(0, (await device.Partition.CountSignaturesAsync(Label)).Value);
        Bytes most = await device.Partition.SignAsync(new SignRequest(Label, SignatureScheme.Sm2, new byte[4096 * 32]));
        Assert.Equal(4096 * 64, most.Value.Length);
        Assert.Equal(4096, (await device.Partition.CountSignaturesAsync(Label)).Value);
    }

    /// <summary>Who has a client's credential fills neither disk nor memory, and what is there can still be backed up in one answer.</summary>
    [Fact]
    public async Task AsManyKeysAsAPartitionTakes_AreMade_AndNoMore()
    {
        const int TooMany = 20;
        await using var device = new TestDevice();
        KeyLabel first = new("first");
        await device.Partition.GenerateKeyAsync(new NewKey(first, HsmKeyKind.HmacSm3));
        bool[] made = await Task.WhenAll(Enumerable.Range(1, OpenPartition.MaxKeys - 1 + TooMany).Select(async i =>
        {
            try
            {
                await device.Partition.GenerateKeyAsync(new NewKey(new KeyLabel($"key-{i}"), HsmKeyKind.HmacSm3));
                return true;
            }
            catch (HsmException e) when (e.Failure == HsmFailure.Refused && e.Message.Contains("no more are made", StringComparison.Ordinal))
            {
                return false;
            }
        }));

        Assert.Equal(TooMany, made.Count(each => !each));
        await Refused.With(HsmFailure.KeyExists, "is taken", () => device.Partition.GenerateKeyAsync(new NewKey(first, HsmKeyKind.HmacSm3)));
        Assert.Equal(OpenPartition.MaxKeys, device.Look(static state => state.Keys.Count));
    }

    [Fact]
    public async Task SixteenMakeOneLabelAtOnce_OneWins()
    {
        await using var device = new TestDevice();
        KeyDescription?[] made = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(async () =>
        {
            try
            {
                return (KeyDescription?)await device.Partition.GenerateKeyAsync(new NewKey(Label, i % 4 == 0 ? HsmKeyKind.Rsa2048 : HsmKeyKind.Sm2));
            }
            catch (HsmException e) when (e.Failure == HsmFailure.KeyExists)
            {
                return null;
            }
        })));
        KeyDescription won = Assert.Single(made, each => each is not null)!.Value;
        Assert.Equal(won.PublicKey.ToArray(), (await device.Partition.FindKeyAsync(Label)).PublicKey.ToArray());
        await device.Reopen();
        Assert.Equal(won.PublicKey.ToArray(), (await device.Partition.FindKeyAsync(Label)).PublicKey.ToArray());
    }

    [Theory]
    [InlineData(HsmKeyKind.Rsa2048, SignatureScheme.RsaPssSha256)]
    [InlineData(HsmKeyKind.P256, SignatureScheme.EcdsaSha256)]
    [InlineData(HsmKeyKind.Sm2, SignatureScheme.Sm2)]
    public async Task ManyThreadsSignWithOneKey_EverySignatureVerifiesAndCounts(HsmKeyKind kind, SignatureScheme scheme)
    {
        await using var device = new TestDevice();
        SubjectPublicKeyInfo publicKey = (await device.Partition.GenerateKeyAsync(new NewKey(Label, kind))).ToKey(Label).PublicKey!;
        byte[] seed = new TestRandom().Bytes(16);
        await Task.WhenAll(Enumerable.Range(0, 32).Select(i => Task.Run(async () =>
        {
            byte[] digests = [.. SHA256.HashData([.. seed, (byte)i]), .. SHA256.HashData([.. seed, (byte)i, 1])];
            byte[] signatures = (await device.Partition.SignAsync(new SignRequest(Label, scheme, digests))).Value.ToArray();
            Assert.True(Verify(publicKey, scheme, digests[..32], signatures[..(signatures.Length / 2)]));
            Assert.True(Verify(publicKey, scheme, digests[32..], signatures[(signatures.Length / 2)..]));
        })));
        Assert.Equal(64, (await device.Partition.CountSignaturesAsync(Label)).Value);
    }

    [Fact]
    public async Task FaultKnob_LetsSignaturesFail()
    {
        await using var device = new TestDevice();
        await device.Partition.GenerateKeyAsync(new NewKey(Label, HsmKeyKind.Sm2));
        var request = new SignRequest(Label, SignatureScheme.Sm2, new byte[32]);
        device.Faults.Set(new Fault(FaultKind.FailSigns, 2));
        await Refused.With(HsmFailure.DeviceError, "fault knob", () => device.Partition.SignAsync(request));
        await Refused.With(HsmFailure.DeviceError, "fault knob", () => device.Partition.SignAsync(request));
        Assert.Equal(64, (await device.Partition.SignAsync(request)).Value.Length);
        Assert.Equal(1, (await device.Partition.CountSignaturesAsync(Label)).Value);
    }

    [Fact]
    public async Task Hmac_DependsOnKeyAndData_AndSurvivesARestart()
    {
        await using var device = new TestDevice();
        var other = new KeyLabel("another");
        await device.Partition.GenerateKeyAsync(new NewKey(Label, HsmKeyKind.HmacSm3));
        await device.Partition.GenerateKeyAsync(new NewKey(other, HsmKeyKind.HmacSm3));
        byte[] data = new TestRandom().Bytes(1 << 16);
        byte[] mac = device.Partition.ComputeHmac(new KeyedData(Label, data)).Value.ToArray();
        Assert.Equal(32, mac.Length);
        Assert.NotEqual(mac, device.Partition.ComputeHmac(new KeyedData(other, data)).Value.ToArray());
        Assert.NotEqual(mac, device.Partition.ComputeHmac(new KeyedData(Label, data[1..])).Value.ToArray());
        Refused.Now(HsmFailure.BadInput, "at most 65536", () => device.Partition.ComputeHmac(new KeyedData(Label, new byte[(1 << 16) + 1])));
        await device.Reopen();
        Assert.Equal(mac, device.Partition.ComputeHmac(new KeyedData(Label, data)).Value.ToArray());
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(16, 5)]
    [InlineData(64, 256)]
    public async Task DataKey_UnwrapsAsItWasWrapped_AndNoOtherWay(int length, int contextLength)
    {
        await using var device = new TestDevice();
        var other = new KeyLabel("another");
        await device.Partition.GenerateKeyAsync(new NewKey(Label, HsmKeyKind.DataKek));
        await device.Partition.GenerateKeyAsync(new NewKey(other, HsmKeyKind.DataKek));
        var random = new TestRandom();
        byte[] dataKey = random.Bytes(length);
        byte[] context = random.Bytes(contextLength);
        byte[] wrapped = device.Partition.WrapKey(new WrapRequest(Label, dataKey, context)).Value.ToArray();
        Assert.NotEqual(wrapped, device.Partition.WrapKey(new WrapRequest(Label, dataKey, context)).Value.ToArray());

        for (int i = 0; i < wrapped.Length; i++)
        {
            byte[] changed = [.. wrapped];
            changed[i] ^= 0x10;
            AssertBad(Label, changed, context);
            AssertBad(Label, wrapped[..i], context);
        }

        AssertBad(other, wrapped, context);
        AssertBad(Label, wrapped, [.. context.Length < 256 ? context : context[1..], 0xAA]);
        await device.Reopen();
        Assert.Equal(dataKey, device.Partition.UnwrapKey(new WrapRequest(Label, wrapped, context)).Value.ToArray());

        void AssertBad(KeyLabel kek, byte[] given, byte[] with) =>
            Refused.Now(HsmFailure.BadInput, "did not wrap that", () => device.Partition.UnwrapKey(new WrapRequest(kek, given, with)));
    }

    [Fact]
    public async Task DataKeysAndContextsOfOtherLengths_AreBadInput()
    {
        await using var device = new TestDevice();
        await device.Partition.GenerateKeyAsync(new NewKey(Label, HsmKeyKind.DataKek));
        Refused.Now(HsmFailure.BadInput, "1 to 64 bytes", () => device.Partition.WrapKey(new WrapRequest(Label, default, default)));
        Refused.Now(HsmFailure.BadInput, "1 to 64 bytes", () => device.Partition.WrapKey(new WrapRequest(Label, new byte[65], default)));
        Refused.Now(HsmFailure.BadInput, "at most 256", () => device.Partition.WrapKey(new WrapRequest(Label, new byte[64], new byte[257])));
        Refused.Now(HsmFailure.BadInput, "at most 256", () => device.Partition.UnwrapKey(new WrapRequest(Label, new byte[64], new byte[257])));
    }

    [Fact]
    public async Task Sm2Decryption_NeedsThePolicy()
    {
        await using var device = new TestDevice();
        EscrowStory story = device.Story;
        Assert.False(device.Partition.Welcome().Capabilities.HasFlag(HsmCapabilities.Sm2Decryption));
        SubjectPublicKeyInfo publicKey = (await device.Partition.GenerateKeyAsync(new NewKey(Label, HsmKeyKind.Sm2Decryption))).ToKey(Label).PublicKey!;
        byte[] message = new TestRandom().Bytes(100);
        byte[] ciphertext = Sm2PublicKey.FromBytes(publicKey.PublicKey.Span).Encrypt(message);
        Refused.Now(HsmFailure.Refused, "does not allow", () => device.Partition.Decrypt(new KeyedData(Label, ciphertext)));

        await device.Partition.InstallPolicyAsync(story.SignedByHolders(story.Policy(1, allowSm2Decrypt: true)));
        Assert.True(device.Partition.Welcome().Capabilities.HasFlag(HsmCapabilities.Sm2Decryption));
        Assert.Equal(message, device.Partition.Decrypt(new KeyedData(Label, ciphertext)).Value.ToArray());
        ciphertext[^1] ^= 1;
        Refused.Now(HsmFailure.BadInput, "Not an SM2 ciphertext", () => device.Partition.Decrypt(new KeyedData(Label, ciphertext)));
        Refused.Now(HsmFailure.BadInput, "is longer than 97", () => device.Partition.Decrypt(new KeyedData(Label, ciphertext[..97])));

        await device.Partition.InstallPolicyAsync(story.SignedByHolders(story.Policy(2)));
        Refused.Now(HsmFailure.Refused, "does not allow", () => device.Partition.Decrypt(new KeyedData(Label, ciphertext)));
    }

    [Fact]
    public async Task RandomBytes_AreAsManyAsAsked()
    {
        await using var device = new TestDevice();
        Assert.Equal(1 << 16, device.Partition.GetRandom(1 << 16).Value.Length);
        Assert.NotEqual(device.Partition.GetRandom(16).Value.ToArray(), device.Partition.GetRandom(16).Value.ToArray());
        Refused.Now(HsmFailure.BadInput, "1 to 65536", () => device.Partition.GetRandom(0));
        Refused.Now(HsmFailure.BadInput, "1 to 65536", () => device.Partition.GetRandom((1 << 16) + 1));
    }

    private static bool Verify(SubjectPublicKeyInfo publicKey, SignatureScheme scheme, byte[] digest, byte[] signature)
    {
        switch (scheme)
        {
            case SignatureScheme.Sm2:
                return Sm2PublicKey.FromBytes(publicKey.PublicKey.Span).VerifyDigest(digest, signature);
            case SignatureScheme.EcdsaSha256:
                using (var ecdsa = ECDsa.Create())
                {
                    ecdsa.ImportSubjectPublicKeyInfo(Der.Encode(publicKey), out _);
                    return ecdsa.VerifyHash(digest, signature);
                }

            default:
                using (var rsa = RSA.Create())
                {
                    rsa.ImportSubjectPublicKeyInfo(Der.Encode(publicKey), out _);
                    HashAlgorithmName hash = scheme.DigestLength() switch
                    {
                        32 => HashAlgorithmName.SHA256,
                        48 => HashAlgorithmName.SHA384,
                        _ => HashAlgorithmName.SHA512,
                    };
                    return rsa.VerifyHash(digest, signature, hash, scheme < SignatureScheme.RsaPssSha256 ? RSASignaturePadding.Pkcs1 : RSASignaturePadding.Pss);
                }
        }
    }
}
