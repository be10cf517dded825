using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Tests.Asn1;

namespace ZwCa.Tests.HsmSim.Device;

/// <summary>Papers that somebody bent: the device reads them before it knows who signed them, and says what is wrong with them.</summary>
public sealed class BentPapersTests
{
    private const int Rounds = 600;

    private static readonly SerialNumber Serial = SerialNumber.Parse("1a2b3c");
    private static readonly Person Owner = new();
    private static readonly Person Recipient = new();

    [Theory]
    [InlineData("message")]
    [InlineData("application")]
    [InlineData("approval")]
    [InlineData("statement")]
    [InlineData("recipient")]
    public async Task BentPaper_IsRefusedAndNothingElseHappens(string which)
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        EscrowStory story = device.Story;
        WrappedKeyPair pair = device.NewPair();
        ReadOnlyMemory<byte> bound = await device.Bind(pair, Serial, Owner.PublicKey);
        Application application = story.RecoveryApplication(Serial, Recipient.PublicKey);
        var right = new EnvelopeAuthorization.ByCa(story.Message(story.Ca, [RestoreKeyReq.Sm2(Serial, Recipient.PublicKey)]))
        {
            Application = Der.Encode(application),
            Approvals =
            [
                story.Approve(new Officer(), ApprovalStep.Entry, [application.Digest]),
                story.Approve(new Officer(), ApprovalStep.Review, [application.Digest]),
            ],
        };
        byte[] statement = EscrowStory.Signed(story.Case(pair.KeyId, Recipient.PublicKey), story.RecoveryOfficers);
        (byte[] paper, Func<byte[], Task<KeyEnvelope>> present) = which switch
        {
            "message" => (right.Message.ToArray(), Present(bent => right with { Message = bent })),
            "application" => (right.Application!.Value.ToArray(), Present(bent => right with { Application = bent })),
            "approval" => (right.Approvals[0].ToArray(), Present(bent => right with { Approvals = [bent, right.Approvals[1]] })),
            "statement" => (statement, Present(bent => new EnvelopeAuthorization.ByRecoveryOfficers(bent))),
            _ => (Der.Encode(Recipient.PublicKey), bent => EnvelopeTo(bent, right)),
        };
        TestDevice.OpenAsRecipient(await present(paper), pair, Recipient);

        // What is not signed may be bent without harm: the algorithm of the CA's message, and a third signature of three where two are enough.
        foreach (byte[] bent in Mutations.Bent(paper, new TestRandom(), TestRandom.Long ? 50 * Rounds : Rounds))
        {
            try
            {
                TestDevice.OpenAsRecipient(await present(bent), pair, Recipient);
            }
            catch (HsmException e)
            {
                Assert.Equal(HsmFailure.Refused, e.Failure);
                Assert.NotEmpty(e.Message);
            }
        }

        TestDevice.OpenAsRecipient(await present(paper), pair, Recipient);
        Assert.Equal(1, device.Bindings);

        Func<byte[], Task<KeyEnvelope>> Present(Func<byte[], EnvelopeAuthorization> authorize) =>
            bent => EnvelopeTo(Der.Encode(Recipient.PublicKey), authorize(bent));

        async Task<KeyEnvelope> EnvelopeTo(byte[] recipient, EnvelopeAuthorization authorization) =>
            (await device.Partition.EnvelopeKeyAsync(new(bound, recipient, null, authorization))).Value;
    }

    [Theory]
    [InlineData("policy")]
    [InlineData("backup")]
    public async Task BentStatementOfTheHolders_IsRefusedAndNothingElseHappens(string which)
    {
        await using var device = new TestDevice();
        EscrowStory story = device.Story;
        bool isPolicy = which == "policy";
        byte[] paper = isPolicy ? Der.Encode(story.Policy(1)) : Der.Encode(new BackupStatement(story.PartitionId, new Time(story.Now.AddDays(1))));
        byte[] before = device.Partition.GetPolicy().Value.ToArray();
        var random = new TestRandom();

        // One signature short, so that none of them is in order.
        IEnumerable<byte[]> signed = Mutations.Bent(EscrowStory.Signed(paper, story.Holders.Take(EscrowStory.Threshold - 1)), random, Rounds);
        foreach (byte[] bent in signed)
        {
            HsmException e = await Assert.ThrowsAsync<HsmException>(
                () => isPolicy ? device.Partition.InstallPolicyAsync(bent) : device.Partition.BackUpAsync(bent));
            Assert.Equal(HsmFailure.Refused, e.Failure);
        }

        Assert.Equal(before, device.Partition.GetPolicy().Value.ToArray());
    }

    /// <summary>Signed by whom it takes, with times that a calendar has not or that no clock reaches: an answer, never an accident.</summary>
    [Theory]
    [InlineData("99991231235959Z", null)]
    [InlineData("19500101000000Z", "has expired")]
    [InlineData("00010101000000Z", "cannot be read")]
    [InlineData("20261231235960Z", "cannot be read")]
    [InlineData("20261231240000Z", "cannot be read")]
    [InlineData("20260229000000Z", "cannot be read")]
    [InlineData("20261231000000z", "cannot be read")]
    [InlineData("202612310000.1Z", "cannot be read")]
    [InlineData("2026123100.001Z", "cannot be read")]
    [InlineData("202612310000+08", "cannot be read")]
    [InlineData("20261231000000.", "cannot be read")]
    public async Task TimeOfARecoveryCase_IsATimeOrRefused(string time, string? reason)
    {
        await using TestDevice device = await TestDevice.ForEscrow();
        EscrowStory story = device.Story;
        WrappedKeyPair pair = device.NewPair();
        ReadOnlyMemory<byte> bound = await device.Bind(pair, Serial, Owner.PublicKey);
        byte[] order = Der.Encode(story.Case(pair.KeyId, Recipient.PublicKey));
        System.Text.Encoding.ASCII.GetBytes(time).CopyTo(order.AsSpan(^15..));
        var authorization = new EnvelopeAuthorization.ByRecoveryOfficers(EscrowStory.Signed(order, story.RecoveryOfficers));

        if (reason is null)
        {
            TestDevice.OpenAsRecipient(await device.Envelope(bound, Recipient.PublicKey, authorization), pair, Recipient);
            return;
        }

        await Refused.For(reason, () => device.Envelope(bound, Recipient.PublicKey, authorization));
    }
}
