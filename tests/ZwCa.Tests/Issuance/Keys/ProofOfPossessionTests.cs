using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Issuance;
using Attribute = ZwCa.Asn1.Pkix.Attribute;

namespace ZwCa.Tests.Issuance.Keys;

public sealed class ProofOfPossessionTests : IDisposable
{
    private const string Sha1WithRsa = "1.2.840.113549.1.1.5";
    private const string EcdsaWithSha384 = "1.2.840.10045.4.3.3";

    private readonly Sm2PrivateKey _sm2 = Sm2PrivateKey.Generate();
    private readonly RSA _rsa = RSA.Create(2048);
    private readonly ECDsa _p256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public void Dispose()
    {
        _sm2.Dispose();
        _rsa.Dispose();
        _p256.Dispose();
    }

    [Fact]
    public void Sm2RequestUnderTheDefaultIdentity_GivesItsKey()
    {
        foreach (bool allowEmptyId in new[] { false, true })
        {
            CsrKey key = ProofOfPossession.Verify(Sm2Request(Sm2.DefaultId.ToArray()), allowEmptyId);

            Assert.Equal(Sm2Key, key.PublicKey);
            Assert.False(key.UsesEmptyId);
        }
    }

    [Fact]
    public void Sm2RequestUnderTheEmptyIdentity_IsTakenWhereAllowedAndToldApart()
    {
        CertificationRequest request = Sm2Request([]);

        Assert.True(ProofOfPossession.Verify(request, allowEmptyId: true).UsesEmptyId);
        Assert.Contains("1234567812345678", Refuse(request).Message);
    }

    [Fact]
    public void Sm2RequestUnderAnotherIdentity_IsRefused()
    {
        CertificationRequest request = Sm2Request("someone@example.cn"u8.ToArray());

        Refuse(request);
        Assert.Throws<RefusalException>(() => ProofOfPossession.Verify(request, allowEmptyId: true));
    }

    [Fact]
    public void Sm2RequestWithNullParameters_IsTaken()
    {
        byte[] info = Info(Sm2Key);
        var algorithm = new AlgorithmIdentifier(Oids.Sm3WithSm2, new byte[] { 5, 0 });

        ProofOfPossession.Verify(CertificationRequest.Assemble(info, algorithm, SignSm2(info, Sm2.DefaultId)), allowEmptyId: false);
        Refuse(CertificationRequest.Assemble(info, algorithm with { Parameters = new byte[] { 0x30, 0 } }, SignSm2(info, Sm2.DefaultId)));
    }

    [Fact]
    public void RequestOfDotNet_GivesItsKey()
    {
        var requests = new List<CertificateRequest> { new("CN=a", _p256, HashAlgorithmName.SHA256) };
        foreach (HashAlgorithmName hash in new[] { HashAlgorithmName.SHA256, HashAlgorithmName.SHA384, HashAlgorithmName.SHA512 })
        {
            requests.Add(new CertificateRequest("CN=a", _rsa, hash, RSASignaturePadding.Pkcs1));
            requests.Add(new CertificateRequest("CN=a", _rsa, hash, RSASignaturePadding.Pss));
        }

        foreach (CertificateRequest made in requests)
        {
            CertificationRequest request = CsrFile.Read(made.CreateSigningRequest());
            CsrKey key = ProofOfPossession.Verify(request, allowEmptyId: false);

            Assert.Equal(request.Info.SubjectPublicKeyInfo, key.PublicKey);
            Assert.False(key.UsesEmptyId);

            byte[] name = request.InfoBytes.ToArray();
            name[Array.LastIndexOf(name, (byte)'a', 40)] = (byte)'b';
            Refuse(CertificationRequest.Assemble(name, request.SignatureAlgorithm, request.Signature));
            Refuse(CertificationRequest.Assemble(request.InfoBytes, request.SignatureAlgorithm, request.Signature[..^1]));
        }
    }

    [Fact]
    public void AlgorithmThatIsNotAcceptedOrDoesNotFitTheKey_IsRefused()
    {
        (SubjectPublicKeyInfo Key, Func<byte[], byte[]> Sign, AlgorithmIdentifier[] Algorithms)[] cases =
        [
            (Sm2Key, m => SignSm2(m, Sm2.DefaultId), [AlgorithmIdentifier.EcdsaWithSha256, AlgorithmIdentifier.Sha256WithRsa, AlgorithmIdentifier.Sm2Key]),
            (P256Key, SignP256, [AlgorithmIdentifier.Sm3WithSm2, AlgorithmIdentifier.Sha256WithRsa, new AlgorithmIdentifier(EcdsaWithSha384),
                AlgorithmIdentifier.EcdsaWithSha256 with { Parameters = new byte[] { 5, 0 } }]),
            (RsaKey, SignRsa, [AlgorithmIdentifier.Sm3WithSm2, AlgorithmIdentifier.EcdsaWithSha256, AlgorithmIdentifier.Rsa,
                new AlgorithmIdentifier(Sha1WithRsa, new byte[] { 5, 0 }), AlgorithmIdentifier.Sha256WithRsa with { Parameters = new byte[] { 0x30, 0 } },
                new AlgorithmIdentifier(Oids.RsaPss), AlgorithmIdentifier.RsaPss(Oids.Sha256, 20)]),
        ];
        foreach ((SubjectPublicKeyInfo key, Func<byte[], byte[]> sign, AlgorithmIdentifier[] algorithms) in cases)
        {
            byte[] info = Info(key);
            foreach (AlgorithmIdentifier algorithm in algorithms)
            {
                Assert.Contains("签名算法", Refuse(CertificationRequest.Assemble(info, algorithm, sign(info))).Message);
            }
        }
    }

    [Fact]
    public void RsaSignatureWithoutParameters_IsTaken()
    {
        byte[] info = Info(RsaKey);

        ProofOfPossession.Verify(CertificationRequest.Assemble(info, new AlgorithmIdentifier(Oids.Sha256WithRsa), SignRsa(info)), allowEmptyId: false);
    }

    [Fact]
    public void RequestSignedByAnotherKey_IsRefused()
    {
        using var other = Sm2PrivateKey.Generate();
        byte[] info = Info(SubjectPublicKeyInfo.ForSm2(other.PublicKey.ToBytes()));

        Assert.Contains("持有私钥", Refuse(CertificationRequest.Assemble(info, AlgorithmIdentifier.Sm3WithSm2, SignSm2(info, Sm2.DefaultId))).Message);
    }

    [Fact]
    public void Sm2SignatureOfAnotherForm_IsRefused()
    {
        byte[] info = Info(Sm2Key);
        byte[] raw = new byte[64];
        _sm2.Sign(info, raw);

        foreach (byte[] signature in new[] { raw, [], new byte[] { 0x30, 0x06, 2, 1, 0, 2, 1, 0 }, [.. SignSm2(info, Sm2.DefaultId), 0] })
        {
            Refuse(CertificationRequest.Assemble(info, AlgorithmIdentifier.Sm3WithSm2, signature));
        }
    }

    /// <summary>What the platform's import and verification make of keys and signatures that nobody honest sends: a refusal, and nothing else.</summary>
    [Fact]
    public void HostileKeyOrSignature_IsRefusedWithASentence()
    {
        byte[] even = new byte[256];
        even[0] = 0x80;
        byte[] odd = [.. even[..^1], 1], full = new byte[1024];
        full.AsSpan().Fill(0xff);
        byte[] largeExponent = [0x7f, .. full[..31]];
        foreach ((byte[] modulus, byte[] exponent) in new[] { (even, largeExponent), (odd, largeExponent), (full, largeExponent), (full, [1, 0, 1]) })
        {
            SubjectPublicKeyInfo key = RsaKeyOf(modulus, exponent);
            byte[] info = Info(key);
            foreach (byte[] signature in new byte[][] { [], [0], new byte[modulus.Length], full[..modulus.Length], [.. full, 1], [.. new byte[modulus.Length - 1], 1] })
            {
                foreach (AlgorithmIdentifier algorithm in new[] { AlgorithmIdentifier.Sha256WithRsa, AlgorithmIdentifier.RsaPss(Oids.Sha512, 64) })
                {
                    Refuse(CertificationRequest.Assemble(info, algorithm, signature));
                }
            }
        }

        byte[] p256 = Info(P256Key), good = SignP256(p256);
        foreach (byte[] signature in new byte[][] { [], [0x30], [0x30, 0], [0x30, 0x06, 2, 1, 0, 2, 1, 0], [0x30, 0x06, 2, 1, 0xff, 2, 1, 0xff], good[..^1], [.. good, 0], new byte[64] })
        {
            Refuse(CertificationRequest.Assemble(p256, AlgorithmIdentifier.EcdsaWithSha256, signature));
        }
    }

    [Fact]
    public void KeyOfAnotherForm_IsRefusedAsAKey()
    {
        var weak = Sm2PrivateKey.FromBytes([.. new byte[31], 1]);
        SubjectPublicKeyInfo[] keys =
        [
            SubjectPublicKeyInfo.ForSm2(weak.PublicKey.ToBytes()), SubjectPublicKeyInfo.ForSm2((byte[])[4, .. new byte[64]]),
            RsaKey with { PublicKey = new byte[] { 0x30, 0 } }, RsaKey with { Algorithm = new AlgorithmIdentifier(Oids.RsaPss) },
        ];
        foreach (SubjectPublicKeyInfo key in keys)
        {
            byte[] info = Info(key);
            var request = CertificationRequest.Assemble(info, AlgorithmIdentifier.Sm3WithSm2, SignSm2(info, Sm2.DefaultId));

            Assert.Equal(Refusal.BadPublicKey, Assert.Throws<RefusalException>(() => ProofOfPossession.Verify(request, allowEmptyId: true)).Kind);
        }
    }

    [Fact]
    public void WeakKeyWhoseHolderProvesIt_IsLeftToKeyQuality()
    {
        CertificationRequest request = CsrFile.Read(Asn1.Gm.Fixtures.Read("keys/fermat-request.pem"));

        CsrKey key = ProofOfPossession.Verify(request, allowEmptyId: false);

        Assert.Equal(KeyFault.CloseFactors, KeyQuality.Find(key.PublicKey));
    }

    [Theory]
    [InlineData(UniversalTagNumber.UTF8String, "gro.\u202Etset")]
    [InlineData(UniversalTagNumber.UTF8String, "bank.cn\0.attacker.cn")]
    [InlineData(UniversalTagNumber.BMPString, "张三")]
    [InlineData(UniversalTagNumber.T61String, "abc")]
    [InlineData(UniversalTagNumber.IA5String, "CN")]
    [InlineData(UniversalTagNumber.UTF8String, "10000")]
    public void HostileNamesAndAttributes_DoNotMatter(UniversalTagNumber stringType, string text)
    {
        text = text == "10000" ? new string('a', 10_000) : text;
        var extensions = new Extensions(Extension.Create(BasicConstraints.Ca(), critical: true));
        byte[] info = Info(
            Sm2Key, NameOf(stringType, text), new Attribute(Oids.ExtensionRequest, Der.Encode(extensions)), new Attribute("1.2.3.4", new byte[] { 5, 0 }));
        var request = CertificationRequest.Assemble(info, AlgorithmIdentifier.Sm3WithSm2, SignSm2(info, Sm2.DefaultId));

        CsrKey key = ProofOfPossession.Verify(CsrFile.Read(Der.Encode(request)), allowEmptyId: false);

        Assert.Equal(Sm2Key, key.PublicKey);
    }

    [Fact]
    public void RequestBeyondTheBound_IsRefused()
    {
        byte[] info = Info(Sm2Key, NameOf(UniversalTagNumber.UTF8String, new string('a', ProofOfPossession.MaxRequestLength)));
        var request = CertificationRequest.Assemble(info, AlgorithmIdentifier.Sm3WithSm2, SignSm2(info, Sm2.DefaultId));

        Assert.Contains("过大", Refuse(request).Message);
        Assert.Contains("过大", Assert.Throws<RefusalException>(() => CsrFile.Read(Der.Encode(request))).Message);
    }

    [Theory]
    [InlineData("CERTIFICATE REQUEST", "")]
    [InlineData("NEW CERTIFICATE REQUEST", "")]
    [InlineData("CERTIFICATE REQUEST", "\uFEFF")] // as some editors begin a file
    [InlineData("CERTIFICATE REQUEST", "Certificate Request:\n    Data:\n")]
    public void PemAndDer_AreRead(string label, string before)
    {
        CertificationRequest request = Sm2Request(Sm2.DefaultId.ToArray());
        byte[] der = Der.Encode(request);
        string pem = before + Pem.Encode(label, der);

        Assert.Equal(der, Der.Encode(CsrFile.Read(der)));
        Assert.Equal(der, Der.Encode(CsrFile.Read(Encoding.UTF8.GetBytes(pem))));
        Assert.Equal(der, Der.Encode(CsrFile.Read(Encoding.UTF8.GetBytes(pem.Replace("\n", "\r\n", StringComparison.Ordinal)))));
    }

    [Fact]
    public void WhatIsNoRequest_IsRefusedWithASentence()
    {
        byte[] der = Der.Encode(Sm2Request(Sm2.DefaultId.ToArray()));
        string pem = Pem.Encode(Pem.CertificateRequest, der);
        byte[][] files =
        [
            [], [0x30], "hello"u8.ToArray(), der[..^1], [.. der, 0], Encoding.ASCII.GetBytes(pem + pem), Encoding.ASCII.GetBytes(Pem.Encode(Pem.Certificate, der)),
            Encoding.ASCII.GetBytes(pem[..^5]), Der.Encode(Sm2Key),
        ];
        foreach (byte[] file in files)
        {
            RefusalException e = Assert.Throws<RefusalException>(() => CsrFile.Read(file));

            Assert.Equal(Refusal.BadCsr, e.Kind);
            Assert.Contains("请", e.Message);
        }
    }

    private SubjectPublicKeyInfo Sm2Key => SubjectPublicKeyInfo.ForSm2(_sm2.PublicKey.ToBytes());

    private SubjectPublicKeyInfo P256Key => Der.Decode<SubjectPublicKeyInfo>(_p256.ExportSubjectPublicKeyInfo());

    private SubjectPublicKeyInfo RsaKey => Der.Decode<SubjectPublicKeyInfo>(_rsa.ExportSubjectPublicKeyInfo());

    private static RefusalException Refuse(CertificationRequest request)
    {
        RefusalException e = Assert.Throws<RefusalException>(() => ProofOfPossession.Verify(request, allowEmptyId: false));
        Assert.Equal(Refusal.BadCsr, e.Kind);
        Assert.EndsWith("。", e.Message);
        return e;
    }

    private CertificationRequest Sm2Request(byte[] id)
    {
        byte[] info = Info(Sm2Key);
        return CertificationRequest.Assemble(info, AlgorithmIdentifier.Sm3WithSm2, SignSm2(info, id));
    }

    private byte[] SignSm2(byte[] message, ReadOnlySpan<byte> id)
    {
        byte[] raw = new byte[64];
        _sm2.Sign(message, raw, id);
        return Der.Encode(Sm2Signature.FromRaw(raw));
    }

    private byte[] SignP256(byte[] message) => _p256.SignData(message, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);

    private byte[] SignRsa(byte[] message) => _rsa.SignData(message, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);

    private static SubjectPublicKeyInfo RsaKeyOf(byte[] modulus, byte[] exponent)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteIntegerUnsigned(modulus);
            writer.WriteIntegerUnsigned(exponent);
        }

        return new SubjectPublicKeyInfo(AlgorithmIdentifier.Rsa, writer.Encode());
    }

    private static byte[] Info(SubjectPublicKeyInfo key) => Info(key, Name.Create((Oids.CommonName, "张三")));

    private static byte[] Info(SubjectPublicKeyInfo key, Name subject, params IReadOnlyList<Attribute> attributes) =>
        Der.Encode(new CertificationRequestInfo(subject, key, attributes));

    private static Name NameOf(UniversalTagNumber stringType, string text)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        using (writer.PushSetOf())
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(Oids.CommonName);
            writer.WriteCharacterString(stringType, text);
        }

        return Der.Decode<Name>(writer.Encode());
    }
}
