using System.Text;
using ZwCa.Admin.Desk;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;

namespace ZwCa.Admin.Ra;

/// <summary>One application of a batch, as an officer reads it before he signs: from its bytes, but for the tracking number.</summary>
/// <param name="Profile">Of a certificate; empty: it is about one that is there.</param>
/// <param name="Names">Alternative names.</param>
/// <param name="Days">Of a certificate.</param>
/// <param name="Key">SM3 of the key, or the serial number of the certificate that it is about.</param>
internal sealed record BatchLine(long Row, string TrackingNumber, Application Application, string Kind, string Profile, string Subscriber, string Names, string Days, string Key)
{
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: it cannot be read; <see cref="Refusal.NotApproved"/>: it would make an officer, which no line of a table shows well enough.</exception>
    public static BatchLine Of(long row, EnrollmentAnswer enrollment, Application application)
    {
        if (application.Kind == DecisionKind.Revoke)
        {
            StatusBody status = RaDecision.Body<StatusBody>(application);
            return new BatchLine(
                row, enrollment.TrackingNumber, application, $"{DecisionText.Kind(application.Kind)}（{DecisionText.Reason(status.Reason)}）", "", $"{enrollment.Subscriber.Name}（RA所示）", "", "", $"证书 {status.Certificate.SerialNumber}");
        }

        CertificateBody body = RaDecision.Body<CertificateBody>(application);
        return body.Officer is null
            ? new BatchLine(
                row,
                enrollment.TrackingNumber,
                application,
                DecisionText.Kind(application.Kind),
                body.Encryption is { } encryption ? $"{body.Profile}＋{encryption.Name}" : body.Profile,
                string.Join("，", body.Subject.Where(each => each.Type != Oids.SerialNumber).Reverse().Select(each => each.Text).Concat(body.Identities.Select(each => each.Text))),
                string.Join("；", body.Names.Select(CertificateText.NameOf)),
                BatchText.Number(body.Days),
                TokenContainer.FingerprintOf(body.SubjectPublicKeyInfo))
            : throw new RefusalException(Refusal.NotApproved, "这项申请赋予人员权限，不能成批签署，没有签名。请立即报告管理员。");
    }
}

/// <summary>What of a batch is to be signed: as a table, all of it in words, or as a file.</summary>
internal static class BatchSheet
{
    /// <summary>Of a fingerprint in the table: 64 bits. All of it is in the file, and in words.</summary>
    private const int ShownDigits = 16;

    private static readonly string[] Heads = ["行", "查询号", "业务编号", "业务", "证书模板", "主体", "备用名称", "天数", "密钥指纹（SM3）"];

    public static void Write(TextWriter output, IReadOnlyList<BatchLine> lines, bool isFull)
    {
        DeskText.WriteTable(output, Heads, lines.Select(line => Cells(line, line.Key.Length == 2 * Cryptography.Sm3.HashSizeInBytes ? $"{line.Key[..ShownDigits]}…" : line.Key)));
        foreach (BatchLine line in isFull ? lines : [])
        {
            output.WriteLine($"第{line.Row}行：");
            output.Write(DecisionText.Describe(line.Application));
        }

        output.WriteLine(LabelText.Shown($"CA：{Distinct(line => line.Application.CaName)}；RA：{Distinct(line => line.Application.RaName)}；区域：{Distinct(line => DecisionText.Region(line.Application.Region))}"));
        foreach (IGrouping<(string Kind, string Profile), BatchLine> group in lines.GroupBy(line => (line.Kind, line.Profile)))
        {
            output.WriteLine(LabelText.Shown($"  {group.Key.Kind} {group.Key.Profile}：{group.Count()} 项"));
        }

        string Distinct(Func<BatchLine, string> of) => string.Join("、", lines.Select(of).Distinct().Order(StringComparer.Ordinal));
    }

    /// <summary>CSV in UTF-8 with a byte order mark, as spreadsheets read it.</summary>
    public static byte[] ToCsv(IReadOnlyList<BatchLine> lines)
    {
        var text = new StringBuilder();
        WriteRow([.. Heads, "区域", "摘要（SM3）"]);
        foreach (BatchLine line in lines)
        {
            WriteRow([.. Cells(line, line.Key), line.Application.Region, Convert.ToHexStringLower(line.Application.Digest)]);
        }

        return [.. Encoding.UTF8.Preamble, .. Encoding.UTF8.GetBytes(text.ToString())];

        void WriteRow(string[] cells) => text.AppendJoin(',', cells.Select(Quote)).Append("\r\n");
    }

    private static string[] Cells(BatchLine line, string key) =>
        [BatchText.Number(line.Row), line.TrackingNumber, line.Application.EnrollmentId, line.Kind, line.Profile, line.Subscriber, line.Names, line.Days, key];

    /// <summary>An apostrophe keeps a spreadsheet from running what looks like a formula.</summary>
    private static string Quote(string cell)
    {
        string shown = LabelText.Shown(cell);
        return $"\"{(shown.Length > 0 && "=+-@＝＋－＠".Contains(shown[0], StringComparison.Ordinal) ? "'" : "")}{shown.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }
}
