using ZwCa.Cryptography;
using ZwCa.Data;
using static ZwCa.Tests.Ra.Batches.Import.ApplicantText;

namespace ZwCa.Tests.Ra.Batches.Import;

/// <summary>Each reason for which a row is refused; the others of the file are not.</summary>
public sealed class RowTests : IAsyncLifetime
{
    private RaRecords _records = null!;
    private ImportDesk _desk = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _records = await RaRecords.CreateAsync(DatabaseKind.Sqlite);
        _desk = new ImportDesk(_records);
    }

    public ValueTask DisposeAsync() => _records.DisposeAsync();

    /// <summary>A row, and what its reason says.</summary>
    public static TheoryData<string, string> Rows => new()
    {
        { "个人,张三", "该行有2个单元格，标题行有12个" },
        { Person(1) + ",x", "该行有13个单元格" },
        { Person(1, "=HYPERLINK(1)"), "“姓名或名称”以公式符号" },
        { Person(1, "+1"), "“姓名或名称”以公式符号" },
        { Person(1, "-1"), "“姓名或名称”以公式符号" },
        { Person(1, "@SUM"), "“姓名或名称”以公式符号" },
        { Person(1, "＝1"), "“姓名或名称”以公式符号" },
        { Person(1, " =1"), "“姓名或名称”以公式符号" },
        { Person(1, departments: "\"\t=1\""), "“部门”以公式符号" },
        { Person(1, "张\t三"), "“姓名或名称”含换行、控制字符" },
        { Person(1, "\"张\r\n三\""), "“姓名或名称”含换行、控制字符" },
        { Person(1, "张\u202E三"), "“姓名或名称”含换行、控制字符、方向控制符" },
        { Person(1, "张\u200B三"), "不可见字符" },
        { Person(1, "张\u0085三"), "控制字符" },
        { Person(1, ""), "姓名有误" },
        { Person(1).Replace("个人,", "公民,", StringComparison.Ordinal), "主体类别应为个人、机构或设备" },
        { Person(1).Replace(Number(1), "1.10E+17", StringComparison.Ordinal), "科学计数法" },
        { Person(1).Replace(Number(1), "1.10101E+17", StringComparison.Ordinal), "“文本”格式" },
        { Person(1).Replace(Number(1), Number(1)[..17] + (Number(1)[17] == '1' ? '2' : '1'), StringComparison.Ordinal), "末位校验码正确" },
        { Person(1).Replace(Number(1), "", StringComparison.Ordinal), "身份证号码有误" },
        { Organization("91350100M000100Y44"), "GB 32100" },
        { Device("www example"), "设备编号有误" },
        { Person(1, region: "3501"), "行政区划代码有误" },
        { Person(1, region: "350199"), "该行政区划尚未登记" },
        { Person(1, region: RaRecords.OtherCity), "不在批次的区域内" },
        { Person(1, organization: RaRecords.Code), "没有该所属单位" },
        { Person(1, organization: "91350100M000100Y44"), "所属单位：统一社会信用代码有误" },
        { Person(1, profile: "驾驶证"), "没有该业务类型" },
        { Person(1, profile: ""), "没有该业务类型" },
        { Person(1, profile: "同名"), "有多个同名的业务类型" },
        { Person(1, profile: "机构双证书"), "不适用于此类主体" },
        { Person(1, days: "0"), "有效天数应为正整数" },
        { Person(1, days: "3.5"), "有效天数应为正整数" },
        { Person(1, days: "366"), "有效期不得超过365天" },
        { Person(1, departments: "一；二；三；四；五"), "部门最多4级" },
        { Person(1).Replace(",,,,", ",,www.example.gov.cn,,", StringComparison.Ordinal), "备用名称有误" },
        { Organization().Replace("赵办事,", ",", StringComparison.Ordinal), "经办人的姓名和证件号码应同时填写" },
        { Organization().Replace($"赵办事,{Number(900_001)}", ",", StringComparison.Ordinal), "须填写经办人" },
        { Organization().Replace(Number(900_001), "110101195001010001", StringComparison.Ordinal), "经办人：身份证号码有误" },
        { Organization().Replace(",,,机构", $",{RaRecords.Code},,机构", StringComparison.Ordinal).Replace("350100,,,机构", "350100,,机构", StringComparison.Ordinal), "单位" },
        { Device(organization: ""), "设备须填写所属单位" },
        { Person(1, csr: "不是"), "Base64" },
        { Person(1, csr: "MAMCAQE"), "Base64" },
        { Person(1, csr: "MAMCAQE="), "不是有效的证书请求" },
    };

    [Theory]
    [MemberData(nameof(Rows))]
    public async Task ABadRow_IsRefusedWithItsReason_AndRepeatsNothing(string row, string reason)
    {
        IReadOnlyDictionary<long, string> refused = await _desk.CheckAsync(_records.OfCity, RaRecords.City, Person(11), row, Person(12));

        (long number, string said) = Assert.Single(refused);
        Assert.Equal(2, number);
        Assert.True(said.Contains(reason, StringComparison.Ordinal), said);
        Assert.All((string[])["张", "HYPERLINK", Number(1), Number(900_001), RaRecords.Code, "1.10E"], each => Assert.DoesNotContain(each, said, StringComparison.Ordinal));
    }

    [Fact]
    public async Task AGoodFile_OfAllKinds_HasNoRefusals()
    {
        Assert.Empty(await _desk.CheckAsync(
            _records.OfCity,
            RaRecords.City,
            Organization(),
            Device(),
            Device("10.0.0.1"),
            Person(1, "欧阳 志远", RaRecords.County, RaRecords.Code, "办公室；一科", "person", "100", Convert.ToBase64String(CaScene.Csr(Sm2PrivateKey.Generate()))),
            Person(1, "欧阳 志远", RaRecords.County, RaRecords.Code, profile: "个人其他证书")));
    }

    [Fact]
    public async Task RowsOfOneFile_AreComparedWithEachOther()
    {
        string csr = Convert.ToBase64String(CaScene.Csr(Sm2PrivateKey.Generate()));
        IReadOnlyDictionary<long, string> refused = await _desk.CheckAsync(
            _records.OfCity,
            RaRecords.City,
            Person(1, csr: csr),
            Person(1),
            Person(2, csr: csr),
            Person(1, "李四", profile: "个人其他证书"),
            Person(3, organization: RaRecords.Code),
            Organization(),
            Person(3, organization: RaRecords.Code),
            Person(4, region: "350199"),
            Person(4));

        Assert.Equal([2, 3, 4, 5, 8], refused.Keys.Order());
        Assert.Equal("与第1行重复：同一主体的同一业务类型。", refused[2]);
        Assert.Contains("证书请求与第1行相同", refused[3], StringComparison.Ordinal);
        Assert.Contains("与第1行不同", refused[4], StringComparison.Ordinal);
        Assert.Contains("没有该所属单位", refused[5], StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhoIsRegistered_IsTakenAsHeIs_OrNotAtAll()
    {
        byte[] organization = await _records.RegisterAsync(_records.Provincial, RaRecords.Organization(region: RaRecords.Province));
        await _records.RegisterAsync(_records.Provincial, RaRecords.Person(ZwCa.Officers.IdNumber.Parse(Number(1)), name: "张三"));
        await _records.RegisterAsync(_records.Provincial, RaRecords.Person(ZwCa.Officers.IdNumber.Parse(Number(2)), name: "李四"));
        await _records.RegisterAsync(_records.Provincial, RaRecords.Person(ZwCa.Officers.IdNumber.Parse(Number(3)), RaRecords.OtherCity, "张三"));
        await _records.RegisterAsync(_records.Provincial, RaRecords.Person(ZwCa.Officers.IdNumber.Parse(Number(4)), name: "张三", organization: organization));

        IReadOnlyDictionary<long, string> refused = await _desk.CheckAsync(
            _records.OfCity, RaRecords.City, Person(1), Person(2), Person(3), Person(4), Person(4, organization: RaRecords.Code), Person(5, organization: RaRecords.Code), Person(1, profile: "person-other", region: RaRecords.County));

        Assert.Equal([2, 3, 4, 7], refused.Keys.Order());
        Assert.Contains("已以另一姓名或名称登记", refused[2], StringComparison.Ordinal);
        Assert.Contains("已在其他区域登记", refused[3], StringComparison.Ordinal);
        Assert.Contains("所属单位与已登记的不同", refused[4], StringComparison.Ordinal);
        Assert.Contains("不属于受理区域", refused[7], StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatIsOpenOrValidAlready_IsNotAppliedForAgain()
    {
        string csr = Convert.ToBase64String(CaScene.Csr(Sm2PrivateKey.Generate()));
        await _desk.ImportAsync(File(Person(1, csr: csr), Person(2)));
        await CertifyAsync(2, DateTimeOffset.MaxValue);
        await _records.Story.RawAsync("UPDATE enrollment SET state = 9, is_open = 0 WHERE key_hash IS NULL", new { });
        await _desk.ImportAsync(File(Person(3)));
        await CertifyAsync(3, _records.Story.Clock.GetUtcNow());
        await _records.Story.RawAsync("UPDATE enrollment SET state = 9, is_open = 0 WHERE key_hash IS NULL", new { });

        IReadOnlyDictionary<long, string> refused = await _desk.CheckAsync(
            _records.OfCity, RaRecords.City, Person(1), Person(1, profile: "person-other", csr: csr), Person(2), Person(2, profile: "person-other"), Person(3), Person(4, csr: csr));

        Assert.Equal([1, 2, 3, 6], refused.Keys.Order());
        Assert.Contains("在办", refused[1], StringComparison.Ordinal);
        Assert.Contains("已用于另一笔在办业务", refused[2], StringComparison.Ordinal);
        Assert.Contains("已有同一业务类型的有效证书", refused[3], StringComparison.Ordinal);
        Assert.Contains("已属于另一主体", refused[6], StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnotherNumberOfRows_OrNone_RefusesTheFile()
    {
        Assert.Contains("文件有2行，批次填写的是3行", await RunAsync(File(Person(1), Person(2)), 3), StringComparison.Ordinal);
        Assert.Contains("没有数据行", await RunAsync(File(), null), StringComparison.Ordinal);

        async Task<string> RunAsync(byte[] file, int? rows)
        {
            string id = await _desk.OpenAsync(file, rows);
            return (await Assert.ThrowsAsync<ZwCa.Contracts.RefusalException>(() => _desk.RunAsync(id))).Message;
        }
    }

    private async Task CertifyAsync(int who, DateTimeOffset notAfter)
    {
        byte[] index = await _records.Story.Persons.IndexAsync(ZwCa.Officers.IdNumber.Parse(Number(who)), Token);
        await _records.Story.RawAsync(
            """
            INSERT INTO certificate (issuer, serial, half, enrollment_id, subscriber_id, region, profile, certificate, key_hash, state, not_before, not_after, stored_at)
            SELECT '01', @Serial, 0, e.enrollment_id, e.subscriber_id, e.region, e.profile, @Index, @Index, 1, 0, @NotAfter, 0
            FROM enrollment e JOIN subscriber s ON s.subscriber_id = e.subscriber_id WHERE s.person_index = @Index
            """,
            new { Serial = $"{who:x}", Index = index, NotAfter = notAfter });
    }
}
