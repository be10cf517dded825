using System.Xml.Linq;

namespace ZwCa.Tests.Architecture;

/// <summary>What one csproj file lets its code use.</summary>
/// <param name="Path">Relative to the repository root, forward slashes.</param>
/// <param name="References">Names of referenced projects whose assembly is linked.</param>
/// <param name="BuildsBefore">Names of projects referenced with ReferenceOutputAssembly=false: built first, not linked.</param>
/// <param name="Packages">NuGet ids.</param>
/// <param name="Frameworks">Shared frameworks beyond the BCL: Microsoft.AspNetCore.App.</param>
/// <param name="Unreadable">What hides a reference from this reading: imports, wildcards, properties, assembly files.</param>
internal sealed record ProjectFile(
    string Path,
    IReadOnlyList<string> References,
    IReadOnlyList<string> BuildsBefore,
    IReadOnlyList<string> Packages,
    IReadOnlyList<string> Frameworks,
    IReadOnlyList<string> Unreadable)
{
    public const string AspNetCore = "Microsoft.AspNetCore.App";

    /// <summary>The file's name without its extension, which is how the ladder names a project.</summary>
    public string Name => System.IO.Path.GetFileNameWithoutExtension(Path);

    public static ProjectFile Parse(string path, string xml)
    {
        XElement project = XDocument.Parse(xml).Root!;
        var linked = new List<string>();
        var ordered = new List<string>();
        var unreadable = new List<string>();

        foreach (XElement reference in Items(project, "ProjectReference"))
        {
            string? output = reference.Attribute("ReferenceOutputAssembly")?.Value ?? reference.Element("ReferenceOutputAssembly")?.Value;
            List<string> target = string.Equals(output, "false", StringComparison.OrdinalIgnoreCase) ? ordered : linked;
            target.AddRange(Includes(reference, unreadable).Select(file => System.IO.Path.GetFileNameWithoutExtension(file.Replace('\\', '/'))));
        }

        string[] packages = [.. Items(project, "PackageReference").SelectMany(item => Includes(item, unreadable))];
        List<string> frameworks = [.. Items(project, "FrameworkReference").SelectMany(item => Includes(item, unreadable))];
        switch (project.Attribute("Sdk")?.Value)
        {
            case "Microsoft.NET.Sdk":
                break;
            case "Microsoft.NET.Sdk.Web":
                frameworks.Add(AspNetCore);
                break;
            case string sdk:
                unreadable.Add($"Sdk {sdk}");
                break;
            default:
                unreadable.Add("no Sdk attribute");
                break;
        }

        unreadable.AddRange(Items(project, "Import").Select(import => $"Import {import.Attribute("Project")?.Value}"));
        unreadable.AddRange(Items(project, "Reference").Select(file => $"Reference {file.Attribute("Include")?.Value}"));
        return new ProjectFile(path, linked, ordered, packages, frameworks, unreadable);
    }

    private static IEnumerable<XElement> Items(XElement project, string name) =>
        project.Descendants().Where(element => element.Name.LocalName == name);

    /// <summary>Conditions are ignored on purpose: a reference that holds on some machine is a reference.</summary>
    private static IEnumerable<string> Includes(XElement item, List<string> unreadable)
    {
        string include = item.Attribute("Include")?.Value ?? "";
        if (include.Contains('*') || include.Contains("$(") || include.Contains("@("))
        {
            unreadable.Add($"{item.Name.LocalName} {include}");
            return [];
        }

        return include.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }
}
