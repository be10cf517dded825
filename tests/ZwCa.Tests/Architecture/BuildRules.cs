using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace ZwCa.Tests.Architecture;

/// <summary>The strictness that <c>Directory.Build.props</c> sets is for every project; each way around it needs a written reason.</summary>
internal static partial class BuildRules
{
    private const string Root = "Directory.Build.props";

    private static readonly (string Setting, string Value)[] _fixed =
    [
        ("TreatWarningsAsErrors", "true"), ("Nullable", "enable"), ("EnforceCodeStyleInBuild", "true"), ("GenerateDocumentationFile", "true"),
    ];

    private static readonly string[] _suppressions = ["NoWarn", "MSBuildWarningsAsMessages"];

    /// <summary>Advisories only: a fuller feed may know some that the project's own does not.</summary>
    private static readonly string[] _tolerated = ["NU1901", "NU1902", "NU1903", "NU1904"];

    private static readonly string[] _references = ["ProjectReference", "PackageReference", "GlobalPackageReference", "FrameworkReference", "Reference"];

    /// <param name="file">A csproj, props or targets file, relative to the root.</param>
    public static IEnumerable<string> ProjectViolations(string file, string xml)
    {
        XElement[] elements = [.. XDocument.Parse(xml).Root!.DescendantsAndSelf()];
        foreach (XElement element in elements)
        {
            string name = element.Name.LocalName;
            string value = element.Value.Trim();
            if (_fixed.Any(rule => rule.Setting == name && rule.Value != value))
            {
                yield return $"{file}: {name} is {value}.";
            }

            if (name == "CheckForOverflowUnderflow" && value != "true" && !file.StartsWith("src/Cryptography/", StringComparison.Ordinal))
            {
                yield return $"{file}: overflow is unchecked outside the arithmetic cores.";
            }

            if (name == "WarningsNotAsErrors" && (file != Root || Ids(value).Except(_tolerated).Any()))
            {
                yield return $"{file}: WarningsNotAsErrors {value}.";
            }

            if (!file.EndsWith(".csproj", StringComparison.Ordinal) && _references.Contains(name))
            {
                yield return $"{file}: {name} outside a csproj file is invisible to the ladder.";
            }

            foreach (string id in Suppressed(element).Where(id => !HasReason(element, id)))
            {
                yield return $"{file}: {id} is suppressed and no comment beside it names it.";
            }
        }
    }

    /// <param name="file">A C# source file, relative to the root.</param>
    public static IEnumerable<string> SourceViolations(string file, string text)
    {
        string[] lines = text.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i];
            if (NullableDisable().IsMatch(line))
            {
                yield return $"{file}:{i + 1}: nullable is switched off.";
            }

            bool reason = line.Contains("//") || (i > 0 && lines[i - 1].TrimStart().StartsWith("//", StringComparison.Ordinal));
            if (PragmaDisable().IsMatch(line) && !reason)
            {
                yield return $"{file}:{i + 1}: a warning is suppressed without a reason.";
            }

            if (SuppressMessage().IsMatch(line) && !line.Contains("Justification"))
            {
                yield return $"{file}:{i + 1}: a warning is suppressed without a Justification.";
            }
        }
    }

    /// <param name="file">An .editorconfig file, relative to the root.</param>
    public static IEnumerable<string> EditorConfigViolations(string file, string text)
    {
        string[] lines = text.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            if (Lowered().IsMatch(lines[i]) && !(i > 0 && lines[i - 1].StartsWith('#')))
            {
                yield return $"{file}:{i + 1}: a diagnostic is lowered without a reason on the line above.";
            }
        }
    }

    private static IEnumerable<string> Suppressed(XElement element) =>
        _suppressions.Contains(element.Name.LocalName)
            ? Ids(element.Value)
            : element.Attributes().Where(attribute => _suppressions.Contains(attribute.Name.LocalName)).SelectMany(attribute => Ids(attribute.Value));

    private static IEnumerable<string> Ids(string list) =>
        list.Split([';', ',', ' ', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Where(id => !id.StartsWith("$(", StringComparison.Ordinal));

    private static bool HasReason(XElement element, string id) =>
        element.Parent?.Nodes().OfType<XComment>().Any(comment => comment.Value.Contains(id)) ?? false;

    [GeneratedRegex(@"^\s*#nullable\s+disable")]
    private static partial Regex NullableDisable();

    [GeneratedRegex(@"^\s*#pragma\s+warning\s+disable")]
    private static partial Regex PragmaDisable();

    [GeneratedRegex(@"^\s*\[(assembly:\s*)?[\w.]*SuppressMessage\(")]
    private static partial Regex SuppressMessage();

    [GeneratedRegex(@"severity\s*=\s*(none|silent|suggestion)")]
    private static partial Regex Lowered();
}
