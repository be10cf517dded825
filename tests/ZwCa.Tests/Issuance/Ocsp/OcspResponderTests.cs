using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Tests.Issuance.Crls;

namespace ZwCa.Tests.Issuance.Ocsp;

public sealed class OcspResponderTests
{
    private static readonly Time Now = new(TestCa.Now);
    private static readonly SerialNumber Serial = SerialNumber.Parse("40aabbccddeeff00");

    public static MatrixTheoryData<HsmKeyKind, CertIdHash, bool> Questions =>
        new([HsmKeyKind.Sm2, HsmKeyKind.P256, HsmKeyKind.Rsa2048], Enum.GetValues<CertIdHash>(), [false, true]);

    [Theory]
    [MemberData(nameof(Questions))]
    public async Task ADelegatedResponder_AnswersInTheWordsOfTheQuestion(HsmKeyKind kind, CertIdHash hash, bool nullParameters)
    {
        await using TestCa ca = await TestCa.CreateAsync(kind);
        (Certificate certificate, HsmSigner signer) = await ca.IssueAsync(kind, TestCa.ResponderExtensions);
        var responder = OcspResponder.Delegated(ca.Certificate, certificate, signer);
        CertId certId = CertIds.Of(ca.Certificate, Serial, hash, nullParameters);
        var nonce = new Nonce(new TestRandom().Bytes(32));

        OcspResponse response = await responder.RespondAsync(
            Answer(Statement(certId, new Good()) with { ArchiveCutoff = Now }) with { Nonce = nonce }, TestContext.Current.CancellationToken);

        BasicOcspResponse basic = Der.Decode<OcspResponse>(Der.Encode(response)).DecodeBasic();
        SingleResponse single = Assert.Single(basic.Tbs.Responses);
        Assert.Equal(Der.Encode(certId), Der.Encode(single.CertId));
        Assert.IsType<Good>(single.CertStatus);
        Assert.Equal(Now, single.ThisUpdate);
        Assert.Equal(new Time(TestCa.Now.AddHours(1)), single.NextUpdate);
        Assert.Equal(Now, single.SingleExtensions!.Find<ArchiveCutoff>()!.Cutoff);
        Assert.Equal(Now, basic.Tbs.ProducedAt);
        Assert.Equal(nonce, basic.Tbs.ResponseExtensions!.Find<Nonce>());
        Assert.Equal(new ResponderByKey(SHA1.HashData(signer.SubjectPublicKeyInfo.PublicKey.Span)), basic.Tbs.ResponderId);
        Assert.Equal(Der.Encode(certificate), Der.Encode(Assert.Single(basic.Certificates!)));
        Assert.Equal(ca.Issuer.Algorithm, basic.SignatureAlgorithm);
        Assert.True(TestCa.Verify(signer.SubjectPublicKeyInfo, basic.TbsBytes.Span, basic.Signature));
    }

    [Fact]
    public async Task TheCaItself_AnswersWithoutACertificate()
    {
        await using TestCa ca = await TestCa.CreateAsync();
        var responder = OcspResponder.Of(ca.Issuer, byName: true);

        OcspResponse response = await responder.RespondAsync(Answer(Statement(Ask(ca), new Unknown())), TestContext.Current.CancellationToken);

        BasicOcspResponse basic = response.DecodeBasic();
        Assert.Null(basic.Certificates);
        Assert.Null(basic.Tbs.ResponseExtensions);
        Assert.Null(basic.Tbs.Responses[0].SingleExtensions);
        Assert.Equal(new ResponderByName(ca.Issuer.Name), basic.Tbs.ResponderId);
        Assert.True(TestCa.Verify(ca.Issuer.SubjectPublicKeyInfo, basic.TbsBytes.Span, basic.Signature));
    }

    [Fact]
    public async Task SeveralCertIds_AreAnsweredInTheirOrder()
    {
        await using TestCa ca = await TestCa.CreateAsync();
        var responder = OcspResponder.Of(ca.Issuer);
        Revoked held = OcspStatement.RevokedAt(Now, RevocationReason.CertificateHold);
        Revoked revoked = OcspStatement.RevokedAt(Now);

        OcspResponse response = await responder.RespondAsync(
            Answer(
                Statement(Ask(ca, CertIdHash.Sm3), held),
                Statement(Ask(ca, CertIdHash.Sha1), new Good()) with { NextUpdate = null },
                Statement(Ask(ca, CertIdHash.Sha256), revoked)),
            TestContext.Current.CancellationToken);

        IReadOnlyList<SingleResponse> singles = Der.Decode<OcspResponse>(Der.Encode(response)).DecodeBasic().Tbs.Responses;
        Assert.Equal([held, new Good(), revoked], singles.Select(single => single.CertStatus));
        Assert.Equal([Oids.Sm3, Oids.Sha1, Oids.Sha256], singles.Select(single => single.CertId.HashAlgorithm.Algorithm));
        Assert.Null(singles[1].NextUpdate);
        Assert.Null(revoked.Info.RevocationReason);
        Assert.Equal(RevocationReason.CertificateHold, held.Info.RevocationReason);
    }

    [Fact]
    public async Task Many_AreSignedInOneCall()
    {
        await using TestCa ca = await TestCa.CreateAsync();
        var responder = OcspResponder.Of(ca.Issuer);
        var template = new OcspTemplate(ca.Certificate, null, CertIdHash.Sha1);
        byte[] buffer = new byte[template.MaxLength(0)];
        ReadOnlyMemory<byte>[] tbs = [.. Enumerable.Range(1, 50).Select(i => (ReadOnlyMemory<byte>)template.WriteTbs(
            buffer, new OcspFacts([(byte)i], null, RevocationReason.Unspecified, 1_800_000_000, 1_800_000_100)).ToArray())];

        IReadOnlyList<byte[]> signatures = await responder.SignManyAsync(tbs, TestContext.Current.CancellationToken);

        Assert.Equal([50], ca.Hsm.Calls);
        for (int i = 0; i < tbs.Length; i++)
        {
            Assert.True(TestCa.Verify(ca.Issuer.SubjectPublicKeyInfo, tbs[i].Span, signatures[i]));
            Assert.True(responder.Holds(BasicOcspResponse.Assemble(tbs[i], responder.Algorithm, signatures[i])));
            Assert.False(responder.Holds(BasicOcspResponse.Assemble(tbs[i], responder.Algorithm, signatures[(i + 1) % 50])));
        }
    }

    [Fact]
    public async Task WhatAnotherHasSigned_IsNotHeld()
    {
        await using TestCa ca = await TestCa.CreateAsync();
        await using TestCa other = await TestCa.CreateAsync();
        var responder = OcspResponder.Of(ca.Issuer);
        BasicOcspResponse own = (await responder.RespondAsync(Answer(Statement(Ask(ca), new Good())), TestContext.Current.CancellationToken)).DecodeBasic();
        BasicOcspResponse byName = (await OcspResponder.Of(ca.Issuer, byName: true).RespondAsync(Answer(Statement(Ask(ca), new Good())), TestContext.Current.CancellationToken)).DecodeBasic();

        Assert.True(responder.Holds(own));
        Assert.False(responder.Holds(byName));
        Assert.False(OcspResponder.Of(other.Issuer).Holds(own));
        Assert.False(responder.Holds(BasicOcspResponse.Assemble(own.TbsBytes, own.SignatureAlgorithm, own.Signature, [ca.Certificate])));
        Assert.False(responder.Holds(BasicOcspResponse.Assemble(own.TbsBytes, AlgorithmIdentifier.Sha256WithRsa, own.Signature)));
    }

    [Fact]
    public async Task SignatureThatDoesNotHold_DoesNotLeave()
    {
        await using TestCa ca = await TestCa.CreateAsync();
        var responder = OcspResponder.Of(ca.Issuer);
        ca.Hsm.Fault = signatures =>
        {
            signatures[^1] ^= 1;
            return signatures;
        };

        await Assert.ThrowsAsync<HsmException>(() => responder.RespondAsync(Answer(Statement(Ask(ca), new Good())), TestContext.Current.CancellationToken));
    }

    public static TheoryData<string> BadResponders => ["no purpose", "no key usage", "usage of encryption", "no nocheck", "a CA", "another algorithm", "another issuer", "another key"];

    [Theory]
    [MemberData(nameof(BadResponders))]
    public async Task CertificateThatIsNoResponders_IsRefused(string what)
    {
        await using TestCa ca = await TestCa.CreateAsync();
        await using TestCa other = await TestCa.CreateAsync();
        Extension[] all = TestCa.ResponderExtensions;
        Extension[] extensions = what switch
        {
            "no purpose" => [all[0], all[2]],
            "no key usage" => [all[1], all[2]],
            "usage of encryption" => [Extension.Create(KeyUsage.Encryption, critical: true), all[1], all[2]],
            "no nocheck" => [all[0], all[1]],
            "a CA" => [.. all, Extension.Create(BasicConstraints.Ca(), critical: true)],
            _ => all,
        };

        // The other CA has the same name, and another key.
        (Certificate certificate, HsmSigner signer) = await (what == "another issuer" ? other : ca).IssueAsync(
            what == "another algorithm" ? HsmKeyKind.P256 : HsmKeyKind.Sm2, extensions);
        if (what == "another key")
        {
            signer = (await ca.IssueAsync(HsmKeyKind.Sm2, all)).Signer;
        }

        Assert.Throws<ArgumentException>(() => OcspResponder.Delegated(ca.Certificate, certificate, signer));
    }

    public static TheoryData<string> BadAnswers =>
    [
        "of another CA", "of another hash", "produced before the certificate", "produced after the certificate", "thisUpdate after producedAt", "nextUpdate at thisUpdate",
        "nextUpdate after the certificate", "unspecified", "removeFromCRL", "nothing",
    ];

    [Theory]
    [MemberData(nameof(BadAnswers))]
    public async Task WhatCannotBeSaid_IsNotSigned(string what)
    {
        await using TestCa ca = await TestCa.CreateAsync();
        await using TestCa other = await TestCa.CreateAsync();
        var responder = OcspResponder.Of(ca.Issuer);
        CertId certId = Ask(ca);
        OcspStatement good = Statement(certId, new Good());
        OcspAnswer answer = what switch
        {
            "of another CA" => Answer(good, Statement(Ask(other), new Good())),
            "of another hash" => Answer(Statement(certId with { HashAlgorithm = new AlgorithmIdentifier(Oids.Sha512) }, new Good())),
            "produced before the certificate" => Answer(good) with { ProducedAt = new Time(TestCa.NotBefore.AddSeconds(-1)) },
            "produced after the certificate" => Answer(good with { NextUpdate = null }) with { ProducedAt = new Time(TestCa.NotAfter.AddSeconds(1)) },
            "thisUpdate after producedAt" => Answer(good with { ThisUpdate = new Time(TestCa.Now.AddSeconds(1)) }),
            "nextUpdate at thisUpdate" => Answer(good with { NextUpdate = Now }),
            "nextUpdate after the certificate" => Answer(good with { NextUpdate = new Time(TestCa.NotAfter.AddSeconds(1)) }),
            "unspecified" => Answer(Statement(certId, new Revoked(new RevokedInfo(Now, RevocationReason.Unspecified)))),
            "removeFromCRL" => Answer(Statement(certId, new Revoked(new RevokedInfo(Now, RevocationReason.RemoveFromCrl)))),
            _ => Answer(),
        };

        await Assert.ThrowsAnyAsync<ArgumentException>(() => responder.RespondAsync(answer, TestContext.Current.CancellationToken));

        Assert.Empty(ca.Hsm.Calls);
    }

    [Fact]
    public async Task Index_FindsTheIssuer_ByNameAndKeyBoth()
    {
        await using TestCa old = await TestCa.CreateAsync();
        await using TestCa renewed = await TestCa.CreateAsync();
        await using TestCa stranger = await TestCa.CreateAsync(name: "别的CA");
        var index = new CertIdIndex(old.Certificate, renewed.Certificate);
        CertId asked = Ask(renewed);

        foreach (CertIdHash hash in Enum.GetValues<CertIdHash>())
        {
            Assert.Same(old.Certificate, index.Find(Ask(old, hash)));
            Assert.Same(renewed.Certificate, index.Find(CertIds.Of(renewed.Certificate, Serial, hash, nullParameters: false)));
            Assert.Null(index.Find(Ask(stranger, hash)));
        }

        Assert.Null(index.Find(asked with { IssuerNameHash = Ask(stranger).IssuerNameHash }));
        Assert.Null(index.Find(asked with { IssuerKeyHash = Ask(stranger).IssuerKeyHash }));
        Assert.Null(index.Find(asked with { HashAlgorithm = new AlgorithmIdentifier(Oids.Sha512) }));
        Assert.Null(index.Find(asked with { HashAlgorithm = new AlgorithmIdentifier(Oids.Sha1, new byte[] { 0x30, 0x00 }) }));
        Assert.Null(index.Find(asked with { HashAlgorithm = new AlgorithmIdentifier(Oids.Sha256) }));
    }

    private static CertId Ask(TestCa ca, CertIdHash hash = CertIdHash.Sha1) => CertIds.Of(ca.Certificate, Serial, hash);

    private static OcspStatement Statement(CertId certId, CertStatus status) =>
        new() { CertId = certId, Status = status, ThisUpdate = Now, NextUpdate = new Time(TestCa.Now.AddHours(1)) };

    private static OcspAnswer Answer(params OcspStatement[] statements) => new() { ProducedAt = Now, Statements = statements };
}
