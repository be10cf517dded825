using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Tests.Asn1.Pkix;

public sealed class CrlTests
{
    [Fact]
    public void Dotnet_loads_a_CRL_of_ours()
    {
        var tbs = new TbsCertList(
            AlgorithmIdentifier.EcdsaWithSha256,
            PkixSamples.CaName,
            PkixSamples.ThisUpdate,
            PkixSamples.NextUpdate,
            [
                RevokedCertificate.Create(SerialNumber.Parse("1234"), PkixSamples.ThisUpdate, RevocationReason.KeyCompromise),
                RevokedCertificate.Create(SerialNumber.Parse("80"), PkixSamples.ThisUpdate),
            ],
            PkixSamples.CrlExtensions);
        byte[] der = Der.Encode(CertificateList.Assemble(Der.Encode(tbs), new byte[] { 1 }));

        CertificateRevocationListBuilder theirs = CertificateRevocationListBuilder.Load(der, out BigInteger number, out int read);

        Assert.Equal(der.Length, read);
        Assert.Equal(300, number);
        Assert.True(theirs.RemoveEntry([0x12, 0x34]));
        Assert.True(theirs.RemoveEntry([0x00, 0x80]));
        Assert.False(theirs.RemoveEntry([0x12, 0x35]));
    }

    [Fact]
    public void A_CRL_made_by_dotnet_is_reproduced_and_understood()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=CA", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        using X509Certificate2 issuer = request.CreateSelfSigned(PkixSamples.ThisUpdate.Value, PkixSamples.NextUpdate.Value);
        var builder = new CertificateRevocationListBuilder();
        builder.AddEntry([0x12, 0x34], PkixSamples.ThisUpdate.Value, X509RevocationReason.CACompromise);
        builder.AddEntry([0x56], PkixSamples.Year2051.Value);
        byte[] theirs = builder.Build(issuer, 17, PkixSamples.NextUpdate.Value, HashAlgorithmName.SHA256, thisUpdate: PkixSamples.ThisUpdate.Value);

        var ours = Der.Decode<CertificateList>(theirs);

        Assert.Equal(theirs, Der.Encode(ours));
        Assert.Equal(ours.TbsBytes.ToArray(), Der.Encode(ours.Tbs));
        Assert.Equal(17, ours.Tbs.CrlExtensions!.Find<CrlNumber>()!.Number);
        Assert.Equal(PkixSamples.NextUpdate, ours.Tbs.NextUpdate);
        Assert.Equal("1234", ours.Tbs.RevokedCertificates[0].UserCertificate.ToString());
        Assert.Equal(RevocationReason.CaCompromise, ours.Tbs.RevokedCertificates[0].CrlEntryExtensions!.Find<ReasonCode>()!.Reason);
        Assert.Equal(PkixSamples.Year2051, ours.Tbs.RevokedCertificates[1].RevocationDate);
        Assert.True(key.VerifyData(ours.TbsBytes.Span, ours.Signature.Span, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
    }

    [Fact]
    public void Bouncy_castle_reads_partitioned_delta_and_authority_CRLs_of_ours()
    {
        var idp = new IssuingDistributionPoint(DistributionPoint.At("http://crl.example.cn/7.crl").Name, onlyContainsCaCerts: true);
        var extensions = new ZwCa.Asn1.Pkix.Extensions([
            .. PkixSamples.CrlExtensions,
            Extension.Create(idp, critical: true),
            Extension.Create(new DeltaCrlIndicator(299), critical: true),
        ]);
        var tbs = new TbsCertList(
            AlgorithmIdentifier.Sm3WithSm2,
            PkixSamples.CaName,
            PkixSamples.ThisUpdate,
            PkixSamples.Year2051,
            [
                RevokedCertificate.Create(SerialNumber.Parse("1234"), PkixSamples.ThisUpdate, RevocationReason.RemoveFromCrl),
                RevokedCertificate.Create(SerialNumber.Parse("1235"), PkixSamples.ThisUpdate, RevocationReason.CertificateHold, PkixSamples.ThisUpdate),
            ],
            extensions);
        byte[] der = Der.Encode(CertificateList.Assemble(Der.Encode(tbs), new byte[] { 1 }));

        var theirs = new Org.BouncyCastle.X509.X509CrlParser().ReadCrl(der);

        Assert.Equal(2, theirs.Version);
        Assert.Equal(PkixSamples.ThisUpdate.Value.UtcDateTime, theirs.ThisUpdate);
        Assert.Equal(PkixSamples.Year2051.Value.UtcDateTime, theirs.NextUpdate.Value);
        Assert.Equal(2, theirs.GetRevokedCertificates().Count);
        Assert.True(theirs.GetRevokedCertificate(new("1234", 16)).HasExtensions);
        Assert.Equal([Oids.DeltaCrlIndicator, Oids.IssuingDistributionPoint], theirs.GetCriticalExtensionOids().Cast<string>().Order());
        Assert.Equal(der, theirs.GetEncoded());
    }

    [Fact]
    public void What_an_issuer_must_write_is_demanded_and_others_may_lack_it()
    {
        TbsCertList Make(Time nextUpdate, RevocationReason reason, ZwCa.Asn1.Pkix.Extensions extensions) => new(
            AlgorithmIdentifier.Sm3WithSm2,
            PkixSamples.CaName,
            PkixSamples.ThisUpdate,
            nextUpdate,
            [RevokedCertificate.Create(SerialNumber.Parse("01"), PkixSamples.ThisUpdate, reason)],
            extensions);

        Assert.Throws<ArgumentException>(() => Make(PkixSamples.ThisUpdate, RevocationReason.Superseded, PkixSamples.CrlExtensions));
        Assert.Throws<ArgumentException>(() => Make(PkixSamples.NextUpdate, RevocationReason.Superseded, new(PkixSamples.CrlExtensions[0])));
        Assert.Throws<ArgumentException>(() => Make(PkixSamples.NextUpdate, RevocationReason.Superseded, new(PkixSamples.CrlExtensions[1])));
        Assert.Throws<ArgumentException>(() => Make(PkixSamples.NextUpdate, RevocationReason.RemoveFromCrl, PkixSamples.CrlExtensions));

        Tlv tree = Tlv.Parse(Der.Encode(Make(PkixSamples.NextUpdate, RevocationReason.Superseded, PkixSamples.CrlExtensions)));
        tree.Children!.RemoveAt(6);
        tree.Children.RemoveAt(4);
        var bare = Der.Decode<TbsCertList>(tree.Encode());
        Assert.Null(bare.NextUpdate);
        Assert.Null(bare.CrlExtensions);
        Assert.Equal(tree.Encode(), Der.Encode(bare));
    }

    public static TheoryData<string> Refused => [
        "AKI critical", "CRL number critical", "delta not critical", "IDP not critical", "FreshestCRL critical", "AIA critical",
        "base equals number", "base above number", "FreshestCRL in a delta", "attribute certificates", "no issuer",
    ];

    /// <summary>RFC 5280 §5.2. Extensions are made by hand, for <see cref="Extension.Create"/> refuses a wrong criticality itself.</summary>
    [Theory]
    [MemberData(nameof(Refused))]
    public void What_RFC_5280_forbids_an_issuer_is_refused(string fault)
    {
        static Extension Raw<T>(T value, bool critical)
            where T : IExtensionValue<T> =>
            new(T.Id, critical, Der.Encode(value));
        Extension aki = Raw(new AuthorityKeyIdentifier(new byte[20]), fault == "AKI critical");
        Extension number = Raw(new CrlNumber(300), fault == "CRL number critical");
        Extension delta = Raw(new DeltaCrlIndicator(299), critical: true);
        var freshest = new FreshestCrl(DistributionPoint.At("http://example.cn/delta.crl"));
        Extension[] more = fault switch
        {
            "delta not critical" => [Raw(new DeltaCrlIndicator(299), critical: false)],
            "IDP not critical" => [Raw(new IssuingDistributionPoint(onlyContainsCaCerts: true), critical: false)],
            "FreshestCRL critical" => [Raw(freshest, critical: true)],
            "AIA critical" => [Raw(new AuthorityInfoAccess(AccessDescription.CaIssuers("http://example.cn/ca.cer")), critical: true)],
            "base equals number" => [Raw(new DeltaCrlIndicator(300), critical: true)],
            "base above number" => [Raw(new DeltaCrlIndicator(301), critical: true)],
            "FreshestCRL in a delta" => [delta, Raw(freshest, critical: false)],
            "attribute certificates" => [Raw(new IssuingDistributionPoint(onlyContainsAttributeCerts: true), critical: true)],
            _ => [],
        };
        var extensions = new ZwCa.Asn1.Pkix.Extensions([aki, number, .. more]);
        Name issuer = fault == "no issuer" ? Name.Empty : PkixSamples.CaName;

        Assert.Throws<ArgumentException>(() => new TbsCertList(
            AlgorithmIdentifier.Sm3WithSm2, issuer, PkixSamples.ThisUpdate, PkixSamples.NextUpdate, [], extensions));
        Assert.Throws<ArgumentException>(() => new CrlWriter(
            AlgorithmIdentifier.Sm3WithSm2, issuer, PkixSamples.ThisUpdate, PkixSamples.NextUpdate, extensions));
    }

    [Fact]
    public void What_RFC_5280_allows_is_not()
    {
        var freshest = new FreshestCrl(DistributionPoint.At("http://example.cn/delta.crl"));
        Extension[][] allowed = [
            [Extension.Create(freshest, critical: false)],
            [Extension.Create(new DeltaCrlIndicator(0), critical: true)],
            [Extension.Create(new DeltaCrlIndicator(299), critical: true), Extension.Create(new IssuingDistributionPoint(onlyContainsUserCerts: true), critical: true)],
            [new Extension("1.2.3", true, new byte[] { 5, 0 })],
        ];
        foreach (Extension[] more in allowed)
        {
            var extensions = new ZwCa.Asn1.Pkix.Extensions([.. PkixSamples.CrlExtensions, .. more]);
            var tbs = new TbsCertList(AlgorithmIdentifier.Sm3WithSm2, PkixSamples.CaName, PkixSamples.ThisUpdate, PkixSamples.NextUpdate, [], extensions);
            Assert.Equal(2 + more.Length, Der.Decode<TbsCertList>(Der.Encode(tbs)).CrlExtensions!.Count);
        }
    }

    [Fact]
    public void Criticality_that_RFC_5280_fixes_cannot_be_chosen()
    {
        Assert.Throws<ArgumentException>(() => Extension.Create(new CrlNumber(1), critical: true));
        Assert.Throws<ArgumentException>(() => Extension.Create(new DeltaCrlIndicator(1), critical: false));
        Assert.Throws<ArgumentException>(() => Extension.Create(new ReasonCode(RevocationReason.Superseded), critical: true));
        Assert.Throws<ArgumentException>(() => Extension.Create(PkixSamples.KeyId, critical: true));
        Assert.Throws<ArgumentException>(() => Extension.Create(new NameConstraints([], [new GeneralSubtree(new DnsName("a"))]), critical: false));
        Assert.NotEqual(Extension.Create(KeyUsage.Signing, critical: false), Extension.Create(KeyUsage.Signing, critical: true));
    }

    /// <summary>Equal bytes share one object; bytes of equal length and equal end must not.</summary>
    [Fact]
    public void Entries_of_one_form_keep_their_own_values()
    {
        Time[] dates = [PkixSamples.ThisUpdate, PkixSamples.NextUpdate, PkixSamples.ThisUpdate, PkixSamples.Year2051, PkixSamples.NextUpdate];
        var tbs = new TbsCertList(
            AlgorithmIdentifier.Sm3WithSm2,
            PkixSamples.CaName,
            PkixSamples.ThisUpdate,
            PkixSamples.NextUpdate,
            [.. dates.Select(d => RevokedCertificate.Create(SerialNumber.Parse("01"), PkixSamples.ThisUpdate, RevocationReason.KeyCompromise, d))],
            PkixSamples.CrlExtensions);
        var read = Der.Decode<TbsCertList>(Der.Encode(tbs));
        Assert.Equal(dates, read.RevokedCertificates.Select(r => r.CrlEntryExtensions!.Find<InvalidityDate>()!.Date));
    }

    [Fact]
    public void An_outer_algorithm_that_differs_from_the_inner_one_is_seen()
    {
        var tbs = new TbsCertList(
            AlgorithmIdentifier.Sm3WithSm2, PkixSamples.CaName, PkixSamples.ThisUpdate, PkixSamples.NextUpdate, [], PkixSamples.CrlExtensions);
        byte[] der = Der.Encode(CertificateList.Assemble(Der.Encode(tbs), new byte[] { 1 }));
        Assert.True(Der.Decode<CertificateList>(der).AlgorithmsAgree);
        foreach (AlgorithmIdentifier outer in (AlgorithmIdentifier[])[AlgorithmIdentifier.Sha256WithRsa, new(Oids.Sm3WithSm2, (byte[])[0x05, 0x00])])
        {
            Tlv tree = Tlv.Parse(der);
            tree.Children![1] = Tlv.Parse(Der.Encode(outer));
            Assert.False(Der.Decode<CertificateList>(tree.Encode()).AlgorithmsAgree);
        }
    }

    [Fact]
    public void An_empty_list_is_absent_and_refused_when_present()
    {
        var empty = new TbsCertList(AlgorithmIdentifier.Sm3WithSm2, PkixSamples.CaName, PkixSamples.ThisUpdate, PkixSamples.NextUpdate, [], PkixSamples.CrlExtensions);
        Tlv tree = Tlv.Parse(Der.Encode(empty));
        Assert.Equal(6, tree.Children!.Count);
        Assert.Empty(Der.Decode<TbsCertList>(tree.Encode()).RevokedCertificates);
        tree.Children.Insert(5, Tlv.Parse([0x30, 0x00]));
        Assert.Throws<DerException>(() => Der.Decode<TbsCertList>(tree.Encode()));
    }

    [Fact]
    public void A_version_1_list_is_refused()
    {
        Tlv tree = Tlv.Parse(Der.Encode(new TbsCertList(
            AlgorithmIdentifier.Sm3WithSm2, PkixSamples.CaName, PkixSamples.ThisUpdate, PkixSamples.NextUpdate, [], PkixSamples.CrlExtensions)));
        tree.Children![0].Content = [0];
        Assert.Throws<DerException>(() => Der.Decode<TbsCertList>(tree.Encode()));
        tree.Children.RemoveAt(0);
        Assert.Throws<DerException>(() => Der.Decode<TbsCertList>(tree.Encode()));
    }
}
