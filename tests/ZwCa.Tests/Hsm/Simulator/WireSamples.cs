using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator.Wire;
using Sm2PrivateKey = ZwCa.Cryptography.Sm2PrivateKey;

namespace ZwCa.Tests.Hsm.Simulator;

/// <summary>Bodies of every message, with each of their alternatives.</summary>
internal static class WireSamples
{
    public static readonly KeyLabel Label = new("kmc.escrow-1");
    public static readonly byte[] Point = Sm2PrivateKey.FromBytes(Enumerable.Repeat((byte)0x11, 32).ToArray()).PublicKey.ToBytes();
    public static readonly SubjectPublicKeyInfo Sm2 = SubjectPublicKeyInfo.ForSm2(Point);

    public static readonly KeyEnvelope Enveloped = new(
        Fill(16, 1), Point, Sm2Cipher.FromRaw([0x04, .. Fill(112, 2)]), Fill(64, 3), Sm2Signature.FromRaw(Fill(64, 4)), Fill(150, 5));

    private static readonly PartitionStatus Locked = new("kmc", Fill(16, 1), 3, ["甲", "乙", "丙", "丁", "戊"], ["乙"], 2, StoreMarks.None, 0, 0, -1, 0, 0);

    private static readonly PartitionStatus Open =
        new("ca", Fill(16, 2), 1, ["a"], ["a"], 0, StoreMarks.Demo | StoreMarks.Faults, 12, 3, 1_700_000_000_000, 4, 1);

    public static Dictionary<Type, byte[][]> ByType { get; } = new(
    [
        Of(default(Nothing)),
        Of(new Bytes(default), new Bytes(Fill(70, 9))),
        Of(new Number(0), new Number(-1), new Number(long.MaxValue)),
        Of(new Hello(Frame.ProtocolVersion, "kmc", Fill(32, 7))),
        Of(new Welcome(Fill(16, 1), "hsm-sim 1", (HsmCapabilities)127, StoreMarks.Demo, -1, 0)),
        Of(new KeyName(Label)),
        Of(new NewKey(Label, HsmKeyKind.EscrowKek)),
        Of(new KeyDescription(HsmKeyKind.Sm2, Der.Encode(Sm2)), new KeyDescription(HsmKeyKind.HmacSm3, default)),
        Of(new SignRequest(Label, SignatureScheme.Sm2, Fill(32, 1)), new SignRequest(Label, SignatureScheme.RsaPssSha512, Fill(128, 1))),
        Of(new KeyedData(Label, default), new KeyedData(Label, Fill(100, 1))),
        Of(new WrapRequest(Label, Fill(16, 1), default), new WrapRequest(Label, Fill(64, 1), "table 7"u8.ToArray())),
        Of(new PairsRequest(Label, 1024)),
        Of(new Pairs([]), new Pairs([new WrappedKeyPair(Fill(16, 1), Sm2, Fill(90, 2)), new WrappedKeyPair(Fill(16, 3), Sm2, Fill(90, 4))])),
        Of(
            new EnvelopeRequest(Fill(90, 2), Der.Encode(Sm2), null, new EnvelopeAuthorization.ByCa(Fill(40, 1), 2)),
            new EnvelopeRequest(
                Fill(90, 2), Der.Encode(Sm2), Label, new EnvelopeAuthorization.ByCa(Fill(40, 1)) { Application = Fill(9, 9), Approvals = [Fill(5, 1), Fill(6, 2)] }),
            new EnvelopeRequest(Fill(90, 2), Der.Encode(Sm2), null, new EnvelopeAuthorization.ByRecoveryOfficers(Fill(50, 1)))),
        Of(new Envelope(Enveloped), new Envelope(Enveloped with { ContentSignature = null })),
        Of(new PartitionName("kmc")),
        Of(new ShareRequest("kmc", Point)),
        Of(new EncryptedShare(3, Fill(129, 1))),
        Of(new OpenShare("kmc", 5, Fill(32, 1))),
        Of(new Command("kmc", Fill(80, 1))),
        Of(Locked, Open),
        Of(new DeviceStatus([]), new DeviceStatus([Locked, Open])),
        Of(new Fault(FaultKind.DieAt, 17)),
    ]);

    private static KeyValuePair<Type, byte[][]> Of<T>(params T[] messages)
        where T : IMessage<T> => new(typeof(T), [.. messages.Select(Message.Encode)]);

    private static byte[] Fill(int length, int seed) => new TestRandom(seed).Bytes(length);
}
