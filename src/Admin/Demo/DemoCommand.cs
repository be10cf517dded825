using System.CommandLine;
using System.Data.Common;
using System.Globalization;
using Spectre.Console;
using ZwCa.Admin.Ceremony;
using ZwCa.Admin.Programs;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Hsm;

namespace ZwCa.Admin.Demo;

/// <summary><c>zwca demo</c>: a province's whole system on this machine, from the ceremony to the tokens of its first few hundred subscribers; then it keeps serving.</summary>
internal static class DemoCommand
{
    private const int MostCount = 5_000;
    private const int OpenSslMost = 40;

    /// <summary>Fewer would not do for what is revoked, held and lost.</summary>
    private const int FewestCount = 20;

    public static Command Demo()
    {
        var folder = new Option<DirectoryInfo>("--out", "--output", "-o")
        {
            Description = "Folder for everything: certificates, CRLs and OCSP answers for your own tools, and all state. Run again, the demo goes on with what is there.",
            DefaultValueFactory = _ => new DirectoryInfo("demo-out"),
        };
        var once = new Option<bool>("--once") { Description = "Ends when all was shown; the exit code is 0 only if every verification passed." };
        var count = new Option<int>("--count") { Description = $"Applicants in the sample file who are in order, {FewestCount} to {MostCount}.", DefaultValueFactory = _ => 200 };
        count.RequireWithin(FewestCount, MostCount);
        var json = new Option<bool>("--json") { Description = "The result as JSON on standard output; what a person reads goes to standard error." };
        var reset = new Option<bool>("--reset") { Description = "Deletes what an earlier demo left in the folder, and starts over." };
        var port = new Option<int?>("--port") { Description = "The first of the ports of loopback that the services listen on. Without it they are found." };
        port.RequireWithin(DemoPrerequisites.LowestPort, DemoPrerequisites.HighestPort);
        var csr = new Option<FileInfo[]>("--csr") { Description = "Certification requests made by other tools (PKCS #10, PEM or DER); their certificates are written to subscribers/.", AllowMultipleArgumentsPerToken = true };
        csr.AcceptExistingOnly();
        var demo = new Command("demo", "Starts device, KMC, CA, OCSP responder and a province's RA, imports applicants, issues their certificates, revokes and recovers, and verifies everything.")
        {
            folder, once, count, json, reset, port, csr,
        };
        demo.SetAction((parsed, cancellationToken) => RunAsync(
            new DemoOptions
            {
                Folder = parsed.GetRequiredValue(folder),
                Once = parsed.GetValue(once),
                Count = parsed.GetValue(count),
                Json = parsed.GetValue(json),
                Reset = parsed.GetValue(reset),
                Port = parsed.GetValue(port),
                Csrs = parsed.GetValue(csr) ?? [],
            },
            cancellationToken));
        return demo;
    }

    /// <returns>0 when every check came out as it should, else 1.</returns>
    private static async Task<int> RunAsync(DemoOptions options, CancellationToken cancellationToken)
    {
        DemoScreen.Begin(options.Json);
        try
        {
            DemoPrerequisites.Require(options);
            DemoFolder.Open(options.Folder, options.Reset);
            await ShowAsync(options, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            DemoScreen.Plain("\nInterrupted. Run again, the demo goes on from here; --reset starts over.");
            return 1;
        }
        catch (Exception e) when (
            e is DemoException or CeremonyException or RefusalException or HsmException or DbException or IOException or HttpRequestException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"The demo cannot go on: {e.Message}");
            return 1;
        }

        if (options.Json)
        {
            DemoScreen.WriteJson(options.Folder.FullName);
        }

        return DemoScreen.IsGood ? 0 : 1;
    }

    private static async Task ShowAsync(DemoOptions options, CancellationToken cancellationToken)
    {
        AnsiConsole.Write(new Rule("[bold]政务CA 演示 · ZWCA demo[/]"));
        AnsiConsole.MarkupLine("A province issues certificates to its civil servants: two for each, by the Chinese standards, with the keys of the CAs in a device of its own. Each part is a process, as in real life.");
        DemoState state = DemoState.Open(options.Folder, options.Port);
        if (state.IsHalfInstalled)
        {
            // What was begun of an installation is of no use to anybody; what was done with one that is whole, is gone on with.
            DemoFolder.Open(options.Folder, reset: true);
            state = DemoState.Open(options.Folder, options.Port);
        }

        await using DemoInstallation system = await DemoInstallation.StartAsync(options.Folder, state);
        cancellationToken.ThrowIfCancellationRequested();
        var output = new OutputFolder(options.Folder);
        await using DemoRecords records = await DemoRecords.OpenAsync(system.Ceremony, output, system.LogAnchor, Path.Combine(options.Folder.FullName, "services", "ca-before.db"));
        using SubscriberTokens tokens = SubscriberTokens.Open(new DirectoryInfo(Path.Combine(options.Folder.FullName, "tokens")), state.Pin);
        DemoParty entry = system.AtRa(DemoInstallation.Entry);
        var clerks = new DemoClerks(entry, system.AtRa(DemoInstallation.Review), state);

        // Step 1: one by hand, hundreds by file.
        EnrollmentAnswer counter = await new DemoCounter(clerks, system.AtRa(DemoInstallation.Counter), system.Ra.Tracking, state, tokens, output).RunAsync();
        cancellationToken.ThrowIfCancellationRequested();
        IReadOnlyList<BatchRowAnswer> rows = await new DemoBatch(clerks, state, tokens, output).RunAsync(options.Count);
        cancellationToken.ThrowIfCancellationRequested();
        EnrollmentAnswer[] enrollments = new EnrollmentAnswer[rows.Count];
        await Parallel.ForAsync(0, rows.Count, cancellationToken, async (i, _) => enrollments[i] = await entry.GetAsync<EnrollmentAnswer>($"/enrollments/{rows[i].Enrollment}"));

        // Step 2: what happens to some of them, and requests of other tools.
        var changes = new DemoChanges(clerks, state, tokens, output);
        await changes.RunAsync([.. enrollments.Where(each => each.Profile == DemoRa.Person)]);
        EnrollmentAnswer owner = enrollments.First(each => each.Profile == DemoRa.Organization);
        IReadOnlyList<(string File, EnrollmentAnswer Enrollment)> foreign = options.Csrs.Count == 0
            ? []
            : await new ForeignRequests(clerks, state, output).RunAsync(options.Csrs, owner.Subscriber.Id, owner.Region, new AgentRequest { Name = "钱七", IdNumber = "110101197001010091" });
        cancellationToken.ThrowIfCancellationRequested();

        // Step 3: whether all of it holds.
        var status = new DemoStatus(system, entry, tokens, output);
        status.ShowHierarchy();
        for (int i = 0; i < rows.Count; i++)
        {
            await status.AddAsync($"subscribers/{OutputFolder.NumberOf(rows[i].Row)}", enrollments[i], enrollments[i].Id, changes.Ended);
        }

        await status.AddAsync($"subscribers/{DemoCounter.Name}", counter, DemoCounter.Name, changes.Ended);
        await status.AddAsync($"subscribers/{DemoChanges.NewToken}", changes.Replacement!, DemoChanges.NewToken, changes.Ended);
        for (int i = 0; i < foreign.Count; i++)
        {
            await status.AddAsync(string.Create(CultureInfo.InvariantCulture, $"subscribers/csr-{i + 1}"), foreign[i].Enrollment, null, changes.Ended);
        }

        status.ShowCertificates();
        status.ShowOpenSsl(OpenSslMost);
        await status.ShowOcspAsync();
        await status.ShowCrlsAsync(system.OrderCrlAsync);
        await records.ShowAsync();
        await status.ShowProvenAsync(enrollments);
        await DemoDoctor.ShowAsync(system, [output.PathOf($"subscribers/{OutputFolder.NumberOf(rows[^1].Row)}-sign.pem")]);
        await DemoTerminal.ShowAsync(system);
        output.WriteIndex();
        cancellationToken.ThrowIfCancellationRequested();
        End(options, system);
        if (!options.Once)
        {
            await WaitAsync(cancellationToken);
        }

        DemoScreen.Open("The end · 结束", "Every process answers what it has begun, and ends.");
        system.Stop();
        AnsiConsole.MarkupLine(DemoScreen.IsGood ? $"\n[green]All checks passed[/] in {DemoScreen.Elapsed.TotalSeconds:F0} s." : "\n[red]A check failed.[/]");
    }

    private static void End(DemoOptions options, DemoInstallation system)
    {
        string folder = Path.GetRelativePath(Environment.CurrentDirectory, options.Folder.FullName);
        string person = $"subscribers/{OutputFolder.NumberOf(options.Count)}";
        DemoScreen.Open("What to try next · 接下来", "Everything lies in files that any tool reads; index.json says what each is, and what to expect of it.");
        string[] lines =
        [
            "",
            $"Files        {folder}: ca/ subscribers/ crl/ ocsp/ log/ index.json",
            "Look         " + $"openssl x509 -in {folder}/{person}-sign.pem -noout -text -nameopt utf8,sep_comma_plus_space",
            "Judge        " + $"dotnet run -c Release --project src/Admin -- lint {folder}/{person}-sign.pem",
            "Ceremony     " + $"dotnet run -c Release --project src/Admin -- ceremony verify {folder}/ceremony/output",
            "Log          " + $"python3 tests/verify-log.py {string.Join(' ', DemoRecords.ProofFiles.Select(name => $"{folder}/{name}"))}",
            "",
        ];
        string[] running =
        [
            $"OCSP         {system.Responder.Url}",
            $"CRLs         {system.Publication}",
            $"Tracking     {system.Ra.Tracking}tracking/NUMBER",
            $"Health       {string.Join("  ", system.Processes.Select(each => $"{each.Management}health/ready"))}",
            $"Tokens       of 房玄龄, 杜如晦, 李四, 王五 and 赵六 are in {folder}/officers; their PIN is in {folder}/officers/PIN",
            "As 房玄龄    " + $"dotnet run -c Release --project src/Admin -- command directory officers --config {folder}/officers/{DemoInstallation.First}.json",
            "As 李四      " + $"dotnet run -c Release --project src/Admin -- ra list --config {folder}/officers/{DemoInstallation.Entry}.json",
            "As 王五      " + $"dotnet run -c Release --project src/Admin -- ra list --state submitted --config {folder}/officers/{DemoInstallation.Review}.json",
            "",
        ];
        foreach (string line in options.Once ? lines : [.. lines[..^1], .. running])
        {
            DemoScreen.Plain(line);
        }

    }

    private static async Task WaitAsync(CancellationToken cancellationToken)
    {
        DemoScreen.Plain($"{(DemoScreen.IsGood ? "All checks passed" : "A CHECK FAILED")} in {DemoScreen.Elapsed.TotalSeconds:F0} s. The services go on until Ctrl-C.");
        await Task.WhenAny(Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken));
    }
}
