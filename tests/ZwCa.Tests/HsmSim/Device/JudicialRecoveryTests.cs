using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;

namespace ZwCa.Tests.HsmSim.Device;

/// <summary>司法恢复: m recovery officers over one case (trust.md §4 b).</summary>
public sealed class JudicialRecoveryTests
{
    private static readonly SerialNumber Serial = SerialNumber.Parse("1a2b3c");
    private static readonly Person Owner = new();
    private static readonly Person Court = new();
    private static readonly Person Stranger = new();

    private static readonly Dictionary<string, (Func<Order, byte[]> Statement, string Reason)> Wrongs = new()
    {
        ["one officer short"] = (o => o.Sign([o.Officers[0]]), "2 recovery officers must sign, 1 did"),
        ["one officer twice"] = (o => o.Sign([o.Officers[0], o.Officers[0]]), "2 recovery officers must sign, 1 did"),
        ["one officer and somebody else"] = (o => o.Sign([o.Officers[0], Stranger]), "2 recovery officers must sign, 1 did"),
        ["one officer and a holder"] = (o => o.Sign([o.Officers[0], o.Story.Holders[0]]), "2 recovery officers must sign, 1 did"),
        ["holders alone"] = (o => o.Sign([.. o.Story.Holders]), "2 recovery officers must sign, 0 did"),
        ["one signs in another's name"] = (o => o.SignInTheNameOfTheOther(), "2 recovery officers must sign, 1 did"),
        ["signatures of another case"] = (o => o.WithSignaturesOf(o.Story.Case(o.KeyId, Stranger.PublicKey)), "2 recovery officers must sign, 0 did"),
        ["another key"] = (o => o.Sign(o.Officers, o.Story.Case(new byte[16], Court.PublicKey)), "case is for another key"),
        ["another recipient"] = (o => o.Sign(o.Officers, o.Story.Case(o.KeyId, Stranger.PublicKey)), "case is for another recipient"),
        ["another partition"] = (o => o.Sign(o.Officers, o.Story.Case(o.KeyId, Court.PublicKey, partition: new byte[16])), "case is for another partition"),
        ["expired"] = (o => o.Sign(o.Officers, o.Story.Case(o.KeyId, Court.PublicKey, notAfter: o.Story.Now.AddSeconds(-1))), "has expired"),
        ["another statement"] = (o => EscrowStory.Signed(new BackupStatement(o.Story.PartitionId, new Time(o.Story.Now)), o.Officers), "case cannot be read"),
        ["no statement"] = (_ => [0x30, 0x00], "statement cannot be read"),
    };

    public static TheoryData<string> WrongNames => [.. Wrongs.Keys];

    [Theory]
    [MemberData(nameof(WrongNames))]
    public async Task WhatRecoveryOfficersDidNotOrder_IsRefused_AndOpensOnceItIsRight(string name)
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        WrappedKeyPair pair = device.NewPair();
        ReadOnlyMemory<byte> bound = await device.Bind(pair, Serial, Owner.PublicKey);
        var order = new Order(device.Story, pair.KeyId);
        (Func<Order, byte[]> statement, string reason) = Wrongs[name];
        await Refused.For(reason, () => device.Envelope(bound, Court.PublicKey, By(statement(order))));

        KeyEnvelope envelope = await device.Envelope(bound, Court.PublicKey, By(order.Sign(order.Officers)));
        TestDevice.OpenAsRecipient(envelope, pair, Court);
        Assert.Equal(bound.ToArray(), envelope.BoundKey.ToArray());
    }

    [Fact]
    public async Task AnyTwoOfThree_OpenUntilTheCaseExpires()
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        WrappedKeyPair pair = device.NewPair();
        ReadOnlyMemory<byte> bound = await device.Bind(pair, Serial, Owner.PublicKey);
        var order = new Order(device.Story, pair.KeyId);
        IReadOnlyList<Person> officers = device.Story.RecoveryOfficers;
        foreach (Person left in officers)
        {
            byte[] statement = order.Sign([.. officers.Where(officer => officer != left)]);
            TestDevice.OpenAsRecipient(await device.Envelope(bound, Court.PublicKey, By(statement)), pair, Court);
        }

        byte[] all = order.Sign(officers);
        device.Clock.Advance(TimeSpan.FromDays(10));
        TestDevice.OpenAsRecipient(await device.Envelope(bound, Court.PublicKey, By(all)), pair, Court);
        device.Clock.Advance(TimeSpan.FromSeconds(1));
        await Refused.For("has expired", () => device.Envelope(bound, Court.PublicKey, By(all)));
    }

    [Fact]
    public async Task OneCase_OpensToItsRecipientAndItsKeyOnly()
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        WrappedKeyPair pair = device.NewPair();
        WrappedKeyPair other = device.NewPair();
        ReadOnlyMemory<byte> bound = await device.Bind(pair, Serial, Owner.PublicKey);
        ReadOnlyMemory<byte> otherBound = await device.Bind(other, SerialNumber.Parse("77"), Owner.PublicKey);
        var order = new Order(device.Story, pair.KeyId);
        byte[] statement = order.Sign(order.Officers);
        await Refused.For("another recipient", () => device.Envelope(bound, Stranger.PublicKey, By(statement)));
        await Refused.For("another key", () => device.Envelope(otherBound, Court.PublicKey, By(statement)));
        TestDevice.OpenAsRecipient(await device.Envelope(bound, Court.PublicKey, By(statement)), pair, Court);
    }

    [Fact]
    public async Task UnboundKey_IsRefused()
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        WrappedKeyPair pair = device.NewPair();
        var order = new Order(device.Story, pair.KeyId);
        EnvelopeAuthorization authorization = By(order.Sign(order.Officers));
        await Refused.For("bound to nobody", () => device.Envelope(pair.WrappedKey, Court.PublicKey, authorization));
        Assert.Equal(0, device.Bindings);
        ReadOnlyMemory<byte> bound = await device.Bind(pair, Serial, Owner.PublicKey);
        await Refused.For("bound to nobody", () => device.Envelope(pair.WrappedKey, Court.PublicKey, authorization));
        TestDevice.OpenAsRecipient(await device.Envelope(bound, Court.PublicKey, authorization), pair, Court);
    }

    [Fact]
    public async Task PolicyWithoutRecovery_RefusesIt()
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        WrappedKeyPair pair = device.NewPair();
        ReadOnlyMemory<byte> bound = await device.Bind(pair, Serial, Owner.PublicKey);
        var order = new Order(device.Story, pair.KeyId);
        EnvelopeAuthorization authorization = By(order.Sign(order.Officers));
        EscrowStory story = device.Story;
        await device.Partition.InstallPolicyAsync(story.SignedByHolders(story.Policy(version: 1, withRecovery: false)));
        await Refused.For("no recovery officers", () => device.Envelope(bound, Court.PublicKey, authorization));
        await device.Partition.InstallPolicyAsync(story.SignedByHolders(story.Policy(version: 2)));
        TestDevice.OpenAsRecipient(await device.Envelope(bound, Court.PublicKey, authorization), pair, Court);
    }

    private static EnvelopeAuthorization By(byte[] statement) => new EnvelopeAuthorization.ByRecoveryOfficers(statement);

    /// <summary>What the officers of the story sign over one key for the court.</summary>
    private sealed record Order(EscrowStory Story, ReadOnlyMemory<byte> KeyId)
    {
        /// <summary>As many as are needed.</summary>
        public IReadOnlyList<Person> Officers => [.. Story.RecoveryOfficers.Take(EscrowStory.RecoveryThreshold)];

        public byte[] Sign(IReadOnlyList<Person> signers, RecoveryCase? order = null) =>
            EscrowStory.Signed(order ?? Story.Case(KeyId, Court.PublicKey), signers);

        public byte[] SignInTheNameOfTheOther()
        {
            byte[] order = Der.Encode(Story.Case(KeyId, Court.PublicKey));
            StatementSignature genuine = StatementSignature.Create(order, Officers[0].Key);
            return Der.Encode(new SignedStatement(
                order, [genuine, new StatementSignature(StatementSignature.IdOf(Officers[1].PublicKey), Officers[0].SignRaw(order))]));
        }

        public byte[] WithSignaturesOf(RecoveryCase other)
        {
            SignedStatement signed = Der.Decode<SignedStatement>(Sign(Officers, other));
            return Der.Encode(new SignedStatement(Der.Encode(Story.Case(KeyId, Court.PublicKey)), signed.Signatures));
        }
    }
}
