using System.Buffers.Binary;
using System.Text;
using ZwCa.Contracts;
using ZwCa.Ra.Evidence;
using ZwCa.Tests.Asn1.Gm;

namespace ZwCa.Tests.Ra.Evidence;

public sealed class EvidenceFileTests
{
    private const string Mismatch = "类型与内容不符";
    private const string Broken = "不完整";
    private const string Unknown = "只接受PDF、PNG、JPEG";

    private static readonly string[] Names = ["cpython.jpg", "baseline.jpg", "progressive.jpg", "restart.jpg", "cpython.png", "colour.png", "palette.png", "scan.pdf"];

    public static TheoryData<string> Files => [.. Names];

    /// <summary>What other programs write.</summary>
    [Theory]
    [MemberData(nameof(Files))]
    public void AFileOfAnotherProgram_IsTaken_AsWhatItIs(string name)
    {
        byte[] file = Read(name);
        string type = TypeOf(name);
        Assert.Equal(type, EvidenceFile.Judge(file, type));
        Assert.Equal(type, EvidenceFile.Judge(file, $"{type.ToUpperInvariant()}; charset=binary"));
        foreach (string other in (string[])[EvidenceFile.Pdf, EvidenceFile.Png, EvidenceFile.Jpeg])
        {
            if (other != type)
            {
                Refused(Mismatch, file, other);
            }
        }

        foreach (string? none in (string?[])[null, "", "application/octet-stream", "text/html", "image/svg+xml", ";", "image/jpeg2"])
        {
            Refused(Unknown, file, none);
        }
    }

    /// <summary>Cut anywhere, or with something behind it, it is not whole.</summary>
    [Theory]
    [MemberData(nameof(Files))]
    public void AFileThatIsCut_OrHasAnotherBehindIt_IsRefused(string name)
    {
        byte[] file = Read(name);
        string type = TypeOf(name);
        int least = name.EndsWith(".pdf", StringComparison.Ordinal) ? 2 : 1;
        for (int length = 0; length <= file.Length - least; length++)
        {
            Assert.Throws<RefusalException>(() => EvidenceFile.Judge(file.AsSpan(0, length), type));
        }

        foreach (string behind in (string[])["x", "PK\u0003\u0004", "<script>", "\0\0\0\0x", "MZ"])
        {
            Refused(Broken, [.. file, .. Encoding.Latin1.GetBytes(behind)], type);
        }

        foreach (string other in Names)
        {
            // Two PDFs end as one does: nothing cheap tells them from one that was appended to (ISO 32000-2 §7.5.6).
            if (!(other.EndsWith(".pdf", StringComparison.Ordinal) && least == 2))
            {
                Refused(Broken, [.. file, .. Read(other)], type);
            }
        }
    }

    [Theory]
    [InlineData("%PDF-1.4\n%%EOF", true)]
    [InlineData("%PDF-2.0\n%%EOF\r\n", true)]
    [InlineData("%PDF-1.7\n%%EOF\n\0 \t\f", true)]
    [InlineData("%PDF-1.4", false)]
    [InlineData("%PDF-1.", false)]
    [InlineData("%PDF-1.x\n%%EOF", false)]
    [InlineData("%PDF-1.4\n%%EO", false)]
    [InlineData("%PDF-1.4\n%%EOFx", false)]
    [InlineData("%PDF-1.4\n%%EOF<html>", false)]
    public void APdf_IsOneFromItsFirstByteToItsLast(string text, bool isWhole) => Check(Encoding.Latin1.GetBytes(text), EvidenceFile.Pdf, isWhole ? null : Broken);

    [Fact]
    public void APdfEndsInItsLastKilobyte()
    {
        Check([.. "%PDF-1.4\n%%EOF"u8, .. new byte[1019]], EvidenceFile.Pdf, null);
        Check([.. "%PDF-1.4\n%%EOF"u8, .. new byte[1020]], EvidenceFile.Pdf, Broken);
        Refused(Mismatch, [.. "\n%PDF-1.4\n%%EOF"u8], EvidenceFile.Pdf);
        Refused(Mismatch, [.. "%PDF-3.0\n%%EOF"u8], EvidenceFile.Pdf);
    }

    [Fact]
    public void APng_HasOneSaneHeaderFirst_Data_AndEndsThere()
    {
        byte[] end = Chunk("IEND"), data = Chunk("IDAT", 1, 2, 3);
        Check(Png(Header(1, 1), data, end), EvidenceFile.Png, null);
        Check(Png(Header(20_000, 20_000), Chunk("tEXt", 0), data, Chunk("IDAT"), end), EvidenceFile.Png, null);
        foreach (byte[] broken in (byte[][])
        [
            Png(Header(20_001, 1), data, end), Png(Header(1, 20_001), data, end), Png(Header(0, 1), data, end), Png(Header(1, 0), data, end), Png(Header(uint.MaxValue, 1), data, end),
            Png(Header(1, 1, bits: 3), data, end), Png(Header(1, 1, colour: 1), data, end), Png(Header(1, 1, bits: 4, colour: 2), data, end), Png(Header(1, 1, interlace: 2), data, end),
            Png(data, Header(1, 1), end), Png(Header(1, 1), Header(1, 1), data, end), Png(Header(1, 1), end), Png(Header(1, 1), data), Png(Header(1, 1), data, end, end), Png(Header(1, 1), data, Chunk("IEND", 1)),
            Png(Chunk("IHDR", 1), data, end), Png(Header(1, 1), Chunk("ID\0T", 1), data, end), Png(Header(1, 1), [0xFF, 0xFF, 0xFF, 0xFF, .. "IDAT"u8, 0, 0, 0, 0], end), Png(),
        ])
        {
            Check(broken, EvidenceFile.Png, Broken);
        }
    }

    [Fact]
    public void AJpeg_HasASaneFrame_AScan_AndEndsThere()
    {
        byte[] frame = Frame(1, 1), scan = [0xFF, 0xDA, 0, 2, 1, 2, 0xFF, 0, 3, 0xFF, 0xD0, 4], end = [0xFF, 0xD9];
        Check(Jpeg(frame, scan, end), EvidenceFile.Jpeg, null);
        Check(Jpeg([0xFF, 0xFF], frame, [0xFF, 0xC4, 0, 2], scan, scan, [0xFF], end), EvidenceFile.Jpeg, null);
        Check(Jpeg(Frame(20_000, 20_000), scan, end), EvidenceFile.Jpeg, null);

        // A thumbnail with an end of its own does not end the picture.
        Check(Jpeg([0xFF, 0xE1, 0, 6, 0xFF, 0xD8, 0xFF, 0xD9], frame, scan, end), EvidenceFile.Jpeg, null);
        foreach (byte[] broken in (byte[][])
        [
            Jpeg(Frame(20_001, 1), scan, end), Jpeg(Frame(1, 20_001), scan, end), Jpeg(Frame(0, 1), scan, end), Jpeg(Frame(1, 0), scan, end), Jpeg(Frame(1, 1, components: 0), scan, end),
            Jpeg(Frame(1, 1, components: 5), scan, end), Jpeg(Frame(1, 1, precision: 7), scan, end), Jpeg(scan, end), Jpeg(frame, end), Jpeg(frame, scan), Jpeg(frame, frame, scan, end), Jpeg(end),
            Jpeg(frame, [0xFF, 0xD8], scan, end), Jpeg(frame, [0xFF, 0x01], scan, end), Jpeg(frame, [0xFF, 0xE0, 0, 1], scan, end), Jpeg(frame, [0xFF, 0xE0, 0xFF, 0xFF], scan, end), Jpeg(frame, [0], scan, end),
            Jpeg(frame, [0xFF, 0xC4], end), Jpeg(frame, scan, end, end), [0xFF, 0xD8, 0xFF], [0xFF, 0xD8, 0xFF, 0xFF],
        ])
        {
            Check(broken, EvidenceFile.Jpeg, Broken);
        }
    }

    [Fact]
    public void WhatLiesAboutItself_IsRefused()
    {
        foreach ((string text, string type) in ((string, string)[])[("<html>", EvidenceFile.Pdf), ("GIF89a", EvidenceFile.Png), ("MZ\u0090", EvidenceFile.Jpeg), ("", EvidenceFile.Pdf), ("<svg/>", EvidenceFile.Png)])
        {
            Refused(Mismatch, Encoding.Latin1.GetBytes(text), type);
        }
    }

    [Fact]
    public void UpToTenMebibytes()
    {
        byte[] most = new byte[EvidenceFile.MaxLength];
        "%PDF-1.4"u8.CopyTo(most);
        "%%EOF"u8.CopyTo(most.AsSpan(most.Length - 5));
        Check(most, EvidenceFile.Pdf, null);
        RefusalException refused = Assert.Throws<RefusalException>(() => EvidenceFile.Judge(new byte[EvidenceFile.MaxLength + 1], EvidenceFile.Pdf));
        Assert.Equal(Refusal.TooLarge, refused.Kind);
    }

    /// <summary>Changed anywhere, it is taken or refused; nothing else happens, and it takes no time.</summary>
    [Fact]
    public void AnyBytes_AreTakenOrRefused()
    {
        var random = new TestRandom();
        (byte[] File, string Type)[] seeds = [.. Names.Select(name => (Read(name), TypeOf(name)))];
        int taken = 0, rounds = TestRandom.Long ? 1_000_000 : 100_000;
        for (int i = 0; i < rounds; i++)
        {
            (byte[] file, string type) = seeds[random.Next(seeds.Length)];
            byte[] changed = Change(random, file);
            string declared = random.Next(20) == 0 ? seeds[random.Next(seeds.Length)].Type : type;
            try
            {
                Assert.Equal(declared, EvidenceFile.Judge(changed, declared));
                taken++;
            }
            catch (RefusalException e) when (e.Kind == Refusal.Malformed)
            {
                // As it should be.
            }
            catch (Exception e) when (e is not Xunit.Sdk.IAssertionException)
            {
                Assert.Fail($"{type} {Convert.ToHexString(changed)}: {e}");
            }
        }

        // It is no test of what is refused at the first byte.
        Assert.InRange(taken, rounds / 20, rounds * 19 / 20);
    }

    private static byte[] Change(TestRandom random, byte[] seed)
    {
        List<byte> bytes = [.. seed];
        for (int changes = random.Next(4); changes > 0 && bytes.Count > 1; changes--)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes.Insert(at, (byte)random.Next(256));
                    break;
                case 2:
                    bytes.RemoveAt(at);
                    break;
                case 3 when random.Next(4) == 0:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                case 4:
                    bytes[at] = 0xFF;
                    break;
                default:
                    bytes.InsertRange(at, bytes.Skip(random.Next(bytes.Count)).Take(random.Next(60)).ToArray());
                    break;
            }
        }

        return [.. bytes];
    }

    private static byte[] Read(string name) => Fixtures.Read($"evidence/{name}");

    private static string TypeOf(string name) => Path.GetExtension(name) switch
    {
        ".pdf" => EvidenceFile.Pdf,
        ".png" => EvidenceFile.Png,
        _ => EvidenceFile.Jpeg,
    };

    private static byte[] Png(params byte[][] chunks) => [.. PngFile.Signature, .. chunks.SelectMany(chunk => chunk)];

    private static byte[] Header(uint width, uint height, byte bits = 8, byte colour = 2, byte interlace = 0)
    {
        byte[] content = new byte[13];
        BinaryPrimitives.WriteUInt32BigEndian(content, width);
        BinaryPrimitives.WriteUInt32BigEndian(content.AsSpan(4), height);
        (content[8], content[9], content[12]) = (bits, colour, interlace);
        return Chunk("IHDR", content);
    }

    private static byte[] Chunk(string type, params byte[] content) => [0, 0, 0, (byte)content.Length, .. Encoding.ASCII.GetBytes(type), .. content, 0, 0, 0, 0];

    private static byte[] Jpeg(params byte[][] segments) => [0xFF, 0xD8, .. segments.SelectMany(segment => segment)];

    private static byte[] Frame(ushort lines, ushort dots, byte components = 1, byte precision = 8) =>
        [0xFF, 0xC0, 0, (byte)(8 + (3 * components)), precision, (byte)(lines >> 8), (byte)(lines & 0xFF), (byte)(dots >> 8), (byte)(dots & 0xFF), components, .. new byte[3 * components]];

    private static void Check(byte[] file, string type, string? refused)
    {
        if (refused is null)
        {
            Assert.Equal(type, EvidenceFile.Judge(file, type));
            return;
        }

        Refused(refused, file, type);
    }

    private static void Refused(string detail, byte[] file, string? declared)
    {
        RefusalException refused = Assert.Throws<RefusalException>(() => EvidenceFile.Judge(file, declared));
        Assert.Equal(Refusal.Malformed, refused.Kind);
        Assert.Contains(detail, refused.Message, StringComparison.Ordinal);
    }
}
