using ZwCa.Contracts;
using ZwCa.Ra.Subscribers;

namespace ZwCa.Ra.Batches.Import;

/// <summary>What a column of an import's file holds.</summary>
internal enum ApplicantColumn
{
    Kind,
    Name,
    Number,
    Region,
    Organization,
    Departments,
    Profile,
    Days,
    AlternativeNames,
    AgentName,
    AgentNumber,
    Csr,

    /// <summary>Why a row was refused: so files come that were corrected; read by nobody.</summary>
    Reason,
}

/// <summary>Which column stands where: a file's heading.</summary>
internal sealed class ApplicantColumns
{
    public const string Reason = "原因";

    private const int MaxShown = 32;

    private static readonly Dictionary<string, ApplicantColumn> Known = new()
    {
        ["主体类别"] = ApplicantColumn.Kind,
        ["姓名或名称"] = ApplicantColumn.Name,
        ["证件号码"] = ApplicantColumn.Number,
        ["行政区划"] = ApplicantColumn.Region,
        ["所属单位"] = ApplicantColumn.Organization,
        ["部门"] = ApplicantColumn.Departments,
        ["业务类型"] = ApplicantColumn.Profile,
        ["有效天数"] = ApplicantColumn.Days,
        ["备用名称"] = ApplicantColumn.AlternativeNames,
        ["经办人姓名"] = ApplicantColumn.AgentName,
        ["经办人证件号码"] = ApplicantColumn.AgentNumber,
        ["证书请求"] = ApplicantColumn.Csr,
        [Reason] = ApplicantColumn.Reason,
    };

    private static readonly ApplicantColumn[] Needed = [ApplicantColumn.Kind, ApplicantColumn.Name, ApplicantColumn.Number, ApplicantColumn.Region, ApplicantColumn.Profile];

    private readonly ApplicantColumn[] _columns;

    private ApplicantColumns(ApplicantColumn[] columns) => _columns = columns;

    public int Count => _columns.Length;

    /// <summary>Of the column in which earlier reasons stand; -1: there is none.</summary>
    public int ReasonAt => Array.IndexOf(_columns, ApplicantColumn.Reason);

    /// <param name="cells">Of the file's first row.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: a heading is unknown, missing or there twice. What may be a row of data instead, is not repeated.</exception>
    public static ApplicantColumns Read(IReadOnlyList<string> cells)
    {
        string[] names = [.. cells.Select(cell => cell.Trim())];
        Require(
            2 * names.Count(Known.ContainsKey) >= names.Length && names.Any(Known.ContainsKey),
            $"第一行不是标题行：应为{string.Join('、', Known.Keys.Where(name => name != Reason))}等列名。");
        string[] unknown = [.. names.Where(name => !Known.ContainsKey(name))];
        Require(unknown.Length == 0, $"不认识的列名：{string.Join('、', unknown.Take(4).Select(Show))}。可用的列名为{string.Join('、', Known.Keys.Where(name => name != Reason))}。");
        ApplicantColumn[] columns = [.. names.Select(name => Known[name])];
        Require(columns.Distinct().Count() == columns.Length, $"列名重复：{string.Join('、', columns.GroupBy(each => each).Where(each => each.Count() > 1).Select(each => NameOf(each.Key)))}。");
        Require(Needed.All(columns.Contains), $"缺少列：{string.Join('、', Needed.Except(columns).Select(NameOf))}。");
        return new ApplicantColumns(columns);
    }

    /// <returns>As the heading has it.</returns>
    public static string NameOf(ApplicantColumn column) => Known.Single(each => each.Value == column).Key;

    /// <returns>Of the column at a place.</returns>
    public ApplicantColumn At(int index) => _columns[index];

    private static string Show(string name) => VisibleText.Find(name, MaxShown) is { } shown ? $"“{shown}”" : name.Length == 0 ? "（空）" : "（过长或含不可见字符）";

    private static void Require(bool met, string detail)
    {
        if (!met)
        {
            throw new RefusalException(Refusal.Malformed, detail);
        }
    }
}
