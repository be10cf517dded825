using ZwCa.Admin.Programs;
using ZwCa.Tests.Architecture;

namespace ZwCa.Tests.Admin.Programs;

/// <summary>The units that operators copy, and the program that starts what they start.</summary>
public sealed class UnitTests
{
    public static TheoryData<string> All => [.. ServicePrograms.Roles];

    [Theory]
    [MemberData(nameof(All))]
    public void AUnitStartsItsProgram_AndMayNothingElse(string role)
    {
        string[] lines = RepositoryTree.ReadText($"docs/deploy/zwca-{role}.service").Split('\n', StringSplitOptions.TrimEntries);
        string name = role == ServicePrograms.HsmSim ? role : $"zwca-{role}";

        Assert.Contains(lines, line => line.StartsWith($"ExecStart=/opt/zwca/{role}/{name} ", StringComparison.Ordinal));
        Assert.Contains($"User=zwca-{role}", lines);
        string[] hardened =
        [
            "NoNewPrivileges=yes", "CapabilityBoundingSet=", "ProtectSystem=strict", "ProtectHome=yes", "PrivateTmp=yes", "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
            "RestrictNamespaces=yes", "SystemCallFilter=@system-service", "UMask=0077", "LimitCORE=0", "MemoryDenyWriteExecute=no",
        ];
        Assert.Empty(hardened.Except(lines));
    }

    /// <summary>As in a build: without a runtime beside it, it gets this process's.</summary>
    [Fact]
    public void AProgramWithoutARuntime_GetsTheOneThatRuns()
    {
        System.Diagnostics.ProcessStartInfo start = ServicePrograms.Start("ca", ["migrate"]);

        Assert.True(File.Exists(start.FileName), start.FileName);
        Assert.Equal("dotnet", Path.GetFileNameWithoutExtension(start.FileName));
        Assert.Equal([Path.Combine(AppContext.BaseDirectory, "ca", "zwca-ca.dll"), "migrate"], start.ArgumentList);
    }
}
