using System.Globalization;
using System.Text.RegularExpressions;
using ZwCa.Asn1;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Hsm.Simulator.Wire;
using ZwCa.Tests.Architecture;
using Sm2PublicKey = ZwCa.Cryptography.Sm2PublicKey;

namespace ZwCa.Tests.Hsm.Simulator;

/// <summary>docs/HSM-PROTOCOL.md says what the code does.</summary>
public sealed partial class ProtocolDocumentTests
{
    private static readonly string Document = RepositoryTree.ReadText("docs/HSM-PROTOCOL.md");

    [Fact]
    public void TheExample_IsWhatIsSentAndAnswered()
    {
        var label = new KeyLabel("ca-sign");
        byte[][] frames = [.. HexBlock().Matches(Document).Select(m => Convert.FromHexString(string.Concat(m.Groups[1].Value.Where(c => !char.IsWhiteSpace(c)))))];
        Assert.Equal(2, frames.Length);
        Assert.Equal(ScriptedPeer.Encode(2, (ushort)Operation.FindKey, Message.Encode(new KeyName(label))), frames[0]);

        HsmKey key = Message.Decode<KeyDescription>(frames[1].AsMemory(Frame.HeaderLength)).ToKey(label);
        Assert.Equal((HsmKeyKind.Sm2, Oids.Sm2), (key.Kind, key.PublicKey!.NamedCurve));
        Assert.Equal(key.PublicKey.PublicKey.ToArray(), Sm2PublicKey.FromBytes(key.PublicKey.PublicKey.Span).ToBytes());
        Assert.Equal(ScriptedPeer.Encode(2, Frame.Done, Message.Encode(new KeyDescription(HsmKeyKind.Sm2, Der.Encode(key.PublicKey)))), frames[1]);
    }

    [Fact]
    public void EveryNumber_IsInItsTable()
    {
        foreach (Operation operation in Enum.GetValues<Operation>())
        {
            Assert.Contains($"| {(ushort)operation} | {operation} | ", Document, StringComparison.Ordinal);
        }

        foreach (HsmFailure failure in Enum.GetValues<HsmFailure>())
        {
            Assert.Contains($"| {(ushort)failure} | {failure} | ", Document, StringComparison.Ordinal);
        }

        foreach (HsmKeyKind kind in Enum.GetValues<HsmKeyKind>())
        {
            Assert.Contains($"| {(byte)kind} | {kind} | ", Document, StringComparison.Ordinal);
        }

        foreach (SignatureScheme scheme in Enum.GetValues<SignatureScheme>())
        {
            Assert.Contains($"| {(byte)scheme} | {scheme} | {scheme.DigestLength()}", Document, StringComparison.Ordinal);
        }

        AssertListed<HsmCapabilities>("Capabilities");
        AssertListed<StoreMarks>("Marks");
        AssertListed<FaultKind>("Faults");
    }

    [Theory]
    [InlineData(Frame.MaxRequestBody)]
    [InlineData(Frame.MaxAnswerBody)]
    [InlineData(SimulatorHsm.MaxAnswerBody)]
    [InlineData(SignRequest.MaxDigests)]
    [InlineData(PairsRequest.MaxPairs)]
    [InlineData(KeyedData.MaxDataBytes)]
    [InlineData(KeyedData.MaxDataBytes + KeyedData.CiphertextOverhead)]
    public void EveryLimit_IsNamed(int limit) => Assert.Contains(limit.ToString("N0", CultureInfo.InvariantCulture), Document, StringComparison.Ordinal);

    private static void AssertListed<T>(string list)
        where T : struct, Enum
    {
        string sentence = Regex.Match(Document, $@"\b{list}: ([^.]*)\.").Groups[1].Value;
        Assert.All(
            Enum.GetValues<T>().Where(value => Convert.ToInt32(value, CultureInfo.InvariantCulture) != 0),
            value => Assert.Matches($@"\b{value:d} {value}\b", sentence));
    }

    [GeneratedRegex("```hex\n([^`]*)```")]
    private static partial Regex HexBlock();
}
