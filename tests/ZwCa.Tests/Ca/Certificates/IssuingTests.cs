using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Issuance;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Tests.Ca.Certificates;

/// <summary>Certificates through the CA's API: decided by two officers, sent by an RA, over mutual TLS.</summary>
public sealed class IssuingTests
{
    [Fact]
    public async Task WhatTwoOfficersDecided_IsIssued_AndARetryGetsTheSame()
    {
        await using CaStage stage = await CaStage.StartAsync();
        using var key = Sm2PrivateKey.Generate();
        DecidedRequest request = stage.Decide(stage.Draft(SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes())).ToApplication(), csr: CaStage.Csr(key));
        var id = RequestId.Create(TimeProvider.System);

        CertificateAnswer first = await stage.Ra.PostAsync<CertificateAnswer>("/certificates", request, id);
        CertificateAnswer again = await stage.Ra.PostAsync<CertificateAnswer>("/certificates", request, id);
        CertificateAnswer shown = await stage.Ra.GetAsync<CertificateAnswer>($"/certificates/{first.Issuer}/{first.Serial}");

        Assert.Equal("valid", first.State);
        Assert.Equal(first.Certificate, again.Certificate);
        Assert.Equal(first.Certificate, shown.Certificate);
        Certificate certificate = Der.Decode<Certificate>(first.Certificate);
        Assert.True(SignatureCheck.Holds(
            stage.Hierarchy.Sub.SubjectPublicKeyInfo, certificate.SignatureAlgorithm, certificate.TbsBytes, certificate.Signature));
        Assert.Equal(SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()), certificate.Tbs.SubjectPublicKeyInfo);
        Assert.Equal("福建省", certificate.Tbs.Subject.Texts(Oids.StateOrProvinceName).Single());
        Assert.Equal("福州市", certificate.Tbs.Subject.Texts(Oids.LocalityName).Single());
    }
}
