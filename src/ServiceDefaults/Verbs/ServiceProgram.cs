using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.ServiceDefaults.Configuration;

namespace ZwCa.ServiceDefaults.Verbs;

/// <summary>
/// A service's program: without a verb it runs the service until SIGTERM or SIGINT; <c>migrate</c> and <c>check-config</c>. Exit codes: 0 done;
/// 1 refused or failed, with the reason on stderr; 2 the command line is wrong.
/// </summary>
public sealed class ServiceProgram
{
    private const int Failed = 1;
    private const int Misused = 2;

    /// <summary>One line: what the service is for.</summary>
    public required string Description { get; init; }

    /// <summary>Of its configuration, besides that of all services. Null: whatever else is in the file is not looked at.</summary>
    public string? Section { get; init; }

    /// <summary>Tables of its own and of the libraries above data, audit and service, in the order in which they need each other.</summary>
    public IReadOnlyList<MigrationSet> Tables { get; init; } = [];

    /// <summary>Else it keeps nothing, nobody has links to it, and there is no <c>migrate</c>.</summary>
    public bool HasDatabase { get; init; } = true;

    /// <summary>Registers what is the service's own. Runs before the defaults.</summary>
    public required Action<WebApplicationBuilder, ServiceOptions> Add { get; init; }

    /// <summary>Maps its endpoints.</summary>
    public required Action<WebApplication> Map { get; init; }

    /// <summary>What has to be right before it starts, besides what all services check.</summary>
    public IReadOnlyList<StartCheck> Checks { get; init; } = [];

    /// <summary>What the program does besides.</summary>
    public IReadOnlyList<ServiceVerb> Verbs { get; init; } = [];

    private IReadOnlyList<MigrationSet> AllTables => [MigrationSet.Data, AuditLog.Migrations, ServiceTables.Migrations, .. Tables];

    /// <summary>For <c>Program.cs</c>: <c>return await program.RunAsync(args);</c></summary>
    public Task<int> RunAsync(string[] args)
    {
        Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        return RunAsync(args, Console.Out, Console.Error);
    }

    /// <param name="output">For results, and for the log of a running service.</param>
    /// <param name="error">For the reasons of exit codes 1 and 2.</param>
    public async Task<int> RunAsync(string[] args, TextWriter output, TextWriter error, CancellationToken cancellationToken = default)
    {
        var file = new Option<FileInfo>("--config")
        {
            Description = $"Configuration, JSON. Environment variables override it: {ServiceConfiguration.EnvironmentPrefix}{ServiceOptions.Section}__Listen.",
            DefaultValueFactory = _ => new FileInfo("appsettings.json"),
            Recursive = true,
        };
        var role = new Option<string?>("--grant")
        {
            Description = "The role that the service connects as; lets it into the tables, and no further than it needs. Not on SQLite.",
            HelpName = "ROLE",
        };
        var migrate = new Command("migrate", "Brings the database to this program's version.") { role };
        var check = new Command("check-config", "Looks at everything that has to be right before the service starts.");
        var untilStdinCloses = new Option<bool>("--until-stdin-closes") { Description = "Ends when standard input does: with the process that started this one." };
        var root = new RootCommand($"{Description} Without a verb: runs the service.") { file, untilStdinCloses, check };
        if (HasDatabase)
        {
            root.Add(migrate);
        }

        foreach (ServiceVerb verb in Verbs)
        {
            root.Add(Prepare(verb, file, output, error));
        }

        root.SetAction((parsed, cancellation) =>
            RunServiceAsync(parsed.GetRequiredValue(file).FullName, parsed.GetValue(untilStdinCloses) ? Console.In : null, output, error, cancellation));
        migrate.SetAction((parsed, cancellation) => MigrateAsync(parsed.GetRequiredValue(file).FullName, parsed.GetValue(role), output, error, cancellation));
        check.SetAction((parsed, cancellation) => CheckAsync(parsed.GetRequiredValue(file).FullName, output, cancellation));

        ParseResult result = root.Parse(args);
        if (result.Errors.Count > 0)
        {
            foreach (ParseError each in result.Errors)
            {
                await error.WriteLineAsync(each.Message);
            }

            await error.WriteLineAsync("Try --help.");
            return Misused;
        }

        try
        {
            // The host ends in order by itself; the library's own time-out would cut that short.
            return await result.InvokeAsync(
                new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null },
                cancellationToken);
        }
        catch (ConfigurationException e)
        {
            foreach (string reason in e.Reasons)
            {
                await error.WriteLineAsync(reason);
            }

            return Failed;
        }
        catch (Exception e) when (e is DatabaseVersionException or System.Data.Common.DbException or IOException or Links.LinkCertificateException
            or RefusalException or HsmException or StartCheckException)
        {
            await error.WriteLineAsync(e.Message.ReplaceLineEndings(" "));
            return Failed;
        }
    }

    /// <summary>The service, built and not started.</summary>
    /// <exception cref="ConfigurationException">A setting is wrong.</exception>
    public WebApplication Build(ServiceOptions options, IConfiguration? configuration, TextWriter log)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = Environments.Production });

        // Only what the operator named: no file beside the program, no variable of another program.
        builder.Configuration.Sources.Clear();
        if (configuration is not null)
        {
            builder.Configuration.AddConfiguration(configuration);
        }

        Add(builder, options);
        builder.AddServiceDefaults(options, HasDatabase ? AllTables : null, log);
        WebApplication app = builder.Build();
        app.UseServiceDefaults();
        Map(app);
        return app;
    }

    /// <summary>The service is built, and not started, for each verb that does something.</summary>
    private Command Prepare(ServiceVerb verb, Option<FileInfo> file, TextWriter output, TextWriter error)
    {
        foreach (ServiceVerb below in verb.Verbs)
        {
            verb.Command.Add(Prepare(below, file, output, error));
        }

        if (verb.RunAsync is { } run)
        {
            verb.Command.SetAction(async (parsed, cancellation) =>
            {
                IConfigurationRoot configuration = Load(parsed.GetRequiredValue(file).FullName);
                await using WebApplication app = Build(ServiceConfiguration.Read(configuration, HasDatabase), configuration, TextWriter.Null);
                return await run(new VerbContext(parsed, app.Services, output, error), cancellation);
            });
        }

        return verb.Command;
    }

    /// <param name="until">Its end is the service's. Null: only a signal ends it.</param>
    private async Task<int> RunServiceAsync(string file, TextReader? until, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        IConfigurationRoot configuration = Load(file);
        await using WebApplication app = Build(ServiceConfiguration.Read(configuration, HasDatabase), configuration, output);
        IReadOnlyList<(string Name, string? Wrong)> results = await CheckAllAsync(app, cancellationToken);
        foreach ((string name, string? wrong) in results.Where(each => each.Wrong is not null))
        {
            await error.WriteLineAsync($"{name}: {wrong}");
        }

        if (results.Any(each => each.Wrong is not null))
        {
            return Failed;
        }

        await app.StartAsync(cancellationToken);
        if (until is not null)
        {
            // A thread of its own: reading the console blocks.
            _ = Task.Factory.StartNew(() => EndWith(until, app.Lifetime), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }

        await app.WaitForShutdownAsync(cancellationToken);
        return 0;
    }

    private static void EndWith(TextReader input, IHostApplicationLifetime lifetime)
    {
        while (input.Read() >= 0)
        {
            // Whatever is said there has no meaning.
        }

        lifetime.StopApplication();
    }

    private async Task<int> MigrateAsync(string file, string? role, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        ServiceOptions options = ServiceConfiguration.Read(Load(file));
        await using var database = new Database(options.Database);
        var migrator = new Migrator(database, AllTables, TimeProvider.System);
        IReadOnlyList<string> applied = await migrator.MigrateAsync(cancellationToken);
        foreach (string name in applied)
        {
            await output.WriteLineAsync($"applied {name}");
        }

        await output.WriteLineAsync(applied.Count == 0 ? "nothing to do" : "done");
        if (role is null)
        {
            return 0;
        }

        try
        {
            await migrator.GrantAsync(role, cancellationToken);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException or InvalidOperationException)
        {
            await error.WriteLineAsync($"Nothing was granted: {e.Message}");
            return Failed;
        }

        await output.WriteLineAsync($"granted to {role}");
        return 0;
    }

    private async Task<int> CheckAsync(string file, TextWriter output, CancellationToken cancellationToken)
    {
        WebApplication built;
        try
        {
            IConfigurationRoot configuration = Load(file);
            built = Build(ServiceConfiguration.Read(configuration, HasDatabase), configuration, TextWriter.Null);
        }
        catch (ConfigurationException e)
        {
            foreach (string reason in e.Reasons)
            {
                await output.WriteLineAsync($"FAILED configuration: {reason}");
            }

            return Failed;
        }

        await using WebApplication app = built;
        await output.WriteLineAsync("ok     configuration");
        IReadOnlyList<(string Name, string? Wrong)> results = await CheckAllAsync(app, cancellationToken);
        foreach ((string name, string? wrong) in results)
        {
            await output.WriteLineAsync(wrong is null ? $"ok     {name}" : $"FAILED {name}: {wrong}");
        }

        return results.All(each => each.Wrong is null) ? 0 : Failed;
    }

    private IConfigurationRoot Load(string file)
    {
        IConfigurationRoot configuration = ServiceConfiguration.Load(file);
        if (Section is { } section)
        {
            ServiceConfiguration.RequireKnown(configuration, section);
        }

        return configuration;
    }

    private async Task<IReadOnlyList<(string Name, string? Wrong)>> CheckAllAsync(WebApplication app, CancellationToken cancellationToken)
    {
        var results = new List<(string, string?)>();
        foreach (StartCheck check in (IEnumerable<StartCheck>)[.. StartChecks.All, .. Checks])
        {
            try
            {
                await check.Run(app.Services, cancellationToken);
                results.Add((check.Name, null));
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                // Whatever it is: the operator reads it here.
                results.Add((check.Name, e.Message.ReplaceLineEndings(" ")));
            }
        }

        return results;
    }
}
