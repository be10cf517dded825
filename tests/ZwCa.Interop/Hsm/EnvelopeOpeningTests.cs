using System.Formats.Asn1;
using ZwCa.Asn1;
using ZwCa.Asn1.Cms;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Interop.Authorities;
using ZwCa.Interop.Envelopes;

namespace ZwCa.Interop.Hsm;

/// <summary>
/// One bundle out of the device, three forms of it: each is opened as a USB key would, by a recipient who has openssl and a private key that openssl made.
/// </summary>
public class EnvelopeOpeningTests
{
    private const int KeyLength = 32;

    [Fact]
    public async Task EveryFormOfTheEnvelope_IsOpenedByTheRecipient()
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        using var openssl = new OpenSsl();
        var receiver = new Opening(openssl);
        SubjectPublicKeyInfo recipient = SubjectPublicKeyInfo.ForSm2(receiver.PublicKey.ToBytes());
        using var store = new HsmSimStore();
        await using HsmSimProcess device = await store.StartAsync();
        using var ca = new RegisteredCa();
        await store.InstallPolicyAsync(device, ca.Register);
        await using SimulatorHsm hsm = await store.ConnectAsync(device);
        HsmKey kek = await hsm.GenerateKeyAsync(new KeyLabel("escrow"), HsmKeyKind.EscrowKek, cancel);
        HsmKey signer = await hsm.GenerateKeyAsync(new KeyLabel("kmc-sign"), HsmKeyKind.Sm2, cancel);
        WrappedKeyPair pair = (await hsm.GenerateWrappedKeyPairsAsync(kek, 1, cancel))[0];
        KeyEnvelope envelope = await hsm.EnvelopeKeyAsync(
            pair.WrappedKey, recipient, ca.Apply(RegisteredCa.NextSerialNumber(), recipient), signer, cancel);
        byte[] publicKey = pair.PublicKey.PublicKey.ToArray();

        // GM/T 0016: 64 bytes, of which the first half is zero.
        byte[] blob = envelope.ToEnvelopedKeyBlob().ToBytes();
        byte[] fromBlob = receiver.DecryptSm4Ecb(receiver.DecryptKey(CipherOf(blob)), blob[12..76], "-nopad");
        Assert.Equal(new byte[KeyLength], fromBlob[..KeyLength]);
        Assert.Equal(publicKey, receiver.PublicKeyOf(fromBlob[KeyLength..]));

        // GM/T 0009: SEQUENCE { symAlgID, SM2Cipher, BIT STRING, BIT STRING }, the last of exactly 32 bytes.
        ParsedDer key = ParsedDer.Of(openssl, Der.Encode(envelope.ToSm2EnvelopedKey()));
        IReadOnlyList<ParsedDer.Element> fields = key.AtDepth(1);
        byte[] encrypted = key.Bits(fields[3]);
        Assert.Equal(KeyLength, encrypted.Length);
        Assert.Equal(publicKey, key.Bits(fields[2]));
        byte[] fromKey = receiver.DecryptSm4Ecb(receiver.DecryptKey(key.Encoded(fields[1])), encrypted, "-nopad");
        Assert.Equal(publicKey, receiver.PublicKeyOf(fromKey));

        // GM/T 0010: the same key, and the signature of the key management centre over it.
        Holder kmc = TestAuthority.Of(KeyKind.Sm2).Signing;
        IssuerAndSerialNumber name = IssuerAndSerialNumber.Of(kmc.Certificate);
        ParsedDer message = ParsedDer.Of(openssl, Der.Encode(envelope.ToSignedAndEnvelopedData(name, name)));
        IReadOnlyList<ParsedDer.Element> parts = message.AtDepth(1);
        byte[] cipher = message.Content(Within(message, parts[1]).Single(e => e.Type == "OCTET STRING"));
        byte[] content = message.Content(Within(message, parts[3]).Single(e => e.Type == "cont [ 0 ]"));
        byte[] opened = receiver.DecryptSm4Ecb(receiver.DecryptKey(cipher), content, "-nopad");
        Assert.Equal(publicKey, receiver.PublicKeyOf(opened));
        ParsedDer.Element[] octets = [.. Within(message, parts[^1]).Where(e => e.Type == "OCTET STRING")];
        openssl.VerifiesSignature(KeyKind.Sm2, signer.PublicKey!, opened, message.Content(octets[0]));

        // Beside the signature, the first half of what the token's blob has.
        byte[] whole = receiver.DecryptSm4Ecb(receiver.DecryptKey(cipher), [.. message.Content(octets[1]), .. content], "-nopad");
        Assert.Equal(new byte[KeyLength], whole[..KeyLength]);
        Assert.Equal(2, octets.Length);
    }

    /// <summary>ECCCIPHERBLOB at byte 208: X and Y right-aligned in 64 bytes each, HASH, CipherLen, Cipher; as the SEQUENCE that openssl reads.</summary>
    private static byte[] CipherOf(byte[] blob)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteIntegerUnsigned(blob.AsSpan(208 + 32, KeyLength).TrimStart((byte)0));
            writer.WriteIntegerUnsigned(blob.AsSpan(272 + 32, KeyLength).TrimStart((byte)0));
            writer.WriteOctetString(blob.AsSpan(336, 32));
            writer.WriteOctetString(blob.AsSpan(372, 16));
        }

        return writer.Encode();
    }

    private static IEnumerable<ParsedDer.Element> Within(ParsedDer parsed, ParsedDer.Element outer) =>
        parsed.Elements.Where(e => e.Offset > outer.Offset && e.End <= outer.End);
}
