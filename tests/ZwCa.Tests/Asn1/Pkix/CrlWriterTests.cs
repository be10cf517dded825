using System.Diagnostics;
using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Tests.Asn1.Pkix;

/// <summary>The oracle is <see cref="TbsCertList"/>, which others have read in <see cref="CrlTests"/>.</summary>
public sealed class CrlWriterTests
{
    private static readonly Time LastOfUtcTime = new(new DateTimeOffset(2049, 12, 31, 23, 59, 59, TimeSpan.Zero));

    private static readonly Time FirstOfGeneralizedTime = new(new DateTimeOffset(2050, 1, 1, 0, 0, 0, TimeSpan.Zero));

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

    /// <summary>
    /// At 128, 256, 65,536 and 16,777,216 bytes of content the outermost length needs one octet more, and the signature decides on which side
    /// the CRL is.
    /// </summary>
    [Theory]
    [InlineData(0x80)]
    [InlineData(0x100)]
    [InlineData(0x1_0000)]
    [InlineData(0x100_0000)]
    public void A_signature_that_lengthens_the_header_moves_the_TBS(int boundary)
    {
        const int Below = 8;
        ZwCa.Asn1.Pkix.Extensions extensions = Sized(e => ContentLength(Encoded(e, [1])), boundary - Below);
        int headerBefore = HeaderLength(boundary - 1);
        foreach (int signatureLength in (int[])[1, Below - 1, Below, Below + 1, Below + 2, 64])
        {
            byte[] signature = RandomNumberGenerator.GetBytes(signatureLength);
            var output = new MemoryStream();
            using UnsignedCrl unsigned = Small(extensions).WriteTbs(output, [], _ => { });
            Assert.Equal(headerBefore, output.Length - unsigned.TbsLength);
            unsigned.Complete(signature);

            byte[] expected = Encoded(extensions, signature);
            Assert.Equal(signatureLength > Below, HeaderLength(ContentLength(expected)) > headerBefore);
            Assert.True(expected.AsSpan().SequenceEqual(output.ToArray()));
        }
    }

    /// <summary>The same boundaries of the TBSCertList itself.</summary>
    [Theory]
    [InlineData(0x80)]
    [InlineData(0x100)]
    [InlineData(0x1_0000)]
    [InlineData(0x100_0000)]
    public void The_length_of_the_TBS_is_minimal_on_both_sides_of_a_boundary(int boundary)
    {
        for (int content = boundary - 2; content <= boundary + 1; content++)
        {
            ZwCa.Asn1.Pkix.Extensions extensions = Sized(e => ContentLength(Der.Encode(SmallTbs(e, []))), content);
            Assert.Equal(content, ContentLength(Der.Encode(SmallTbs(extensions, []))));
            Assert.True(Encoded(extensions, [1]).AsSpan().SequenceEqual(Write(Small(extensions), [], [1])));
        }
    }

    /// <summary>And those of the list of entries.</summary>
    [Theory]
    [InlineData(0x80)]
    [InlineData(0x100)]
    [InlineData(0x1_0000)]
    public void The_length_of_the_entries_is_minimal_on_both_sides_of_a_boundary(int boundary)
    {
        // An entry of ours has 20 bytes without the serial number's own 1 to 20.
        const int Fixed = 19;
        ZwCa.Asn1.Pkix.Extensions extensions = PkixSamples.CrlExtensions;
        for (int content = boundary - 2; content <= boundary + 1; content++)
        {
            var entries = new List<CrlEntry>();
            int left = content;
            while (left > 0)
            {
                int length = left <= Fixed + 20 ? left : Math.Min(Fixed + 20, left - (Fixed + 1));
                entries.Add(new CrlEntry(SerialNumber.FromBytes([0x40, .. new byte[length - Fixed - 1]]), PkixSamples.ThisUpdate));
                left -= length;
            }

            byte[] plain = Der.Encode(SmallTbs(extensions, entries));
            Assert.Equal(content, ContentLength(Tlv.Parse(plain).Children![5].Encode()));
            Assert.Equal(Der.Encode(CertificateList.Assemble(plain, new byte[] { 1 })), Write(Small(extensions), entries, [1]));
        }
    }

    [Fact]
    public void Entries_cover_every_form()
    {
        Time[] dates = [new(new DateTimeOffset(1950, 1, 1, 0, 0, 0, TimeSpan.Zero)), PkixSamples.ThisUpdate, LastOfUtcTime, FirstOfGeneralizedTime, PkixSamples.Year2051, Time.NoWellDefinedExpiration];
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

    /// <summary>RFC 5280 §5.1.2.6: UTCTime through 2049, GeneralizedTime from 2050.</summary>
    [Fact]
    public void The_turn_of_the_year_2050_changes_the_type_of_time()
    {
        byte[] der = Write(Writer, [new(SerialNumber.Parse("01"), LastOfUtcTime), new(SerialNumber.Parse("01"), FirstOfGeneralizedTime)], [1]);
        List<Tlv> entries = Tlv.Parse(der).Children![0].Children![5].Children!;
        Assert.Equal([0x17, 13, .. "491231235959Z"u8], entries[0].Children![1].Encode());
        Assert.Equal([0x18, 15, .. "20500101000000Z"u8], entries[1].Children![1].Encode());
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

    public static TheoryData<string> Differences => ["fewer", "more", "none", "endless", "another serial of the same length", "another reason", "another order", "a null in place of an entry", "a null more"];

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
            "a null in place of an entry" => [.. first[..^1], default],
            "a null more" => [.. first, default],
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

    /// <summary>Every operation on the stream fails once; half of what a failing write was given may have arrived.</summary>
    [Fact]
    public void A_failing_stream_leaves_nothing_behind()
    {
        CrlEntry[] entries = Entries(3000);
        int failures = 0;
        for (bool failed = true; failed; failures++)
        {
            var output = new FailingStream(failAt: failures + 1);
            output.Write("before"u8);
            failed = false;
            try
            {
                using UnsignedCrl unsigned = Writer.WriteTbs(output, entries, _ => { });
                try
                {
                    unsigned.Complete(new byte[71]);
                }
                catch (IOException)
                {
                    failed = true;
                    Assert.Throws<InvalidOperationException>(() => unsigned.Complete(new byte[71]));
                }
            }
            catch (IOException)
            {
                failed = true;
            }

            if (failed)
            {
                Assert.Equal("before"u8.ToArray(), output.ToArray());
            }
        }

        // Header, TBS, tail, header, and two flushes.
        Assert.InRange(failures, 6, 20);
    }

    /// <summary>The TBS has been moved when the tail fails: a second try would move it again and put a good header before it.</summary>
    [Fact]
    public void A_broken_CRL_cannot_be_completed_by_trying_again()
    {
        ZwCa.Asn1.Pkix.Extensions extensions = Sized(e => ContentLength(Encoded(e, [1])), 0x100 - 8);
        var output = new FailingStream(failAt: int.MaxValue);
        using UnsignedCrl unsigned = Small(extensions).WriteTbs(output, [], _ => { });
        output.FailAt = output.Operations + 2;
        Assert.Throws<IOException>(() => unsigned.Complete(new byte[20]));
        Assert.Throws<InvalidOperationException>(() => unsigned.Complete(new byte[20]));
        unsigned.Dispose();
        Assert.Empty(output.ToArray());

        // Taken back once: what the caller writes afterwards is his.
        output.Write("after"u8);
        unsigned.Dispose();
        Assert.Equal("after"u8.ToArray(), output.ToArray());
    }

    [Fact]
    public void An_output_that_goes_on_behind_the_position_is_refused()
    {
        var output = new MemoryStream();
        output.Write(new byte[5000]);
        output.Position = 4999;
        Assert.Throws<ArgumentException>(() => Writer.WriteTbs(output, [], _ => { }));
        output.Position = 0;
        Assert.Throws<ArgumentException>(() => Writer.WriteTbs(output, [], _ => { }));
        Assert.Equal(new byte[5000], output.ToArray());
        output.Position = 5001;
        Assert.Throws<ArgumentException>(() => Writer.WriteTbs(output, [], _ => { }));
    }

    [Fact]
    public void Indirect_CRLs_are_not_streamed()
    {
        var extensions = new ZwCa.Asn1.Pkix.Extensions(
            [.. PkixSamples.CrlExtensions, Extension.Create(new IssuingDistributionPoint(indirectCrl: true), critical: true)]);
        Assert.Throws<ArgumentException>(() => new CrlWriter(
            AlgorithmIdentifier.Sm3WithSm2, PkixSamples.CaName, PkixSamples.ThisUpdate, PkixSamples.NextUpdate, extensions));
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

    private static readonly Name SmallName = Name.Create((Oids.CommonName, "a"));

    private static CrlWriter Small(ZwCa.Asn1.Pkix.Extensions extensions) =>
        new(AlgorithmIdentifier.Sm3WithSm2, SmallName, PkixSamples.ThisUpdate, PkixSamples.NextUpdate, extensions);

    private static TbsCertList SmallTbs(ZwCa.Asn1.Pkix.Extensions extensions, IEnumerable<CrlEntry> entries) => new(
        AlgorithmIdentifier.Sm3WithSm2,
        SmallName,
        PkixSamples.ThisUpdate,
        PkixSamples.NextUpdate,
        [.. entries.Select(e => RevokedCertificate.Create(e.UserCertificate, e.RevocationDate, e.Reason, e.InvalidityDate))],
        extensions);

    private static byte[] Encoded(ZwCa.Asn1.Pkix.Extensions extensions, byte[] signature) =>
        Der.Encode(CertificateList.Assemble(Der.Encode(SmallTbs(extensions, [])), signature));

    private static int HeaderLength(int contentLength) => 1 + Tlv.MinimalLength(contentLength).Length;

    private static int ContentLength(byte[] element) => element.Length - (element[1] < 0x80 ? 2 : 2 + (element[1] & 0x7f));

    /// <summary>Extensions with which the measured length is exactly the wanted one: an extension without meaning fills, the key identifier fits.</summary>
    private static ZwCa.Asn1.Pkix.Extensions Sized(Func<ZwCa.Asn1.Pkix.Extensions, int> measure, int wanted)
    {
        for (int keyIdLength = 0; keyIdLength < 40; keyIdLength++)
        {
            Extension[] demanded = [
                Extension.Create(new AuthorityKeyIdentifier(new byte[keyIdLength]), critical: false),
                Extension.Create(new CrlNumber(1), critical: false),
            ];
            var extensions = new ZwCa.Asn1.Pkix.Extensions(demanded);
            int length = measure(extensions);
            int fill = 0;
            for (int tries = 0; tries < 4 && length != wanted && fill + wanted - length >= 0; tries++)
            {
                fill += wanted - length;
                extensions = new([.. demanded, new Extension("1.2.3", false, new byte[fill])]);
                length = measure(extensions);
            }

            if (length == wanted)
            {
                return extensions;
            }
        }

        throw new InvalidOperationException($"No extensions make {wanted} bytes.");
    }

    /// <summary>One write or flush fails, after half of the bytes.</summary>
    private sealed class FailingStream(int failAt) : MemoryStream
    {
        public int FailAt { get; set; } = failAt;

        public int Operations { get; private set; }

        public override void Write(ReadOnlySpan<byte> buffer) => Write(buffer.ToArray(), 0, buffer.Length);

        public override void Write(byte[] buffer, int offset, int count)
        {
            bool fails = Operations++ == FailAt;
            base.Write(buffer, offset, fails ? count / 2 : count);
            ThrowIf(fails);
        }

        public override void Flush() => ThrowIf(Operations++ == FailAt);

        private static void ThrowIf(bool fails)
        {
            if (fails)
            {
                throw new IOException("The disk is full.");
            }
        }
    }

    private sealed class Reenumerable(Func<IEnumerable<CrlEntry>> enumerate) : IEnumerable<CrlEntry>
    {
        public IEnumerator<CrlEntry> GetEnumerator() => enumerate().GetEnumerator();

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
