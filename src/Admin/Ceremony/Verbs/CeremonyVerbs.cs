using System.CommandLine;
using System.Data.Common;
using Spectre.Console;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Officers;

namespace ZwCa.Admin.Ceremony;

/// <summary><c>zwca ceremony</c>. Exit codes as everywhere, and 3: it waits for signatures and goes on with the same command.</summary>
internal static class CeremonyVerbs
{
    private const int Waiting = 3;

    public static Command Ceremony()
    {
        var command = new Command("ceremony", "Makes hierarchies of CAs by a reviewed plan, with a transcript that witnesses sign: docs/CEREMONY.md.");
        command.Add(Check());
        command.Add(Run());
        command.Add(Verify());
        command.Add(ServiceVerbs.Request());
        command.Add(ServiceVerbs.Configure());
        command.Add(PlanVerbs.Plan());
        return command;
    }

    private static Argument<FileInfo> PlanArgument() => new("plan") { Description = "The plan (JSON)." };

    private static Option<DirectoryInfo?> BasisOption() => new("--basis") { Description = "Output of the ceremony that the plan goes on from." };

    private static Command Check()
    {
        Argument<FileInfo> plan = PlanArgument();
        Option<DirectoryInfo?> basis = BasisOption();
        var command = new Command("check", "Reads a plan, rehearses all of it with keys that are thrown away, shows every certificate, and prints the plan's hash. Changes nothing.") { plan, basis };
        command.SetAction((parsed, cancellationToken) => GuardAsync(async () =>
        {
            (PlanFile file, Basis? earlier) = Read(parsed.GetRequiredValue(plan), parsed.GetValue(basis));
            await RehearseAsync(file, earlier, cancellationToken);
            return 0;
        }));
        return command;
    }

    private static Command Run()
    {
        Argument<FileInfo> plan = PlanArgument();
        Option<DirectoryInfo?> basis = BasisOption();
        var output = new Option<DirectoryInfo>("--out", "-o") { Description = "Folder for the output: a new one, or that of this ceremony when it was interrupted.", Required = true };
        var confirm = new Option<string?>("--confirm") { Description = "The plan's hash, all 64 digits, as it was reviewed; without it the program asks for it." };
        var command = new Command("run", "Rehearses a plan, shows it, and carries it out. Interrupted, the same command goes on and makes nothing twice.") { plan, basis, output, confirm };
        command.SetAction((parsed, cancellationToken) => GuardAsync(async () =>
        {
            (PlanFile file, Basis? earlier) = Read(parsed.GetRequiredValue(plan), parsed.GetValue(basis));
            string folder = parsed.GetRequiredValue(output).FullName;
            if (!File.Exists(Path.Combine(folder, CeremonyFolder.JournalFile)))
            {
                await RehearseAsync(file, earlier, cancellationToken);
            }

            RequireConfirmation(file, parsed.GetValue(confirm));
            Console.WriteLine($"\nThe ceremony \"{file.Plan.Name}\" in {folder}");
            string? missing = await CeremonyRun.RunAsync(file, earlier, folder, TimeProvider.System, Console.WriteLine, cancellationToken);
            if (missing is not null)
            {
                Console.WriteLine($"\n{missing}");
                return Waiting;
            }

            var transcript = new CeremonyFolder(folder);
            Console.WriteLine(
                $"""

                All is made. The transcript's SM3 is {transcript.HashOf(CeremonyFolder.TranscriptFile)}: print it. {file.Plan.WitnessThreshold} of the witnesses sign it:
                  zwca token sign --token HIS_TOKEN --statement {transcript.PathOf(CeremonyFolder.TranscriptFile)} --out {transcript.PathOf(CeremonyFolder.SignatureFolder)}/HIS_NAME.sig
                Then: zwca ceremony verify {folder}
                Make backups of all partitions now; take the root partitions off the network.
                """);
            Directory.CreateDirectory(transcript.PathOf(CeremonyFolder.SignatureFolder));
            return 0;
        }));
        return command;
    }

    private static Command Verify()
    {
        var folder = new Argument<DirectoryInfo>("folder") { Description = "Output of a ceremony." };
        var transcript = new Option<string?>("--transcript") { Description = "The transcript's SM3 as it was printed: another ceremony is refused, whoever signed it." };
        var command = new Command("verify", "Checks the whole output of a ceremony: witnesses' signatures, every byte, plan, keys, certificates, CRLs, policies. Needs no device.") { folder, transcript };
        command.SetAction(parsed =>
        {
            CeremonyReport report = CeremonyVerification.Check(parsed.GetRequiredValue(folder).FullName);
            List<string> faults = [.. report.Faults];
            if (parsed.GetValue(transcript) is { } printed && Digits(printed) != report.TranscriptHash)
            {
                faults.Add($"The transcript's SM3 is {report.TranscriptHash ?? "(none)"}, and not {printed}, which was printed.");
            }

            foreach (string line in report.Checked)
            {
                Console.WriteLine($"  {LabelText.Shown(line)}");
            }

            foreach (string fault in faults)
            {
                Console.Error.WriteLine($"  ✗ {Shown(fault)}");
            }

            Console.WriteLine(faults.Count == 0 ? "Everything holds. Compare the witnesses' keys and the transcript's SM3 with what was printed." : $"{faults.Count} things do not hold.");
            return faults.Count == 0 ? 0 : 1;
        });
        return command;
    }

    private static (PlanFile Plan, Basis? Basis) Read(FileInfo plan, DirectoryInfo? basis)
    {
        Basis? earlier = basis is null ? null : Basis.Load(basis.FullName);
        return (PlanFile.Read(plan.FullName, earlier?.Inventory), earlier);
    }

    private static async Task RehearseAsync(PlanFile file, Basis? basis, CancellationToken cancellationToken)
    {
        Console.WriteLine($"Rehearsal of \"{file.Plan.Name}\": the keys are thrown away, nothing is changed.\n");
        DirectoryInfo scratch = Directory.CreateTempSubdirectory("zwca-rehearsal-");
        try
        {
            IReadOnlyDictionary<string, Certificate> certificates = await CeremonyRun.RehearseAsync(file, basis, scratch.FullName, TimeProvider.System, Console.WriteLine, cancellationToken);
            foreach (CertificatePlan plan in file.Plan.Certificates)
            {
                Show(plan, certificates[plan.Id]);
            }
        }
        finally
        {
            scratch.Delete(recursive: true);
        }

        Console.WriteLine($"\nThe plan's SM3 is {file.Hash}. It can be carried out.");
    }

    private static void Show(CertificatePlan plan, Certificate certificate)
    {
        Console.WriteLine($"\n{plan.Id}  →  {plan.File}");
        foreach (Extension extension in certificate.Tbs.Extensions!)
        {
            Console.WriteLine($"    {(extension.Critical ? "critical" : "        ")} {extension.Id} {Convert.ToHexStringLower(extension.Value.Span)}");
        }
    }

    private static void RequireConfirmation(PlanFile file, string? given)
    {
        if (given is null && Console.IsInputRedirected)
        {
            throw new CeremonyException("Nobody can be asked here: give the hash of the plan that was reviewed with --confirm.");
        }

        // All of it: two plans that agree in half of the digits are made in an hour, one to be reviewed and one to be run.
        given ??= AnsiConsole.Ask<string>("To carry it out, type the hash of the plan that was reviewed, from the paper (64 digits; blanks do not matter):");
        if (Digits(given) != file.Hash)
        {
            throw new CeremonyException($"That is not the hash of this plan ({file.Hash}): it is not the plan that was reviewed, or the digits were mistyped.");
        }
    }

    /// <summary>A hash as people write it on paper.</summary>
    private static string Digits(string written) => string.Concat(written.Where(digit => !char.IsWhiteSpace(digit))).ToLowerInvariant();

    public static async Task<int> GuardAsync(Func<Task<int>> work)
    {
        try
        {
            return await work();
        }
        catch (HsmException e)
        {
            Console.Error.WriteLine(Shown(e.Message));
            Console.Error.WriteLine("See to the device; then run the same command again: it goes on where it stopped and makes nothing twice.");
            return 1;
        }
        catch (Exception e) when (e is CeremonyException or RefusalException or LintException or DerException or DbException or DatabaseVersionException
            or PersonKeysException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(Shown(e.Message));
            return 1;
        }
    }

    /// <summary>Text that may come from a plan or a file: without what moves the cursor or turns the direction of writing.</summary>
    private static string Shown(string text) => string.Join('\n', text.Split('\n').Select(LabelText.Shown));
}
