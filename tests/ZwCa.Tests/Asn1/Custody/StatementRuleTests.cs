using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Tests.Asn1.Decisions;
using ZwCa.Tests.Asn1.Pkix;
using static ZwCa.Tests.Asn1.Custody.CustodySamples;

namespace ZwCa.Tests.Asn1.Custody;

/// <summary>What constructors and readers refuse alike.</summary>
public sealed class StatementRuleTests
{
    private static readonly byte[] Statement = Der.Encode(Backup);

    [Theory]
    [InlineData("")]
    [InlineData("30")]
    [InlineData("3001")]
    [InlineData("300000")]
    [InlineData("05000500")]
    [InlineData("30800000")]
    [InlineData("308100")]
    public void AStatementAndABody_AreExactlyOneElement(string hex)
    {
        byte[] bytes = Convert.FromHexString(hex);

        Assert.Throws<ArgumentException>(() => new SignedStatement(bytes, [Sign(Statement, 1)]));
        Assert.Throws<ArgumentException>(() => new Application(DecisionKind.Recovery, "CA", "RA", "350100", "1", bytes));
    }

    [Fact]
    public void SignaturesOfAStatement_Are1To64()
    {
        StatementSignature signature = Sign(Statement, 1);
        StatementSignature[] most = [.. Enumerable.Repeat(signature, 64)];

        byte[] der = Der.Encode(new SignedStatement(Statement, most));
        Assert.Equal(64, Der.Decode<SignedStatement>(der).Signatures.Count);
        Assert.Throws<ArgumentException>(() => new SignedStatement(Statement, [.. most, signature]));
        Assert.Throws<ArgumentException>(() => new SignedStatement(Statement, []));
        Assert.Throws<DerException>(() => Der.Decode<SignedStatement>(Changed(der, tree => tree.Children![1].Children!.Add(Tlv.Parse(Der.Encode(signature))))));
        Assert.Throws<DerException>(() => Der.Decode<SignedStatement>(Changed(der, tree => tree.Children![1].Children!.Clear())));
    }

    [Theory]
    [InlineData(1, 3)]
    [InlineData(0, 3)]
    [InlineData(-1, 3)]
    [InlineData(4, 3)]
    [InlineData(2, 1)]
    [InlineData(2, 0)]
    public void ARecoveryRule_NeedsTwoAndHasAsMany(int threshold, int officers)
    {
        SubjectPublicKeyInfo[] keys = [.. Enumerable.Range(1, officers).Select(i => PublicKey((byte)i))];

        Assert.Throws<ArgumentException>(() => new RecoveryRule(threshold, keys));
        Assert.Throws<DerException>(() => Der.Decode<RecoveryRule>(Changed(Der.Encode(Policy.Recovery!), tree =>
        {
            tree.Children![0].Content = [unchecked((byte)threshold)];
            tree.Children[1].Children = [.. keys.Select(key => Tlv.Parse(Der.Encode(key)))];
        })));
    }

    [Fact]
    public void ARecoveryRule_NamesEachOfficerOnce()
    {
        Assert.Throws<ArgumentException>(() => new RecoveryRule(2, [PublicKey(1), PublicKey(1)]));
        Assert.Throws<DerException>(() => Der.Decode<RecoveryRule>(
            Changed(Der.Encode(Policy.Recovery!), tree => tree.Children![1].Children!.Add(tree.Children[1].Children![0]))));
    }

    /// <summary>Otherwise it would be open which CA asks.</summary>
    [Fact]
    public void APolicy_NamesEachCaAndEachOfItsKeysOnce()
    {
        AuthorizingCa[][] twins = [
            [new AuthorizingCa("一", [PublicKey(1)]), new AuthorizingCa("一", [PublicKey(2)])],
            [new AuthorizingCa("一", [PublicKey(1)]), new AuthorizingCa("二", [PublicKey(2), PublicKey(1)])],
            [new AuthorizingCa("一", [PublicKey(1), PublicKey(1)])],
        ];
        Assert.All(twins, each =>
        {
            Assert.Throws<ArgumentException>(() => new PartitionPolicy(Policy.Partition, 0, [], false, each, [], null));
            Assert.Throws<DerException>(() => Der.Decode<PartitionPolicy>(
                Changed(Der.Encode(Policy), tree => tree.Children![5].Children = [.. each.Select(ca => Tlv.Parse(Der.Encode(ca)))])));
        });
    }

    [Fact]
    public void APolicy_IsReadFieldByField()
    {
        var policy = Der.Decode<PartitionPolicy>(Der.Encode(Policy));

        Assert.Equal(Policy.Partition.ToArray(), policy.Partition.ToArray());
        Assert.Equal(7, policy.Version);
        Assert.Equal(Policy.Clients, policy.Clients);
        Assert.False(policy.AllowSm2Decrypt);
        Assert.Equal(["政务CA 签发一", "政务CA 签发二"], policy.AuthorizingCas.Select(ca => ca.Name));
        Assert.Equal([PublicKey(1), PublicKey(2), PublicKey(3)], policy.AuthorizingCas.SelectMany(ca => ca.Keys));
        Assert.Equal([PublicKey(4)], policy.OfficerIssuers);
        Assert.Equal(2, policy.Recovery!.Threshold);
        Assert.Equal([PublicKey(5), PublicKey(6), PublicKey(7)], policy.Recovery.Officers);
        Assert.Throws<ArgumentOutOfRangeException>(() => new PartitionPolicy(Policy.Partition, -1, [], false, [], [], null));
    }

    [Fact]
    public void ListsOfAPolicy_AreCopied()
    {
        List<SubjectPublicKeyInfo> keys = [PublicKey(1), PublicKey(2)];
        var rule = new RecoveryRule(2, keys);
        var ca = new AuthorizingCa("一", keys);
        var policy = new PartitionPolicy(Policy.Partition, 0, [], false, [ca], keys, rule);
        byte[] before = Der.Encode(policy);

        keys[1] = PublicKey(3);
        Assert.Equal(before, Der.Encode(policy));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(15)]
    [InlineData(17)]
    [InlineData(32)]
    public void IdsHave16Bytes(int length)
    {
        byte[] id = new byte[length];
        Assert.Throws<ArgumentException>(() => new BackupStatement(id, NotAfter));
        Assert.Throws<ArgumentException>(() => new PartitionPolicy(id, 0, [], false, [], [], null));
        Assert.Throws<ArgumentException>(() => new RecoveryCase(id, "1", Recovery.DocumentHash, Recovery.KeyId, Recovery.Recipient, NotAfter));
        Assert.Throws<ArgumentException>(() => new RecoveryCase(Recovery.Partition, "1", Recovery.DocumentHash, id, Recovery.Recipient, NotAfter));
        Assert.Throws<ArgumentException>(() => new OfficerIdentity(id, OfficerKind.Operator, "审核", "350100"));
        Assert.Throws<DerException>(() => Der.Decode<BackupStatement>(Changed(Statement, tree => tree.Children![1].Content = id)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(31)]
    [InlineData(33)]
    [InlineData(64)]
    public void HashesHave32Bytes(int length)
    {
        byte[] hash = new byte[length];
        Assert.Throws<ArgumentException>(() => new ClientCredential(hash, new byte[32]));
        Assert.Throws<ArgumentException>(() => new ClientCredential(new byte[32], hash));
        Assert.Throws<ArgumentException>(() => new StatementSignature(hash, Sign(Statement, 1).Signature));
        Assert.Throws<ArgumentException>(() => new RecoveryCase(Recovery.Partition, "1", hash, Recovery.KeyId, Recovery.Recipient, NotAfter));
        Assert.Throws<DerException>(() => Der.Decode<ClientCredential>(Changed(Der.Encode(Policy.Clients[0]), tree => tree.Children![1].Content = hash)));
        Assert.Throws<ArgumentException>(() => new TbsApproval(ApprovalStep.Entry, [hash], NotAfter));
    }

    public static TheoryData<string> BadTexts => [
        "", "a\0", "a\n", "a\u007f", "a\u0085", "\u202e1号", "a\u200bb", "a\u2066b", "\ufeffa", "a\u2028b", "a\u2029b", "\U000E0041", "Cafe\u0301",
        "a\ufdd0", "a\ufffe", "a\uffff", "\U0010fffe",
        new string('号', 257)];

    [Theory]
    [MemberData(nameof(BadTexts), DisableDiscoveryEnumeration = true)]
    public void ATextThatHidesSomething_IsRefused(string text)
    {
        Assert.Throws<ArgumentException>(() => new AuthorizingCa(text, [PublicKey(1)]));
        Assert.Throws<ArgumentException>(() => DecisionSamples.Application(enrollmentId: text));
        Assert.Throws<DerException>(() => Der.Decode<RecoveryCase>(
            Changed(Der.Encode(Recovery), tree => tree.Children![2].Content = System.Text.Encoding.UTF8.GetBytes(text))));
    }

    [Fact]
    public void AnUnpairedSurrogate_IsRefused() => Assert.Throws<ArgumentException>(() => new AuthorizingCa("a\ud800", [PublicKey(1)]));

    /// <summary>Characters are counted, not the two halves of one beyond the BMP.</summary>
    [Theory]
    [InlineData("（2026）闽01刑初1号", 1)]
    [InlineData("阿卜杜拉·买买提", 1)]
    [InlineData("𠮷", 256)]
    public void OtherTexts_AreTaken(string text, int times)
    {
        string whole = string.Concat(Enumerable.Repeat(text, times));

        Assert.Equal(whole, Der.Decode<AuthorizingCa>(Der.Encode(new AuthorizingCa(whole, [PublicKey(1)]))).Name);
    }

    [Theory]
    [InlineData("")]
    [InlineData("35010")]
    [InlineData("3501000")]
    [InlineData("35010A")]
    [InlineData("35010 ")]
    [InlineData("３５０１００")]
    public void ARegion_HasSixDigits(string region)
    {
        Assert.Throws<ArgumentException>(() => DecisionSamples.Application(region: region));
        Assert.Throws<ArgumentException>(() => new OfficerIdentity(new byte[16], OfficerKind.Operator, "审核", region));
        Assert.Throws<DerException>(() => Der.Decode<OfficerIdentity>(
            Changed(Der.Encode(DecisionSamples.Officer), tree => tree.Children![3].Content = System.Text.Encoding.UTF8.GetBytes(region))));
    }

    public static TheoryData<EqualityTests.Pair> Pairs => [
        new EqualityTests.Pair(() => new BackupStatement(new byte[16], NotAfter), () => new BackupStatement(Ones(16), NotAfter), () => new BackupStatement(new byte[16], PkixSamples.NextUpdate)),
        new EqualityTests.Pair(
            () => new ClientCredential(new byte[32], new byte[32]),
            () => new ClientCredential(Ones(32), new byte[32]),
            () => new ClientCredential(new byte[32], Ones(32))),
        new EqualityTests.Pair(
            () => new StatementSignature(new byte[32], ZwCa.Asn1.Gm.Sm2Signature.FromRaw(new byte[64])),
            () => new StatementSignature(Ones(32), ZwCa.Asn1.Gm.Sm2Signature.FromRaw(new byte[64])),
            () => new StatementSignature(new byte[32], ZwCa.Asn1.Gm.Sm2Signature.FromRaw(Ones(64)))),
        new EqualityTests.Pair(
            () => new RecoveryBody(new byte[20], SerialNumber.Parse("01"), PublicKey(1)),
            () => new RecoveryBody(Ones(20), SerialNumber.Parse("01"), PublicKey(1)),
            () => new RecoveryBody(new byte[20], SerialNumber.Parse("02"), PublicKey(1)),
            () => new RecoveryBody(new byte[20], SerialNumber.Parse("01"), PublicKey(2))),
        new EqualityTests.Pair(
            () => new OfficerIdentity(new byte[16], OfficerKind.Operator, "审核", "350100"),
            () => new OfficerIdentity(Ones(16), OfficerKind.Operator, "审核", "350100"),
            () => new OfficerIdentity(new byte[16], OfficerKind.Auditor, "审核", "350100"),
            () => new OfficerIdentity(new byte[16], OfficerKind.Operator, "录入", "350100"),
            () => new OfficerIdentity(new byte[16], OfficerKind.Operator, "审核", "350200")),
    ];

    [Theory]
    [MemberData(nameof(Pairs), DisableDiscoveryEnumeration = true)]
    public void Content_decides(EqualityTests.Pair pair) => new EqualityTests().Content_decides(pair);

    private static byte[] Changed(byte[] der, Action<Tlv> change)
    {
        Tlv tree = Tlv.Parse(der);
        change(tree);
        return tree.Encode();
    }

    private static byte[] Ones(int length) => [.. Enumerable.Repeat((byte)1, length)];
}
