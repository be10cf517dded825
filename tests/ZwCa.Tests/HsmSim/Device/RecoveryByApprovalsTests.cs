using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;

namespace ZwCa.Tests.HsmSim.Device;

/// <summary>Recovery to another recipient: the CA's word is not enough, two officers' decisions are needed (trust.md §3, §4 a).</summary>
public sealed class RecoveryByApprovalsTests
{
    private static readonly SerialNumber Serial = SerialNumber.Parse("1a2b3c");
    private static readonly SerialNumber OtherSerial = SerialNumber.Parse("1a2b3d");
    private static readonly Person Lost = new();
    private static readonly Person Recipient = new();
    private static readonly Person Stranger = new();
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private static readonly Dictionary<string, (Func<Recovery, Recovery> Break, string Reason)> Wrongs = new()
    {
        ["no application"] = (r => r with { HasApplication = false }, "an application and two approvals are needed"),
        ["no approvals"] = (r => r with { Approvals = [] }, "Two approvals are needed, not 0"),
        ["one approval"] = (r => r with { Approvals = [r.Entry] }, "Two approvals are needed, not 1"),
        ["three approvals"] = (r => r with { Approvals = [r.Entry, r.Review, r.Review] }, "Two approvals are needed, not 3"),
        ["an ApplyKeyReq"] = (r => r with { Restores = false }, "it is restored, not applied for"),
        ["the application is for another serial number"] = (r => r with { Serial = OtherSerial }, "application is for another serial number"),
        ["the application is for another recipient"] = (r => r with { Recipient = Lost }, "application is for another recipient"),
        ["the application is for another CA"] = (r => r with { CaName = r.Story.OtherCa.Name }, "application is for another CA"),
        ["the application has another body"] = (r => r with { Body = [0x05, 0x00] }, "body cannot be read"),
        ["the approvals list another application"] = (r => r.Both(a => a with { Digest = new byte[32] }), "does not list the application"),
        ["the review lists another application"] = (r => r with { Review = r.Review with { Digest = new byte[32] } }, "does not list the application"),
        ["two entries"] = (r => r with { Review = r.Review with { Step = ApprovalStep.Entry } }, "one the review"),
        ["two reviews"] = (r => r with { Entry = r.Entry with { Step = ApprovalStep.Review } }, "one the review"),
        ["one approval twice"] = (r => r with { Approvals = [r.Entry, r.Entry] }, "one the review"),
        ["older than 30 days"] = (r => r with { Entry = r.Entry with { Age = -TimeSpan.FromDays(30) - Second } }, "older than 30 days"),
        ["from the future"] = (r => r with { Review = r.Review with { Age = TimeSpan.FromMinutes(5) + Second } }, "from the future"),
        ["not signed by the officer"] = (r => r with { Review = r.Review with { Signer = Stranger } }, "not signed by the key of its certificate"),
        ["one person with two certificates"] = (
            r => r with { Review = r.Review with { Officer = r.Review.Officer with { Id = r.Entry.Officer.Id } } }, "the same person"),
        ["one key under two names"] = (
            r => r with { Review = r.Review with { Officer = r.Review.Officer with { Holder = r.Entry.Officer.Holder } } }, "the same key"),
        ["an unknown issuer"] = (r => r.WithReviewer(o => o with { Issuer = Stranger }), "no issuer of the policy"),
        ["issued by the CA's message key"] = (r => r.WithReviewer(o => o with { Issuer = r.Story.Ca.Signer }), "no issuer of the policy"),
        ["issued by another officer"] = (r => r.WithReviewer(o => o with { Issuer = r.Entry.Officer.Holder }), "no issuer of the policy"),
        ["an expired certificate"] = (r => r.WithReviewer(o => o with { NotAfter = -Second }), "has expired"),
        ["a certificate that begins tomorrow"] = (r => r.WithReviewer(o => o with { NotBefore = Second }), "not valid yet"),
        ["an auditor"] = (r => r.WithReviewer(o => o with { Kind = OfficerKind.Auditor }), "not by an operator"),
        ["an administrator"] = (r => r.WithReviewer(o => o with { Kind = OfficerKind.Administrator }), "not by an operator"),
        ["a certificate of nobody in particular"] = (r => r.WithReviewer(o => o with { HasIdentity = false }), "which officer it is of"),
        ["a certificate for encryption"] = (r => r.WithReviewer(o => o with { Usages = KeyUsages.KeyEncipherment }), "not for signatures"),
        ["a certificate without KeyUsage"] = (r => r.WithReviewer(o => o with { Usages = null }), "not for signatures"),
        ["a certificate that may sign certificates"] = (
            r => r.WithReviewer(o => o with { Usages = KeyUsages.DigitalSignature | KeyUsages.KeyCertSign }), "that of a CA"),
        ["a CA's certificate"] = (r => r.WithReviewer(o => o with { Constraints = BasicConstraints.Ca() }), "that of a CA"),
        ["an unknown critical extension"] = (
            r => r.WithReviewer(o => o with { Extra = new Extension("1.2.3.4", true, (byte[])[0x05, 0x00]) }), "critical extension"),
        ["an extension that cannot be read"] = (
            r => r.WithReviewer(o => o with { Extra = new Extension(Oids.OfficerIdentity, false, (byte[])[0x05, 0x00]), HasIdentity = false }),
            "cannot be read"),
        ["two algorithms"] = (r => r.WithReviewer(o => o with { AlgorithmsDiffer = true }), "says so in two ways"),
        ["another algorithm"] = (r => r.WithReviewer(o => o with { Algorithm = AlgorithmIdentifier.EcdsaWithSha256 }), "not signed with SM2"),
        ["version 1"] = (r => r.WithReviewer(o => o with { IsVersion1 = true }), "not of version 3"),
        ["a key of another curve"] = (
            r => r.WithReviewer(o => o with { PublicKey = SubjectPublicKeyInfo.ForP256(o.Holder.PublicKey.PublicKey) }), "is not an SM2 key"),
        ["an approval that is none"] = (r => r with { Tamper = _ => [0x30, 0x00] }, "An approval cannot be read"),
        ["an approval with other times"] = (r => r with { Tamper = OtherTime }, "not signed by the key of its certificate"),
    };

    public static TheoryData<string> WrongNames => [.. Wrongs.Keys];

    [Theory]
    [MemberData(nameof(WrongNames))]
    public async Task WhatTwoOfficersDidNotApprove_IsRefused_AndOpensOnceItIsRight(string name)
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        WrappedKeyPair pair = device.NewPair();
        ReadOnlyMemory<byte> bound = await device.Bind(pair, Serial, Lost.PublicKey);
        var right = new Recovery(device.Story);
        (Func<Recovery, Recovery> spoil, string reason) = Wrongs[name];

        await Refused.For(reason, () => device.Envelope(bound, Recipient.PublicKey, spoil(right).Build()));

        KeyEnvelope envelope = await device.Envelope(bound, Recipient.PublicKey, right.Build());
        TestDevice.OpenAsRecipient(envelope, pair, Recipient);
    }

    /// <summary>Else the CA could go on alone once it had one recovery approved.</summary>
    [Fact]
    public async Task RecoveredKey_StaysBoundToItsFirstRecipient()
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        WrappedKeyPair pair = device.NewPair();
        ReadOnlyMemory<byte> bound = await device.Bind(pair, Serial, Lost.PublicKey);
        var right = new Recovery(device.Story);
        KeyEnvelope envelope = await device.Envelope(bound, Recipient.PublicKey, right.Build());

        await Refused.For(
            "an application and two approvals are needed",
            () => device.Envelope(envelope.BoundKey, Recipient.PublicKey, (right with { HasApplication = false }).Build()));
        TestDevice.OpenAsRecipient(await device.Envelope(envelope.BoundKey, Recipient.PublicKey, right.Build()), pair, Recipient);
    }

    [Fact]
    public async Task ApprovalsForOneRecipient_OpenToNoOther()
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        WrappedKeyPair pair = device.NewPair();
        ReadOnlyMemory<byte> bound = await device.Bind(pair, Serial, Lost.PublicKey);
        EnvelopeAuthorization.ByCa approved = new Recovery(device.Story).Build();

        // The CA's message is genuine and names the stranger; the papers of the officers name somebody else.
        var replayed = new EnvelopeAuthorization.ByCa(new CaAttempt(device.Story, Serial, Stranger.PublicKey) { Restores = true }.Build().Message)
        {
            Application = approved.Application,
            Approvals = approved.Approvals,
        };
        await Refused.For("application is for another recipient", () => device.Envelope(bound, Stranger.PublicKey, replayed));
        await Refused.For("not the one that the CA names", () => device.Envelope(bound, Stranger.PublicKey, approved));
        TestDevice.OpenAsRecipient(await device.Envelope(bound, Recipient.PublicKey, approved), pair, Recipient);
    }

    [Fact]
    public async Task ApprovalsForOneKey_OpenNoOther()
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        WrappedKeyPair pair = device.NewPair();
        WrappedKeyPair other = device.NewPair();
        ReadOnlyMemory<byte> bound = await device.Bind(pair, Serial, Lost.PublicKey);
        ReadOnlyMemory<byte> otherBound = await device.Bind(other, OtherSerial, Lost.PublicKey);
        EnvelopeAuthorization approved = new Recovery(device.Story).Build();
        await Refused.For("another serial number", () => device.Envelope(otherBound, Recipient.PublicKey, approved));
        TestDevice.OpenAsRecipient(await device.Envelope(bound, Recipient.PublicKey, approved), pair, Recipient);
    }

    /// <summary>Approvals are for one key that was bound: they free no spent copy.</summary>
    [Fact]
    public async Task SpentCopy_IsNotOpenedByApprovals()
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        WrappedKeyPair pair = device.NewPair();
        ReadOnlyMemory<byte> bound = await device.Bind(pair, Serial, Lost.PublicKey);
        EnvelopeAuthorization approved = new Recovery(device.Story).Build();
        await Refused.For("The key is spent", () => device.Envelope(pair.WrappedKey, Recipient.PublicKey, approved));
        TestDevice.OpenAsRecipient(await device.Envelope(bound, Recipient.PublicKey, approved), pair, Recipient);
    }

    [Fact]
    public async Task ManyApplicationsInOneApproval_EachCounts()
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        WrappedKeyPair pair = device.NewPair();
        ReadOnlyMemory<byte> bound = await device.Bind(pair, Serial, Lost.PublicKey);
        Recovery many = new Recovery(device.Story).Both(a => a with { Others = 500, Age = -TimeSpan.FromDays(30) });
        TestDevice.OpenAsRecipient(await device.Envelope(bound, Recipient.PublicKey, many.Build()), pair, Recipient);
    }

    private static byte[] OtherTime(byte[] approval)
    {
        // The time is the last field of the statement: turn its last digit before the Z.
        Approval parsed = Der.Decode<Approval>(approval);
        byte[] tbs = parsed.TbsBytes.ToArray();
        tbs[^2] ^= 1;
        return Der.Encode(Approval.Assemble(tbs, parsed.Signature, parsed.Certificate));
    }

    /// <summary>One officer's approval.</summary>
    private sealed record Decision(ApprovalStep Step)
    {
        public Officer Officer { get; init; } = new();

        public TimeSpan Age { get; init; }

        public byte[]? Digest { get; init; }

        public Person? Signer { get; init; }

        public int Others { get; init; }
    }

    /// <summary>A recovery that is in order until a property is changed.</summary>
    private sealed record Recovery(EscrowStory Story)
    {
        public bool HasApplication { get; init; } = true;

        public bool Restores { get; init; } = true;

        /// <summary>In the application.</summary>
        public SerialNumber Serial { get; init; } = RecoveryByApprovalsTests.Serial;

        /// <summary>In the application.</summary>
        public Person Recipient { get; init; } = RecoveryByApprovalsTests.Recipient;

        public string? CaName { get; init; }

        public byte[]? Body { get; init; }

        public Decision Entry { get; init; } = new(ApprovalStep.Entry);

        public Decision Review { get; init; } = new(ApprovalStep.Review);

        /// <summary>In place of the two.</summary>
        public IReadOnlyList<Decision>? Approvals { get; init; }

        /// <summary>Changes the last approval.</summary>
        public Func<byte[], byte[]>? Tamper { get; init; }

        public Recovery Both(Func<Decision, Decision> change) => this with { Entry = change(Entry), Review = change(Review) };

        public Recovery WithReviewer(Func<Officer, Officer> change) => this with { Review = Review with { Officer = change(Review.Officer) } };

        public EnvelopeAuthorization.ByCa Build() => new CaAttempt(Story, RecoveryByApprovalsTests.Serial, RecoveryByApprovalsTests.Recipient.PublicKey)
        {
            Restores = Restores,
            Application = () => HasApplication ? Story.RecoveryApplication(Serial, Recipient.PublicKey, CaName, body: Body) : null,
            Approvals = digest => Approve(digest),
        }.Build();

        private ReadOnlyMemory<byte>[] Approve(ReadOnlyMemory<byte> digest)
        {
            ReadOnlyMemory<byte>[] approvals =
            [
                .. (Approvals ?? [Entry, Review]).Select(decision => new ReadOnlyMemory<byte>(Story.Approve(
                    decision.Officer,
                    decision.Step,
                    [.. Enumerable.Repeat((ReadOnlyMemory<byte>)new byte[32], decision.Others), decision.Digest ?? digest],
                    Story.Now + decision.Age,
                    decision.Signer))),
            ];
            if (Tamper is not null)
            {
                approvals[^1] = Tamper(approvals[^1].ToArray());
            }

            return approvals;
        }
    }
}
