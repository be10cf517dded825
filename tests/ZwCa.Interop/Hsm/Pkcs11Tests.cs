using System.Security.Cryptography;
using System.Text;
using ZwCa.Hsm;
using ZwCa.Hsm.Pkcs11;
using static ZwCa.Hsm.Pkcs11.Cryptoki;

namespace ZwCa.Interop.Hsm;

/// <summary>The driver with SoftHSM 2; openssl judges what it signs.</summary>
public sealed class Pkcs11Tests : IDisposable
{
    private const string Token = "测试令牌";
    private static readonly byte[] Message = Encoding.UTF8.GetBytes("签名的内容");

    private readonly SoftHsm _softHsm = new("other", Token);
    private readonly CancellationToken _cancellation = TestContext.Current.CancellationToken;

    public void Dispose() => _softHsm.Dispose();

    [Theory]
    [InlineData(HsmKeyKind.Rsa2048)]
    [InlineData(HsmKeyKind.Rsa3072)]
    [InlineData(HsmKeyKind.Rsa4096)]
    [InlineData(HsmKeyKind.P256)]
    public async Task EachKindOfKey_SignsByEverySchemeThatFitsIt(HsmKeyKind kind)
    {
        using var openssl = new OpenSsl();
        await using Pkcs11Hsm hsm = await Connect();
        HsmKey key = await hsm.GenerateKeyAsync(new KeyLabel("ca"), kind, _cancellation);

        SignatureScheme[] schemes = [.. Enum.GetValues<SignatureScheme>().Where(s => s.Fits(kind))];

        Assert.NotEmpty(schemes);
        foreach (SignatureScheme scheme in schemes)
        {
            byte[] signature = await hsm.SignAsync(key, scheme, scheme.Digest(Message), _cancellation);
            Assert.Equal(scheme.SignatureLength(kind), signature.Length);
            openssl.VerifiesDeviceSignature(scheme, key.PublicKey!, Message, signature);
        }
    }

    [Theory]
    [InlineData(HsmKeyKind.Rsa2048)]
    [InlineData(HsmKeyKind.P256)]
    public async Task Key_IsFoundByItsLabel_AlsoByAnotherConnection(HsmKeyKind kind)
    {
        await using Pkcs11Hsm hsm = await Connect();
        HsmKey key = await hsm.GenerateKeyAsync(new KeyLabel("ca.1"), kind, _cancellation);
        await hsm.GenerateKeyAsync(new KeyLabel("ca.10"), HsmKeyKind.P256, _cancellation);
        await using Pkcs11Hsm another = await Connect();

        Assert.Equal(key, await hsm.FindKeyAsync(key.Label, _cancellation));
        Assert.Equal(key, await another.FindKeyAsync(key.Label, _cancellation));
        Assert.Null(await hsm.FindKeyAsync(new KeyLabel("ca"), _cancellation));
    }

    [Fact]
    public async Task TakenLabel_IsRefused()
    {
        await using Pkcs11Hsm hsm = await Connect();
        HsmKey key = await hsm.GenerateKeyAsync(new KeyLabel("ca"), HsmKeyKind.P256, _cancellation);

        await Fails(HsmFailure.KeyExists, "label ca already", () => hsm.GenerateKeyAsync(key.Label, HsmKeyKind.P256, _cancellation));

        Assert.Equal(key, await hsm.FindKeyAsync(key.Label, _cancellation));
    }

    [Fact]
    public async Task Token_SaysWhatItIsAndWhatItCan()
    {
        await using Pkcs11Hsm hsm = await Connect();

        Assert.Equal(Token, hsm.Token.Label);
        Assert.Equal(_softHsm.Tokens.Single(t => t.Label == Token).Serial, hsm.Token.Serial);
        Assert.Contains("SoftHSM", hsm.Token.Model);
        Assert.Equal(HsmCapabilities.Random, hsm.Token.Capabilities);
        Assert.Equal([HsmKeyKind.Rsa2048, HsmKeyKind.Rsa3072, HsmKeyKind.Rsa4096, HsmKeyKind.P256], hsm.Token.KeyKinds.Order());
    }

    [Fact]
    public async Task WhatPkcs11Lacks_IsNotSupported()
    {
        await using Pkcs11Hsm hsm = await Connect();
        var sm2 = new HsmKey(new KeyLabel("sm2"), HsmKeyKind.Sm2, null);
        byte[] digest = new byte[32];
        Func<Task>[] calls =
        [
            () => hsm.GenerateKeyAsync(sm2.Label, HsmKeyKind.Sm2, _cancellation),
            () => hsm.GenerateKeyAsync(sm2.Label, HsmKeyKind.HmacSm3, _cancellation),
            () => hsm.SignAsync(sm2, SignatureScheme.Sm2, digest, _cancellation),
            () => hsm.SignManyAsync(sm2, SignatureScheme.Sm2, digest, _cancellation),
            () => hsm.GetSignatureCountAsync(sm2, _cancellation),
            () => hsm.ComputeHmacAsync(sm2, digest, _cancellation),
            () => hsm.WrapKeyAsync(sm2, digest, digest, _cancellation),
            () => hsm.UnwrapKeyAsync(sm2, digest, digest, _cancellation),
            () => hsm.DecryptAsync(sm2, digest, _cancellation),
            () => hsm.GenerateWrappedKeyPairsAsync(sm2, 1, _cancellation),
            () => hsm.EnvelopeKeyAsync(digest, null!, null!, null, _cancellation),
        ];

        foreach (Func<Task> call in calls)
        {
            Assert.Contains($"The token {Token}", (await Assert.ThrowsAsync<NotSupportedException>(call)).Message);
        }
    }

    [Fact]
    public async Task SignaturesInParallel_AreEachOverTheirOwnDigest()
    {
        using RSA judge = RSA.Create();
        await using Pkcs11Hsm hsm = await Pkcs11Hsm.ConnectAsync(_softHsm.Options(Token, sessions: 3), _cancellation);
        HsmKey key = await hsm.GenerateKeyAsync(new KeyLabel("ca"), HsmKeyKind.Rsa2048, _cancellation);
        HsmKey other = await hsm.GenerateKeyAsync(new KeyLabel("other"), HsmKeyKind.Rsa2048, _cancellation);
        byte[][] digests = [.. Enumerable.Range(0, 40).Select(i => SHA256.HashData(BitConverter.GetBytes(i)))];

        Task<byte[]> many = hsm.SignManyAsync(key, SignatureScheme.RsaPkcs1Sha256, digests.SelectMany(d => d).ToArray(), _cancellation);
        byte[][] single = await Task.WhenAll(digests.Select(d => hsm.SignAsync(other, SignatureScheme.RsaPkcs1Sha256, d, _cancellation)));

        Verify(key, [.. (await many).Chunk(256)]);
        Verify(other, single);

        void Verify(HsmKey signer, byte[][] signatures)
        {
            judge.ImportSubjectPublicKeyInfo(Asn1.Der.Encode(signer.PublicKey!), out _);
            Assert.Equal(digests.Length, signatures.Length);
            Assert.All(digests.Zip(signatures), pair =>
                Assert.True(judge.VerifyHash(pair.First, pair.Second, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)));
        }
    }

    [Fact]
    public async Task Random_IsAsLongAsAskedForAndNeverTheSame()
    {
        await using Pkcs11Hsm hsm = await Connect();

        byte[] first = await hsm.GetRandomAsync(32, _cancellation);
        byte[] second = await hsm.GetRandomAsync(32, _cancellation);

        Assert.Equal((32, 32), (first.Length, second.Length));
        Assert.NotEqual(first, second);
        Assert.Equal(65536, (await hsm.GetRandomAsync(65536, _cancellation)).Length);
        await Assert.ThrowsAsync<ArgumentException>(() => hsm.GetRandomAsync(65537, _cancellation));
    }

    [Theory]
    [InlineData(HsmKeyKind.Rsa2048)]
    [InlineData(HsmKeyKind.P256)]
    public async Task PrivateKey_CannotBeRead(HsmKeyKind kind)
    {
        await using Pkcs11Hsm hsm = await Connect();
        await hsm.GenerateKeyAsync(new KeyLabel("ca"), kind, _cancellation);
        using var raw = new RawSession(_softHsm, Token);
        nuint key = Assert.Single(raw.Find((CKA_CLASS, Template.Value(CKO_PRIVATE_KEY)), (CKA_LABEL, "ca"u8.ToArray())));

        Assert.Equal(CkResult.CKR_ATTRIBUTE_SENSITIVE, Assert.Throws<CkException>(() => raw.Get(key, kind.IsRsa() ? CKA_PRIVATE_EXPONENT : CKA_VALUE)).Result);
        Assert.All([CKA_SENSITIVE, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE, CKA_LOCAL, CKA_TOKEN, CKA_PRIVATE, CKA_SIGN], a => Assert.Equal([1], raw.Get(key, a)));
        Assert.All([CKA_EXTRACTABLE, CKA_MODIFIABLE, CKA_DECRYPT, CKA_UNWRAP, CKA_DERIVE], a => Assert.Equal([0], raw.Get(key, a)));
        Assert.Equal(16, raw.Get(key, CKA_ID)!.Length);
    }

    [Theory]
    [InlineData(true, true, true, "CKA_EXTRACTABLE is not false")]
    [InlineData(false, false, true, "CKA_TOKEN is not true")]
    [InlineData(false, true, false, "CKA_PRIVATE is not true")]
    public async Task KeyThatCanBeExported_OrIsGoneWithASession_OrNeedsNoPin_IsRefused(bool extractable, bool isToken, bool isPrivate, string reason)
    {
        await using Pkcs11Hsm hsm = await Connect();
        using var raw = new RawSession(_softHsm, Token);
        raw.MakeP256("ca", extractable, isToken, isPrivate);

        await Fails(HsmFailure.Refused, reason, () => hsm.FindKeyAsync(new KeyLabel("ca"), _cancellation));
    }

    [Fact]
    public async Task TwoKeysOfOneLabel_AreRefused()
    {
        await using Pkcs11Hsm hsm = await Connect();
        HsmKey key = await hsm.GenerateKeyAsync(new KeyLabel("ca"), HsmKeyKind.P256, _cancellation);
        using var raw = new RawSession(_softHsm, Token);
        raw.MakeP256("ca", extractable: false);

        await Fails(HsmFailure.DeviceError, "more than one private key with the label ca", () => hsm.FindKeyAsync(key.Label, _cancellation));
        await Fails(HsmFailure.DeviceError, "more than one", () => hsm.SignAsync(key, SignatureScheme.EcdsaSha256, new byte[32], _cancellation));
    }

    [Fact]
    public async Task KeyOfAnotherKind_IsRefused()
    {
        await using Pkcs11Hsm hsm = await Connect();
        using var raw = new RawSession(_softHsm, Token);
        raw.MakeP384("ca");

        await Fails(HsmFailure.WrongKeyKind, "neither RSA", () => hsm.FindKeyAsync(new KeyLabel("ca"), _cancellation));
    }

    [Fact]
    public async Task KeyThatIsGone_IsNotFound_AndItsSuccessorNotTakenForIt()
    {
        await using Pkcs11Hsm hsm = await Connect();
        HsmKey key = await hsm.GenerateKeyAsync(new KeyLabel("ca"), HsmKeyKind.P256, _cancellation);
        await hsm.SignAsync(key, SignatureScheme.EcdsaSha256, new byte[32], _cancellation);
        using var raw = new RawSession(_softHsm, Token);

        raw.DestroyAll("ca");
        await Fails(HsmFailure.KeyNotFound, "has no key ca", () => hsm.SignAsync(key, SignatureScheme.EcdsaSha256, new byte[32], _cancellation));
        Assert.Null(await hsm.FindKeyAsync(key.Label, _cancellation));

        HsmKey successor = await hsm.GenerateKeyAsync(key.Label, HsmKeyKind.P256, _cancellation);
        await Fails(HsmFailure.KeyNotFound, "another key", () => hsm.SignAsync(key, SignatureScheme.EcdsaSha256, new byte[32], _cancellation));
        Assert.Equal(64, (await hsm.SignAsync(successor, SignatureScheme.EcdsaSha256, new byte[32], _cancellation)).Length);
    }

    [Fact]
    public async Task PublicKeyGone_IsSaid()
    {
        await using Pkcs11Hsm hsm = await Connect();
        HsmKey key = await hsm.GenerateKeyAsync(new KeyLabel("ca"), HsmKeyKind.P256, _cancellation);
        using var raw = new RawSession(_softHsm, Token);
        raw.DestroyAll("ca", CKO_PUBLIC_KEY);

        await Fails(HsmFailure.KeyNotFound, "no public key with its label and CKA_ID", () => hsm.FindKeyAsync(key.Label, _cancellation));
    }

    [Fact]
    public async Task WrongInput_IsTheCallersMistake()
    {
        await using Pkcs11Hsm hsm = await Connect();
        HsmKey key = await hsm.GenerateKeyAsync(new KeyLabel("ca"), HsmKeyKind.P256, _cancellation);

        await Assert.ThrowsAsync<ArgumentException>(() => hsm.SignAsync(key, SignatureScheme.EcdsaSha256, new byte[31], _cancellation));
        await Assert.ThrowsAsync<ArgumentException>(() => hsm.SignAsync(key, SignatureScheme.RsaPkcs1Sha256, new byte[32], _cancellation));
        await Assert.ThrowsAsync<ArgumentException>(() => hsm.SignManyAsync(key, SignatureScheme.EcdsaSha256, new byte[65], _cancellation));
        Assert.Empty(await hsm.SignManyAsync(key, SignatureScheme.EcdsaSha256, ReadOnlyMemory<byte>.Empty, _cancellation));
    }

    [Fact]
    public async Task DisposedDriver_RefusesCalls()
    {
        Pkcs11Hsm hsm = await Connect();
        await hsm.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => hsm.GetRandomAsync(1, _cancellation));
    }

    private Task<Pkcs11Hsm> Connect() => Pkcs11Hsm.ConnectAsync(_softHsm.Options(Token), _cancellation);

    private static async Task Fails(HsmFailure failure, string message, Func<Task> call)
    {
        HsmException e = await Assert.ThrowsAsync<HsmException>(call);
        Assert.Equal(failure, e.Failure);
        Assert.Contains(message, e.Message);
    }
}
