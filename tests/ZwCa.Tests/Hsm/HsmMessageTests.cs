using ZwCa.Hsm;

namespace ZwCa.Tests.Hsm;

/// <summary>A message in pieces is signed as the whole is: the device gets the same digest.</summary>
public sealed class HsmMessageTests
{
    public static TheoryData<HsmKeyKind, SignatureScheme> Schemes => new()
    {
        { HsmKeyKind.Sm2, SignatureScheme.Sm2 },
        { HsmKeyKind.P256, SignatureScheme.EcdsaSha256 },
        { HsmKeyKind.Rsa2048, SignatureScheme.RsaPkcs1Sha256 },
        { HsmKeyKind.Rsa2048, SignatureScheme.RsaPkcs1Sha384 },
        { HsmKeyKind.Rsa2048, SignatureScheme.RsaPssSha512 },
    };

    [Theory]
    [MemberData(nameof(Schemes))]
    public async Task PiecesOfAnySize_GiveTheDigestOfTheWhole(HsmKeyKind kind, SignatureScheme scheme)
    {
        var random = new TestRandom();
        await using var hsm = new MemoryHsm();
        using var digests = new DigestRecorder(hsm);
        var signer = new HsmSigner(digests, await hsm.GenerateKeyAsync(new KeyLabel("ca"), kind, TestContext.Current.CancellationToken), scheme);
        byte[] whole = random.Bytes(random.Next(5000));
        await signer.SignAsync(whole, TestContext.Current.CancellationToken);
        using HsmMessage message = signer.BeginMessage();
        for (int at = 0; at < whole.Length;)
        {
            int length = Math.Min(random.Next(200), whole.Length - at);
            message.Append(whole.AsSpan(at, length));
            at += length;
        }

        byte[] signature = await signer.SignAsync(message, TestContext.Current.CancellationToken);

        Assert.NotEmpty(signature);
        Assert.Equal(2, digests.Digests.Count);
        Assert.Equal(digests.Digests[0], digests.Digests[1]);
        Assert.Equal(digests.Digests[0], message.GetDigest().ToArray());
    }

    [Fact]
    public async Task AnotherSignersMessage_IsRefused()
    {
        await using var hsm = new MemoryHsm();
        var one = new HsmSigner(hsm, await hsm.GenerateKeyAsync(new KeyLabel("one"), HsmKeyKind.Sm2, TestContext.Current.CancellationToken));
        var other = new HsmSigner(hsm, await hsm.GenerateKeyAsync(new KeyLabel("other"), HsmKeyKind.Sm2, TestContext.Current.CancellationToken));
        using HsmMessage message = one.BeginMessage();

        await Assert.ThrowsAsync<ArgumentException>(() => other.SignAsync(message, TestContext.Current.CancellationToken));
        Assert.Empty(hsm.Calls);
    }

    [Fact]
    public async Task AMessageThatWasEnded_TakesNoMore()
    {
        await using var hsm = new MemoryHsm();
        var signer = new HsmSigner(hsm, await hsm.GenerateKeyAsync(new KeyLabel("ca"), HsmKeyKind.Sm2, TestContext.Current.CancellationToken));
        using HsmMessage message = signer.BeginMessage();
        await signer.SignAsync(message, TestContext.Current.CancellationToken);

        Assert.Throws<InvalidOperationException>(() => message.Append([1]));
    }

    /// <summary>Passes on to another device and keeps what it was given to sign.</summary>
    private sealed class DigestRecorder(IHsm hsm) : IHsm, IDisposable
    {
        public List<byte[]> Digests { get; } = [];

        public HsmToken Token => hsm.Token;

        public Task<HsmKey?> FindKeyAsync(KeyLabel label, CancellationToken cancellationToken = default) => hsm.FindKeyAsync(label, cancellationToken);

        public Task<HsmKey> GenerateKeyAsync(KeyLabel label, HsmKeyKind kind, CancellationToken cancellationToken = default) => hsm.GenerateKeyAsync(label, kind, cancellationToken);

        public Task<byte[]> SignAsync(HsmKey key, SignatureScheme scheme, ReadOnlyMemory<byte> digest, CancellationToken cancellationToken = default)
        {
            Digests.Add(digest.ToArray());
            return hsm.SignAsync(key, scheme, digest, cancellationToken);
        }

        public Task<byte[]> SignManyAsync(HsmKey key, SignatureScheme scheme, ReadOnlyMemory<byte> digests, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public Task<long> GetSignatureCountAsync(HsmKey key, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public Task<byte[]> GetRandomAsync(int count, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public Task<byte[]> ComputeHmacAsync(HsmKey key, ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public Task<byte[]> WrapKeyAsync(HsmKey kek, ReadOnlyMemory<byte> dataKey, ReadOnlyMemory<byte> context, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public Task<byte[]> UnwrapKeyAsync(HsmKey kek, ReadOnlyMemory<byte> wrappedKey, ReadOnlyMemory<byte> context, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public Task<byte[]> DecryptAsync(HsmKey key, ReadOnlyMemory<byte> ciphertext, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public Task<IReadOnlyList<WrappedKeyPair>> GenerateWrappedKeyPairsAsync(HsmKey kek, int count, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public Task<KeyEnvelope> EnvelopeKeyAsync(
            ReadOnlyMemory<byte> wrappedKey,
            ZwCa.Asn1.Pkix.SubjectPublicKeyInfo recipient,
            EnvelopeAuthorization authorization,
            HsmKey? signer = null,
            CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        public void Dispose() => Digests.Clear();
    }
}
