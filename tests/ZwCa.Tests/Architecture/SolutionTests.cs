using System.Text.RegularExpressions;

namespace ZwCa.Tests.Architecture;

public partial class SolutionTests
{
    [Fact]
    public void EveryProjectOfTheTreeIsBuiltByTheSolution() =>
        Violations.AssertNone(Check(RepositoryTree.ReadText("ZwCa.sln"), RepositoryTree.Files(".csproj")));

    [Fact]
    public void AProjectLeftOut_Missing_OrNotBuilt_IsFound()
    {
        const string solution = """
            Project("{FAE04EC0-301F-11D3-BF4B-00C04F79EFBC}") = "ZwCa.Built", "src\Built\ZwCa.Built.csproj", "{A}"
            EndProject
            Project("{FAE04EC0-301F-11D3-BF4B-00C04F79EFBC}") = "ZwCa.Idle", "src\Idle\ZwCa.Idle.csproj", "{B}"
            EndProject
            Project("{FAE04EC0-301F-11D3-BF4B-00C04F79EFBC}") = "ZwCa.Gone", "src\Gone\ZwCa.Gone.csproj", "{C}"
            EndProject
            	{A}.Debug|Any CPU.Build.0 = Debug|Any CPU
            	{A}.Release|Any CPU.Build.0 = Release|Any CPU
            	{C}.Debug|Any CPU.Build.0 = Debug|Any CPU
            	{C}.Release|Any CPU.Build.0 = Release|Any CPU
            """;

        Assert.Equal(
            [
                "src/New/ZwCa.New.csproj is not in ZwCa.sln.",
                "src/Gone/ZwCa.Gone.csproj is in ZwCa.sln but not in the tree.",
                "src/Idle/ZwCa.Idle.csproj is not built in configuration Debug.",
                "src/Idle/ZwCa.Idle.csproj is not built in configuration Release.",
            ],
            Check(solution, ["src/Built/ZwCa.Built.csproj", "src/Idle/ZwCa.Idle.csproj", "src/New/ZwCa.New.csproj"]));
    }

    private static IEnumerable<string> Check(string solution, IEnumerable<string> tree)
    {
        Dictionary<string, string> ids = ProjectLine().Matches(solution)
            .ToDictionary(match => match.Groups["path"].Value.Replace('\\', '/'), match => match.Groups["id"].Value);
        string[] files = [.. tree];
        return files.Except(ids.Keys).Select(file => $"{file} is not in ZwCa.sln.")
            .Concat(ids.Keys.Except(files).Select(file => $"{file} is in ZwCa.sln but not in the tree."))
            .Concat(
                from id in ids
                from configuration in new[] { "Debug", "Release" }
                where !solution.Contains($"{id.Value}.{configuration}|Any CPU.Build.0")
                select $"{id.Key} is not built in configuration {configuration}.");
    }

    [GeneratedRegex("""^Project\("[^"]*"\) = "[^"]*", "(?<path>[^"]*\.csproj)", "(?<id>[^"]*)"\r?$""", RegexOptions.Multiline)]
    private static partial Regex ProjectLine();
}
