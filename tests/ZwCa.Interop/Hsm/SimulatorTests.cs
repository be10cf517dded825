using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Gm;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;

namespace ZwCa.Interop.Hsm;

/// <summary>Every operation of a partition through the driver and hsm-sim's own process; openssl judges where there is something to judge.</summary>
public sealed class SimulatorTests : IAsyncLifetime
{
    private static readonly byte[] Message = Encoding.UTF8.GetBytes("签名的内容");

    private readonly CancellationToken _cancellation = TestContext.Current.CancellationToken;
    private readonly HsmSimStore _store = new();
    private HsmSimProcess? _device;
    private SimulatorHsm? _hsm;

    private SimulatorHsm Hsm => _hsm!;

    public async ValueTask InitializeAsync()
    {
        _device = await _store.StartAsync();
        _hsm = await _store.ConnectAsync(_device);
    }

    public async ValueTask DisposeAsync()
    {
        await Hsm.DisposeAsync();
        Assert.Equal(0, await _device!.StopAsync());
        await _device.DisposeAsync();
        _store.Dispose();
    }

    [Theory]
    [InlineData(HsmKeyKind.Rsa2048)]
    [InlineData(HsmKeyKind.Rsa3072)]
    [InlineData(HsmKeyKind.Rsa4096)]
    [InlineData(HsmKeyKind.P256)]
    public async Task EachKindOfKey_SignsByEverySchemeThatFitsIt(HsmKeyKind kind)
    {
        using var openssl = new OpenSsl();
        HsmKey key = await Hsm.GenerateKeyAsync(new KeyLabel("ca"), kind, _cancellation);
        SignatureScheme[] schemes = [.. Enum.GetValues<SignatureScheme>().Where(scheme => scheme.Fits(kind))];

        Assert.NotEmpty(schemes);
        foreach (SignatureScheme scheme in schemes)
        {
            byte[] digest = scheme.Digest(Message);
            byte[] signature = await Hsm.SignAsync(key, scheme, digest, _cancellation);
            openssl.VerifiesDeviceSignature(scheme, key.PublicKey!, Message, signature);

            byte[] three = await Hsm.SignManyAsync(key, scheme, (byte[])[.. digest, .. digest, .. digest], _cancellation);
            foreach (byte[] each in three.Chunk(signature.Length))
            {
                openssl.VerifiesDeviceSignature(scheme, key.PublicKey!, Message, each);
            }
        }

        Assert.Equal(4 * schemes.Length, await Hsm.GetSignatureCountAsync(key, _cancellation));
    }

    [Fact]
    public async Task Sm2Key_SignsManyThatOpenSslAccepts()
    {
        using var openssl = new OpenSsl();
        HsmKey key = await Hsm.GenerateKeyAsync(new KeyLabel("ca"), HsmKeyKind.Sm2, _cancellation);
        var signer = new HsmSigner(Hsm, key);
        ReadOnlyMemory<byte>[] messages = [Message, new byte[] { 1 }, new byte[700]];

        IReadOnlyList<byte[]> signatures = await signer.SignManyAsync(messages, _cancellation);

        foreach ((ReadOnlyMemory<byte> message, byte[] signature) in messages.Zip(signatures))
        {
            openssl.VerifiesSignature(KeyKind.Sm2, key.PublicKey!, message.ToArray(), signature);
        }

        Assert.Equal(messages.Length, await Hsm.GetSignatureCountAsync(key, _cancellation));
    }

    /// <summary>Not before the policy allows it; the driver sees the new policy when it connects again.</summary>
    [Fact]
    public async Task WhatOpenSslEncrypted_IsDecryptedOnceThePolicyAllowsIt()
    {
        using var openssl = new OpenSsl();
        HsmKey key = await Hsm.GenerateKeyAsync(new KeyLabel("decrypt"), HsmKeyKind.Sm2Decryption, _cancellation);
        openssl.WritePem("device.pem", Pem.PublicKey, key.PublicKey!);
        byte[] cipher = openssl.Run(["pkeyutl", "-encrypt", "-pubin", "-inkey", "device.pem", "-in", openssl.Write("plain", Message)]).Bytes;
        ReadOnlyMemory<byte> raw = Der.Decode<Sm2Cipher>(cipher).Raw;

        await Assert.ThrowsAsync<NotSupportedException>(() => Hsm.DecryptAsync(key, raw, _cancellation));
        await _store.InstallPolicyAsync(_device!, policy => new PartitionPolicy(
            policy.Partition, policy.Version, policy.Clients, allowSm2Decrypt: true, policy.AuthorizingCas, policy.OfficerIssuers, policy.Recovery));
        await using SimulatorHsm again = await _store.ConnectAsync(_device!);

        Assert.Equal(Message, await again.DecryptAsync(key, raw, _cancellation));
        HsmException e = await Assert.ThrowsAsync<HsmException>(() => again.DecryptAsync(key, Flipped(raw), _cancellation));
        Assert.Equal(HsmFailure.BadInput, e.Failure);
    }

    [Fact]
    public async Task DataKey_IsUnwrappedWithItsContextOnly()
    {
        HsmKey kek = await Hsm.GenerateKeyAsync(new KeyLabel("kek"), HsmKeyKind.DataKek, _cancellation);
        byte[] dataKey = await Hsm.GetRandomAsync(16, _cancellation);
        byte[] context = "subscribers"u8.ToArray();
        byte[] wrapped = await Hsm.WrapKeyAsync(kek, dataKey, context, _cancellation);

        Assert.Equal(dataKey, await Hsm.UnwrapKeyAsync(kek, wrapped, context, _cancellation));
        foreach ((byte[] key, byte[] otherContext) in new[] { (wrapped, (byte[])[]), (Flipped(wrapped), context) })
        {
            HsmException e = await Assert.ThrowsAsync<HsmException>(() => Hsm.UnwrapKeyAsync(kek, key, otherContext, _cancellation));
            Assert.Equal(HsmFailure.BadInput, e.Failure);
        }
    }

    [Fact]
    public async Task Hmac_DependsOnKeyAndData()
    {
        HsmKey one = await Hsm.GenerateKeyAsync(new KeyLabel("index"), HsmKeyKind.HmacSm3, _cancellation);
        HsmKey other = await Hsm.GenerateKeyAsync(new KeyLabel("index-2"), HsmKeyKind.HmacSm3, _cancellation);
        byte[] mac = await Hsm.ComputeHmacAsync(one, Message, _cancellation);

        Assert.Equal(32, mac.Length);
        Assert.Equal(mac, await Hsm.ComputeHmacAsync(one, Message, _cancellation));
        Assert.NotEqual(mac, await Hsm.ComputeHmacAsync(other, Message, _cancellation));
        Assert.NotEqual(mac, await Hsm.ComputeHmacAsync(one, Flipped(Message), _cancellation));
    }

    [Fact]
    public async Task Key_IsFoundAgainAndItsLabelIsTaken()
    {
        HsmKey key = await Hsm.GenerateKeyAsync(new KeyLabel("ca"), HsmKeyKind.Sm2, _cancellation);

        Assert.Equal(key, await Hsm.FindKeyAsync(key.Label, _cancellation));
        Assert.Null(await Hsm.FindKeyAsync(new KeyLabel("other"), _cancellation));
        HsmException e = await Assert.ThrowsAsync<HsmException>(() => Hsm.GenerateKeyAsync(key.Label, HsmKeyKind.Sm2, _cancellation));
        Assert.Equal(HsmFailure.KeyExists, e.Failure);
    }

    /// <summary>What a service in production mode looks at.</summary>
    [Fact]
    public void Token_SaysWhatItIsAndThatItIsUnfitForProduction()
    {
        Assert.Equal(HsmSimStore.Partition, Hsm.Token.Label);
        Assert.Equal(32, Hsm.Token.Serial.Length);
        Assert.Equal(StoreMarks.AutoUnlock, Hsm.Token.Marks);
        Assert.Null(Hsm.Token.LastBackup);
        Assert.True(Hsm.Token.Can(HsmCapabilities.KeyEscrow | HsmCapabilities.SignatureCounter | HsmCapabilities.SignMany));
    }

    private static byte[] Flipped(ReadOnlyMemory<byte> bytes)
    {
        byte[] flipped = bytes.ToArray();
        flipped[^1] ^= 1;
        return flipped;
    }
}
