using ZwCa.Cryptography;
using ZwCa.Hsm.Simulator.Wire;
using ZwCa.HsmSim.Store;

namespace ZwCa.HsmSim.Device;

/// <summary>To whom a subscriber's key belongs, once and for all.</summary>
/// <param name="CaName">As in the policy.</param>
/// <param name="SerialNumber">Content octets of the INTEGER, 1 to 20.</param>
/// <param name="RecipientHash">SM3 of the DER of the recipient's SubjectPublicKeyInfo, 32 bytes.</param>
internal sealed record KeyBinding(string CaName, ReadOnlyMemory<byte> SerialNumber, ReadOnlyMemory<byte> RecipientHash)
{
    private const int MaxNameBytes = 1024;
    private const int MaxSerialBytes = 20;

    /// <summary>32 bytes: what the store keeps of a spent key id. Each field has its length before it, so two bindings never run together.</summary>
    public byte[] Hash()
    {
        using var writer = new WireWriter();
        writer.WriteText("zwca binding 1");
        Write(writer);
        return Sm3.HashData(writer.Written.Span);
    }

    public static KeyBinding Read(ref WireReader reader) =>
        new(reader.ReadText(MaxNameBytes), reader.ReadBytes(MaxSerialBytes), reader.ReadExactly(StoreRecord.HashLength));

    public void Write(WireWriter writer)
    {
        writer.WriteText(CaName);
        writer.WriteBytes(SerialNumber.Span);
        writer.WriteExactly(RecipientHash.Span);
    }

    public bool HasRecipient(ReadOnlySpan<byte> recipientHash) => RecipientHash.Span.SequenceEqual(recipientHash);
}
