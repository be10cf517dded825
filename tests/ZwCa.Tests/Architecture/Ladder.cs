namespace ZwCa.Tests.Architecture;

/// <summary>One line of the ladder: everything that a project may name in its csproj file.</summary>
/// <param name="Name">Project name.</param>
/// <param name="Folder">Where it lives, relative to the repository root.</param>
internal sealed record Rung(string Name, string Folder)
{
    public string[] Projects { get; init; } = [];

    /// <summary>Projects that have to be built first because their programs are started as child processes.</summary>
    public string[] BuildsBefore { get; init; } = [];

    public string[] Packages { get; init; } = [];

    public bool AspNetCore { get; init; }
}

/// <summary>
/// Who may reference whom. Projects that do not exist yet have their line already; a package comes onto a line together with its
/// first use. Change it together with the architecture, not to make a build pass.
/// </summary>
internal static class Ladder
{
    /// <summary>Programs that run on their own and talk over the network. None links another.</summary>
    public static readonly string[] Services = ["ZwCa.Ca", "ZwCa.Kmc", "ZwCa.Ra", "ZwCa.Ocsp"];

    /// <summary>
    /// What must never meet, even where a line above were loosened: an RA that cannot link the code that builds certificates cannot
    /// be talked into issuing one, and algorithms and formats stay testable without database and network.
    /// </summary>
    public static readonly (string From, string To)[] Never =
    [
        ("ZwCa.Ra", "ZwCa.Issuance"),
        ("ZwCa.Kmc", "ZwCa.Issuance"),
        ("ZwCa.Asn1", "ZwCa.Data"),
        ("ZwCa.Hsm", "ZwCa.Data"),
        ("ZwCa.Issuance", "ZwCa.Data"),
        ("ZwCa.Validation", "ZwCa.Hsm"),
        .. from one in Services from other in Services where one != other select (one, other),
    ];

    private static readonly string[] TestRunner = ["Microsoft.NET.Test.Sdk", "xunit.v3", "xunit.runner.visualstudio"];

    private static readonly string[] Libraries =
    [
        "ZwCa.Cryptography", "ZwCa.Contracts", "ZwCa.Asn1", "ZwCa.Data", "ZwCa.Hsm", "ZwCa.Issuance", "ZwCa.Audit", "ZwCa.Validation",
        "ZwCa.Validation.AspNetCore", "ZwCa.Officers", "ZwCa.ServiceDefaults",
    ];

    public static readonly Rung[] Rungs =
    [
        // 0
        new("ZwCa.Cryptography", "src/Cryptography"),
        new("ZwCa.Contracts", "src/Contracts"),

        // 1
        new("ZwCa.Asn1", "src/Asn1") { Projects = ["ZwCa.Cryptography"] },
        new("ZwCa.Data", "src/Data")
        {
            Packages = ["Dapper", "Microsoft.Data.Sqlite.Core", "SQLitePCLRaw.bundle_e_sqlite3", "Npgsql", "Microsoft.Data.SqlClient"],
        },

        // 2
        new("ZwCa.Hsm", "src/Hsm") { Projects = ["ZwCa.Asn1", "ZwCa.Cryptography"] },

        // 3
        new("ZwCa.Issuance", "src/Issuance") { Projects = ["ZwCa.Asn1", "ZwCa.Hsm", "ZwCa.Contracts"] },
        new("ZwCa.Audit", "src/Audit") { Projects = ["ZwCa.Data", "ZwCa.Hsm"] },
        new("ZwCa.Validation", "src/Validation") { Projects = ["ZwCa.Asn1", "ZwCa.Cryptography"] },
        new("ZwCa.Validation.AspNetCore", "src/Validation.AspNetCore") { Projects = ["ZwCa.Validation"], AspNetCore = true },
        new("ZwCa.Officers", "src/Officers") { Projects = ["ZwCa.Asn1", "ZwCa.Data", "ZwCa.Audit", "ZwCa.Contracts"] },
        new("ZwCa.ServiceDefaults", "src/ServiceDefaults")
        {
            Projects = ["ZwCa.Contracts", "ZwCa.Audit", "ZwCa.Asn1", "ZwCa.Hsm", "ZwCa.Data"],
            Packages = ["OpenTelemetry", "OpenTelemetry.Exporter.OpenTelemetryProtocol", "System.CommandLine"],
            AspNetCore = true,
        },

        new("ZwCa.Jobs", "src/Jobs") { Projects = ["ZwCa.Data", "ZwCa.ServiceDefaults"], Packages = ["Quartz"], AspNetCore = true },

        new("ZwCa.OfficersApi", "src/OfficersApi")
        {
            Projects = ["ZwCa.Asn1", "ZwCa.Contracts", "ZwCa.Data", "ZwCa.Audit", "ZwCa.Officers", "ZwCa.ServiceDefaults"],
            Packages = ["Microsoft.AspNetCore.OpenApi"],
            AspNetCore = true,
        },

        // 4
        new("ZwCa.Ca", "src/Ca")
        {
            Projects = ["ZwCa.Issuance", "ZwCa.Hsm", "ZwCa.Data", "ZwCa.Audit", "ZwCa.Officers", "ZwCa.OfficersApi", "ZwCa.Contracts", "ZwCa.ServiceDefaults", "ZwCa.Jobs"],
            Packages = ["Quartz", "Microsoft.AspNetCore.OpenApi"],
            AspNetCore = true,
        },
        new("ZwCa.Kmc", "src/Kmc")
        {
            Projects = ["ZwCa.Asn1", "ZwCa.Hsm", "ZwCa.Data", "ZwCa.Audit", "ZwCa.Officers", "ZwCa.OfficersApi", "ZwCa.Contracts", "ZwCa.ServiceDefaults", "ZwCa.Jobs"],
            Packages = ["Quartz"],
            AspNetCore = true,
        },
        new("ZwCa.Ocsp", "src/Ocsp")
        {
            Projects = ["ZwCa.Asn1", "ZwCa.Issuance", "ZwCa.Hsm", "ZwCa.Data", "ZwCa.Contracts", "ZwCa.ServiceDefaults"],
            AspNetCore = true,
        },
        new("ZwCa.Ra", "src/Ra")
        {
            Projects = ["ZwCa.Asn1", "ZwCa.Hsm", "ZwCa.Data", "ZwCa.Audit", "ZwCa.Officers", "ZwCa.OfficersApi", "ZwCa.Contracts", "ZwCa.ServiceDefaults", "ZwCa.Jobs"],
            Packages = ["CsvHelper", "Quartz", "Microsoft.AspNetCore.OpenApi"],
            AspNetCore = true,
        },

        // 5
        new("ZwCa.Admin", "src/Admin")
        {
            Projects = Libraries,
            BuildsBefore = [.. Services, "ZwCa.HsmSim"],
            Packages = ["Spectre.Console", "System.CommandLine"],
        },
        new("ZwCa.HsmSim", "hsm-sim") { Projects = ["ZwCa.Cryptography", "ZwCa.Asn1", "ZwCa.Hsm"], Packages = ["System.CommandLine"] },

        // Tests may see everything; the unmaintained second opinion is theirs alone.
        new("ZwCa.Tests", "tests/ZwCa.Tests")
        {
            Projects = [.. Libraries, .. Services, "ZwCa.Admin", "ZwCa.HsmSim"],
            Packages = [.. TestRunner, "Portable.BouncyCastle"],
            AspNetCore = true,
        },
        new("ZwCa.Interop", "tests/ZwCa.Interop")
        {
            Projects = [.. Libraries, .. Services, "ZwCa.Admin", "ZwCa.HsmSim"],
            Packages = TestRunner,
            AspNetCore = true,
        },
        new("ZwCa.Stories", "tests/ZwCa.Stories")
        {
            Projects = [.. Libraries, .. Services, "ZwCa.Admin", "ZwCa.HsmSim"],
            Packages = TestRunner,
            AspNetCore = true,
        },
        new("ZwCa.Benchmarks", "tests/ZwCa.Benchmarks") { Projects = [.. Libraries, .. Services, "ZwCa.HsmSim"], AspNetCore = true },
    ];
}
