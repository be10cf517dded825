using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator.Wire;
using ZwCa.HsmSim.Store;

namespace ZwCa.Tests.HsmSim.Device;

/// <summary>What m of n holders must sign: policies and backups.</summary>
public sealed class CustodyTests
{
    private static readonly SerialNumber Serial = SerialNumber.Parse("1a2b3c");
    private static readonly Person Recipient = new();
    private static readonly Person Stranger = new();

    private static readonly Dictionary<string, (Func<EscrowStory, byte[]> Statement, string Reason)> WrongPolicies = new()
    {
        ["one holder short"] = (s => EscrowStory.Signed(s.Policy(1), s.Holders.Take(2)), "3 holders must sign, 2 did"),
        ["one holder three times"] = (s => EscrowStory.Signed(s.Policy(1), [s.Holders[0], s.Holders[0], s.Holders[0]]), "3 holders must sign, 1 did"),
        ["two holders and a stranger"] = (s => EscrowStory.Signed(s.Policy(1), [s.Holders[0], s.Holders[1], Stranger]), "3 holders must sign, 2 did"),
        ["recovery officers"] = (s => EscrowStory.Signed(s.Policy(1), s.RecoveryOfficers), "3 holders must sign, 0 did"),
        ["signatures under another policy"] = (
            s => Der.Encode(new SignedStatement(
                Der.Encode(s.Policy(1, allowSm2Decrypt: true)), Der.Decode<SignedStatement>(s.SignedByHolders(s.Policy(1))).Signatures)),
            "3 holders must sign, 0 did"),
        ["another partition"] = (s => s.SignedByHolders(s.Policy(1, partition: new byte[16])), "for another partition"),
        ["the version in force"] = (s => s.SignedByHolders(s.Policy(0)), "has the version 0"),
        ["a version left out"] = (s => s.SignedByHolders(s.Policy(2)), "has the version 2"),
        ["the last version that there is"] = (s => s.SignedByHolders(s.Policy(int.MaxValue)), "has the version 2147483647"),
        ["no client"] = (s => s.SignedByHolders(s.Policy(1, clients: [])), "no client"),
        ["a CA key off the curve"] = (s => WithOtherKey(s, s.Ca.Signer.PublicKey, OffCurve), "policy cannot be read"),
        ["an officer issuer off the curve"] = (s => WithOtherKey(s, s.OfficerIssuer.PublicKey, OffCurve), "policy cannot be read"),
        ["a recovery officer off the curve"] = (s => WithOtherKey(s, s.RecoveryOfficers[2].PublicKey, OffCurve), "policy cannot be read"),
        ["a recovery officer twice"] = (
            s => WithOtherKey(s, s.RecoveryOfficers[2].PublicKey, s.RecoveryOfficers[1].PublicKey), "policy cannot be read"),
        ["a key of two CAs"] = (s => WithOtherKey(s, s.OtherCa.Signer.PublicKey, s.Ca.Signer.PublicKey), "policy cannot be read"),
        ["a CA that issues officers' certificates"] = (s => s.SignedByHolders(s.Policy(1, officerIssuers: [s.Ca.Signer.PublicKey])), "one key for two purposes"),
        ["a CA that is a recovery officer"] = (
            s => s.SignedByHolders(s.Policy(1, recovery: new RecoveryRule(2, [s.Ca.Signer.PublicKey, s.RecoveryOfficers[0].PublicKey]))), "one key for two purposes"),
        ["a recovery officer who issues officers' certificates"] = (
            s => s.SignedByHolders(s.Policy(1, officerIssuers: [s.RecoveryOfficers[0].PublicKey])), "one key for two purposes"),
        ["a backup statement"] = (s => s.SignedByHolders(new BackupStatement(s.PartitionId, new Time(s.Now))), "policy cannot be read"),
        ["no statement"] = (_ => [0x30, 0x00], "statement cannot be read"),
    };

    private static readonly Dictionary<string, (Func<EscrowStory, byte[]> Statement, string Reason)> WrongBackups = new()
    {
        ["one holder short"] = (s => EscrowStory.Signed(Backup(s), s.Holders.Skip(3)), "3 holders must sign, 2 did"),
        ["one holder three times"] = (s => EscrowStory.Signed(Backup(s), [s.Holders[4], s.Holders[4], s.Holders[4]]), "3 holders must sign, 1 did"),
        ["another partition"] = (s => s.SignedByHolders(new BackupStatement(new byte[16], new Time(s.Now))), "for another partition"),
        ["expired"] = (s => s.SignedByHolders(new BackupStatement(s.PartitionId, new Time(s.Now.AddSeconds(-1)))), "has expired"),
        ["more than seven days ahead"] = (
            s => s.SignedByHolders(new BackupStatement(s.PartitionId, new Time(s.Now.AddDays(7).AddSeconds(1)))), "more than 7 days"),
        ["a policy"] = (s => s.SignedByHolders(s.Policy(1)), "backup statement cannot be read"),
    };

    public static TheoryData<string> WrongPolicyNames => [.. WrongPolicies.Keys];

    public static TheoryData<string> WrongBackupNames => [.. WrongBackups.Keys];

    private static SubjectPublicKeyInfo OffCurve
    {
        get
        {
            byte[] point = Stranger.PublicKey.PublicKey.ToArray();
            point[64] ^= 1;
            return SubjectPublicKeyInfo.ForSm2(point);
        }
    }

    [Theory]
    [MemberData(nameof(WrongPolicyNames))]
    public async Task WhatHoldersDidNotSign_IsNoPolicy_AndOneThatIsRightIs(string name)
    {
        await using var device = new TestDevice();
        (Func<EscrowStory, byte[]> statement, string reason) = WrongPolicies[name];
        byte[] before = device.Partition.GetPolicy().Value.ToArray();
        await Refused.For(reason, () => device.Partition.InstallPolicyAsync(statement(device.Story)));
        Assert.Equal(before, device.Partition.GetPolicy().Value.ToArray());

        PartitionPolicy next = device.Story.Policy(1);
        await device.Partition.InstallPolicyAsync(device.Story.SignedByHolders(next));
        Assert.Equal(Der.Encode(next), device.Partition.GetPolicy().Value.ToArray());
    }

    [Fact]
    public async Task AnOldPolicy_IsNotInstalledAgain()
    {
        await using var device = new TestDevice();
        EscrowStory story = device.Story;
        byte[] loose = story.SignedByHolders(story.Policy(1, allowSm2Decrypt: true));
        await device.Partition.InstallPolicyAsync(loose);
        await device.Partition.InstallPolicyAsync(story.SignedByHolders(story.Policy(2)));
        await Refused.For("has the version 1; that of the partition is 2", () => device.Partition.InstallPolicyAsync(loose));
        await device.Reopen();
        await Refused.For("has the version 1; that of the partition is 2", () => device.Partition.InstallPolicyAsync(loose));
        Assert.False(Der.Decode<PartitionPolicy>(device.Partition.GetPolicy().Value).AllowSm2Decrypt);
        Assert.Equal(HsmCapabilities.None, device.Partition.Welcome().Capabilities & HsmCapabilities.Sm2Decryption);
    }

    [Fact]
    public async Task TwoPoliciesOfOneVersionAtOnce_OneIsInstalled()
    {
        await using var device = new TestDevice();
        byte[][] statements = [.. Enumerable.Range(0, 16).Select(i => device.Story.SignedByHolders(device.Story.Policy(1, allowSm2Decrypt: i % 2 == 0)))];
        bool[] won = await Task.WhenAll(statements.Select(statement => Task.Run(async () =>
        {
            try
            {
                await device.Partition.InstallPolicyAsync(statement);
                return true;
            }
            catch (HsmException e) when (e.Failure == HsmFailure.Refused)
            {
                return false;
            }
        })));
        int winner = Assert.Single(Enumerable.Range(0, won.Length), i => won[i]);
        Assert.Equal(winner % 2 == 0, Der.Decode<PartitionPolicy>(device.Partition.GetPolicy().Value).AllowSm2Decrypt);
    }

    /// <summary>A client signs with the partition's keys as it likes: none of them may be one that opens.</summary>
    [Fact]
    public async Task PolicyThatTrustsAKeyOfThePartition_IsRefused()
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        EscrowStory story = device.Story;
        SubjectPublicKeyInfo own = (await device.Partition.FindKeyAsync(TestDevice.Signer)).ToKey(TestDevice.Signer).PublicKey!;
        const string Reason = "trusts the key kmc-sign of this partition";
        PartitionPolicy[] policies =
        [
            story.Policy(1, cas: [new AuthorizingCa(story.Ca.Name, [story.Ca.Signer.PublicKey, own])]),
            story.Policy(1, officerIssuers: [story.OfficerIssuer.PublicKey, own]),
            story.Policy(1, recovery: new RecoveryRule(2, [own, Stranger.PublicKey])),
        ];
        foreach (PartitionPolicy policy in policies)
        {
            await Refused.For(Reason, () => device.Partition.InstallPolicyAsync(story.SignedByHolders(policy)));
        }

        PartitionPolicy right = story.Policy(1, recovery: new RecoveryRule(2, [Recipient.PublicKey, Stranger.PublicKey]));
        await device.Partition.InstallPolicyAsync(story.SignedByHolders(right));
    }

    [Fact]
    public async Task CaThatANewPolicyLeavesOut_OpensNothingMore()
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        EscrowStory story = device.Story;
        WrappedKeyPair pair = device.NewPair();
        ReadOnlyMemory<byte> bound = await device.Bind(pair, Serial, Recipient.PublicKey);
        EnvelopeAuthorization message = new CaAttempt(story, Serial, Recipient.PublicKey).Build();
        await device.Partition.InstallPolicyAsync(story.SignedByHolders(story.Policy(1, cas: [story.OtherCa.ToAuthorizing()])));
        await Refused.For("no CA of the policy", () => device.Envelope(bound, Recipient.PublicKey, message));
        await Refused.For("no CA of the policy", () => device.Envelope(device.NewPair().WrappedKey, Recipient.PublicKey, message));
        await device.Partition.InstallPolicyAsync(story.SignedByHolders(story.Policy(2)));
        TestDevice.OpenAsRecipient(await device.Envelope(bound, Recipient.PublicKey, message), pair, Recipient);
    }

    [Fact]
    public async Task ClientsOfThePolicyAreAccepted_AndOfThatInForceOnly()
    {
        await using var device = new TestDevice();
        EscrowStory story = device.Story;
        var other = new EscrowStory(story.Now);
        Assert.True(device.Partition.Accepts(story.ClientCertificateHash, story.ClientSecret));
        Assert.False(device.Partition.Accepts(story.ClientCertificateHash, other.ClientSecret));
        Assert.False(device.Partition.Accepts(other.ClientCertificateHash, story.ClientSecret));
        Assert.False(device.Partition.Accepts([], []));

        ClientCredential mine = story.Policy().Clients[0];
        ClientCredential his = other.Policy().Clients[0];
        await device.Partition.InstallPolicyAsync(story.SignedByHolders(story.Policy(1, clients: [mine, his])));
        Assert.True(device.Partition.Accepts(story.ClientCertificateHash, story.ClientSecret));
        Assert.True(device.Partition.Accepts(other.ClientCertificateHash, other.ClientSecret));

        // The certificate of one with the secret of the other is neither.
        Assert.False(device.Partition.Accepts(story.ClientCertificateHash, other.ClientSecret));
        await device.Partition.InstallPolicyAsync(story.SignedByHolders(story.Policy(2, clients: [his])));
        Assert.False(device.Partition.Accepts(story.ClientCertificateHash, story.ClientSecret));
    }

    [Theory]
    [MemberData(nameof(WrongBackupNames))]
    public async Task WhatHoldersDidNotSign_IsNoBackup(string name)
    {
        await using var device = new TestDevice();
        (Func<EscrowStory, byte[]> statement, string reason) = WrongBackups[name];
        await Refused.For(reason, () => device.Partition.BackUpAsync(statement(device.Story)));
        Assert.Null(device.Look(static state => state.LastBackup));
    }

    [Fact]
    public async Task Backup_OfThreeHolders_IsMadeAndRecorded()
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        byte[] statement = EscrowStory.Signed(Backup(device.Story), device.Story.Holders.Skip(2));
        Assert.Equal(2, device.Partition.Welcome().KeysWithoutBackup);
        Assert.NotEmpty((await device.Partition.BackUpAsync(statement)).Value.ToArray());
        Assert.Equal(0, device.Partition.Welcome().KeysWithoutBackup);
        Assert.Equal(device.Story.Now.ToUnixTimeMilliseconds(), device.Partition.Welcome().LastBackup);
        await device.Partition.GenerateKeyAsync(new NewKey(new KeyLabel("new"), HsmKeyKind.DataKek));
        await device.Reopen();
        Assert.Equal(1, device.Partition.Welcome().KeysWithoutBackup);
        device.Clock.Advance(TimeSpan.FromDays(7));
        await device.Partition.BackUpAsync(statement);
        Assert.Equal(0, device.Partition.Welcome().KeysWithoutBackup);
        device.Clock.Advance(TimeSpan.FromSeconds(1));
        await Refused.For("has expired", () => device.Partition.BackUpAsync(statement));
    }

    [Fact]
    public async Task Marks_AreInTheWelcome()
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        device.Append(new StoreRecord.Marked(StoreMarks.Demo));
        Welcome welcome = device.Partition.Welcome();
        Assert.Equal(device.Story.PartitionId, welcome.PartitionId.ToArray());
        Assert.StartsWith("hsm-sim ", welcome.Model, StringComparison.Ordinal);
        Assert.Equal(StoreMarks.Demo, welcome.Marks);
        Assert.Equal(-1, welcome.LastBackup);
        Assert.Equal(2, welcome.KeysWithoutBackup);
        Assert.Equal(HsmCapabilities.KeyEscrow, welcome.Capabilities & HsmCapabilities.KeyEscrow);
    }

    /// <summary>Signed by enough holders, in bytes that no constructor lets through.</summary>
    private static byte[] WithOtherKey(EscrowStory story, SubjectPublicKeyInfo key, SubjectPublicKeyInfo other)
    {
        byte[] policy = Der.Encode(story.Policy(1));
        other.PublicKey.Span.CopyTo(policy.AsSpan(policy.AsSpan().IndexOf(key.PublicKey.Span)));
        return EscrowStory.Signed(policy, story.Holders.Take(EscrowStory.Threshold));
    }

    private static BackupStatement Backup(EscrowStory story) => new(story.PartitionId, new Time(story.Now.AddDays(7)));
}
