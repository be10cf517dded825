using System.Globalization;
using System.Text;

namespace ZwCa.Tests.Ra.Batches.Import;

/// <summary>Files of applicants as Excel writes them.</summary>
internal static class ApplicantText
{
    public const string Heading = "主体类别,姓名或名称,证件号码,行政区划,所属单位,部门,业务类型,有效天数,备用名称,经办人姓名,经办人证件号码,证书请求";

    /// <summary>Of an organisation.</summary>
    public const string Code = "91350100M000100Y43";

    public static readonly Encoding Gb18030 = CodePagesEncodingProvider.Instance.GetEncoding("GB18030")!;

    /// <summary>Somebody of his own for each, always the same, whose check character is right.</summary>
    public static string Number(int who)
    {
        string first = "110101" + new DateTime(1950, 1, 1).AddDays(who / 1000).ToString("yyyyMMdd", CultureInfo.InvariantCulture) + (who % 1000).ToString("D3", CultureInfo.InvariantCulture);
        int[] weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
        return first + "10X98765432"[first.Select((c, i) => (c - '0') * weights[i]).Sum() % 11];
    }

    public static string Person(int who, string name = "张三", string region = "350100", string organization = "", string departments = "", string profile = "个人双证书", string days = "", string csr = "") =>
        $"个人,{name},{Number(who)},{region},{organization},{departments},{profile},{days},,,,{csr}";

    public static string Organization(string code = Code, string name = "福州市某局", int agent = 900_001) =>
        $"机构,{name},{code},350100,,,机构双证书,,,赵办事,{Number(agent)},";

    public static string Device(string number = "www.example.gov.cn", string organization = Code, int agent = 900_001) =>
        $"设备,门户网站,{number},350100,{organization},,设备双证书,,,赵办事,{Number(agent)},";

    /// <summary>UTF-8 without a mark, CR LF.</summary>
    public static byte[] File(params IEnumerable<string> rows) => Encoding.UTF8.GetBytes(Text(rows));

    public static string Text(params IEnumerable<string> rows) => string.Concat(rows.Prepend(Heading).Select(row => row + "\r\n"));
}
