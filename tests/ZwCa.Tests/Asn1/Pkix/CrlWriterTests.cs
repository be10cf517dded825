using System.Diagnostics;
using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Tests.Asn1.Pkix;

/// <summary>The oracle is <see cref="TbsCertList"/>, which others have read in <see cref="CrlTests"/>.</summary>
public sealed class CrlWriterTests
{
    private static readonly CrlWriter Writer = new(
        AlgorithmIdentifier.Sm3WithSm2, PkixSamples.CaName, PkixSamples.ThisUpdate, PkixSamples.NextUpdate, PkixSamples.CrlExtensions);

    [Theory]
    [InlineData(0, 71)]
    [InlineData(1, 72)]
    [InlineData(2, 70)]
    [InlineData(3, 256)]
    [InlineData(1000, 71)]
    [InlineData(5000, 1)]
    public void Bytes_are_those_of_the_plain_type(int count, int signatureLength)
    {
        CrlEntry[] entries = Entries(count);
        byte[] signature = RandomNumberGenerator.GetBytes(signatureLength);
        var output = new MemoryStream();
        output.Write("before"u8);
        var digested = new MemoryStream();

        using (UnsignedCrl unsigned = Writer.WriteTbs(output, entries, digested.Write))
        {
            Assert.Equal(0, output.ToArray()[6]);
            Assert.Equal(unsigned.TbsLength, digested.Length);
            unsigned.Complete(signature);
        }

        CertificateList expected = Plain(entries, signature);
        Assert.Equal(expected.TbsBytes.ToArray(), digested.ToArray());
        Assert.Equal([.. "before"u8, .. Der.Encode(expected)], output.ToArray());
        Assert.Equal(output.Length, output.Position);
    }

    /// <summary>Around 128, 256, 65,536 and 16,777,216 bytes the outermost length needs one octet more, and the signature decides on which side the CRL is.</summary>
    [Theory]
    [InlineData(65536)]
    [InlineData(256)]
    public void A_signature_that_lengthens_the_header_moves_the_TBS(int boundary)
    {
        int moved = 0;
        int fixedLength = Der.Encode(Plain([], new byte[1])).Length;
        int wanted = boundary - fixedLength;
        CrlEntry[] entries = wanted > 0 ? [.. Enumerable.Repeat(Entries(1)[0] with { Reason = default, InvalidityDate = null }, Math.Max(0, (wanted / 35) - 1))] : [];
        for (int signatureLength = 1; signatureLength < 160; signatureLength++)
        {
            byte[] signature = RandomNumberGenerator.GetBytes(signatureLength);
            var output = new MemoryStream();
            using UnsignedCrl unsigned = Writer.WriteTbs(output, entries, _ => { });
            int headerBefore = (int)(output.Length - unsigned.TbsLength);
            unsigned.Complete(signature);
            byte[] expected = Der.Encode(Plain(entries, signature));
            Assert.Equal(expected, output.ToArray());
            moved += headerBefore == 2 + expected[1] - 0x80 ? 0 : 1;
        }

        Assert.InRange(moved, 1, 159);
    }

    [Fact]
    public void Entries_cover_every_form()
    {
        Time[] dates = [new(new DateTimeOffset(1950, 1, 1, 0, 0, 0, TimeSpan.Zero)), PkixSamples.ThisUpdate, new(new DateTimeOffset(2049, 12, 31, 23, 59, 59, TimeSpan.Zero)), PkixSamples.Year2051, Time.NoWellDefinedExpiration];
        string[] serials = ["01", "80", "7fffffffffffffffffffffffffffffffffffffff", "ff00000000000000000000000000000000000000"];
        foreach (string serial in serials.Take(3))
        {
            foreach (RevocationReason reason in Enum.GetValues<RevocationReason>().Except([RevocationReason.RemoveFromCrl]))
            {
                foreach (Time date in dates)
                {
                    foreach (Time? invalidity in dates.Select(d => (Time?)d).Append(null))
                    {
                        CrlEntry[] entries = [new(SerialNumber.Parse(serial), date, reason, invalidity)];
                        Assert.Equal(Der.Encode(Plain(entries, [1])), Write(Writer, entries, [1]));
                    }
                }
            }
        }

        Assert.False(SerialNumber.TryParse(serials[3], out _));
    }

    [Fact]
    public void Delta_CRLs_may_remove()
    {
        CrlEntry[] entries = [new(SerialNumber.Parse("01"), PkixSamples.ThisUpdate, RevocationReason.RemoveFromCrl)];
        var output = new MemoryStream();
        Assert.Throws<ArgumentException>(() => Writer.WriteTbs(output, entries, _ => { }));
        Assert.Equal(0, output.Length);

        var extensions = new ZwCa.Asn1.Pkix.Extensions([.. PkixSamples.CrlExtensions, Extension.Create(new DeltaCrlIndicator(299), critical: true)]);
        var delta = new CrlWriter(AlgorithmIdentifier.Sm3WithSm2, PkixSamples.CaName, PkixSamples.ThisUpdate, PkixSamples.NextUpdate, extensions);
        Assert.Single(Der.Decode<CertificateList>(Write(delta, entries, [1])).Tbs.RevokedCertificates);
    }

    public static TheoryData<string> Differences => ["fewer", "more", "none", "endless", "another serial of the same length", "another reason", "another order"];

    [Theory]
    [MemberData(nameof(Differences))]
    public void Entries_that_change_between_the_enumerations_leave_nothing_behind(string difference)
    {
        CrlEntry[] first = Entries(3000);
        IEnumerable<CrlEntry> second = difference switch
        {
            "fewer" => first[..^1],
            "more" => [.. first, .. Entries(1)],
            "none" => [],
            "endless" => Endless(),
            "another serial of the same length" => [.. first[..^1], first[^1] with { UserCertificate = SerialNumber.FromBytes(RandomNumberGenerator.GetBytes(first[^1].UserCertificate.Content.Length - 1).Prepend((byte)0x41).ToArray()) }],
            "another reason" => [.. first[..1], first[1] with { Reason = RevocationReason.AaCompromise }, .. first[2..]],
            _ => [first[1], first[0], .. first[2..]],
        };
        int enumerations = 0;
        IEnumerable<CrlEntry> Changing() => enumerations++ == 0 ? first : second;
        var output = new MemoryStream();
        output.Write("before"u8);

        var thrown = Assert.Throws<InvalidOperationException>(() => Writer.WriteTbs(output, new Reenumerable(Changing), _ => { }));

        Assert.Contains("changed", thrown.Message, StringComparison.Ordinal);
        Assert.Equal("before"u8.ToArray(), output.ToArray());
    }

    [Fact]
    public void A_failing_source_digest_or_signature_leaves_nothing_behind()
    {
        CrlEntry[] entries = Entries(3000);
        var output = new MemoryStream();
        Assert.Throws<TimeoutException>(() => Writer.WriteTbs(output, entries, _ => throw new TimeoutException()));
        Assert.Equal(0, output.Length);

        int enumerations = 0;
        Assert.Throws<TimeoutException>(() => Writer.WriteTbs(output, new Reenumerable(() => enumerations++ == 0 ? entries : entries.Take(10).Concat(Failing())), _ => { }));
        Assert.Equal(0, output.Length);

        using (Writer.WriteTbs(output, entries, _ => { }))
        {
            // No signature came.
        }

        Assert.Equal(0, output.Length);

        using UnsignedCrl unsigned = Writer.WriteTbs(output, entries, _ => { });
        Assert.Throws<ArgumentException>(() => unsigned.Complete([]));
        unsigned.Complete([1]);
        Assert.Throws<InvalidOperationException>(() => unsigned.Complete([1]));
        unsigned.Dispose();
        Assert.Equal(3000, Der.Decode<CertificateList>(output.ToArray()).Tbs.RevokedCertificates.Count);

        static IEnumerable<CrlEntry> Failing()
        {
            yield return new CrlEntry(SerialNumber.Parse("01"), PkixSamples.ThisUpdate);
            throw new TimeoutException();
        }
    }

    [Fact]
    public void Parameters_that_cannot_make_a_CRL_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new CrlEntry(SerialNumber.Parse("01"), PkixSamples.ThisUpdate, (RevocationReason)7));
        Assert.ThrowsAny<ArgumentException>(() => Writer.WriteTbs(new MemoryStream(), [default], _ => { }));
        Assert.Throws<ArgumentException>(() => Writer.WriteTbs(new MemoryStream([], writable: false), [], _ => { }));
        Assert.Throws<ArgumentException>(() => new CrlWriter(
            AlgorithmIdentifier.Sm3WithSm2, PkixSamples.CaName, PkixSamples.ThisUpdate, PkixSamples.ThisUpdate, PkixSamples.CrlExtensions));
        Assert.Throws<ArgumentException>(() => new CrlWriter(
            AlgorithmIdentifier.Sm3WithSm2, PkixSamples.CaName, PkixSamples.ThisUpdate, PkixSamples.NextUpdate, new(PkixSamples.CrlExtensions[0])));
    }

    [Fact]
    public void A_million_entries_are_written_in_constant_memory_and_read_in_proportion()
    {
        const int Count = 1_000_000;
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            var clock = Stopwatch.StartNew();
            long written;
            using (var file = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite))
            using (var sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256))
            {
                CrlEntry[] few = Entries(1000);
                long before = GC.GetAllocatedBytesForCurrentThread();
                using UnsignedCrl unsigned = Writer.WriteTbs(file, Many(few, Count), sha256.AppendData);
                unsigned.Complete(new byte[71]);
                Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 200_000);
                written = file.Length;
                TestContext.Current.TestOutputHelper?.WriteLine($"{written} bytes written in {clock.Elapsed}");
            }

            clock.Restart();
            byte[] der = File.ReadAllBytes(path);
            long beforeReading = GC.GetAllocatedBytesForCurrentThread();
            var crl = Der.Decode<CertificateList>(der);
            long allocated = GC.GetAllocatedBytesForCurrentThread() - beforeReading;
            long held = GC.GetTotalMemory(forceFullCollection: true);
            TestContext.Current.TestOutputHelper?.WriteLine($"read in {clock.Elapsed}, {allocated} bytes allocated, {held} held");
            Assert.Equal(Count, crl.Tbs.RevokedCertificates.Count);
            Assert.InRange(allocated, 0, 40 * written);
            GC.KeepAlive(crl);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static IEnumerable<CrlEntry> Many(CrlEntry[] few, int count)
    {
        for (int i = 0; i < count; i++)
        {
            yield return few[i % few.Length];
        }
    }

    private static IEnumerable<CrlEntry> Endless()
    {
        CrlEntry[] entries = Entries(100);
        while (true)
        {
            foreach (CrlEntry entry in entries)
            {
                yield return entry;
            }
        }
    }

    /// <summary>Serial numbers of 16 octets in all; the other fields vary.</summary>
    private static CrlEntry[] Entries(int count)
    {
        RevocationReason[] reasons = [.. Enum.GetValues<RevocationReason>().Except([RevocationReason.RemoveFromCrl])];
        return [.. Enumerable.Range(0, count).Select(i => new CrlEntry(
            SerialNumber.FromBytes([0x40, .. RandomNumberGenerator.GetBytes(15)]),
            new Time(PkixSamples.ThisUpdate.Value.AddSeconds(-i)),
            reasons[(i + 1) % reasons.Length],
            i % 3 == 0 ? PkixSamples.Year2051 : null))];
    }

    private static byte[] Write(CrlWriter writer, IEnumerable<CrlEntry> entries, byte[] signature)
    {
        var output = new MemoryStream();
        using UnsignedCrl unsigned = writer.WriteTbs(output, entries, _ => { });
        unsigned.Complete(signature);
        return output.ToArray();
    }

    private static CertificateList Plain(CrlEntry[] entries, byte[] signature)
    {
        var tbs = new TbsCertList(
            AlgorithmIdentifier.Sm3WithSm2,
            PkixSamples.CaName,
            PkixSamples.ThisUpdate,
            PkixSamples.NextUpdate,
            [.. entries.Select(e => RevokedCertificate.Create(e.UserCertificate, e.RevocationDate, e.Reason, e.InvalidityDate))],
            PkixSamples.CrlExtensions);
        return CertificateList.Assemble(Der.Encode(tbs), signature);
    }

    private sealed class Reenumerable(Func<IEnumerable<CrlEntry>> enumerate) : IEnumerable<CrlEntry>
    {
        public IEnumerator<CrlEntry> GetEnumerator() => enumerate().GetEnumerator();

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
