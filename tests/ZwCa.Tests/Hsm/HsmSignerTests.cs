using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Tests.Asn1;
using ZwCa.Tests.Asn1.Pkix;
using ZwCa.Tests.Cryptography;

namespace ZwCa.Tests.Hsm;

/// <summary>Certificates that .NET makes with a key in a device; .NET verifies them, OpenSSL under .NET and BouncyCastle where they are SM2.</summary>
public sealed class HsmSignerTests
{
    private static readonly X500DistinguishedName IssuerName = new("CN=issuer");
    private static readonly DateTimeOffset NotBefore = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset NotAfter = new(2036, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static TheoryData<HsmKeyKind, SignatureScheme> ClassicSchemes => new()
    {
        { HsmKeyKind.P256, SignatureScheme.EcdsaSha256 },
        { HsmKeyKind.Rsa2048, SignatureScheme.RsaPkcs1Sha256 },
        { HsmKeyKind.Rsa2048, SignatureScheme.RsaPkcs1Sha384 },
        { HsmKeyKind.Rsa3072, SignatureScheme.RsaPkcs1Sha512 },
        { HsmKeyKind.Rsa2048, SignatureScheme.RsaPssSha256 },
        { HsmKeyKind.Rsa3072, SignatureScheme.RsaPssSha384 },
        { HsmKeyKind.Rsa2048, SignatureScheme.RsaPssSha512 },
    };

    public static TheoryData<HsmKeyKind> SigningKinds => [HsmKeyKind.Sm2, HsmKeyKind.P256, HsmKeyKind.Rsa2048];

    [Theory]
    [MemberData(nameof(ClassicSchemes))]
    public async Task ACertificate_VerifiesInDotnet(HsmKeyKind kind, SignatureScheme scheme)
    {
        await using var hsm = new MemoryHsm();
        var signer = new HsmSigner(hsm, await hsm.GenerateKeyAsync(new KeyLabel("ca"), kind, TestContext.Current.CancellationToken), scheme);
        var stranger = new HsmSigner(hsm, await hsm.GenerateKeyAsync(new KeyLabel("other"), kind, TestContext.Current.CancellationToken), scheme);

        using X509Certificate2 root = Root(signer);
        using X509Certificate2 leaf = Leaf(signer);
        using X509Certificate2 forged = Leaf(stranger);

        Assert.True(Chains(leaf, root));
        Assert.False(Chains(forged, root));
        Certificate parsed = Der.Decode<Certificate>(leaf.RawData);
        Assert.True(parsed.AlgorithmsAgree);
        Assert.Equal(signer.AlgorithmIdentifier, parsed.SignatureAlgorithm);
        Assert.Equal(scheme.SignatureLength(kind), kind == HsmKeyKind.P256 ? Der.Decode<Sm2Signature>(parsed.Signature).Raw.Length : parsed.Signature.Length);
    }

    [Fact]
    public async Task AnSm2Certificate_VerifiesElsewhere()
    {
        await using var hsm = new MemoryHsm();
        HsmKey key = await hsm.GenerateKeyAsync(new KeyLabel("ca"), HsmKeyKind.Sm2, TestContext.Current.CancellationToken);
        var signer = new HsmSigner(hsm, key);
        using X509Certificate2 root = Root(signer);
        Certificate parsed = Der.Decode<Certificate>(root.RawData);

        Assert.True(parsed.AlgorithmsAgree);
        Assert.Equal(AlgorithmIdentifier.Sm3WithSm2, parsed.SignatureAlgorithm);
        Assert.Null(parsed.SignatureAlgorithm.Parameters);
        Assert.Equal(key.PublicKey, parsed.Tbs.SubjectPublicKeyInfo);

        byte[] point = key.PublicKey!.PublicKey.ToArray();
        byte[] raw = Der.Decode<Sm2Signature>(parsed.Signature).Raw.ToArray();
        Assert.True(Oracle.BouncyCastleVerify(point, parsed.TbsBytes.ToArray(), raw, "1234567812345678"u8.ToArray()));
        Assert.False(Oracle.BouncyCastleVerify(point, parsed.TbsBytes.ToArray(), raw, []));
        byte[] e = new byte[32];
        Sm2PublicKey.FromBytes(point).ComputeDigest(parsed.TbsBytes.Span, e);
        using ECDsa openssl = Oracle.OpenSsl(point);
        Assert.True(openssl.VerifyHash(e, raw));
        e[0] ^= 1;
        Assert.False(openssl.VerifyHash(e, raw));
    }

    [Theory]
    [MemberData(nameof(SigningKinds))]
    public async Task ARequest_HasTheKeyAndTheAlgorithm(HsmKeyKind kind)
    {
        await using var hsm = new MemoryHsm();
        HsmKey key = await hsm.GenerateKeyAsync(new KeyLabel("ca"), kind, TestContext.Current.CancellationToken);
        var signer = new HsmSigner(hsm, key);

        byte[] der = new CertificateRequest(IssuerName, signer.PublicKey, signer.HashAlgorithm).CreateSigningRequest(signer);

        var request = Der.Decode<CertificationRequest>(der);
        Assert.Equal(key.PublicKey, request.Info.SubjectPublicKeyInfo);
        Assert.Equal(signer.AlgorithmIdentifier, request.SignatureAlgorithm);
        Assert.True(Verifies(key, request.InfoBytes, request.Signature));
        if (kind != HsmKeyKind.Sm2)
        {
            // .NET verifies the request's own signature.
            Assert.NotNull(CertificateRequest.LoadSigningRequest(der, signer.HashAlgorithm));
        }
    }

    [Theory]
    [MemberData(nameof(ClassicSchemes))]
    public async Task AlgorithmsAndPublicKeys_AreThoseOfDotnet(HsmKeyKind kind, SignatureScheme scheme)
    {
        await using var hsm = new MemoryHsm();
        HsmKey key = await hsm.GenerateKeyAsync(new KeyLabel("ca"), kind, TestContext.Current.CancellationToken);
        var signer = new HsmSigner(hsm, key, scheme);
        using ECDsa ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using RSA rsa = RSA.Create(2048);
        bool pss = scheme >= SignatureScheme.RsaPssSha256;
        X509SignatureGenerator theirs = kind == HsmKeyKind.P256
            ? X509SignatureGenerator.CreateForECDsa(ecdsa)
            : X509SignatureGenerator.CreateForRSA(rsa, pss ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1);

        byte[] ours = signer.GetSignatureAlgorithmIdentifier(signer.HashAlgorithm);
        Assert.Equal(Der.Encode(signer.AlgorithmIdentifier), ours);
        Assert.Equal(theirs.GetSignatureAlgorithmIdentifier(signer.HashAlgorithm), pss ? WithoutNulls(ours) : ours);
        Assert.Equal(Der.Encode(key.PublicKey!), signer.PublicKey.ExportSubjectPublicKeyInfo());
    }

    [Theory]
    [MemberData(nameof(SigningKinds))]
    public async Task ManyMessages_AreSignedInOneCallAndInOrder(HsmKeyKind kind)
    {
        await using var hsm = new MemoryHsm();
        HsmKey key = await hsm.GenerateKeyAsync(new KeyLabel("ca"), kind, TestContext.Current.CancellationToken);
        var signer = new HsmSigner(hsm, key);
        var random = new TestRandom();
        ReadOnlyMemory<byte>[] messages = [.. Enumerable.Range(0, 20).Select(i => new ReadOnlyMemory<byte>(random.Bytes(i * 13)))];

        IReadOnlyList<byte[]> signatures = await signer.SignManyAsync(messages, TestContext.Current.CancellationToken);

        Assert.Equal([20], hsm.Calls);
        Assert.Equal(20, signatures.Count);
        for (int i = 0; i < messages.Length; i++)
        {
            Assert.True(Verifies(key, messages[i], signatures[i]));
            Assert.False(Verifies(key, messages[(i + 1) % messages.Length], signatures[i]));
        }

        byte[] one = await signer.SignAsync(messages[7], TestContext.Current.CancellationToken);
        Assert.True(Verifies(key, messages[7], one));
        Assert.Equal([20, 1], hsm.Calls);
        Assert.Empty(await signer.SignManyAsync([], TestContext.Current.CancellationToken));
        Assert.Equal([20, 1], hsm.Calls);
    }

    public static TheoryData<HsmKeyKind, SignatureScheme> Misfits
    {
        get
        {
            var misfits = new TheoryData<HsmKeyKind, SignatureScheme>();
            foreach (HsmKeyKind kind in Enum.GetValues<HsmKeyKind>())
            {
                foreach (SignatureScheme scheme in Enum.GetValues<SignatureScheme>().Append((SignatureScheme)0).Append((SignatureScheme)99))
                {
                    bool fits = (kind, scheme) switch
                    {
                        (HsmKeyKind.Sm2, SignatureScheme.Sm2) or (HsmKeyKind.P256, SignatureScheme.EcdsaSha256) => true,
                        (HsmKeyKind.Rsa2048 or HsmKeyKind.Rsa3072 or HsmKeyKind.Rsa4096, >= SignatureScheme.RsaPkcs1Sha256 and <= SignatureScheme.RsaPssSha512) => true,
                        _ => false,
                    };
                    if (!fits)
                    {
                        misfits.Add(kind, scheme);
                    }
                }
            }

            return misfits;
        }
    }

    [Theory]
    [MemberData(nameof(Misfits))]
    public async Task AKeyThatDoesNotSignSo_IsRefused(HsmKeyKind kind, SignatureScheme scheme)
    {
        await using var hsm = new MemoryHsm();
        var key = new HsmKey(new KeyLabel("k"), kind, PkixSamples.Sm2Key);

        Assert.Throws<ArgumentException>(() => new HsmSigner(hsm, key, scheme));
    }

    [Theory]
    [InlineData(HsmKeyKind.Sm2Decryption)]
    [InlineData(HsmKeyKind.DataKek)]
    [InlineData(HsmKeyKind.EscrowKek)]
    [InlineData(HsmKeyKind.HmacSm3)]
    [InlineData((HsmKeyKind)0)]
    public async Task AKeyThatDoesNotSign_IsRefused(HsmKeyKind kind)
    {
        await using var hsm = new MemoryHsm();

        Assert.Throws<ArgumentException>(() => new HsmSigner(hsm, new HsmKey(new KeyLabel("k"), kind, PkixSamples.Sm2Key)));
    }

    /// <summary>A driver that mixes up public keys would have us certify what the device does not hold.</summary>
    [Theory]
    [MemberData(nameof(SigningKinds))]
    public async Task AKeyWhosePublicKeyIsOfAnotherKind_IsRefused(HsmKeyKind kind)
    {
        await using var hsm = new MemoryHsm();
        foreach (HsmKeyKind other in Enum.GetValues<HsmKeyKind>().Where(each => each != kind && hsm.Token.KeyKinds.Contains(each) && !(each.IsRsa() && kind.IsRsa())))
        {
            HsmKey theirs = await hsm.GenerateKeyAsync(new KeyLabel($"{other}"), other, TestContext.Current.CancellationToken);
            Assert.Throws<ArgumentException>(() => new HsmSigner(hsm, theirs with { Kind = kind }));
        }

        Assert.Throws<ArgumentException>(() => new HsmSigner(hsm, new HsmKey(new KeyLabel("k"), kind, null)));
        Assert.Throws<ArgumentException>(() => new HsmSigner(
            hsm, new HsmKey(new KeyLabel("k"), HsmKeyKind.Sm2, SubjectPublicKeyInfo.ForSm2((byte[])[0x04, .. new byte[64]]))));
    }

    [Fact]
    public async Task AnotherHash_IsRefused()
    {
        await using var hsm = new MemoryHsm();
        HsmKey key = await hsm.GenerateKeyAsync(new KeyLabel("ca"), HsmKeyKind.Sm2, TestContext.Current.CancellationToken);
        var signer = new HsmSigner(hsm, key);

        Assert.Throws<ArgumentException>(() => signer.SignData([1], HashAlgorithmName.SHA256));
        Assert.Throws<ArgumentException>(() => signer.GetSignatureAlgorithmIdentifier(HashAlgorithmName.SHA256));
        Assert.Empty(hsm.Calls);
        Assert.True(Verifies(key, new byte[] { 1 }, signer.SignData([1], HsmSigner.Sm3)));
    }

    [Theory]
    [InlineData(63)]
    [InlineData(65)]
    [InlineData(0)]
    public async Task ASignatureOfAnotherLength_IsADeviceError(int length)
    {
        await using var hsm = new MemoryHsm { Fault = _ => new byte[length] };
        var signer = new HsmSigner(hsm, await hsm.GenerateKeyAsync(new KeyLabel("ca"), HsmKeyKind.Sm2, TestContext.Current.CancellationToken));

        var one = await Assert.ThrowsAsync<HsmException>(() => signer.SignAsync(new byte[] { 1 }, TestContext.Current.CancellationToken));
        var many = await Assert.ThrowsAsync<HsmException>(() => signer.SignManyAsync([new byte[] { 1 }], TestContext.Current.CancellationToken));
        Assert.Equal([HsmFailure.DeviceError, HsmFailure.DeviceError], [one.Failure, many.Failure]);
    }

    [Fact]
    public async Task WhatTheDeviceThrows_ComesThrough()
    {
        await using var hsm = new MemoryHsm { Fault = _ => throw new HsmException(HsmFailure.NoAnswer, "away") };
        var signer = new HsmSigner(hsm, await hsm.GenerateKeyAsync(new KeyLabel("ca"), HsmKeyKind.P256, TestContext.Current.CancellationToken));

        Assert.Equal(HsmFailure.NoAnswer, Assert.Throws<HsmException>(() => signer.SignData([1], HashAlgorithmName.SHA256)).Failure);
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => signer.SignAsync(new byte[] { 1 }, cancelled.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => signer.SignManyAsync([new byte[] { 1 }], cancelled.Token));
    }

    /// <summary>For PSS .NET leaves out the NULLs of RFC 8017 appendix A.2.1, which openssl writes.</summary>
    private static byte[] WithoutNulls(byte[] der)
    {
        Tlv tree = Tlv.Parse(der);
        foreach (Tlv node in tree.All())
        {
            node.Children?.RemoveAll(each => each.Tag == 0x05);
        }

        return tree.Encode();
    }

    private static X509Certificate2 Root(HsmSigner signer)
    {
        var request = new CertificateRequest(IssuerName, signer.PublicKey, signer.HashAlgorithm);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.Create(IssuerName, signer, NotBefore, NotAfter, [1]);
    }

    /// <summary>Issued in the issuer's name, by whichever key.</summary>
    private static X509Certificate2 Leaf(HsmSigner signer)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new CertificateRequest(new X500DistinguishedName("CN=leaf"), new PublicKey(key), signer.HashAlgorithm)
            .Create(IssuerName, signer, NotBefore, NotAfter, [2]);
    }

    private static bool Chains(X509Certificate2 leaf, X509Certificate2 root)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(root);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = NotBefore.AddYears(1).UtcDateTime;
        return chain.Build(leaf);
    }

    /// <summary>SM2 by BouncyCastle, the others by .NET.</summary>
    private static bool Verifies(HsmKey key, ReadOnlyMemory<byte> message, ReadOnlyMemory<byte> signature)
    {
        if (key.Kind == HsmKeyKind.Sm2)
        {
            return Oracle.BouncyCastleVerify(
                key.PublicKey!.PublicKey.ToArray(), message.ToArray(), Der.Decode<Sm2Signature>(signature).Raw.ToArray(), "1234567812345678"u8.ToArray());
        }

        byte[] spki = Der.Encode(key.PublicKey!);
        if (key.Kind == HsmKeyKind.P256)
        {
            using var ecdsa = ECDsa.Create();
            ecdsa.ImportSubjectPublicKeyInfo(spki, out _);
            return ecdsa.VerifyData(message.Span, signature.Span, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        }

        using var rsa = RSA.Create();
        rsa.ImportSubjectPublicKeyInfo(spki, out _);
        return rsa.VerifyData(message.Span, signature.Span, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
    }
}
