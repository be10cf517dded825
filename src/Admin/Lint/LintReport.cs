using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using ZwCa.Issuance;

namespace ZwCa.Admin.Lint;

/// <summary>What was found in one file: <see cref="Error"/>, or <see cref="Subjects"/>.</summary>
internal sealed record LintedFile(string File, string? Error, IReadOnlyList<LintedSubject> Subjects);

/// <param name="Number">In the file, from 1.</param>
/// <param name="Kind">certificate, crl.</param>
internal sealed record LintedSubject(int Number, string Kind, IReadOnlyList<Finding> Findings);

internal sealed record RuleText(string Id, string Kind, Severity Severity, string Source, string Demand);

/// <summary>Findings and rules, for people and for programs.</summary>
internal static class LintReport
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    public static IReadOnlyList<RuleText> Rules { get; } =
    [
        .. Linter.CertificateRules.Select(rule => new RuleText(rule.Id, "certificate", rule.Severity, rule.Source, rule.Demand)),
        .. CrlLint.Rules.Select(rule => new RuleText(rule.Id, "crl", rule.Severity, rule.Source, rule.Demand)),
    ];

    public static void WriteJson(TextWriter output, IReadOnlyList<LintedFile> files) =>
        output.WriteLine(JsonSerializer.Serialize(new { Files = files, Errors = files.Sum(Errors), Unreadable = files.Count(file => file.Error is not null) }, Json));

    public static void WriteText(TextWriter output, IReadOnlyList<LintedFile> files)
    {
        foreach (LintedFile file in files)
        {
            if (file.Error is not null)
            {
                output.WriteLine($"{file.File}: cannot be read: {file.Error.ReplaceLineEndings(" ")}");
            }

            foreach (LintedSubject subject in file.Subjects)
            {
                output.WriteLine($"{file.File}{(file.Subjects.Count > 1 ? $"#{subject.Number}" : "")}: {subject.Kind}: {Summary(subject.Findings)}");
                foreach (Finding finding in subject.Findings)
                {
                    output.WriteLine($"  {Name(finding.Severity),-7}  {finding.Rule}  [{finding.Source}]  {finding.Detail}");
                }
            }
        }
    }

    public static void WriteRules(TextWriter output, bool asJson)
    {
        if (asJson)
        {
            output.WriteLine(JsonSerializer.Serialize(new { Count = Rules.Count, Rules }, Json));
            return;
        }

        foreach (RuleText rule in Rules)
        {
            output.WriteLine($"{rule.Id}  {Name(rule.Severity)}  [{rule.Source}]  {rule.Demand}");
        }

        output.WriteLine($"{Rules.Count} rules: {Linter.CertificateRules.Count} of certificates, {CrlLint.Rules.Count} of CRLs");
    }

    public static int Errors(LintedFile file) => file.Subjects.Sum(subject => Count(subject.Findings, Severity.Error));

    private static string Summary(IReadOnlyList<Finding> findings) => findings.Count == 0
        ? "every rule holds"
        : $"errors {Count(findings, Severity.Error)}, warnings {Count(findings, Severity.Warning)}, notices {Count(findings, Severity.Notice)}";

    private static int Count(IReadOnlyList<Finding> findings, Severity severity) => findings.Count(finding => finding.Severity == severity);

    private static string Name(Severity severity) => severity switch
    {
        Severity.Error => "error",
        Severity.Warning => "warning",
        _ => "notice",
    };
}
