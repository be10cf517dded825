using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Tests.Asn1.Decisions;
using static ZwCa.Tests.Asn1.Custody.CustodySamples;

namespace ZwCa.Tests.Asn1.Custody;

/// <summary>Who signed: the count that opens a key, changes a policy, makes a backup.</summary>
public sealed class SignedStatementTests
{
    private static readonly byte[] Statement = Der.Encode(Recovery);
    private static readonly SubjectPublicKeyInfo[] Officers = [PublicKey(5), PublicKey(6), PublicKey(7)];

    [Fact]
    public void ThoseWhoSigned_AreCounted()
    {
        var signed = Der.Decode<SignedStatement>(Der.Encode(Signed(Statement, 7, 5)));

        Assert.Equal([Officers[0], Officers[2]], signed.ValidSigners(Officers));
        Assert.Empty(signed.ValidSigners([]));
        Assert.Equal(Statement, signed.Statement.ToArray());
    }

    [Fact]
    public void TheSameOfficerTwice_CountsOnce()
    {
        // Two signatures that differ, and a list that names him twice.
        SignedStatement signed = Signed(Statement, 5, 5);
        Assert.NotEqual(signed.Signatures[0], signed.Signatures[1]);

        Assert.Equal([Officers[0]], signed.ValidSigners([.. Officers, .. Officers, PublicKey(5)]));
    }

    [Fact]
    public void AnUnknownSigner_CountsForNothing()
    {
        Assert.Empty(Signed(Statement, 1, 2, 8).ValidSigners(Officers));

        StatementSignature stranger = Sign(Statement, 1);
        SignedStatement inAnothersName = new(Statement, [new StatementSignature(StatementSignature.IdOf(Officers[0]), stranger.Signature)]);
        Assert.Empty(inAnothersName.ValidSigners(Officers));
    }

    /// <summary>One bad signature does not take the officer's good one with it.</summary>
    [Fact]
    public void BesideABadSignature_TheGoodOneCounts()
    {
        var bad = new StatementSignature(StatementSignature.IdOf(Officers[0]), Sm2Signature.FromRaw(new byte[64]));

        Assert.Empty(new SignedStatement(Statement, [bad]).ValidSigners(Officers));
        Assert.Equal([Officers[0]], new SignedStatement(Statement, [bad, Sign(Statement, 5)]).ValidSigners(Officers));
    }

    [Fact]
    public void ASignatureOverAnotherStatement_CountsForNothing()
    {
        byte[] other = Der.Encode(new RecoveryCase(
            Recovery.Partition, Recovery.CaseNumber, Recovery.DocumentHash, Recovery.KeyId, PublicKey(9), Recovery.NotAfter));

        Assert.Empty(new SignedStatement(Statement, [Sign(other, 5), Sign(other, 6)]).ValidSigners(Officers));
    }

    /// <summary>One byte of the statement changed at a time: whatever it makes, nobody has signed it.</summary>
    [Fact]
    public void AChangedStatement_HasNoSigners()
    {
        IReadOnlyList<StatementSignature> signatures = Signed(Statement, 5).Signatures;

        // From the first byte of the content on; a changed header is no element any more.
        for (int at = 3; at < Statement.Length; at++)
        {
            byte[] changed = [.. Statement];
            changed[at] ^= 1;
            Assert.Empty(new SignedStatement(changed, signatures).ValidSigners(Officers));
        }
    }

    public static TheoryData<string> NoSm2Keys => [.. OtherKeys.Keys];

    private static readonly Dictionary<string, SubjectPublicKeyInfo> OtherKeys = new()
    {
        ["off the curve"] = SubjectPublicKeyInfo.ForSm2(Point(last: 1)),
        ["infinity"] = SubjectPublicKeyInfo.ForSm2((byte[])[0x04, .. new byte[64]]),
        ["coordinate not below p"] = SubjectPublicKeyInfo.ForSm2((byte[])[0x04, .. Enumerable.Repeat((byte)0xff, 64)]),
        ["P-256"] = OfDotnet(ECDsa.Create(ECCurve.NamedCurves.nistP256)),
        ["P-256 with a point of SM2"] = SubjectPublicKeyInfo.ForP256(PublicKey(5).PublicKey),
        ["RSA"] = OfDotnet(RSA.Create(2048)),
        ["RSA with a point of SM2"] = new(AlgorithmIdentifier.Rsa, PublicKey(5).PublicKey),
        ["compressed"] = Compressed(5),
        ["without parameters"] = new(new AlgorithmIdentifier(Oids.EcPublicKey), PublicKey(5).PublicKey),
        ["with parameters that are no OID"] = new(new AlgorithmIdentifier(Oids.EcPublicKey, (byte[])[0x06, 0x00]), PublicKey(5).PublicKey),
        ["empty"] = new(AlgorithmIdentifier.Sm2Key, Array.Empty<byte>()),
    };

    /// <summary>Signed by officer 5, whose point some of them have: neither alone nor beside him do they count.</summary>
    [Theory]
    [MemberData(nameof(NoSm2Keys))]
    public void AKeyThatIsNotSm2_CountsForNothing(string name)
    {
        SubjectPublicKeyInfo other = OtherKeys[name];
        StatementSignature good = Sign(Statement, 5);
        SignedStatement signed = new(Statement, [new StatementSignature(StatementSignature.IdOf(other), good.Signature), good]);

        Assert.Empty(signed.ValidSigners([other]));
        Assert.Equal([Officers[0]], signed.ValidSigners([other, .. Officers]));
    }

    [Theory]
    [MemberData(nameof(NoSm2Keys))]
    public void AKeyThatIsNotSm2_ComesIntoNoStatement(string name)
    {
        SubjectPublicKeyInfo other = OtherKeys[name];
        Assert.Throws<ArgumentException>(() => new RecoveryRule(2, [PublicKey(5), PublicKey(6), other]));
        Assert.Throws<ArgumentException>(() => new AuthorizingCa("政务CA", [other]));
        Assert.Throws<ArgumentException>(() => new PartitionPolicy(Policy.Partition, 0, [], false, [], [other], null));
        Assert.Throws<ArgumentException>(() => new RecoveryCase(
            Recovery.Partition, Recovery.CaseNumber, Recovery.DocumentHash, Recovery.KeyId, other, Recovery.NotAfter));

        Assert.Throws<DerException>(() => Der.Decode<RecoveryRule>(Exchanged(Der.Encode(Policy.Recovery!), Officers[0], other)));
        Assert.Throws<DerException>(() => Der.Decode<AuthorizingCa>(Exchanged(Der.Encode(Policy.AuthorizingCas[0]), PublicKey(1), other)));
        Assert.Throws<DerException>(() => Der.Decode<PartitionPolicy>(Exchanged(Der.Encode(Policy), PublicKey(4), other)));
        Assert.Throws<DerException>(() => Der.Decode<RecoveryCase>(Exchanged(Statement, PublicKey(8), other)));
    }

    /// <summary>The identifier comes first in each: a signature under one type is none under another, and no bytes are of two types.</summary>
    [Fact]
    public void TypesOfStatements_DoNotFitEachOther()
    {
        byte[][] statements = [
            Der.Encode(Policy), Der.Encode(Backup), Statement, Der.Encode(DecisionSamples.Recovery), Der.Encode(DecisionSamples.Tbs)];
        Func<byte[], object>[] types = [
            b => Der.Decode<PartitionPolicy>(b), b => Der.Decode<BackupStatement>(b), b => Der.Decode<RecoveryCase>(b),
            b => Der.Decode<ZwCa.Asn1.Decisions.Application>(b), b => Der.Decode<ZwCa.Asn1.Decisions.TbsApproval>(b)];
        string[] identifiers = [Oids.PartitionPolicy, Oids.BackupStatement, Oids.RecoveryCase, Oids.Application, Oids.Approval];

        for (int i = 0; i < statements.Length; i++)
        {
            for (int j = 0; j < statements.Length; j++)
            {
                SignedStatement signed = new(statements[j], Signed(statements[i], 5).Signatures);
                Assert.Equal(i == j ? 1 : 0, signed.ValidSigners(Officers).Count);

                // With the identifier of another type too the bytes are not of that type, or not the ones that were signed.
                byte[] relabelled = Relabelled(statements[i], identifiers[j]);
                Assert.Equal(i == j, relabelled.AsSpan().SequenceEqual(statements[i]));
                if (i != j)
                {
                    Assert.Throws<DerException>(() => types[j](statements[i]));
                    Assert.Throws<DerException>(() => types[i](relabelled));
                    Assert.Empty(new SignedStatement(relabelled, signed.Signatures).ValidSigners(Officers));
                }
            }

            Assert.NotNull(types[i](statements[i]));
        }
    }

    [Fact]
    public void TheSignersId_IsSm3OfTheKey()
    {
        StatementSignature signature = Sign(Statement, 5);

        Assert.Equal(Sm3.HashData(Der.Encode(Officers[0])), signature.Signer.ToArray());
        using Sm2PrivateKey key = PrivateKey(5);
        Assert.True(ZwCa.Tests.Cryptography.Oracle.BouncyCastleVerify(
            key.PublicKey.ToBytes(), Statement, signature.Signature.Raw.ToArray(), "1234567812345678"u8.ToArray()));
    }

    private static SubjectPublicKeyInfo OfDotnet(AsymmetricAlgorithm key)
    {
        using (key)
        {
            return Der.Decode<SubjectPublicKeyInfo>(key.ExportSubjectPublicKeyInfo());
        }
    }

    private static SubjectPublicKeyInfo Compressed(byte number)
    {
        ReadOnlySpan<byte> point = PublicKey(number).PublicKey.Span;
        return new SubjectPublicKeyInfo(AlgorithmIdentifier.Sm2Key, (byte[])[(byte)(2 + (point[64] & 1)), .. point[1..33]]);
    }

    private static byte[] Point(byte last) => [0x04, .. new byte[63], last];

    private static byte[] Exchanged(byte[] der, SubjectPublicKeyInfo key, SubjectPublicKeyInfo other)
    {
        byte[] encoded = Der.Encode(key);
        Tlv tree = Tlv.Parse(der);
        Tlv node = tree.All().Single(each => each.Encode().AsSpan().SequenceEqual(encoded));
        node.Children = Tlv.Parse(Der.Encode(other)).Children;
        return tree.Encode();
    }

    private static byte[] Relabelled(byte[] statement, string identifier)
    {
        Tlv tree = Tlv.Parse(statement);
        var writer = new System.Formats.Asn1.AsnWriter(System.Formats.Asn1.AsnEncodingRules.DER);
        writer.WriteObjectIdentifier(identifier);
        tree.Children![0] = Tlv.Parse(writer.Encode());
        return tree.Encode();
    }
}
