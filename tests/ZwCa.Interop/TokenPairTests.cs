using System.Security.Cryptography;
using System.Text;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Cms;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using Sm2Cipher = ZwCa.Asn1.Gm.Sm2Cipher;

namespace ZwCa.Interop;

/// <summary>A token whose CA, key management centre and correspondents are all openssl: it certifies, seals the encryption key, encrypts, and judges the receipt.</summary>
public sealed class TokenPairTests : IDisposable
{
    private const string TokenPin = "officer-pin-1";
    private const string Container = "a";

    private static readonly byte[] Message = Encoding.UTF8.GetBytes("公文");
    private static readonly byte[] PairId = new byte[DeliveryReceipt.PairLength];

    private readonly OpenSsl _openssl = new();
    private readonly TemporaryFolder _folder = new();
    private readonly UnlockedToken _token;
    private readonly SubjectPublicKeyInfo _signingKey;
    private readonly Certificate _signing;
    private readonly Certificate _encryption;
    private readonly byte[] _issuerKeyId;

    public TokenPairTests()
    {
        _token = SoftwareToken.Create(_folder.File("token"), "张三", TokenPin, demo: true, TimeProvider.System).Unlock(TokenPin);
        _signingKey = _token.CreateContainer(Container, TokenKeyKind.Sm2).PublicKey;
        _openssl.WritePem("signing.pub", Pem.PublicKey, _signingKey);
        NewKey("ca");
        NewKey("encryption");
        _openssl.Run(["req", "-x509", "-new", "-key", "ca.key", "-sm3", .. KeyKind.Sm2.SignOptions(), "-subj", "/C=CN/CN=CA", "-addext", "subjectKeyIdentifier=hash", "-days", "10", "-out", "ca.pem"]);
        _issuerKeyId = _openssl.ReadPem<Certificate>("ca.pem", Pem.Certificate).Tbs.Extensions!.Find<SubjectKeyIdentifier>()!.KeyIdentifier.ToArray();
        _signing = Certify("signing", "0x4001", "digitalSignature,nonRepudiation");
        _encryption = Certify("encryption", "0x4002", "keyEncipherment,dataEncipherment,keyAgreement");
    }

    public void Dispose()
    {
        _token.Dispose();
        _openssl.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void WhatOpensslEncryptedForTheCertificate_TheTokenDecrypts(bool blob)
    {
        SignedReceipt receipt = Import(blob);

        Assert.Equal(DeliveryOutcome.Accepted, receipt.Receipt.Outcome);
        Assert.Equal(Message, _token.Decrypt(Container, Ciphertext.Parse(Encrypt(Message))));
        byte[] document = RandomNumberGenerator.GetBytes(100_000);
        Assert.Equal(document, _token.Decrypt(Container, Ciphertext.Parse(Encrypt(document))));
    }

    [Fact]
    public void TheReceipt_IsVerified()
    {
        SignedReceipt receipt = Import(blob: false);

        _openssl.VerifiesSignature(KeyKind.Sm2, _signingKey, receipt.ReceiptBytes.ToArray(), Der.Encode(receipt.Signature));
        byte[] digest = _openssl.Run("dgst", "-sm3", "-binary", "envelope.der").Bytes;
        Assert.Equal(digest, receipt.Receipt.Envelope.ToArray());
    }

    [Fact]
    public void AnExportedEncryptionKey_IsReadAndDecrypts()
    {
        Import(blob: false);
        _openssl.Write("exported.key", Encoding.ASCII.GetBytes(_token.ExportEncryptionKey(Container, TokenPin)));
        _openssl.Write("cipher.der", Encrypt(Message));

        byte[] publicKey = _openssl.Run("pkey", "-in", "exported.key", "-passin", $"pass:{TokenPin}", "-pubout", "-outform", "DER").Bytes;
        Assert.Equal(Der.Encode(_encryption.Tbs.SubjectPublicKeyInfo), publicKey);
        Assert.Equal(Message, _openssl.Run("pkeyutl", "-decrypt", "-inkey", "exported.key", "-passin", $"pass:{TokenPin}", "-in", "cipher.der").Bytes);
    }

    /// <summary>GM/T 0010, each of its ciphertexts made by openssl.</summary>
    [Fact]
    public void AMessageInAnEnvelope_IsDecrypted()
    {
        Import(blob: false);
        byte[] key = RandomNumberGenerator.GetBytes(16);
        byte[] iv = RandomNumberGenerator.GetBytes(16);
        byte[] content = _openssl.Run(["enc", "-sm4-cbc", "-K", Convert.ToHexString(key), "-iv", Convert.ToHexString(iv)], Message).Bytes;
        var envelope = new EnvelopedData(
            [new RecipientInfo(new IssuerAndSerialNumber(_encryption.Tbs.Issuer, _encryption.Tbs.SerialNumber), Der.Decode<Sm2Cipher>(Encrypt(key)))],
            new EncryptedContentInfo(Oids.GmData, new AlgorithmIdentifier(Oids.Sm4Cbc, (byte[])[0x04, 16, .. iv]), content));

        Assert.Equal(Message, _token.Decrypt(Container, Ciphertext.Parse(Der.Encode(ContentInfo.Of(envelope)))));
    }

    /// <summary>The encryption key as a key management centre with nothing but openssl would send it.</summary>
    private SignedReceipt Import(bool blob)
    {
        byte[] key = RandomNumberGenerator.GetBytes(16);
        byte[] d = Der.Decode<EcPrivateKey>(_openssl.Run("ec", "-in", "encryption.key", "-outform", "DER").Bytes).PrivateKey.ToArray();
        byte[] encrypted = _openssl.Run(["enc", "-sm4-ecb", "-nopad", "-K", Convert.ToHexString(key)], [.. new byte[32], .. d]).Bytes;
        byte[] sealedKey = _openssl.Run(["pkeyutl", "-encrypt", "-pubin", "-inkey", "signing.pub"], key).Bytes;
        ReadOnlyMemory<byte> publicKey = _encryption.Tbs.SubjectPublicKeyInfo.PublicKey;
        Sm2Cipher cipher = Der.Decode<Sm2Cipher>(sealedKey);
        byte[] der = Der.Encode(new Sm2EnvelopedKey(cipher, publicKey, encrypted.AsMemory(32)));
        _openssl.Write("envelope.der", der);
        return _token.ImportPair(Container, _signing, _encryption, blob ? new EnvelopedKeyBlob(encrypted, publicKey, cipher).ToBytes() : der, PairId, _issuerKeyId);
    }

    private byte[] Encrypt(byte[] message)
    {
        _openssl.Write("plain", message);
        return _openssl.Run("pkeyutl", "-encrypt", "-certin", "-inkey", "encryption.pem", "-in", "plain").Bytes;
    }

    private void NewKey(string name)
    {
        _openssl.Run(["genpkey", .. KeyKind.Sm2.GenerateOptions(), "-out", $"{name}.key"]);
        _openssl.Run("pkey", "-in", $"{name}.key", "-pubout", "-out", $"{name}.pub");
    }

    private Certificate Certify(string name, string serial, string usage)
    {
        _openssl.Write($"{name}.ext", Encoding.ASCII.GetBytes($"keyUsage=critical,{usage}\nauthorityKeyIdentifier=keyid\n"));
        _openssl.Run([
            "x509", "-new", "-force_pubkey", $"{name}.pub", "-subj", "/C=CN/CN=user", "-CA", "ca.pem", "-CAkey", "ca.key", "-sm3", .. KeyKind.Sm2.SignOptions(),
            "-extfile", $"{name}.ext", "-days", "5", "-set_serial", serial, "-out", $"{name}.pem",
        ]);
        return _openssl.ReadPem<Certificate>($"{name}.pem", Pem.Certificate);
    }
}
