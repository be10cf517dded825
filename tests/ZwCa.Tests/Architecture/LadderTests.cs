namespace ZwCa.Tests.Architecture;

public class LadderTests
{
    private static ProjectFile[] Tree() => [.. RepositoryTree.Files(".csproj").Select(file => ProjectFile.Parse(file, RepositoryTree.ReadText(file)))];

    [Fact]
    public void EveryProjectKeepsToTheLadder()
    {
        ProjectFile[] projects = Tree();

        Assert.Contains(projects, project => project.Name == "ZwCa.Cryptography");
        Violations.AssertNone(LadderCheck.Violations(projects));
    }

    [Fact]
    public void TheLadderItselfKeepsApartWhatMustNeverMeet()
    {
        ProjectFile[] everythingAllowed =
        [
            .. Ladder.Rungs.Select(rung => Project(
                rung.Name, rung.Projects, packages: rung.Packages, buildsBefore: rung.BuildsBefore, web: rung.AspNetCore)),
        ];

        Violations.AssertNone(LadderCheck.Violations(everythingAllowed));
    }

    /// <summary>The check proven able to fail: each row is one project added to, or replacing one in, a tree without violations.</summary>
    [Theory]
    [MemberData(nameof(BrokenTrees))]
    public void ABrokenTree_IsFound(string broken, string expected)
    {
        Dictionary<string, ProjectFile> tree = Sound().ToDictionary(project => project.Name);
        Violations.AssertNone(LadderCheck.Violations(tree.Values));

        ProjectFile project = _broken[broken];
        tree[project.Name] = project;

        Assert.Contains(expected, LadderCheck.Violations(tree.Values));
    }

    public static TheoryData<string, string> BrokenTrees => new()
    {
        { "direct", "ZwCa.Ra must not reference ZwCa.Issuance." },
        { "direct", "ZwCa.Ra must never reach ZwCa.Issuance: ZwCa.Ra → ZwCa.Issuance." },
        { "transitive", "ZwCa.Officers must not reference ZwCa.Issuance." },
        { "transitive", "ZwCa.Ra must not reach ZwCa.Issuance: ZwCa.Ra → ZwCa.Officers → ZwCa.Issuance." },
        { "service to service", "ZwCa.Ra must not reference ZwCa.Ca." },
        { "service to service", "ZwCa.Ra must never reach ZwCa.Ca: ZwCa.Ra → ZwCa.Ca." },
        { "build order outside Admin", "ZwCa.Ra must not have ZwCa.Ca built before it." },
        { "package in the pure core", "ZwCa.Cryptography must not use package Portable.BouncyCastle." },
        { "package in the pure core", "ZwCa.Hsm must not reach package Portable.BouncyCastle: ZwCa.Hsm → ZwCa.Asn1 → ZwCa.Cryptography." },
        { "framework in the pure core", "ZwCa.Contracts must not use framework Microsoft.AspNetCore.App." },
        { "package reserved to tests", "ZwCa.Interop must not use package Portable.BouncyCastle." },
        { "unknown project", "src/Reports/ZwCa.Reports.csproj is not on the ladder." },
        { "misplaced project", "src/Other/ZwCa.Data.csproj belongs in src/Data." },
        { "product on tests", "ZwCa.Data must not reference ZwCa.Tests." },
        { "import", "ZwCa.Contracts hides references: Import ../extra.props." },
        { "assembly file", "ZwCa.Contracts hides references: Reference ../lib/x.dll." },
        { "wildcard", "ZwCa.Contracts hides references: ProjectReference ../*/*.csproj." },
        { "missing project", "ZwCa.Hsm references ZwCa.Gone, which is not in the tree: ZwCa.Hsm → ZwCa.Gone." },
    };

    private static readonly Dictionary<string, ProjectFile> _broken = new()
    {
        ["direct"] = Project("ZwCa.Ra", ["ZwCa.Officers", "ZwCa.Issuance"], web: true),
        ["transitive"] = Project("ZwCa.Officers", ["ZwCa.Data", "ZwCa.Issuance"]),
        ["service to service"] = Project("ZwCa.Ra", ["ZwCa.Officers", "ZwCa.Ca"], web: true),
        ["build order outside Admin"] = Project("ZwCa.Ra", ["ZwCa.Officers"], buildsBefore: ["ZwCa.Ca"], web: true),
        ["package in the pure core"] = Project("ZwCa.Cryptography", packages: ["Portable.BouncyCastle"]),
        ["framework in the pure core"] = Project("ZwCa.Contracts", web: true),
        ["package reserved to tests"] = Project("ZwCa.Interop", ["ZwCa.Asn1"], packages: ["xunit.v3", "Portable.BouncyCastle"]),
        ["unknown project"] = ProjectFile.Parse("src/Reports/ZwCa.Reports.csproj", """<Project Sdk="Microsoft.NET.Sdk" />"""),
        ["misplaced project"] = ProjectFile.Parse("src/Other/ZwCa.Data.csproj", """<Project Sdk="Microsoft.NET.Sdk" />"""),
        ["product on tests"] = Project("ZwCa.Data", ["ZwCa.Tests"]),
        ["import"] = WithItem("""<Import Project="../extra.props" />"""),
        ["assembly file"] = WithItem("""<Reference Include="../lib/x.dll" />"""),
        ["wildcard"] = WithItem("""<ProjectReference Include="../*/*.csproj" />"""),
        ["missing project"] = Project("ZwCa.Hsm", ["ZwCa.Asn1", "ZwCa.Gone"]),
    };

    private static ProjectFile[] Sound() =>
    [
        Project("ZwCa.Cryptography"),
        Project("ZwCa.Contracts"),
        Project("ZwCa.Asn1", ["ZwCa.Cryptography"]),
        Project("ZwCa.Data", packages: ["Dapper"]),
        Project("ZwCa.Hsm", ["ZwCa.Asn1"]),
        Project("ZwCa.Issuance", ["ZwCa.Asn1", "ZwCa.Hsm"]),
        Project("ZwCa.Officers", ["ZwCa.Data"]),
        Project("ZwCa.Ca", ["ZwCa.Issuance", "ZwCa.Officers"], packages: ["Quartz"], web: true),
        Project("ZwCa.Ra", ["ZwCa.Officers"], web: true),
        Project("ZwCa.Interop", ["ZwCa.Asn1"], packages: ["xunit.v3"]),
        Project("ZwCa.Tests", ["ZwCa.Asn1", "ZwCa.Cryptography"], packages: ["xunit.v3", "Portable.BouncyCastle"]),
        Project("ZwCa.Admin", ["ZwCa.Asn1", "ZwCa.Hsm"], buildsBefore: ["ZwCa.Ca", "ZwCa.Ra"]),
    ];

    private static ProjectFile WithItem(string item) =>
        ProjectFile.Parse("src/Contracts/ZwCa.Contracts.csproj", $"""<Project Sdk="Microsoft.NET.Sdk"><ItemGroup>{item}</ItemGroup></Project>""");

    /// <summary>Through the parser, so that it is tested with the rest.</summary>
    private static ProjectFile Project(
        string name, string[]? references = null, string[]? packages = null, string[]? buildsBefore = null, bool web = false)
    {
        string items = string.Concat(
        [
            .. (references ?? []).Select(other => $"""<ProjectReference Include="../X/{other}.csproj" />"""),
            .. (buildsBefore ?? []).Select(other => $"""<ProjectReference Include="..\X\{other}.csproj" ReferenceOutputAssembly="false" />"""),
            .. (packages ?? []).Select(package => $"""<PackageReference Include="{package}" />"""),
        ]);
        string folder = Ladder.Rungs.Single(rung => rung.Name == name).Folder;
        string sdk = web ? "Microsoft.NET.Sdk.Web" : "Microsoft.NET.Sdk";
        return ProjectFile.Parse($"{folder}/{name}.csproj", $"""<Project Sdk="{sdk}"><ItemGroup>{items}</ItemGroup></Project>""");
    }
}
