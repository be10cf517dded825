namespace ZwCa.Tests.Architecture;

public class BuildRulesTests
{
    [Fact]
    public void NoProjectLoosensTheRules() =>
        Violations.AssertNone(RepositoryTree.Files(".csproj", ".props", ".targets")
            .SelectMany(file => BuildRules.ProjectViolations(file, RepositoryTree.ReadText(file))));

    [Fact]
    public void NoSourceFileLoosensTheRules() =>
        Violations.AssertNone(RepositoryTree.Files(".cs").SelectMany(file => BuildRules.SourceViolations(file, RepositoryTree.ReadText(file))));

    [Fact]
    public void NoEditorConfigLowersADiagnosticWithoutAReason() =>
        Violations.AssertNone(RepositoryTree.Files(".editorconfig")
            .SelectMany(file => BuildRules.EditorConfigViolations(file, RepositoryTree.ReadText(file))));

    [Theory]
    [InlineData("<TreatWarningsAsErrors>false</TreatWarningsAsErrors>", "TreatWarningsAsErrors is false.")]
    [InlineData("<Nullable>disable</Nullable>", "Nullable is disable.")]
    [InlineData("<CheckForOverflowUnderflow>false</CheckForOverflowUnderflow>", "overflow is unchecked outside the arithmetic cores.")]
    [InlineData("<WarningsNotAsErrors>CS0618</WarningsNotAsErrors>", "WarningsNotAsErrors CS0618.")]
    [InlineData("<NoWarn>$(NoWarn);CS1234</NoWarn>", "CS1234 is suppressed and no comment beside it names it.")]
    [InlineData("<!-- CS1111 is noise here. --><NoWarn>CS1111;CS2222</NoWarn>", "CS2222 is suppressed and no comment beside it names it.")]
    public void ALoosenedProject_IsFound(string setting, string expected)
    {
        string xml = $"<Project><PropertyGroup>{setting}</PropertyGroup></Project>";

        Assert.Equal([$"src/X/ZwCa.X.csproj: {expected}"], BuildRules.ProjectViolations("src/X/ZwCa.X.csproj", xml));
    }

    [Fact]
    public void APackageSuppressingWarnings_IsFound() =>
        Assert.Single(BuildRules.ProjectViolations(
            "src/X/ZwCa.X.csproj", """<Project><ItemGroup><PackageReference Include="P" NoWarn="NU1605" /></ItemGroup></Project>"""));

    [Fact]
    public void AReferenceInAPropsFile_IsFound() =>
        Assert.Single(BuildRules.ProjectViolations(
            "src/Directory.Build.props", """<Project><ItemGroup><PackageReference Include="P" /></ItemGroup></Project>"""));

    [Theory]
    [InlineData("#nullable disable")]
    [InlineData("#pragma warning disable CS1234")]
    [InlineData("""[SuppressMessage("Category", "CA1234")]""")]
    public void ALoosenedSourceFile_IsFound(string line) => Assert.Single(BuildRules.SourceViolations("src/X/X.cs", $"using System;\n{line}\n"));

    [Theory]
    [InlineData("#pragma warning disable CS1234 // the reason")]
    [InlineData("""[SuppressMessage("Category", "CA1234", Justification = "the reason")]""")]
    public void AReasonedSuppression_Passes(string line) => Assert.Empty(BuildRules.SourceViolations("src/X/X.cs", $"using System;\n{line}\n"));

    [Fact]
    public void ALoweredDiagnostic_NeedsAReason()
    {
        Assert.Single(BuildRules.EditorConfigViolations(".editorconfig", "[*.cs]\ndotnet_diagnostic.CA1234.severity = none\n"));
        Assert.Empty(BuildRules.EditorConfigViolations(".editorconfig", "[*.cs]\n# the reason\ndotnet_diagnostic.CA1234.severity = none\n"));
    }
}
