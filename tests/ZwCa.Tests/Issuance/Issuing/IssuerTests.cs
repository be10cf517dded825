using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Tests.Issuance.Crls;

namespace ZwCa.Tests.Issuance.Issuing;

/// <summary>Prepare, token, issue: what is signed is what was judged, once, by the same issuer, and the signature holds.</summary>
public sealed class IssuerTests : IAsyncLifetime
{
    private SampleHierarchy _hierarchy = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _hierarchy = await SampleHierarchy.CreateAsync();

    public ValueTask DisposeAsync() => _hierarchy.DisposeAsync();

    [Fact]
    public async Task WhatIsIssued_IsWhatWasPrepared()
    {
        PreparedCertificate prepared = Person();

        Certificate certificate = await _hierarchy.Sub.IssueAsync(prepared, Token);

        Assert.Equal(prepared.TbsBytes.ToArray(), certificate.TbsBytes.ToArray());
        Assert.Equal(prepared.SerialNumber, certificate.Tbs.SerialNumber);
        Assert.True(SignatureCheck.Holds(_hierarchy.Sub.SubjectPublicKeyInfo, AlgorithmIdentifier.Sm3WithSm2, certificate.TbsBytes, certificate.Signature));
    }

    [Fact]
    public async Task Many_AreSignedInOneCallAndInTheirOrder()
    {
        PreparedCertificate[] prepared = [.. Enumerable.Range(0, 20).Select(_ => Person(SerialNumbers.Create()))];
        _hierarchy.Hsm.Calls.Clear();

        IReadOnlyList<Certificate> certificates = await _hierarchy.Sub.IssueManyAsync(prepared, Token);

        Assert.Equal([20], _hierarchy.Hsm.Calls);
        Assert.Equal(prepared.Select(each => each.SerialNumber), certificates.Select(each => each.Tbs.SerialNumber));
    }

    [Fact]
    public async Task Nothing_IsSignedInNoCall()
    {
        _hierarchy.Hsm.Calls.Clear();
        Assert.Empty(await _hierarchy.Sub.IssueManyAsync([], Token));
        Assert.Empty(_hierarchy.Hsm.Calls);
    }

    [Fact]
    public async Task AToken_IsRedeemedOnce()
    {
        PreparedCertificate prepared = Person();
        await _hierarchy.Sub.IssueAsync(prepared, Token);
        _hierarchy.Hsm.Calls.Clear();

        await Assert.ThrowsAsync<InvalidOperationException>(() => _hierarchy.Sub.IssueAsync(prepared, Token));
        await Assert.ThrowsAsync<InvalidOperationException>(() => _hierarchy.Sub.IssueManyAsync([Person(), prepared], Token));
        PreparedCertificate twice = Person();
        await Assert.ThrowsAsync<InvalidOperationException>(() => _hierarchy.Sub.IssueManyAsync([twice, twice], Token));
        Assert.Empty(_hierarchy.Hsm.Calls);
    }

    [Fact]
    public async Task AToken_IsRedeemedOnceByManyThreads()
    {
        for (int round = 0; round < 50; round++)
        {
            PreparedCertificate prepared = Person();
            using var start = new Barrier(8);
            int signed = 0;
            await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Factory.StartNew(
                () =>
                {
                    start.SignalAndWait(Token);
                    try
                    {
                        _hierarchy.Sub.IssueAsync(prepared, Token).GetAwaiter().GetResult();
                        Interlocked.Increment(ref signed);
                    }
                    catch (InvalidOperationException)
                    {
                        // Seven of eight.
                    }
                },
                Token,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default)));
            Assert.Equal(1, signed);
        }
    }

    [Fact]
    public async Task AToken_IsRedeemedByTheIssuerThatPreparedIt()
    {
        var twin = new Issuer(_hierarchy.Sub.Certificate!, _hierarchy.Signer("sub-ca", KeyAlgorithm.Sm2), SampleHierarchy.Publication);
        PreparedCertificate prepared = Person();
        await Assert.ThrowsAsync<InvalidOperationException>(() => twin.IssueAsync(prepared, Token));

        // It is still good for its own.
        await _hierarchy.Sub.IssueAsync(prepared, Token);
    }

    /// <summary>What a device may give instead of the signature that was asked for.</summary>
    public static TheoryData<string> Faults => ["garbage", "zeros", "one bit", "of another message", "r and s exchanged"];

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task ASignatureThatDoesNotHold_NeverLeaves(string fault)
    {
        byte[] other = new byte[Sm2.SignatureSizeInBytes];
        _hierarchy.Hsm.Fault = signature =>
        {
            signature.CopyTo(other, 0);
            return signature;
        };
        await _hierarchy.Sub.IssueAsync(Person(SerialNumbers.Create()), Token);
        _hierarchy.Hsm.Fault = signature => fault switch
        {
            "garbage" => new TestRandom().Bytes(signature.Length),
            "zeros" => new byte[signature.Length],
            "one bit" => [.. signature[..^1], (byte)(signature[^1] ^ 1)],
            "of another message" => other,
            _ => [.. signature[32..], .. signature[..32]],
        };
        PreparedCertificate prepared = Person();

        HsmException failure = await Assert.ThrowsAsync<HsmException>(() => _hierarchy.Sub.IssueAsync(prepared, Token));

        Assert.Equal(HsmFailure.DeviceError, failure.Failure);
        Assert.False(failure.IsTransient);
        await Assert.ThrowsAsync<InvalidOperationException>(() => _hierarchy.Sub.IssueAsync(prepared, Token));

        // The bytes of the intention, once the device is well again.
        _hierarchy.Hsm.Fault = signature => signature;
        Certificate certificate = await _hierarchy.Sub.IssueAsync(_hierarchy.Sub.PrepareAgain(prepared.TbsBytes, prepared.Profile), Token);
        Assert.Equal(prepared.TbsBytes.ToArray(), certificate.TbsBytes.ToArray());
    }

    [Theory]
    [InlineData(KeyAlgorithm.P256)]
    [InlineData(KeyAlgorithm.Rsa)]
    public async Task OtherAlgorithmsSignatures_AreVerifiedToo(KeyAlgorithm algorithm)
    {
        HsmKey key = await _hierarchy.Hsm.GenerateKeyAsync(new KeyLabel("r"), algorithm == KeyAlgorithm.Rsa ? HsmKeyKind.Rsa3072 : HsmKeyKind.P256, Token);
        IEnumerable<SignatureScheme> schemes = Enum.GetValues<SignatureScheme>().Where(scheme => scheme.Fits(key.Kind));
        foreach (SignatureScheme scheme in schemes)
        {
            var signer = new HsmSigner(_hierarchy.Hsm, key, scheme);
            string profile = algorithm == KeyAlgorithm.Rsa ? "root" : "system-root";
            Name name = algorithm == KeyAlgorithm.Rsa ? SampleHierarchy.RootName : SampleHierarchy.SystemName;
            var root = Issuer.OfRoot(name, signer, SampleHierarchy.Publication);
            IssuanceRequest request = _hierarchy.Request(profile) with { SubjectPublicKeyInfo = key.PublicKey! };
            _hierarchy.Hsm.Fault = signature => signature;

            Certificate certificate = await root.IssueAsync(root.Prepare(request), Token);

            Assert.Equal(signer.AlgorithmIdentifier, certificate.SignatureAlgorithm);
            _hierarchy.Hsm.Fault = signature => [.. signature[..^1], (byte)(signature[^1] ^ 1)];
            await Assert.ThrowsAsync<HsmException>(() => root.IssueAsync(root.Prepare(request), Token));
        }
    }

    [Fact]
    public async Task OneWrongAmongMany_NoneLeaves()
    {
        _hierarchy.Hsm.Fault = signatures => [.. signatures[..^1], (byte)(signatures[^1] ^ 1)];
        PreparedCertificate[] prepared = [.. Enumerable.Range(0, 3).Select(_ => Person(SerialNumbers.Create()))];
        await Assert.ThrowsAsync<HsmException>(() => _hierarchy.Sub.IssueManyAsync(prepared, Token));
    }

    [Fact]
    public async Task WhatIsPreparedAgain_IsOfTheCallersBufferNoMore()
    {
        byte[] intention = Person().TbsBytes.ToArray();
        byte[] buffer = [.. intention];
        PreparedCertificate again = _hierarchy.Sub.PrepareAgain(buffer, ProfileCatalogue.Shipped["person-signing"]);
        buffer.AsSpan().Clear();

        Assert.Equal(intention, (await _hierarchy.Sub.IssueAsync(again, Token)).TbsBytes.ToArray());
    }

    [Fact]
    public void BytesOfAnotherIssuer_AreNotPreparedAgain()
    {
        PreparedCertificate prepared = Person();
        Assert.Throws<ArgumentException>(() => _hierarchy.Root.PrepareAgain(prepared.TbsBytes, prepared.Profile));
        Assert.Throws<DerException>(() => _hierarchy.Sub.PrepareAgain(prepared.TbsBytes[..^1], prepared.Profile));
    }

    [Fact]
    public void APair_BelongsTogether()
    {
        IssuanceRequest signing = _hierarchy.Request("person-signing"), encryption = _hierarchy.Request("person-encryption");
        PreparedCertificate first = _hierarchy.Prepare(signing), second = _hierarchy.Prepare(encryption);

        _hierarchy.Sub.RequirePair(first, second);

        Assert.Throws<ArgumentException>(() => _hierarchy.Sub.RequirePair(second, first));
        Assert.Throws<ArgumentException>(() => _hierarchy.Sub.RequirePair(first, _hierarchy.Prepare(_hierarchy.Request("officer"))));
        Assert.Throws<ArgumentException>(() => _hierarchy.Root.RequirePair(first, second));
        Assert.Throws<ArgumentException>(() => _hierarchy.Sub.RequirePair(first, _hierarchy.Prepare(_hierarchy.Request("person-encryption-2023"))));
        NoPair(encryption with { NotAfter = encryption.NotAfter.AddSeconds(-1) }, "pair-validity");
        NoPair(encryption with { SubjectPublicKeyInfo = signing.SubjectPublicKeyInfo }, "pair-key");
        NoPair(encryption with { SerialNumber = signing.SerialNumber }, "pair-serial");
        NoPair(encryption with { Subject = [.. encryption.Subject.Where(each => each.Type != Oids.OrganizationalUnitName)] }, "pair-subject");

        void NoPair(IssuanceRequest request, string rule) => Assert.Contains(
            Assert.Throws<LintException>(() => _hierarchy.Sub.RequirePair(first, _hierarchy.Prepare(request))).Findings, finding => finding.Rule == rule);
    }

    [Fact]
    public async Task ADemonstration_SaysSoInTheNameAndInThePolicyOrNotAtAll()
    {
        HsmSigner signer = _hierarchy.Signer("demo", KeyAlgorithm.Sm2);
        var demo = new Publication("http://127.0.0.1:8080", Oids.DemoPolicyArc);
        var marked = Name.Create((Oids.CountryName, "CN"), (Oids.OrganizationName, "示例"), (Oids.CommonName, "演示 DEMO 根CA"));

        Assert.Throws<ArgumentException>(() => Issuer.OfRoot(SampleHierarchy.RootName, signer, demo));
        Assert.Throws<ArgumentException>(() => Issuer.OfRoot(marked, signer, SampleHierarchy.Publication));
        Assert.Throws<ArgumentException>(() => Issuer.OfRoot(SampleHierarchy.RootName, signer, new Publication("http://127.0.0.1", Oids.DemoPolicyArc + ".1")));
        var root = Issuer.OfRoot(marked, signer, demo);
        IssuanceRequest self = _hierarchy.Request("root") with
        {
            SubjectPublicKeyInfo = signer.SubjectPublicKeyInfo,
            Subject = [new SubjectText(Oids.OrganizationName, "示例"), new SubjectText(Oids.CommonName, "演示 DEMO 根CA")],
        };
        Certificate certificate = await root.IssueAsync(root.Prepare(self), Token);
        Assert.Equal(Oids.DemoPolicyArc + ".20", certificate.Tbs.Extensions!.Find<CertificatePolicies>()!.Policies[0].PolicyIdentifier);

        // Below it too: an issuer that is not marked could not be used.
        Assert.Throws<ArgumentException>(() => new Issuer(certificate, signer, SampleHierarchy.Publication));
        var issuer = new Issuer(certificate, signer, demo);
        Assert.Equal(Refusal.SubjectNotAllowed, Assert.Throws<RefusalException>(() => issuer.Prepare(_hierarchy.Request("sub-ca"))).Kind);
    }

    [Fact]
    public async Task AnIssuer_IsACaWithItsOwnKey()
    {
        Certificate person = await _hierarchy.Sub.IssueAsync(Person(), Token);
        Assert.Throws<ArgumentException>(() => new Issuer(person, _hierarchy.Signer("person-signing", KeyAlgorithm.Sm2), SampleHierarchy.Publication));
        Assert.Throws<ArgumentException>(() => new Issuer(_hierarchy.Sub.Certificate!, _hierarchy.Signer("root", KeyAlgorithm.Sm2), SampleHierarchy.Publication));
    }

    /// <summary>Nothing here heeds limits of names or policies when it issues.</summary>
    [Theory]
    [InlineData(Oids.NameConstraints)]
    [InlineData(Oids.PolicyConstraints)]
    [InlineData(Oids.InhibitAnyPolicy)]
    public async Task AnIssuer_IsNotLimitedInWhatIsBelowIt(string limit)
    {
        await using TestCa ca = await TestCa.CreateAsync();
        Extension[] extensions =
        [
            Extension.Create(new SubjectKeyIdentifier(new byte[20]), critical: false),
            Extension.Create(BasicConstraints.Ca(), critical: true),
            Extension.Create(new KeyUsage(KeyUsages.KeyCertSign), critical: true),
        ];
        (Certificate free, HsmSigner freeSigner) = await ca.IssueAsync(HsmKeyKind.Sm2, extensions);
        (Certificate limited, HsmSigner limitedSigner) = await ca.IssueAsync(HsmKeyKind.Sm2, [.. extensions, new Extension(limit, Critical: true, new byte[] { 0x30, 0 })]);

        _ = new Issuer(free, freeSigner, SampleHierarchy.Publication);
        Assert.Contains(
            limit, Assert.Throws<ArgumentException>(() => new Issuer(limited, limitedSigner, SampleHierarchy.Publication)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://pki.example.gov.cn")]
    [InlineData("http://pki.example.gov.cn/")]
    [InlineData("http://pki.example.gov.cn?a")]
    [InlineData("http://a@pki.example.gov.cn")]
    [InlineData("http://政务.cn")]
    [InlineData("pki.example.gov.cn")]
    [InlineData("")]
    public void ABaseUrl_IsPlainHttpOfAHost(string url) => Assert.Throws<ArgumentException>(() => new Publication(url, "1.2.3"));

    [Theory]
    [InlineData("CN")]
    [InlineData("1.2.")]
    [InlineData("")]
    public void APolicyArc_IsADottedOid(string arc) => Assert.Throws<ArgumentException>(() => new Publication("http://pki.example.gov.cn", arc));

    /// <summary>The certificate of a CA that exists already is certified under its own name and key identifier, by a CA of another algorithm too.</summary>
    [Fact]
    public async Task ACrossCertificate_CopiesNameAndKeyIdentifier()
    {
        HsmKey key = await _hierarchy.Hsm.GenerateKeyAsync(new KeyLabel("rsa"), HsmKeyKind.Rsa3072, Token);
        var signer = new HsmSigner(_hierarchy.Hsm, key);
        var name = Name.Create((Oids.CountryName, "CN"), (Oids.OrganizationName, "示例"), (Oids.CommonName, "示例根CA R1"));
        var rsa = Issuer.OfRoot(name, signer, SampleHierarchy.Publication);
        IssuanceRequest request = _hierarchy.Request("root") with
        {
            SubjectPublicKeyInfo = key.PublicKey!,
            Subject = [new SubjectText(Oids.OrganizationName, "示例"), new SubjectText(Oids.CommonName, "示例根CA R1")],
        };
        Certificate other = await rsa.IssueAsync(rsa.Prepare(request), Token);

        IssuanceRequest cross = _hierarchy.Request("cross") with { Authority = other, SubjectPublicKeyInfo = key.PublicKey! };
        Certificate certificate = await _hierarchy.Root.IssueAsync(_hierarchy.Root.Prepare(cross), Token);

        Assert.Equal(other.Tbs.Subject, certificate.Tbs.Subject);
        Assert.Equal(other.Tbs.Extensions!.Find<SubjectKeyIdentifier>(), certificate.Tbs.Extensions!.Find<SubjectKeyIdentifier>());
        Assert.Equal(_hierarchy.Root.KeyIdentifier.ToArray(), certificate.Tbs.Extensions.Find<AuthorityKeyIdentifier>()!.KeyIdentifier!.Value.ToArray());
        Assert.Equal(
            Refusal.SubjectNotAllowed,
            Assert.Throws<RefusalException>(() => _hierarchy.Root.Prepare(cross with { Subject = request.Subject })).Kind);
    }

    private PreparedCertificate Person(SerialNumber? serialNumber = null)
    {
        IssuanceRequest request = _hierarchy.Request("person-signing");
        return _hierarchy.Sub.Prepare(serialNumber is null ? request : request with { SerialNumber = serialNumber });
    }
}
