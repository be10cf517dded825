using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Officers;
using ZwCa.Ra.Enrollments;
using ZwCa.Ra.Enrollments.Steps;
using ZwCa.Ra.Subscribers;

namespace ZwCa.Ra.Batches.Import;

/// <summary>What a row says, by itself right: a subscriber and what is applied for. What stands in the database, is looked at afterwards.</summary>
internal sealed partial record Applicant
{
    private static readonly SearchValues<char> FormulaStarts = SearchValues.Create("=+-@\t\r＝＋－＠");
    private static readonly char[] Separators = ['；', ';'];

    /// <summary>This process's own: who writes a file cannot make two of its rows look alike.</summary>
    private static readonly byte[] MarkKey = RandomNumberGenerator.GetBytes(32);

    private static readonly Dictionary<string, SubscriberKind> Kinds = new() { ["个人"] = SubscriberKind.Person, ["机构"] = SubscriberKind.Organization, ["设备"] = SubscriberKind.Device };

    public required int Row { get; init; }

    public required SubscriberName Name { get; init; }

    public required SubscriberNumber Number { get; init; }

    public required RegionCode Region { get; init; }

    /// <summary>Where a person works, whose a device is. Null: none.</summary>
    public SubscriberNumber? Organization { get; init; }

    /// <summary>As an enrollment has it, not as clerks read it.</summary>
    public required string Profile { get; init; }

    public required EnrollmentContent Content { get; init; }

    /// <summary>Null: it comes later.</summary>
    public SubjectPublicKeyInfo? Key { get; init; }

    public SubscriberKind Kind => Number.Kind;

    /// <summary>SM3 of the key; null: none.</summary>
    public byte[]? KeyHash { get; init; }

    /// <summary>The same for whoever is the same; says nothing about who it is to those who do not know his number.</summary>
    public long SubscriberMark => MarkOf(Number);

    /// <summary>Likewise of subscriber and profile.</summary>
    public long ApplicationMark => MarkOf("application", Number.Kind.ToString(), Number.Reveal(), Profile);

    /// <summary>Likewise of the key. Null: none.</summary>
    public long? KeyMark => KeyHash is null ? null : MarkOf("key", Convert.ToHexString(KeyHash));

    /// <summary>Of what is registered besides the number: the same where two rows agree.</summary>
    public int DetailsMark => unchecked((int)MarkOf("details", Name.Reveal(), Region.Value, Organization?.Reveal() ?? ""));

    public static long MarkOf(SubscriberNumber number) => MarkOf("subscriber", number.Kind.ToString(), number.Reveal());

    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>, <see cref="Refusal.BadCsr"/>: why the row cannot be; none of its texts is repeated.</exception>
    public static Applicant Read(ApplicantRow row, ApplicantColumns columns, IReadOnlyDictionary<string, EnrollmentProfileOptions> profiles)
    {
        Require(!row.IsEmpty, "空行。");
        Require(row.Cells.Length == columns.Count, $"该行有{row.Cells.Length}个单元格，标题行有{columns.Count}个。");
        string[] cells = new string[Enum.GetValues<ApplicantColumn>().Length];
        Array.Fill(cells, "");
        for (int i = 0; i < row.Cells.Length; i++)
        {
            ApplicantColumn column = columns.At(i);
            if (column != ApplicantColumn.Reason)
            {
                cells[(int)column] = ReadCell(column, row.Cells[i]);
            }
        }

        string? Cell(ApplicantColumn column) => cells[(int)column].Length == 0 ? null : cells[(int)column];
        SubscriberKind kind = Kinds.TryGetValue(cells[(int)ApplicantColumn.Kind], out SubscriberKind known) ? known : throw Refuse("主体类别应为个人、机构或设备。");
        string? organization = Cell(ApplicantColumn.Organization);
        SubscriberRules.RequireOrganization(kind, organization is not null);
        string? agentName = Cell(ApplicantColumn.AgentName), agentNumber = Cell(ApplicantColumn.AgentNumber);
        Require((agentName is null) == (agentNumber is null), "经办人的姓名和证件号码应同时填写。");
        SubjectPublicKeyInfo? key = null;
        byte[]? csr = null;
        if (Cell(ApplicantColumn.Csr) is { } text)
        {
            csr = ReadBase64(text);
            key = CsrKeys.Read(csr);
        }

        if (kind != SubscriberKind.Device)
        {
            RequireDigits(ApplicantColumn.Number, Cell(ApplicantColumn.Number));
        }

        RequireDigits(ApplicantColumn.Organization, organization);
        RequireDigits(ApplicantColumn.AgentNumber, agentNumber);
        return new Applicant
        {
            Row = row.Number,
            Name = SubscriberName.Parse(kind, Cell(ApplicantColumn.Name)),
            Number = SubscriberNumber.Parse(kind, Cell(ApplicantColumn.Number)),
            Region = RegionCode.Parse(Cell(ApplicantColumn.Region)),
            Organization = organization is null ? null : Of("所属单位", () => SubscriberNumber.Parse(SubscriberKind.Organization, organization)),
            Profile = FindProfile(profiles, Cell(ApplicantColumn.Profile)),
            Key = key,
            KeyHash = key is null ? null : Sm3.HashData(Der.Encode(key)),
            Content = new EnrollmentContent
            {
                Csr = csr,
                Days = Cell(ApplicantColumn.Days) is { } days ? ReadDays(days) : null,
                Departments = Split(Cell(ApplicantColumn.Departments)),
                AlternativeNames = Split(Cell(ApplicantColumn.AlternativeNames)),
                AgentName = agentName is null ? null : Of("经办人", () => PersonName.Parse(agentName)).Reveal(),
                AgentNumber = agentNumber is null ? null : Of("经办人", () => IdNumber.Parse(agentNumber)).Reveal(),
            },
        };
    }

    /// <summary>Whether a program that opens the file may take the cell for a formula.</summary>
    public static bool IsFormula(string cell) => cell.Length > 0 && (FormulaStarts.Contains(cell[0]) || cell.AsSpan().TrimStart() is [var first, ..] && FormulaStarts.Contains(first));

    /// <summary>No person's data in logs.</summary>
    public override string ToString() => $"{nameof(Applicant)} {Row}";

    private static string ReadCell(ApplicantColumn column, string cell)
    {
        // A program that opens the file would run it; nothing that is meant begins so.
        Require(!IsFormula(cell), $"“{ApplicantColumns.NameOf(column)}”以公式符号（= + - @ 或制表符）开头，不予接受。");
        Require(VisibleText.IsSeen(cell), $"“{ApplicantColumns.NameOf(column)}”含换行、控制字符、方向控制符等不可见字符。");
        return cell.Trim();
    }

    private static void RequireDigits(ApplicantColumn column, string? cell) => Require(
        cell is null || !Scientific().IsMatch(cell),
        $"“{ApplicantColumns.NameOf(column)}”已被表格软件改成科学计数法，号码已丢失：请先将该列设为“文本”格式，再填写号码，然后另存为CSV。");

    private static string FindProfile(IReadOnlyDictionary<string, EnrollmentProfileOptions> profiles, string? text)
    {
        if (text is not null && profiles.ContainsKey(text))
        {
            return text;
        }

        string[] names = [.. profiles.Where(each => each.Value.Title == text).Select(each => each.Key)];
        return names.Length == 1 ? names[0] : throw Refuse(names.Length == 0 ? "没有该业务类型，请填写业务类型的名称或代码。" : "有多个同名的业务类型，请填写业务类型的代码。");
    }

    private static int ReadDays(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int days) && days > 0 ? days : throw Refuse("有效天数应为正整数。");

    private static byte[] ReadBase64(string text)
    {
        byte[] bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out int length) ? bytes[..length] : throw Refuse("证书请求应为PKCS#10（DER）的Base64文本，不含首尾标记。");
    }

    private static IReadOnlyList<string> Split(string? cell) => cell is null ? [] : cell.Split(Separators, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Of whom it is said.</summary>
    private static T Of<T>(string what, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (RefusalException e)
        {
            throw new RefusalException(e.Kind, $"{what}：{e.Message}", inner: e);
        }
    }

    private static long MarkOf(params ReadOnlySpan<string> texts) => BinaryPrimitives.ReadInt64LittleEndian(HMACSHA256.HashData(MarkKey, Encoding.UTF8.GetBytes(string.Join('\n', texts))));

    private static RefusalException Refuse(string detail) => new(Refusal.Malformed, detail);

    private static void Require(bool met, string detail)
    {
        if (!met)
        {
            throw Refuse(detail);
        }
    }

    [GeneratedRegex(@"^[0-9]+(\.[0-9]+)?[eE][+-]?[0-9]+$")]
    private static partial Regex Scientific();
}
