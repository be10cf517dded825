using System.Text.RegularExpressions;

namespace ZwCa.Tests.Architecture;

/// <summary>The tree is the mission: folders are named after what they do for it, not after kinds of code.</summary>
public partial class TreeTests
{
    private static readonly string[] _meaningless = ["Helpers", "Utils", "Common", "Managers", "Models", "Services", "Interfaces"];

    [Fact]
    public void NoFolderIsNamedAfterAKindOfCode() =>
        Violations.AssertNone(
            RepositoryTree.Folders().Where(folder => _meaningless.Contains(Path.GetFileName(folder), StringComparer.OrdinalIgnoreCase)));

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

    [GeneratedRegex(@"Assert\.Skip\w*\(|\[(Fact|Theory|InlineData|MemberData)\([^\]]*\bSkip(Unless|When|Type)?\s*=|\bExplicit\s*=\s*true")]
    private static partial Regex Skip();
}
