using System.Text.RegularExpressions;

namespace ZwCa.Tests.Architecture;

/// <summary>The tree is the mission: folders are named after what they do for it, not after kinds of code.</summary>
public partial class TreeTests
{
    private static readonly string[] Meaningless = ["Helpers", "Utils", "Common", "Managers", "Models", "Services", "Interfaces"];

    [Fact]
    public void NoFolderIsNamedAfterAKindOfCode() =>
        Violations.AssertNone(
            RepositoryTree.Folders().Where(folder => Meaningless.Contains(Path.GetFileName(folder), StringComparer.OrdinalIgnoreCase)));

    /// <summary><c>src/Asn1/Gm/X</c> is as deep as it gets.</summary>
    [Fact]
    public void NoFolderIsDeeperThanThreeBelowSrc() =>
        Violations.AssertNone(
            RepositoryTree.Folders().Where(folder => folder.StartsWith("src/", StringComparison.Ordinal) && folder.Split('/').Length > 4));

    /// <summary>A skip elsewhere would pass silently on the machine that is there to notice it.</summary>
    [Fact]
    public void TestsAreSkippedThroughRequiresOnly() =>
        Violations.AssertNone(RepositoryTree.Files(".cs")
            .Where(file => file != "tests/Requires.cs" && Skip().IsMatch(RepositoryTree.ReadText(file)))
            .Select(file => $"{file} skips a test by itself."));

    /// <summary>What is not in it is not found; what it names is there, with a word on what it is for.</summary>
    [Fact]
    public void EveryPageIsInTheIndexOfTheDocs()
    {
        string[] lines = RepositoryTree.ReadText("docs/README.md").Split('\n');
        string[] named = [.. lines.SelectMany(line => Link().Matches(line)).Select(link => link.Groups[1].Value)];
        string[] pages = [.. RepositoryTree.Files(".md").Where(file => file.StartsWith("docs/", StringComparison.Ordinal) && file.LastIndexOf('/') == 4).Select(file => file["docs/".Length..])];
        Violations.AssertNone(
        [
            .. pages.Where(page => page != "README.md" && !named.Contains(page)).Select(page => $"docs/README.md lacks {page}."),
            .. named.Where(page => !Path.Exists(Path.Combine(RepositoryTree.Root, "docs", page))).Select(page => $"docs/README.md names {page}, which is not there."),
            .. lines.Where(line => line.StartsWith("- ", StringComparison.Ordinal) && !Entry().IsMatch(line)).Select(line => $"docs/README.md does not say what it is: {line}"),
        ]);
    }

    /// <summary>A link to a page that was renamed, or to a heading's page that never was.</summary>
    [Fact]
    public void LinksBetweenPagesLeadSomewhere() =>
        Violations.AssertNone(RepositoryTree.Files(".md").SelectMany(file => Link().Matches(RepositoryTree.ReadText(file))
            .Select(link => link.Groups[1].Value)
            .Where(target => !target.Contains("://", StringComparison.Ordinal) && target[0] != '#')
            .Where(target => !Path.Exists(Path.Combine(RepositoryTree.Root, Path.GetDirectoryName(file)!, target.Split('#')[0])))
            .Select(target => $"{file} leads to {target}, which is not there.")));

    [GeneratedRegex(@"\[[^\]\n]*\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^- \[[^\]]+\]\([^)]+\): .{10,}")]
    private static partial Regex Entry();

    [GeneratedRegex(@"Assert\.Skip\w*\(|\[(Fact|Theory|InlineData|MemberData)\([^\]]*\bSkip(Unless|When|Type)?\s*=|\bExplicit\s*=\s*true")]
    private static partial Regex Skip();
}
