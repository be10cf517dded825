using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;
using ZwCa.Tests.Asn1;

namespace ZwCa.Tests.Issuance.Lint.Crls;

public sealed class CrlViewTests
{
    private static readonly CrlLintContext Everything = BadCrls.Known with { DistributionPoint = new FullName(new UniformResourceIdentifier("http://a.cn/")) };

    [Fact]
    public void Fields_AreWhereTheyStand()
    {
        CrlView crl = CrlView.Read(BadCrls.Delta);

        Assert.Null(crl.Fault);
        Assert.Equal(CrlEdit.Find(BadCrls.Delta, "0/1"), crl.InnerAlgorithm.Encoded.ToArray());
        Assert.Equal(CrlEdit.Find(BadCrls.Delta, "0/2"), crl.Issuer.Encoded.ToArray());
        Assert.Equal(CrlEdit.Find(BadCrls.Delta, "0/3"), crl.ThisUpdate.Encoded.ToArray());
        Assert.Equal(CrlEdit.Find(BadCrls.Delta, "0/4"), crl.NextUpdate.Encoded.ToArray());
        Assert.Equal(CrlEdit.Find(BadCrls.Delta, "0/6/0"), crl.ExtensionsField.Encoded.ToArray());
        Assert.Equal(CrlEdit.Find(BadCrls.Delta, "1"), crl.OuterAlgorithm.Encoded.ToArray());
        Assert.Equal(CrlEdit.Find(BadCrls.Delta, "2"), crl.Signature.Encoded.ToArray());
        Assert.True(crl.IsDelta);
        Assert.Equal(3, crl.Extensions.Count);
        Assert.Equal(BadCrls.Delta.AsSpan().IndexOf(CrlEdit.Find(BadCrls.Delta, "0/6/0")), crl.OffsetOf(crl.ExtensionsField.Offset));
        Assert.Equal(BadCrls.Delta.AsSpan().IndexOf(CrlEdit.Find(BadCrls.Delta, "0/2")), crl.OffsetOf(crl.Issuer.Offset));
    }

    [Fact]
    public void Entries_AreWalkedInOrder()
    {
        var serialNumbers = new List<string>();
        var extensions = new List<int>();
        foreach (CrlEntryView entry in CrlView.Read(BadCrls.Complete).ReadEntries())
        {
            Assert.Null(entry.Fault);
            Assert.Equal(serialNumbers.Count + 1, entry.Number);
            Assert.Equal(BadCrls.Complete.AsSpan((int)entry.Offset, entry.Encoded.Length).ToArray(), entry.Encoded.ToArray());
            serialNumbers.Add(Convert.ToHexStringLower(entry.SerialNumber));
            CrlEntryExtensionReader reader = entry.Extensions;
            int count = 0;
            while (reader.MoveNext())
            {
                count++;
            }

            extensions.Add(count);
        }

        Assert.Equal(["40aa", "40ab", "40ac"], serialNumbers);
        Assert.Equal([2, 1, 0], extensions);
    }

    /// <summary>From a stream that gives a few bytes at a time it is the same CRL.</summary>
    [Fact]
    public void Stream_IsReadAsMemoryIs()
    {
        foreach (BadCrl bad in BadCrls.All.Values)
        {
            using var stream = new Trickle(bad.Crl);
            Assert.Equal(CrlLint.Check(bad.Crl, bad.Context), CrlLint.Check(CrlView.Read(stream), bad.Context));
        }
    }

    [Fact]
    public void HeadOrTailTooLong_IsAFault()
    {
        byte[] name = CrlEdit.Element(0x30, new byte[CrlView.MaxHeadLength]);
        byte[] extension = CrlEdit.Element(0x30, [0x06, 0x03, 0x55, 0x1d, 0x7f], CrlEdit.Element(0x04, new byte[CrlView.MaxTailLength]));

        Assert.Contains("before the entries", CrlView.Read(CrlEdit.Replace(BadCrls.Complete, "0/2", name)).Fault, StringComparison.Ordinal);
        Assert.Contains("follows the entries", CrlView.Read(CrlEdit.Replace(BadCrls.Complete, "0/6/0/1", extension)).Fault, StringComparison.Ordinal);
    }

    public static TheoryData<int> Samples => [0, 1, 2, 3];

    /// <summary>Nothing that is made of a CRL throws, however bad.</summary>
    [Theory]
    [MemberData(nameof(Samples))]
    public void AnyBytes_AreJudged(int sample)
    {
        var random = new TestRandom();
        byte[] crl = new[] { BadCrls.Complete, BadCrls.Partition, BadCrls.Delta, BadCrls.All["certificate issuer not critical"].Crl }[sample];
        int judged = 0;
        int bad = 0;
        IEnumerable<byte[]> inputs =
        [
            .. Mutations.Truncated(crl), .. Mutations.Appended(crl), .. Mutations.Mutated(crl), .. Mutations.Bent(crl, random, TestRandom.Long ? 50_000 : 3_000),
            .. Mutations.Spliced(crl, random, TestRandom.Long ? 20_000 : 1_000), .. Mutations.Nested(crl), .. Mutations.Repeated(crl), .. Noise(random),
        ];
        foreach (byte[] input in inputs)
        {
            judged++;
            bad += CrlLint.Check(input, Everything).Count > 0 ? 1 : 0;
        }

        Assert.True(bad > judged / 2, $"{bad} of {judged}");
    }

    private static IEnumerable<byte[]> Noise(TestRandom random) => Enumerable.Range(0, 500).Select(_ => random.Bytes(random.Next(64)));

    private sealed class Trickle(byte[] bytes) : MemoryStream(bytes, writable: false)
    {
        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(7, buffer.Length)]);
    }
}
