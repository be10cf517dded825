using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Tests.Asn1.Custody;

namespace ZwCa.Tests.Asn1.Decisions;

/// <summary>One officer's decision over many applications.</summary>
public sealed class ApprovalTests
{
    [Fact]
    public void AnApproval_IsSignedByTheKeyOfItsCertificate()
    {
        var approval = Der.Decode<Approval>(Der.Encode(DecisionSamples.Approved(CustodySamples.PublicKey(9), signer: 9)));

        Assert.True(approval.IsSignedByCertificate());
        Assert.Equal(ApprovalStep.Review, approval.Tbs.Step);
        Assert.Equal(CustodySamples.NotAfter, approval.Tbs.Time);
        Assert.Equal(DecisionSamples.Recovery.Digest, approval.Tbs.Digests[0].ToArray());
        Assert.Equal(DecisionSamples.Officer, approval.Certificate.Tbs.Extensions!.Find<OfficerIdentity>());
    }

    [Fact]
    public void AnApproval_OfAnotherKeyOrOverSomethingElse_IsNotSigned()
    {
        SubjectPublicKeyInfo key = CustodySamples.PublicKey(9);
        Assert.False(DecisionSamples.Approved(key, signer: 8).IsSignedByCertificate());
        Assert.False(DecisionSamples.Approved(key, signer: 9, signed: Der.Encode(DecisionSamples.Recovery)).IsSignedByCertificate());

        byte[] entry = Der.Encode(new TbsApproval(ApprovalStep.Entry, DecisionSamples.Tbs.Digests, DecisionSamples.Tbs.Time));
        Approval review = DecisionSamples.Approved(key, signer: 9);
        Assert.False(Approval.Assemble(entry, review.Signature, review.Certificate).IsSignedByCertificate());
    }

    [Fact]
    public void AnApproval_WithACertificateThatIsNotSm2_IsNotSigned()
    {
        using ECDsa p256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        ReadOnlyMemory<byte> point = CustodySamples.PublicKey(9).PublicKey;
        SubjectPublicKeyInfo[] others = [
            Der.Decode<SubjectPublicKeyInfo>(p256.ExportSubjectPublicKeyInfo()),
            SubjectPublicKeyInfo.ForP256(point),
            SubjectPublicKeyInfo.ForRsa(new RsaPublicKey(new byte[] { 3 }, new byte[] { 3 })),
            new(AlgorithmIdentifier.Rsa, point),
            new(new AlgorithmIdentifier(Oids.EcPublicKey, (byte[])[0x06, 0x00]), point),
            SubjectPublicKeyInfo.ForSm2((byte[])[0x04, .. new byte[63], 1]),
            new(AlgorithmIdentifier.Sm2Key, Array.Empty<byte>()),
        ];
        Assert.All(others, key => Assert.False(DecisionSamples.Approved(key, signer: 9).IsSignedByCertificate()));
    }

    [Fact]
    public void AnApproval_IsAssembledOfATbsApprovalOnly()
    {
        Approval approval = DecisionSamples.Approved(CustodySamples.PublicKey(9), signer: 9);

        Assert.Throws<DerException>(() => Approval.Assemble(Der.Encode(DecisionSamples.Recovery), approval.Signature, approval.Certificate));
        Assert.Throws<DerException>(() => Approval.Assemble((byte[])[.. approval.TbsBytes.Span, 0], approval.Signature, approval.Certificate));
        Assert.Throws<ArgumentNullException>(() => Approval.Assemble(approval.TbsBytes, null!, approval.Certificate));
        Assert.Throws<ArgumentNullException>(() => Approval.Assemble(approval.TbsBytes, approval.Signature, null!));
    }

    [Fact]
    public void Digests_Are1To10000()
    {
        ReadOnlyMemory<byte>[] most = [.. Enumerable.Range(0, 10_000).Select(i => new ReadOnlyMemory<byte>(Sm3.HashData(BitConverter.GetBytes(i))))];
        var approval = new TbsApproval(ApprovalStep.Entry, most, CustodySamples.NotAfter);
        byte[] der = Der.Encode(approval);

        Assert.Equal(10_000, Der.Decode<TbsApproval>(der).Digests.Count);
        Assert.Throws<ArgumentException>(() => new TbsApproval(ApprovalStep.Entry, [.. most, most[0]], CustodySamples.NotAfter));
        Assert.Throws<ArgumentException>(() => new TbsApproval(ApprovalStep.Entry, [], CustodySamples.NotAfter));
        Assert.Throws<ArgumentNullException>(() => new TbsApproval(ApprovalStep.Entry, null!, CustodySamples.NotAfter));

        Tlv tree = Tlv.Parse(der);
        tree.Children![3].Children!.Add(Tlv.Parse([0x04, 0x20, .. most[0].Span]));
        Assert.Throws<DerException>(() => Der.Decode<TbsApproval>(tree.Encode()));
        tree.Children[3].Children!.Clear();
        Assert.Throws<DerException>(() => Der.Decode<TbsApproval>(tree.Encode()));
    }

    [Fact]
    public void UnknownNumbers_AreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new TbsApproval((ApprovalStep)2, DecisionSamples.Tbs.Digests, CustodySamples.NotAfter));
        Assert.Throws<ArgumentOutOfRangeException>(() => new OfficerIdentity(new byte[16], (OfficerKind)3, "审核", "350100"));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Application(0, "CA", "RA", "350100", "1", Der.Encode(DecisionSamples.Body)));

        Assert.Throws<DerException>(() => Der.Decode<TbsApproval>(WithNumber(Der.Encode(DecisionSamples.Tbs), field: 2, number: 2)));
        Assert.Throws<DerException>(() => Der.Decode<OfficerIdentity>(WithNumber(Der.Encode(DecisionSamples.Officer), field: 1, number: 3)));
        Assert.Throws<DerException>(() => Der.Decode<Application>(WithNumber(Der.Encode(DecisionSamples.Recovery), field: 2, number: 8)));
        Assert.Throws<DerException>(() => Der.Decode<Application>(WithNumber(Der.Encode(DecisionSamples.Recovery), field: 1, number: 2)));
    }

    /// <summary>trust.md §3: the digest covers all that the application says.</summary>
    [Fact]
    public void TheDigest_IsAnotherForEachField()
    {
        Application same = DecisionSamples.Application();
        byte[] body = Der.Encode(DecisionSamples.Body);
        Application[] others = [
            new(DecisionKind.Recovery, "政务CA 签发二", same.RaName, same.Region, same.EnrollmentId, body),
            new(DecisionKind.Recovery, same.CaName, "浙江RA", same.Region, same.EnrollmentId, body),
            new(DecisionKind.Recovery, same.CaName, same.RaName, "350200", same.EnrollmentId, body),
            new(DecisionKind.Recovery, same.CaName, same.RaName, same.Region, "2", body),
            new(DecisionKind.Recovery, same.CaName, same.RaName, same.Region, same.EnrollmentId, Der.Encode(DecisionSamples.Body with { Issuer = new byte[20] })),
        ];

        Assert.Equal(Sm3.HashData(Der.Encode(same)), DecisionSamples.Recovery.Digest);
        Assert.Equal(others.Length + 1, others.Append(same).Select(each => Convert.ToHexString(each.Digest)).Distinct().Count());
        Assert.Equal(DecisionSamples.Body, Der.Decode<RecoveryBody>(same.Body));
    }

    private static byte[] WithNumber(byte[] der, int field, byte number)
    {
        Tlv tree = Tlv.Parse(der);
        tree.Children![field].Content = [number];
        return tree.Encode();
    }
}
