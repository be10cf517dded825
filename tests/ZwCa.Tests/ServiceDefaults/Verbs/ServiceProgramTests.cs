using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Verbs;

namespace ZwCa.Tests.ServiceDefaults.Verbs;

public sealed class ServiceProgramTests : IDisposable
{
    private const string PasswordVariable = "ZWCA_TEST_LINK_PASSWORD";

    private readonly TemporaryFolder _folder = new();
    private readonly SystemCa _ca = new();

    public ServiceProgramTests()
    {
        Environment.SetEnvironmentVariable(PasswordVariable, "link-password");
        using X509Certificate2 link = _ca.Issue("sample");
        SystemCa.Write(link, _folder.File("link.pem"), _folder.File("link.key"), "link-password");
        File.WriteAllText(_folder.File("ca.pem"), _ca.Certificate.ExportCertificatePem());
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        _ca.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(0, "Usage", "--help")]
    [InlineData(2, "Try --help", "no-such-verb")]
    [InlineData(2, "Try --help", "--no-such-option")]
    [InlineData(1, "cannot be read", "--config", "/nowhere/at-all.json")]
    [InlineData(1, "cannot be read", "migrate", "--config", "/nowhere/at-all.json")]
    [InlineData(1, "cannot be read", "check-config", "--config", "/nowhere/at-all.json")]
    public async Task ExitCodesSayWhetherTheCommandLineWasWrong(int code, string said, params string[] args)
    {
        (int result, string output) = await RunAsync(null, args);

        Assert.Equal(code, result);
        Assert.Contains(said, output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MigrateThenCheckThenRun()
    {
        string config = Write();

        (int early, string told) = await RunAsync(null, "check-config", "--config", config);
        Assert.Equal(1, early);
        Assert.Contains("FAILED database: ", told, StringComparison.Ordinal);

        (int migrated, string applied) = await RunAsync(null, "migrate", "--config", config);
        Assert.Equal(0, migrated);
        Assert.Contains("applied service/0001_registered_client.sql", applied, StringComparison.Ordinal);
        Assert.Contains("nothing to do", (await RunAsync(null, "migrate", "--config", config)).Output, StringComparison.Ordinal);

        (int good, string checks) = await RunAsync(null, "check-config", "--config", config);
        Assert.True(good == 0, checks);
        Assert.Equal(["configuration", "mode", "system CA", "link certificate", "database", "HSM", "addresses"], checks.Trim().Split('\n').Select(line => line.Replace("ok     ", "", StringComparison.Ordinal)));
    }

    /// <summary>A service's own verbs: the service is built for them, and not started.</summary>
    [Fact]
    public async Task AServiceHasVerbsOfItsOwn()
    {
        string config = Write();
        SampleSetup Setup() => new()
        {
            Verbs =
            [
                new ServiceVerb(new Command("things", "Things."))
                {
                    Verbs =
                    [
                        new ServiceVerb(new Command("count", "Counts them."))
                        {
                            RunAsync = async (context, _) =>
                            {
                                await context.Output.WriteLineAsync($"of {context.Services.GetRequiredService<ServiceOptions>().Name}");
                                return 3;
                            },
                        },
                        new ServiceVerb(new Command("refuse", "Refuses.")) { RunAsync = (_, _) => throw new RefusalException(Refusal.WrongState, "不行。") },
                    ],
                },
            ],
        };

        (int counted, string said) = await RunAsync(Setup(), "things", "count", "--config", config);
        (int refused, string why) = await RunAsync(Setup(), "things", "refuse", "--config", config);
        (int misused, _) = await RunAsync(Setup(), "things", "--config", config);

        Assert.Equal((3, 1, 2), (counted, refused, misused));
        Assert.Contains("of sample", said, StringComparison.Ordinal);
        Assert.Contains("不行。", why, StringComparison.Ordinal);
    }

    /// <summary>On PostgreSQL one role migrates and grants, another serves.</summary>
    [Fact]
    public async Task MigrateLetsTheServicesRoleIn()
    {
        Requires.Condition(TestDatabase.IsHere(DatabaseKind.PostgreSql), "a PostgreSQL (ZWCA_TEST_POSTGRES)");
        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql);
        string role = "zwca-test-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        string asRole = new NpgsqlConnectionStringBuilder(test.Options.ConnectionString) { Username = role, Password = role, Pooling = false }.ToString();
        await using NpgsqlDataSource owner = NpgsqlDataSource.Create(test.Options.ConnectionString);

        // The tables are made; the role is not there.
        (int early, string told) = await MigrateAsync();
        Assert.Equal(1, early);
        Assert.Contains("applied service/", told, StringComparison.Ordinal);
        Assert.DoesNotContain("granted to", told, StringComparison.Ordinal);

        await ExecuteAsync(owner, $"CREATE ROLE \"{role}\" LOGIN PASSWORD '{role}'");
        try
        {
            (int refused, _) = await RunAsync(null, "check-config", "--config", WriteFor(asRole));
            Assert.Equal(1, refused);

            (int code, string output) = await MigrateAsync();
            Assert.True(code == 0, output);
            Assert.EndsWith($"granted to {role}\n", output.ReplaceLineEndings("\n"), StringComparison.Ordinal);

            (int good, string checks) = await RunAsync(null, "check-config", "--config", WriteFor(asRole));
            Assert.True(good == 0, checks);
            await using (NpgsqlDataSource service = NpgsqlDataSource.Create(asRole))
            {
                await ExecuteAsync(service, "DELETE FROM registered_client");
                PostgresException e = await Assert.ThrowsAsync<PostgresException>(() => ExecuteAsync(service, "DELETE FROM audit_event"));
                Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, e.SqlState);
            }

            await ExecuteAsync(owner, $"ALTER ROLE \"{role}\" SUPERUSER");
            (int tooMuch, string why) = await MigrateAsync();
            Assert.Equal(1, tooMuch);
            Assert.Contains("Nothing was granted: ", why, StringComparison.Ordinal);
        }
        finally
        {
            await ExecuteAsync(owner, $"DROP OWNED BY \"{role}\"; DROP ROLE \"{role}\"");
        }

        Task<(int Code, string Output)> MigrateAsync() => RunAsync(null, "migrate", "--grant", role, "--config", WriteFor(test.Options.ConnectionString));

        string WriteFor(string connection) =>
            Write(service => service["Database"] = new JsonObject { ["Kind"] = nameof(DatabaseKind.PostgreSql), ["ConnectionString"] = connection });

        static async Task ExecuteAsync(NpgsqlDataSource source, string statement)
        {
            await using NpgsqlCommand command = source.CreateCommand(statement);
            await command.ExecuteNonQueryAsync(Cancellation);
        }
    }

    [Theory]
    [InlineData("zwca", "SQLite has no roles")]
    [InlineData("zwca; DROP TABLE x", "make the name of a role")]
    public async Task MigrateGrantsNothing_WhereThereIsNoSuchThing(string role, string said)
    {
        (int code, string output) = await RunAsync(null, "migrate", "--grant", role, "--config", Write());

        Assert.Equal(1, code);
        Assert.Contains("Nothing was granted: ", output, StringComparison.Ordinal);
        Assert.Contains(said, output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AServiceThatDoesNotPassItsChecksDoesNotStart()
    {
        (int code, string output) = await RunAsync(null, "--config", Write());

        Assert.Equal(1, code);
        Assert.Contains("database: ", output, StringComparison.Ordinal);
    }

    public static TheoryData<string, string> Wrong => new()
    {
        { "no name", "Service:Name must be" },
        { "unknown setting", "Linsten" },
        { "public management", "Service:Management must be ADDRESS:PORT on loopback" },
        { "no password", "is not" },
        { "limit", "Service:Limits:Connections must be" },
        { "open key", "FAILED link certificate: " },
        { "another CA", "FAILED link certificate: The others would not believe it" },
        { "production without password", "FAILED mode: The link key has no password" },
        { "demo token", "FAILED HSM: Token ca is marked Demo" },
        { "no backup", "FAILED HSM: Token ca has no backup" },
        { "old backup", "FAILED HSM: Token ca has 2 keys that were made after its last backup" },
        { "hsm away", "FAILED HSM: The device is away." },
        { "own check", "FAILED profile: There is no profile." },
        { "demo system CA", "has the system CA of a demonstration" },
        { "port in use", "FAILED addresses: Service:Listen: 127.0.0.1:" },
        { "one port for two", "FAILED addresses: Service:Listen: 127.0.0.1:" },
        { "own setting", "FAILED configuration: Sample:Things must be 1 to 9." },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task CheckConfigSaysWhatIsWrong(string wrong, string said)
    {
        var setup = new SampleSetup
        {
            Add = builder => builder.Services.AddSingleton(wrong switch
            {
                "own setting" => throw new ConfigurationException(["Sample:Things must be 1 to 9."]),
                "demo token" => ProxyHsm.Create(marks: StoreMarks.Demo, lastBackup: DateTimeOffset.UtcNow),
                "no backup" => ProxyHsm.Create(keysWithoutBackup: 1),
                "old backup" => ProxyHsm.Create(lastBackup: DateTimeOffset.UtcNow, keysWithoutBackup: 2),
                _ => ProxyHsm.Create(away: wrong == "hsm away"),
            }),
            Checks = wrong == "own check" ? [new StartCheck("profile", (_, _) => throw new StartCheckException("There is no profile."))] : [],
        };
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        string config = Write(service => Spoil(service, wrong, (IPEndPoint)other.LocalEndpoint));
        await RunAsync(setup, "migrate", "--config", config);

        (int code, string output) = await RunAsync(setup, "check-config", "--config", config);

        Assert.Equal(1, code);
        Assert.Contains(said, output, StringComparison.Ordinal);
        Assert.Equal(1, output.Split("FAILED").Length - 1);
    }

    /// <summary>Whoever writes a section's name wrongly would otherwise run with all that it was to change as it comes.</summary>
    [Theory]
    [InlineData("{\"Service\": {}, \"Sampel\": {}, \"sample\": {}}", "FAILED configuration: Sampel is no section of this service's configuration: it has Service and Sample.")]
    [InlineData("{\n  \"Service\": {\n    \"Name\": nobody\n  }\n}", "is not the JSON that is expected, line 3.")]
    [InlineData("{}", "FAILED configuration: Section Service is missing.")]
    [InlineData("{\"Service\": {\"Limits\": {\"Connections\": \"many\"}}}", "FAILED configuration: Service:Limits:Connections has a value that is no Int32.")]
    [InlineData("{\"Service\": {\"Database\": \"Host=db;Password='link-password' at 'x'\"}}", "FAILED configuration: Service:Database has a value that is no DatabaseOptions.")]
    [InlineData("{\"Service\": {\"Linsten\": \"link-password\"}}", "FAILED configuration: There is no setting 'Linsten' (in ServiceOptions).")]
    public async Task WhatIsNoConfiguration_IsNamed(string text, string said)
    {
        string config = _folder.File("config.json");
        await File.WriteAllTextAsync(config, text, Cancellation);

        (int code, string output) = await RunAsync(new SampleSetup { Section = "Sample" }, "check-config", "--config", config);

        Assert.Equal(1, code);
        Assert.Contains(said, output, StringComparison.Ordinal);
        Assert.DoesNotContain("ok ", output, StringComparison.Ordinal);
        Assert.DoesNotContain("link-password", output, StringComparison.Ordinal);
    }

    /// <summary>In a process of its own, for the variable is the process's.</summary>
    [Fact]
    public void AFaultPointInProductionIsRefused_InAnotherProcess() => ChildRun.Run(
        ["-method", $"{typeof(ServiceProgramTests).FullName}.{nameof(WithAFaultPointAProductionServiceDoesNotStart)}"], [(FaultPoint.Variable, "never-reached")]);

    /// <summary>Without the variable there is nothing to refuse, and it says so by passing.</summary>
    [Fact]
    public async Task WithAFaultPointAProductionServiceDoesNotStart()
    {
        bool armed = Environment.GetEnvironmentVariable(FaultPoint.Variable) is not null;
        string config = Write();
        await RunAsync(null, "migrate", "--config", config);

        (int code, string output) = await RunAsync(null, "check-config", "--config", config);

        Assert.True(code == (armed ? 1 : 0), output);
        Assert.Equal(armed, output.Contains($"FAILED mode: {FaultPoint.Variable} is set", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ItRunsUntilItIsTold()
    {
        string config = Write();
        await RunAsync(null, "migrate", "--config", config);
        var started = new TaskCompletionSource();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var setup = new SampleSetup { Map = app => app.Lifetime.ApplicationStarted.Register(started.SetResult) };

        Task<(int Code, string Output)> run = RunAsync(setup, stop.Token, "--config", config);
        await started.Task.WaitAsync(TimeSpan.FromMinutes(1), Cancellation);
        await stop.CancelAsync();

        Assert.Equal((0, ""), await run);
    }

    private static Task<(int Code, string Output)> RunAsync(SampleSetup? setup, params string[] args) => RunAsync(setup, Cancellation, args);

    private static async Task<(int Code, string Output)> RunAsync(SampleSetup? setup, CancellationToken cancellationToken, params string[] args)
    {
        using var output = new StringWriter();
        int code = await SampleService.Program(setup ?? new SampleSetup()).RunAsync(args, output, output, cancellationToken);
        return (code, output.ToString());
    }

    private string Write(Action<JsonObject>? change = null)
    {
        var service = new JsonObject
        {
            ["Name"] = "sample",
            ["Listen"] = "127.0.0.1:0",
            ["Management"] = "127.0.0.1:0",
            ["Link"] = new JsonObject
            {
                ["CertificateFile"] = _folder.File("link.pem"),
                ["KeyFile"] = _folder.File("link.key"),
                ["PasswordVariable"] = PasswordVariable,
                ["SystemCaFile"] = _folder.File("ca.pem"),
            },
            ["Database"] = new JsonObject { ["ConnectionString"] = $"Data Source={_folder.File("sample.db")}" },
        };
        change?.Invoke(service);
        File.WriteAllText(_folder.File("config.json"), new JsonObject { ["Service"] = service }.ToJsonString(JsonSerializerOptions.Web));
        return _folder.File("config.json");
    }

    /// <param name="taken">Where somebody listens.</param>
    private void Spoil(JsonObject service, string wrong, IPEndPoint taken)
    {
        var link = (JsonObject)service["Link"]!;
        switch (wrong)
        {
            case "no name":
                service.Remove("Name");
                break;
            case "unknown setting":
                service["Linsten"] = "127.0.0.1:1";
                break;
            case "public management":
                service["Management"] = "0.0.0.0:0";
                break;
            case "no password":
                link["PasswordVariable"] = "ZWCA_TEST_NOT_SET";
                break;
            case "limit":
                service["Limits"] = new JsonObject { ["Connections"] = 0 };
                break;
            case "open key" when !OperatingSystem.IsWindows():
                File.SetUnixFileMode(_folder.File("link.key"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
                break;
            case "another CA":
                using (var other = new SystemCa())
                {
                    File.WriteAllText(_folder.File("ca.pem"), other.Certificate.ExportCertificatePem());
                }

                break;
            case "demo system CA":
                using (var demo = new SystemCa("政务CA 系统 演示 DEMO"))
                using (X509Certificate2 own = demo.Issue("sample"))
                {
                    File.WriteAllText(_folder.File("ca.pem"), demo.Certificate.ExportCertificatePem());
                    SystemCa.Write(own, _folder.File("link.pem"), _folder.File("link.key"), "link-password");
                }

                break;
            case "port in use":
                service["Listen"] = taken.ToString();
                break;
            case "one port for two":
                service["Listen"] = $"127.0.0.1:{CaProcess.FreePort()}";
                service["Management"] = (string)service["Listen"]!;
                break;
            case "production without password":
                link.Remove("PasswordVariable");
                using (X509Certificate2 plain = _ca.Issue("sample"))
                {
                    SystemCa.Write(plain, _folder.File("link.pem"), _folder.File("link.key"), null);
                }

                break;
        }
    }
}
