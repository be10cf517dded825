using System.Text;
using ZwCa.Contracts;
using ZwCa.Ra.Batches.Import;
using static ZwCa.Tests.Ra.Batches.Import.ApplicantText;

namespace ZwCa.Tests.Ra.Batches.Import;

/// <summary>What the file of an import may look like, and what is no such file.</summary>
public sealed class ApplicantFileTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string, byte[]> Encodings => new()
    {
        { "UTF-8", Encoding.UTF8.GetBytes(Text(Person(1, "张三"), Person(2, "𠮷野"))) },
        { "UTF-8 with a mark", [0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(Text(Person(1, "张三"), Person(2, "𠮷野")))] },
        { "GB18030", Gb18030.GetBytes(Text(Person(1, "张三"), Person(2, "𠮷野"))) },
    };

    [Theory]
    [MemberData(nameof(Encodings))]
    public async Task AnEncoding_IsFoundByTheHeading(string encoding, byte[] file)
    {
        ApplicantRow[] rows = await ReadAsync(file);

        Assert.True(rows.Length == 2, encoding);
        Assert.Equal(["张三", "𠮷野"], rows.Select(row => row.Cells[1]));
        Assert.Equal([1, 2], rows.Select(row => row.Number));
    }

    [Theory]
    [InlineData("a,b\nc,d", "\n")]
    [InlineData("a,b\nc,d\n", "\n")]
    [InlineData("a,b\nc,d\n\n\n", "\n")]
    [InlineData("a,b\nc,d\n,\n,\n", "\n")]
    [InlineData("a,b\nc,d\n", "\r\n")]
    [InlineData("a,b\nc,d\n\n", "\r\n")]
    [InlineData("a,b\nc,d\n", "\r")]
    public async Task LineEndsAndEmptyLinesAtTheEnd_AreNoRows(string rows, string end)
    {
        string text = "姓名或名称,主体类别,证件号码,行政区划,业务类型\n" + string.Join('\n', rows.Split('\n').Select(row => row.Length == 0 ? "" : $"{row},,,"));
        ApplicantRow[] read = await ReadAsync(Encoding.UTF8.GetBytes(text.Replace("\n", end, StringComparison.Ordinal)));

        Assert.Equal(["a", "c"], read.Select(row => row.Cells[0]));
        Assert.Equal(["b", "d"], read.Select(row => row.Cells[1]));
    }

    [Fact]
    public async Task AnEmptyLineBetweenOthers_KeepsItsNumber()
    {
        ApplicantRow[] rows = await ReadAsync(File(Person(1), "", ",,,,,,,,,,,", Person(2), ""));

        Assert.Equal([1, 2, 3, 4], rows.Select(row => row.Number));
        Assert.Equal([false, true, true, false], rows.Select(row => row.IsEmpty));
    }

    [Fact]
    public async Task ExcelsQuoting_IsRead()
    {
        ApplicantRow row = Assert.Single(await ReadAsync(File("个人,\"张,\"\"三\"\"\",\"第一行\r\n第二行\",350100,,,p,,,,,")));

        Assert.Equal(["张,\"三\"", "第一行\r\n第二行"], row.Cells[1..3]);
    }

    [Fact]
    public async Task Columns_StandInAnyOrder_AndNotAllAreNeeded()
    {
        using ApplicantFile file = await ApplicantFile.OpenAsync(new MemoryStream("业务类型, 行政区划 ,证件号码,姓名或名称,主体类别,原因\r\n"u8.ToArray()), Token);

        Assert.Equal(6, file.Columns.Count);
        Assert.Equal(ApplicantColumn.Region, file.Columns.At(1));
        Assert.Equal(5, file.Columns.ReasonAt);
    }

    public static TheoryData<string, byte[], string> Faults => new()
    {
        { "nothing", [], "标题行" },
        { "no heading", Encoding.UTF8.GetBytes(Person(1)), "第一行不是标题行" },
        { "an unknown column", Encoding.UTF8.GetBytes(Heading + ",手机号\r\n"), "不认识的列名：“手机号”" },
        { "a column that is missing", Encoding.UTF8.GetBytes("主体类别,姓名或名称,证件号码,业务类型\r\n"), "缺少列：行政区划" },
        { "a column twice", Encoding.UTF8.GetBytes(Heading + ",部门\r\n"), "列名重复：部门" },
        { "another separator", Encoding.UTF8.GetBytes(Heading.Replace(',', ';')), "第一行不是标题行" },
        { "UTF-16", [0xFF, 0xFE, .. Encoding.Unicode.GetBytes(Text(Person(1)))], "编码" },
        { "UTF-16 without a mark", Encoding.Unicode.GetBytes(Text(Person(1))), "编码" },
        { "Latin 1 in a UTF-8 file", [.. File(Person(1)), .. "个人,"u8, 0xE9, .. ",1,350100,,,p,,,,,\r\n"u8], "文件开头的文字编码有误" },
        { "half a character at the end", [.. File(Person(1)), 0xE5, 0xBC], "文件开头的文字编码有误" },
        { "no GB18030", [.. Gb18030.GetBytes(Heading + "\r\n"), 0xD5, 0x20, 0xFF, 0x0A], "文件开头的文字编码有误" },
        { "a broken character far behind", [.. File(Enumerable.Range(1, 2000).Select(i => Person(i))), 0xE5], "行之后的文字编码有误" },
        { "half a file, cut within a cell", Encoding.UTF8.GetBytes(Text(Person(1), "个人,\"张")), "第2行的引号不配对" },
        { "a quote that is never closed", Encoding.UTF8.GetBytes(Text(["个人,\"张三,1", .. Enumerable.Range(1, 5000).Select(i => Person(i))])), "第1行的引号不配对" },
        { "a stray quote", File(Person(1), Person(2, "张\"三")), "第2行的引号不配对" },
        { "text behind a quote", File(Person(1, "\"张三\"先生")), "第1行的引号不配对" },
        { "a cell that is too long", File(Person(1), Person(2, new string('张', 1025))), "第2行有超过1,024个字符的单元格" },
        { "a row that is too long", File(Person(1), new string(',', 200_000)), "第2行" },
        { "a NUL", File(Person(1), Person(2, "张\0三")), "控制字符" },
        { "an escape", File(Person(1), Person(2, "张\x1B三")), "控制字符" },
        { "a spreadsheet", [0x50, 0x4B, 0x03, 0x04, 0x14, 0x00, 0x06, 0x00], "编码" },
        { "more than 100,000 rows", Encoding.UTF8.GetBytes(Heading + "\n" + string.Concat(Enumerable.Repeat("a,,,,,,,,,,,\n", 100_001))), "超过100,000行" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task WhatIsNoSuchFile_IsRefusedAsAWhole(string what, byte[] file, string reason)
    {
        RefusalException refused = await Assert.ThrowsAsync<RefusalException>(() => ReadAsync(file));

        Assert.Equal(Refusal.Malformed, refused.Kind);
        Assert.True(refused.Message.Contains(reason, StringComparison.Ordinal) && refused.Message.Length <= 512, $"{what}: {refused.Message}");
        Assert.DoesNotContain("张", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ALongCellAndManyRows_AreStillRead()
    {
        Assert.Equal(1024, Assert.Single(await ReadAsync(File(Person(1, new string('张', 1024))))).Cells[1].Length);
        Assert.Equal(100_000, (await ReadAsync(Encoding.UTF8.GetBytes(Heading + "\n" + string.Concat(Enumerable.Repeat("a,,,,,,,,,,,\n", 100_000))))).Length);
    }

    [Theory]
    [InlineData("\"")]
    [InlineData(",")]
    [InlineData("\"\n\",")]
    [InlineData("甲")]
    [InlineData("a\"")]
    public async Task WhatNeverEnds_IsGivenUp_BeforeMuchOfItIsRead(string repeated)
    {
        using var endless = new Endless([.. File(Person(1))], Encoding.UTF8.GetBytes(repeated));

        await Assert.ThrowsAsync<RefusalException>(async () =>
        {
            using ApplicantFile file = await ApplicantFile.OpenAsync(endless, Token);
            while (await file.ReadAsync(Token) is not null)
            {
            }
        });

        Assert.InRange(endless.Count, 1, 512 * 1024);
    }

    private static async Task<ApplicantRow[]> ReadAsync(byte[] bytes)
    {
        using ApplicantFile file = await ApplicantFile.OpenAsync(new MemoryStream(bytes), Token);
        var rows = new List<ApplicantRow>();
        while (await file.ReadAsync(Token) is { } row)
        {
            rows.Add(row);
        }

        return [.. rows];
    }

    /// <summary>Something, then the same for ever.</summary>
    private sealed class Endless(byte[] start, byte[] repeated) : MemoryStream
    {
        public int Count { get; private set; }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int length = Math.Min(buffer.Length, 8192);
            for (int i = 0; i < length; i++, Count++)
            {
                buffer.Span[i] = Count < start.Length ? start[Count] : repeated[(Count - start.Length) % repeated.Length];
            }

            return ValueTask.FromResult(length);
        }
    }
}
