using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Hsm.Simulator.Wire;
using ZwCa.Tests.HsmSim.Device;
using ZwCa.Tests.HsmSim.Server;
using TestDevice = ZwCa.Tests.HsmSim.Device.TestDevice;

namespace ZwCa.Tests.HsmSim.Processes;

/// <summary>
/// What a thief can do who has the key management centre's certificate and secret, every wrapped key that it ever had, and every paper that was ever sent
/// to it: nothing (trust.md §4). He has no signing key but his own.
/// </summary>
public sealed class StolenCredentialTests(StolenCredential stolen) : IClassFixture<StolenCredential>
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private static readonly Dictionary<string, (Func<Loot, Attempt> Attack, string Reason)> Attacks = new()
    {
        ["a CA that nobody registered"] = (l => l.Restore() with { Ca = l.Story.UnknownCa }, "no CA of the policy"),
        ["the thief signs in the CA's name"] = (l => l.Restore() with { Signer = l.Thief }, "not signed by the CA"),
        ["a message of the day before yesterday"] = (l => l.Restore() with { Age = -TimeSpan.FromHours(24) - TimeSpan.FromMinutes(1) }, "older than 24 hours"),
        ["another subscriber's serial number"] = (l => l.Restore() with { Serial = l.OtherSerial }, "bound to another serial number"),
        ["another registered CA"] = (l => l.Restore() with { Ca = l.Story.OtherCa }, "bound to another CA"),
        ["replayed to the thief"] = (l => l.Restore() with { Named = l.Owner, Recipient = l.Thief }, "not the one that the CA names"),
        ["the CA asks for the thief, no officer does"] = (l => l.Restore() with { Recipient = l.Thief }, "two approvals are needed"),
        ["the CA applies for the thief"] = (l => l.Restore() with { Recipient = l.Thief, Restores = false }, "restored, not applied for"),
        ["the unbound copy, for another serial number"] = (
            l => l.Restore() with { Key = l.Pair.WrappedKey, Restores = false, Serial = EscrowStory.NextSerialNumber() }, "The key is spent"),
        ["the unbound copy, for the thief's own certificate"] = (
            l => l.Restore() with { Key = l.Pair.WrappedKey, Restores = false, Serial = EscrowStory.NextSerialNumber(), Recipient = l.Thief },
            "The key is spent"),
        ["the unbound copy, restored by another CA"] = (l => l.Restore() with { Key = l.Pair.WrappedKey, Ca = l.Story.OtherCa }, "The key is spent"),
        ["one approval"] = (l => l.Recover() with { Approvals = [l.Entry] }, "Two approvals are needed, not 1"),
        ["one approval twice"] = (l => l.Recover() with { Approvals = [l.Entry, l.Entry] }, "one the review"),
        ["one officer twice"] = (l => l.Recover() with { Approvals = [l.Entry, l.Entry with { Step = ApprovalStep.Review }] }, "by the same person"),
        ["one officer twice, with two certificates"] = (
            l => l.Recover() with { Approvals = [l.Entry, l.Review with { Officer = new Officer { Id = l.Entry.Officer.Id } }] }, "by the same person"),
        ["one key under two names"] = (
            l => l.Recover() with { Approvals = [l.Entry, l.Review with { Officer = new Officer { Holder = l.Entry.Officer.Holder } }] }, "by the same key"),
        ["approvals of last month"] = (
            l => l.Recover() with { Approvals = [l.Entry with { Age = -TimeSpan.FromDays(31) }, l.Review] }, "older than 30 days"),
        ["approvals for another serial number"] = (l => l.Recover() with { ApprovedSerial = l.OtherSerial }, "for another serial number"),
        ["approvals for another recipient"] = (l => l.Recover() with { ApprovedRecipient = l.Owner }, "for another recipient"),
        ["approvals by nobody's officers"] = (
            l => l.Recover() with { Approvals = [l.Entry, l.Review with { Officer = new Officer { Issuer = l.Thief } }] }, "no issuer of the policy"),
        ["approvals free no spent copy"] = (l => l.Recover() with { Key = l.Pair.WrappedKey }, "The key is spent"),
        ["m−1 recovery officers"] = (l => l.Judge() with { Signers = l.Judges[..1] }, "2 recovery officers must sign, 1 did"),
        ["one recovery officer twice"] = (l => l.Judge() with { Signers = [l.Judges[0], l.Judges[0]] }, "2 recovery officers must sign, 1 did"),
        ["one recovery officer and the thief"] = (l => l.Judge() with { Signers = [l.Judges[0], l.Thief] }, "2 recovery officers must sign, 1 did"),
        ["the case of another key"] = (l => l.Judge() with { Case = l.Story.Case(l.OtherPair.KeyId, l.Thief.PublicKey) }, "case is for another key"),
        ["the case of another recipient"] = (l => l.Judge() with { Case = l.Story.Case(l.Pair.KeyId, l.Owner.PublicKey) }, "case is for another recipient"),
        ["the case of another partition"] = (
            l => l.Judge() with { Case = l.Story.Case(l.Pair.KeyId, l.Thief.PublicKey, partition: new byte[16]) }, "case is for another partition"),
        ["a case that expired"] = (
            l => l.Judge() with { Case = l.Story.Case(l.Pair.KeyId, l.Thief.PublicKey, notAfter: l.Story.Now - Second) }, "has expired"),
        ["a case for a key that was never bound"] = (
            l => l.Judge() with { Key = l.Unused.WrappedKey, Case = l.Story.Case(l.Unused.KeyId, l.Thief.PublicKey) }, "bound to nobody"),
        ["the unbound copy of the key in the case"] = (l => l.Judge() with { Key = l.Pair.WrappedKey }, "bound to nobody"),
    };

    public static TheoryData<string> AttackNames => [.. Attacks.Keys];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(AttackNames))]
    public async Task WhatNobodyAuthorized_IsRefused_AndOpensWhenItIs(string name)
    {
        Loot loot = await StealAsync();
        (Func<Loot, Attempt> attack, string reason) = Attacks[name];

        await Refused.For(reason, () => attack(loot).SendAsync(stolen.Hsm));

        foreach (Attempt genuine in (Attempt[])[loot.Restore(), loot.Recover(), loot.Judge()])
        {
            TestDevice.OpenAsRecipient(await genuine.SendAsync(stolen.Hsm), loot.Pair, genuine.Recipient);
        }
    }

    [Fact]
    public async Task FramesWithoutAnAuthorizationOrWithGarbage_OpenNothing()
    {
        Loot loot = await StealAsync();
        await using RawClient client = await stolen.DialAsync();
        byte[] genuine = ((EnvelopeAuthorization.ByCa)loot.Restore().Authorize()).Message.ToArray();
        byte[] garbage = new TestRandom().Bytes(200);
        (byte[] Body, HsmFailure Failure, string Reason)[] frames =
        [
            (Body(_ => { }), HsmFailure.Protocol, "ends early"),
            (Body(w => w.WriteByte(0)), HsmFailure.Protocol, "No such authorization"),
            (Body(w => w.WriteByte(3)), HsmFailure.Protocol, "No such authorization"),
            (ByCa([], 0), HsmFailure.Refused, "cannot be read"),
            (ByCa(garbage, 0), HsmFailure.Refused, "cannot be read"),
            (ByCa([.. genuine, 0], 0), HsmFailure.Refused, "cannot be read"),
            (ByCa(genuine[..^1], 0), HsmFailure.Refused, "cannot be read"),
            (ByCa([.. genuine[..^1], (byte)(genuine[^1] ^ 1)], 0), HsmFailure.Refused, "not signed by the CA"),
            (ByCa(genuine, 1), HsmFailure.Refused, "none with the index 1"),
            (ByCa(genuine, uint.MaxValue), HsmFailure.Protocol, "4294967295 where at most"),
            (ByCa(genuine, 0, approvals: 3), HsmFailure.Protocol, "3 where at most 2"),
            (Body(w => { w.WriteByte(2); w.WriteBytes(garbage); }), HsmFailure.Refused, "cannot be read"),
            (Body(w => { w.WriteByte(2); w.WriteBytes([]); }), HsmFailure.Refused, "cannot be read"),
        ];
        for (int i = 0; i < frames.Length; i++)
        {
            Answered answer = await AskAsync(i, frames[i].Body);
            Assert.Contains(frames[i].Reason, answer.Reason, StringComparison.Ordinal);
            Assert.Equal(frames[i].Failure, answer.Failure);
        }

        Envelope opened = (await AskAsync(frames.Length, ByCa(genuine, 0))).Read<Envelope>();
        TestDevice.OpenAsRecipient(opened.Value, loot.Pair, loot.Owner);

        byte[] ByCa(byte[] message, uint index, uint approvals = 0) => Body(w =>
        {
            w.WriteByte(1);
            w.WriteBytes(message);
            w.WriteUInt32(index);
            w.WriteBytes([]);
            w.WriteUInt32(approvals);
        });

        byte[] Body(Action<WireWriter> authorization)
        {
            using var writer = new WireWriter();
            writer.WriteBytes(loot.Bound.Span);
            writer.WriteBytes(Der.Encode(loot.Owner.PublicKey));
            writer.WriteText("");
            authorization(writer);
            return writer.Written.ToArray();
        }

        async Task<Answered> AskAsync(long id, byte[] body)
        {
            await client.SendAsync(RawClient.Encode(id, (ushort)Operation.EnvelopeKey, body));
            return (await client.ReadAsync())!;
        }
    }

    [Fact]
    public async Task KeysOfOneKind_DoNothingElse()
    {
        Loot loot = await StealAsync();
        await using RawClient client = await stolen.DialAsync();
        KeyLabel kek = stolen.Kek.Label;
        byte[] blob = loot.Bound.ToArray();
        ReadOnlyMemory<byte> wrapped = await stolen.Hsm.WrapKeyAsync(stolen.DataKek, new byte[32], default, Cancel);
        byte[] digest = new byte[32];

        await Expect(HsmFailure.WrongKeyKind, Operation.UnwrapKey, new WrapRequest(kek, loot.Pair.WrappedKey, default));
        await Expect(HsmFailure.WrongKeyKind, Operation.WrapKey, new WrapRequest(kek, digest, default));
        await Expect(HsmFailure.WrongKeyKind, Operation.Decrypt, new KeyedData(kek, blob));
        await Expect(HsmFailure.WrongKeyKind, Operation.Hmac, new KeyedData(kek, blob));
        await Expect(HsmFailure.WrongKeyKind, Operation.Sign, new SignRequest(kek, SignatureScheme.Sm2, digest));
        await Expect(HsmFailure.WrongKeyKind, Operation.GenerateWrappedPairs, new PairsRequest(stolen.DataKek.Label, 1));
        await Expect(HsmFailure.WrongKeyKind, Operation.Sign, new SignRequest(stolen.Decryption.Label, SignatureScheme.Sm2, digest));
        await Expect(HsmFailure.WrongKeyKind, Operation.EnvelopeKey, loot.Restore().ToRequest() with { Signer = kek });
        await Expect(HsmFailure.BadInput, Operation.UnwrapKey, new WrapRequest(stolen.DataKek.Label, loot.Pair.WrappedKey, default));
        await Expect(HsmFailure.BadInput, Operation.EnvelopeKey, loot.Restore().ToRequest() with { WrappedKey = wrapped });
        await Expect(HsmFailure.Refused, Operation.Decrypt, new KeyedData(stolen.Decryption.Label, blob));

        // Each byte of the binding counts.
        for (int i = blob.Length - 93; i < blob.Length; i += 10)
        {
            byte[] changed = [.. blob];
            changed[i] ^= 1;
            await Expect(HsmFailure.BadInput, Operation.EnvelopeKey, loot.Restore().ToRequest() with { WrappedKey = changed });
        }

        (await client.AskAsync(Operation.UnwrapKey, new WrapRequest(stolen.DataKek.Label, wrapped, default))).Read<Bytes>();
        (await client.AskAsync(Operation.Hmac, new KeyedData(stolen.Hmac.Label, blob))).Read<Bytes>();
        (await client.AskAsync(Operation.Sign, new SignRequest(stolen.Signer.Label, SignatureScheme.Sm2, digest))).Read<Bytes>();
        Envelope opened = (await client.AskAsync(Operation.EnvelopeKey, loot.Restore().ToRequest() with { Signer = stolen.Signer.Label })).Read<Envelope>();
        TestDevice.OpenAsRecipient(opened.Value, loot.Pair, loot.Owner);

        // A client is no console, and what holders decide is not for him.
        await Expect(HsmFailure.Protocol, Operation.InstallPolicy, new Command(HsmSimStore.Partition, Der.Encode(stolen.Story.Policy(2))));

        async Task Expect<T>(HsmFailure failure, Operation operation, T message)
            where T : IMessage<T>
        {
            Answered answer = await client.AskAsync(operation, message);
            Assert.True(answer.Code == (ushort)failure, $"{operation}: {answer.Failure} {answer.Reason}");
        }
    }

    [Fact]
    public async Task TwoGenuineMessagesAtOnce_BindOnce()
    {
        Loot loot = await StealAsync();
        Attempt first = loot.Restore() with { Key = loot.Unused.WrappedKey, Restores = false, Serial = EscrowStory.NextSerialNumber() };
        Attempt second = first with { Serial = EscrowStory.NextSerialNumber(), Recipient = loot.Thief };
        bool[] opened = await Task.WhenAll(Enumerable.Range(0, 64).Select(async i =>
        {
            try
            {
                await (i % 2 == 0 ? first : second).SendAsync(stolen.Hsm);
                return true;
            }
            catch (HsmException e) when (e.Failure == HsmFailure.Refused && e.Message.Contains("The key is spent", StringComparison.Ordinal))
            {
                return false;
            }
        }));
        Assert.All(Enumerable.Range(0, opened.Length), i => Assert.Equal(opened[i % 2], opened[i]));
        Assert.NotEqual(opened[0], opened[1]);
    }

    /// <summary>What was bound after the backup is not known to the restored device: the unbound copies are all worth nothing to it.</summary>
    [Fact]
    public async Task AfterARestore_UnboundCopiesOpenNothing_AndBoundOnesOpenAsBefore()
    {
        using var folder = new TemporaryFolder();
        (HsmSimProcess device, SimulatorHsm restored) = await stolen.RestoreAsync(folder);
        await using HsmSimProcess process = device;
        await using SimulatorHsm hsm = restored;
        Loot loot = await StealAsync();
        Attempt again = loot.Restore() with { Key = loot.Pair.WrappedKey, Restores = false };

        await Refused.For("The key is spent", () => (again with { Serial = EscrowStory.NextSerialNumber() }).SendAsync(stolen.Hsm));
        await Refused.For("older epoch", () => (again with { Serial = EscrowStory.NextSerialNumber() }).SendAsync(hsm));
        await Refused.For("older epoch", () => (again with { Serial = EscrowStory.NextSerialNumber(), Recipient = loot.Thief }).SendAsync(hsm));
        await Refused.For("older epoch", () => again.SendAsync(hsm));
        await Refused.For("older epoch", () => (again with { Key = loot.Unused.WrappedKey }).SendAsync(hsm));
        await Refused.For("bound to another serial number", () => (loot.Restore() with { Serial = loot.OtherSerial }).SendAsync(hsm));
        await Refused.For("two approvals are needed", () => (loot.Restore() with { Recipient = loot.Thief }).SendAsync(hsm));

        TestDevice.OpenAsRecipient(await loot.Restore().SendAsync(hsm), loot.Pair, loot.Owner);
        HsmKey kek = (await hsm.FindKeyAsync(stolen.Kek.Label, Cancel))!;
        WrappedKeyPair fresh = (await hsm.GenerateWrappedKeyPairsAsync(kek, 1, Cancel))[0];
        Attempt first = again with { Key = fresh.WrappedKey, Serial = EscrowStory.NextSerialNumber() };
        TestDevice.OpenAsRecipient(await first.SendAsync(hsm), fresh, loot.Owner);

        // Nor does what the restored device makes open in the old one.
        await Refused.For("older epoch", () => first.SendAsync(stolen.Hsm));
    }

    private async Task<Loot> StealAsync()
    {
        IReadOnlyList<WrappedKeyPair> pairs = await stolen.Hsm.GenerateWrappedKeyPairsAsync(stolen.Kek, 3, Cancel);
        var loot = new Loot(stolen.Story, pairs[0], pairs[1], pairs[2]);
        KeyEnvelope first = await (loot.Restore() with { Key = loot.Pair.WrappedKey, Restores = false }).SendAsync(stolen.Hsm);
        await (loot.Restore() with { Key = loot.OtherPair.WrappedKey, Serial = loot.OtherSerial, Restores = false }).SendAsync(stolen.Hsm);
        return loot with { Bound = first.BoundKey };
    }

    /// <summary>One officer's approval.</summary>
    private sealed record Decision(ApprovalStep Step, Officer Officer)
    {
        public TimeSpan Age { get; init; }
    }

    /// <summary>Two bound keys and one of the pool.</summary>
    private sealed record Loot(EscrowStory Story, WrappedKeyPair Pair, WrappedKeyPair OtherPair, WrappedKeyPair Unused)
    {
        public ReadOnlyMemory<byte> Bound { get; init; }

        public SerialNumber Serial { get; } = EscrowStory.NextSerialNumber();

        public SerialNumber OtherSerial { get; } = EscrowStory.NextSerialNumber();

        public Person Owner { get; } = new();

        public Person Thief { get; } = new();

        public Decision Entry { get; } = new(ApprovalStep.Entry, new Officer());

        public Decision Review { get; } = new(ApprovalStep.Review, new Officer());

        public Person[] Judges => [.. Story.RecoveryOfficers];

        /// <summary>To its owner, on the CA's word.</summary>
        public Attempt Restore() => new(this, Bound, Serial, Owner);

        /// <summary>To the owner's new key, as two officers approved.</summary>
        public Attempt Recover() => Restore() with { Recipient = Thief, Approvals = [Entry, Review] };

        /// <summary>As m recovery officers ordered.</summary>
        public Attempt Judge() => Restore() with { Recipient = Thief, Case = Story.Case(Pair.KeyId, Thief.PublicKey), Signers = Judges[..EscrowStory.RecoveryThreshold] };
    }

    /// <summary>One call, in order until an attack changes one property.</summary>
    private sealed record Attempt(Loot Loot, ReadOnlyMemory<byte> Key, SerialNumber Serial, Person Recipient)
    {
        public StoryCa Ca { get; init; } = Loot.Story.Ca;

        public Person? Signer { get; init; }

        public bool Restores { get; init; } = true;

        public Person? Named { get; init; }

        public TimeSpan Age { get; init; }

        public IReadOnlyList<Decision>? Approvals { get; init; }

        public SerialNumber ApprovedSerial { get; init; } = Serial;

        public Person? ApprovedRecipient { get; init; }

        public RecoveryCase? Case { get; init; }

        public IReadOnlyList<Person> Signers { get; init; } = [];

        public EnvelopeAuthorization Authorize() => Case is not null
            ? new EnvelopeAuthorization.ByRecoveryOfficers(EscrowStory.Signed(Case, Signers))
            : new CaAttempt(Loot.Story, Serial, Recipient.PublicKey)
            {
                Ca = Ca,
                Signer = Signer,
                Restores = Restores,
                Named = Named?.PublicKey,
                Age = Age,
                Application = () => Approvals is null ? null : Loot.Story.RecoveryApplication(ApprovedSerial, (ApprovedRecipient ?? Recipient).PublicKey),
                Approvals = digest =>
                    [.. Approvals!.Select(each => (ReadOnlyMemory<byte>)Loot.Story.Approve(each.Officer, each.Step, [digest], Loot.Story.Now + each.Age))],
            }.Build();

        public EnvelopeRequest ToRequest() => new(Key, Der.Encode(Recipient.PublicKey), null, Authorize());

        public Task<KeyEnvelope> SendAsync(SimulatorHsm hsm) => hsm.EnvelopeKeyAsync(Key, Recipient.PublicKey, Authorize(), cancellationToken: Cancel);
    }
}
