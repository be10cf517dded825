using System.Formats.Asn1;
using ZwCa.Asn1;
using ZwCa.Asn1.Cms;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Tests.Asn1.Gm;
using ZwCa.Tests.Asn1.Pkix;

namespace ZwCa.Tests.Asn1;

/// <summary>
/// The ways from bytes to a value beside <see cref="Der.Decode{T}(ReadOnlyMemory{byte})"/>: any bytes are a <see cref="DerException"/> or a value that
/// has an encoding, in memory that is proportional to the input.
/// </summary>
public sealed class WaysInTests
{
    private static readonly int Rounds = TestRandom.Long ? 80_000 : 1000;

    private static readonly IssuerAndSerialNumber Person = new(PkixSamples.CaName, SerialNumber.Parse("1234"));
    private static readonly byte[] EnvelopedKey = Fixtures.Read("gmt0009/enveloped-key.b64");
    private static readonly Sm2Cipher Cipher = Sm2Cipher.FromRaw([0x04, .. Enumerable.Repeat((byte)0x91, 112)]);
    private static readonly Sm2Signature Signature = Sm2Signature.FromRaw([.. Enumerable.Repeat((byte)0xb5, 64)]);

    /// <summary>S of GM/T 0015 annex D lacks its sign octet, and so do these.</summary>
    private static readonly byte[] AlmostSignature = [0x30, 0x44, 0x02, 0x20, .. Signature.Raw[..32].Span, 0x02, 0x20, .. Signature.Raw[32..].Span];

    private static readonly Dictionary<string, WayIn> Ways = new()
    {
        ["Sm2Signature.DecodeLenient"] = new(b => Der.Encode(Sm2Signature.DecodeLenient(b)), Der.Encode(Signature), AlmostSignature),
        ["Sm2Cipher.DecodeLenient"] = new(b => Der.Encode(Sm2Cipher.DecodeLenient(b)), Der.Encode(Cipher)),
        ["Sm2EnvelopedKey.DecodeLenient"] = new(b => Der.Encode(Sm2EnvelopedKey.DecodeLenient(b)), EnvelopedKey),
        ["RecipientInfo.DecodeSm2Cipher"] = new(b => Der.Encode(Recipient(b).DecodeSm2Cipher()), Der.Encode(Cipher)),
        ["SignerInfo.DecodeSm2Signature"] = new(b => Der.Encode(Signer(b).DecodeSm2Signature()), Der.Encode(Signature)) { RawLength = Sm2Signature.RawLength },
        ["ContentInfo.DecodeSignedData"] = new(b => Der.Encode(Content(b).DecodeSignedData()), Fixtures.Read("gmt0010/cfca-signed.b64")),
        ["ContentInfo.DecodeEnvelopedData"] = new(b => Der.Encode(Content(b).DecodeEnvelopedData()), Fixtures.Read("gmt0010/cfca-enveloped.b64")),
        ["ContentInfo.DecodeSignedAndEnvelopedData"] = new(
            b => Der.Encode(Content(b).DecodeSignedAndEnvelopedData()),
            Der.Encode(ContentInfo.Of(Der.Decode<SignedAndEnvelopedData>(Fixtures.Read("gmt0010/anxin-signed-and-enveloped.b64"))))),
        ["OcspRequest.Decode"] = new(
            b => Der.Encode(OcspRequest.Decode(b, maxBytes: 10_000, maxRequests: 10)), [.. DerSamples.ByType[typeof(OcspRequest)]]),
        ["CaRequest.Decode"] = new(
            b => Der.Encode(CaRequest.Decode(b, maxBytes: 10_000, maxRequests: 10)), [.. DerSamples.ByType[typeof(CaRequest)]]),
        ["KmRespond.Decode"] = new(
            b => Der.Encode(KmRespond.Decode(b, maxBytes: 10_000, maxResponds: 10)), [.. DerSamples.ByType[typeof(KmRespond)]]),
        ["OcspResponse.DecodeBasic"] = new(
            b => Der.Encode(Der.Decode<OcspResponse>(b).DecodeBasic()), Fixtures.Read("rfc6960/openssl-response-by-name.der")),
        ["EnvelopedKeyBlob.Parse"] = new(
            b => EnvelopedKeyBlob.Parse(b.Span).ToBytes(), Fixtures.Read("gmt0016/blob-of-anxin-signed-and-enveloped.b64")) { IsDer = false },
    };

    public static TheoryData<string> Names => [.. Ways.Keys.Order(StringComparer.Ordinal)];

    [Theory(Timeout = 1_200_000)]
    [MemberData(nameof(Names))]
    public Task Any_bytes_are_refused_or_a_value(string name) => Task.Run(() => Check(Ways[name]), TestContext.Current.CancellationToken);

    /// <summary>Unbalanced indefinite lengths made the BER decoder throw before Der was reached.</summary>
    [Theory]
    [InlineData("3080")]
    [InlineData("308002FF")]
    [InlineData("30800281")]
    [InlineData("30801F")]
    [InlineData("30800000")]
    [InlineData("3006308002FF0000")]
    [InlineData("30")]
    public void IndefiniteLength_IsRefusedByEveryWay(string hex)
    {
        byte[] bytes = Convert.FromHexString(hex);

        Assert.All(Ways.Values, way => Assert.Throws<DerException>(() => way.Decode(bytes)));
    }

    /// <summary>A repair that went down all levels would copy the innermost 100 KB for each of them.</summary>
    [Theory]
    [InlineData(900, 100_000)]
    [InlineData(100_000, 0)]
    public void DeepNesting_CostsNoMoreThanTheInput(int depth, int innermost)
    {
        byte[] deep = Mutations.NestedContent(0x30, depth, [0x04, .. Tlv.MinimalLength(innermost), .. new byte[innermost]]);
        byte[] indefinite = [.. Enumerable.Repeat<byte[]>([0x30, 0x80], depth).SelectMany(b => b)];

        Assert.All(Ways.Values, way =>
        {
            Assert.False(Accepts(way, deep));
            Assert.False(Accepts(way, indefinite));
        });
    }

    private static void Check(WayIn way)
    {
        var random = new TestRandom();
        long tried = 0;
        long accepted = 0;
        foreach (byte[] sample in way.Samples)
        {
            Assert.True(Accepts(way, sample), $"a sample is refused: {Convert.ToHexString(sample)}");
            foreach (byte[] input in Mutations.Truncated(sample))
            {
                Assert.True(Accepts(way, input) == (input.Length == way.RawLength), $"truncated to {Convert.ToHexString(input)}");
            }

            IEnumerable<byte[]> inputs = Mutations.Mutated(sample, all: sample.Length < 200)
                .Concat(Mutations.Appended(sample))
                .Concat(Mutations.Spliced(sample, random, Rounds / way.Samples.Count));
            if (way.IsDer)
            {
                inputs = inputs.Concat(Mutations.Bent(sample, random, Rounds / way.Samples.Count))
                    .Concat(Mutations.Nested(sample))
                    .Concat(Mutations.Repeated(sample));
            }

            foreach (byte[] input in inputs)
            {
                tried++;
                accepted += Accepts(way, input) ? 1 : 0;
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{tried} inputs, {accepted} of them accepted");
    }

    /// <returns>False when refused. Fails the test on anything but refusal or a value.</returns>
    private static bool Accepts(WayIn way, byte[] input)
    {
        bool accepted;
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            accepted = way.Decode(input).Length > 0;
        }
        catch (DerException)
        {
            accepted = false;
        }
        catch (Exception e)
        {
            Assert.Fail($"input {Mutations.Show(input)}: {e}");
            throw;
        }

        Reproduction.CheckAllocated(GC.GetAllocatedBytesForCurrentThread() - before, input);
        return accepted;
    }

    private static RecipientInfo Recipient(ReadOnlyMemory<byte> encryptedKey)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(1);
            Person.Write(writer);
            new AlgorithmIdentifier(Oids.Sm2Encrypt).Write(writer);
            writer.WriteOctetString(encryptedKey.Span);
        }

        return Der.Decode<RecipientInfo>(writer.Encode());
    }

    private static SignerInfo Signer(ReadOnlyMemory<byte> encryptedDigest) =>
        new(Person, AlgorithmIdentifier.Sm3, null, new AlgorithmIdentifier(Oids.Sm2Sign), encryptedDigest);

    private static ContentInfo Content(ReadOnlyMemory<byte> bytes)
    {
        var message = Der.Decode<ContentInfo>(bytes);
        Assert.Equal(message.Content is null, message.ContentOctets is null);
        return message;
    }

    private sealed record WayIn(Func<ReadOnlyMemory<byte>, byte[]> Decode, params IReadOnlyList<byte[]> Samples)
    {
        /// <summary>For samples that can be bent as trees.</summary>
        public bool IsDer { get; init; } = true;

        /// <summary>Any bytes of this length are a value.</summary>
        public int? RawLength { get; init; }
    }
}
