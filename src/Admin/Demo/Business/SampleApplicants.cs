using System.Globalization;
using System.Text;
using ZwCa.Asn1.Gm;

namespace ZwCa.Admin.Demo;

/// <summary>A file as a province's personnel office would send it: organisations, their devices and servers, civil servants; all of them invented, and always the same ones.</summary>
internal static class SampleApplicants
{
    private const string Heading = "主体类别,姓名或名称,证件号码,行政区划,所属单位,部门,业务类型,有效天数,备用名称,经办人姓名,经办人证件号码";

    private static readonly string[] Surnames = ["王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐", "孙", "马", "朱", "胡", "郭", "何", "林", "高", "罗"];
    private static readonly string[] GivenNames = ["伟", "芳", "娜", "敏", "静", "磊", "洋", "艳", "勇", "军", "杰", "娟", "涛", "明", "超", "秀英", "建国", "志强", "海燕", "晓东", "文博", "雨桐", "子涵"];
    private static readonly string[] Bureaus = ["档案局", "财政局", "民政局", "司法局", "人社局", "自然资源局", "卫健委", "审计局", "统计局", "医保局", "林业局", "水利局"];
    private static readonly string[] Departments = ["办公室", "人事处", "信息中心", "业务一处", "业务二处"];

    /// <summary>Rows that no RA takes, each for another reason.</summary>
    public const int BadRows = 12;

    /// <returns>As Excel writes it: UTF-8 with a byte order mark, lines end with CR LF.</returns>
    /// <param name="good">Rows that are in order.</param>
    public static byte[] Write(int good)
    {
        var lines = new List<string> { Heading };
        int organizations = Math.Max(2, good / 20);
        int devices = good / 10;
        for (int i = 0; i < good; i++)
        {
            lines.Add(i < organizations ? Organization(i) : i < organizations + devices ? Device(i - organizations, organizations) : Person(i - organizations - devices, organizations));
        }

        lines.AddRange(Bad(lines[organizations + devices + 1]));
        return [0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(string.Join("\r\n", lines) + "\r\n")];
    }

    private static string Organization(int i) =>
        $"机构,{RegionName(i)}{Bureaus[i % Bureaus.Length]}{(i < Bureaus.Length ? "" : $"第{i / Bureaus.Length}分局")},{CreditCode(i)},{Region(i)},,,机构双证书,,,{Agent(i)}";

    private static string Device(int i, int organizations)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"srv{i:D3}.{(i % 3 == 2 ? "gw" : "www")}.zwca.example");
        (string profile, string names) = (i % 3) switch { 0 => ("服务器证书RSA", $"DNS:{name}"), 1 => ("服务器证书SM2", $"DNS:{name}"), _ => ("设备双证书", $"DNS:{name}") };
        return $"设备,{(i % 3 == 2 ? "安全网关" : "门户网站服务器")},{name},{Region(i % organizations)},{CreditCode(i % organizations)},信息中心,{profile},,{names},{Agent(i % organizations)}";
    }

    private static string Person(int i, int organizations) =>
        $"个人,{PersonName(i)},{IdNumber(i)},{Region(i % organizations)},{CreditCode(i % organizations)},{Departments[i % Departments.Length]},个人双证书,,,,";

    private static IEnumerable<string> Bad(string person)
    {
        string region = Region(0);
        yield return $"个人,错校验,{IdNumber(900_001)[..17]}{(IdNumber(900_001)[17] == '1' ? '2' : '1')},{region},,,个人双证书,,,,";
        yield return $"个人,科学计数,3.50101E+17,{region},,,个人双证书,,,,";
        yield return $"个人,=1+1,{IdNumber(900_002)},{region},,,个人双证书,,,,";
        yield return $"个人,外省人,{IdNumber(900_003)},440100,,,个人双证书,,,,";
        yield return $"个人,无区划,{IdNumber(900_004)},350999,,,个人双证书,,,,";
        yield return $"个人,无模板,{IdNumber(900_005)},{region},,,领导证书,,,,";
        yield return $"机构,无经办人的单位,{CreditCode(900)},{region},,,机构双证书,,,,";
        yield return $"机构,代码有误的单位,{CreditCode(901)[..17]}{(CreditCode(901)[17] == '1' ? '2' : '1')},{region},,,机构双证书,,,{Agent(0)}";
        yield return $"设备,无主设备,srv999.zwca.example,{region},{CreditCode(902)},,设备双证书,,,{Agent(0)}";
        yield return $"个人,反\u202e转,{IdNumber(900_006)},{region},,,个人双证书,,,,";
        yield return $"个人,缺列,{IdNumber(900_007)},{region}";
        yield return person;
    }

    private static string Region(int i) => DemoInstallation.Counties[i % DemoInstallation.Counties.Count];

    private static string RegionName(int i) => (i % DemoInstallation.Counties.Count) switch { 0 => "甲市东区", 1 => "甲市西区", 2 => "乙市南县", _ => "乙市北县" };

    private static string PersonName(int i) => Surnames[i % Surnames.Length] + GivenNames[i / Surnames.Length % GivenNames.Length];

    private static string Agent(int i) => $"{PersonName(i + 7)},{IdNumber(800_000 + i)}";

    /// <summary>Born between 1965 and 2000, of the province.</summary>
    private static string IdNumber(int i)
    {
        DateTime born = new DateTime(1965, 1, 1).AddDays(i * 37 % 12_700);
        string start = string.Create(CultureInfo.InvariantCulture, $"350101{born:yyyyMMdd}{i * 7 % 1000:D3}");
        return "0123456789X".Select(check => start + check).First(text => ResidentId.TryParse(text, out _));
    }

    private static string CreditCode(int i)
    {
        string start = string.Create(CultureInfo.InvariantCulture, $"11350000{10_000_000 + (i * 131):D8}");
        const string alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY";
        return alphabet.SelectMany(first => alphabet.Select(second => $"{start}{first}{second}")).First(text => UnifiedSocialCreditCode.TryParse(text, out _));
    }
}
