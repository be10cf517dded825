using System.Security.Cryptography;
using ZwCa.Asn1.Pkix;
using ZwCa.Data;
using ZwCa.Issuance;

namespace ZwCa.Admin.Ceremony;

/// <summary>
/// Carries out a plan, or goes on with it where it was interrupted. Everything is in the journal before it happens and after, so that a second run finds the keys that the first
/// made, signs the very bytes that the first had prepared, and makes nothing twice.
/// </summary>
internal static class CeremonyRun
{
    /// <summary>Environment variable with the password of link keys that the ceremony makes.</summary>
    public const string LinkPasswordVariable = "ZWCA_LINK_PASSWORD";

    private const int RehearsalPasswordBytes = 16;

    /// <summary>All of it with keys and records that are thrown away, so that everything can be seen and judged before anything is done.</summary>
    /// <param name="scratch">An empty folder; the caller deletes it.</param>
    /// <exception cref="CeremonyException">The plan would fail, and why.</exception>
    public static async Task<IReadOnlyDictionary<string, Certificate>> RehearseAsync(
        PlanFile file, Basis? basis, string scratch, TimeProvider time, Action<string> say, CancellationToken cancellationToken)
    {
        using var journal = Journal.Open(Path.Combine(scratch, CeremonyFolder.JournalFile), time);
        await using var devices = DeviceSet.Rehearse(file, basis?.Inventory);
        var state = new CeremonyState
        {
            File = file,
            Folder = new CeremonyFolder(scratch),
            Journal = journal,
            Devices = devices,
            Basis = basis,
            DatabaseOf = service => new DatabaseOptions { ConnectionString = $"Data Source={Path.Combine(scratch, $"{service.Id}.db")};Pooling=False" },
            LinkPassword = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(RehearsalPasswordBytes)),
            IsRehearsal = true,
            Time = time,
            Say = say,
        };
        await CarryOutAsync(state, cancellationToken);
        return state.Certificates;
    }

    /// <param name="basis">What the plan goes on from.</param>
    /// <returns>What is still missing, in words for the people in the room; null: the ceremony is complete but for the witnesses' signatures.</returns>
    /// <exception cref="CeremonyException">It cannot go on, and what to do.</exception>
    /// <exception cref="Hsm.HsmException">A device refused, failed or is away: run the same command again.</exception>
    public static async Task<string?> RunAsync(PlanFile file, Basis? basis, string output, TimeProvider time, Action<string> say, CancellationToken cancellationToken)
    {
        var folder = new CeremonyFolder(output);
        Directory.CreateDirectory(folder.Path);
        using Journal journal = OpenJournal(file, folder, time);
        if (journal.Find(JournalEntry.End, file.Plan.Name) is not null)
        {
            // Not believed: a transcript that is shown here will be signed. Every step looks whether its result is still there, and is the devices'.
            say("This ceremony has ended already; nothing is left to be done but to look at all of it again.");
        }

        // Before anything is made, rather than when it is needed.
        RequireEnvironment(file.Plan, journal);
        await using DeviceSet devices = await DeviceSet.ConnectAsync(file, cancellationToken);
        var state = new CeremonyState
        {
            File = file,
            Folder = folder,
            Journal = journal,
            Devices = devices,
            Basis = basis,
            DatabaseOf = DatabaseOf,
            LinkPassword = Environment.GetEnvironmentVariable(LinkPasswordVariable),
            Time = time,
            Say = say,
        };
        return await CarryOutAsync(state, cancellationToken);
    }

    /// <summary>The procedure.</summary>
    private static async Task<string?> CarryOutAsync(CeremonyState state, CancellationToken cancellationToken)
    {
        // Step 1: the inputs, kept beside the output, so that everything can be checked from the output alone.
        if (state.Plan.Basis != state.Basis?.TranscriptHash)
        {
            throw new CeremonyException($"The plan goes on from the ceremony {state.Plan.Basis ?? "(none)"}, and the basis is {state.Basis?.TranscriptHash ?? "(none)"}. Name the folder of the right one.");
        }

        state.Folder.RemoveDrafts();
        KeepInputs(state);

        // Step 2: what an earlier ceremony made.
        await BasisStep.TakeOverAsync(state, cancellationToken);

        // Step 3: keys.
        foreach (KeyPlan key in state.Plan.Keys)
        {
            await KeyStep.MakeAsync(state, key, cancellationToken);
        }

        // Step 4: persons, because officers' certificates name them.
        await using var services = new ServiceStep(state);
        await services.EnrollAsync(cancellationToken);

        // Step 5: certificates, an issuer before what it issues.
        foreach (CertificatePlan certificate in state.Plan.Certificates)
        {
            await CertificateStep.CertifyAsync(state, certificate, cancellationToken);
        }

        // Step 6: the first CRLs.
        foreach (CrlPlan crl in state.Plan.Crls)
        {
            await CrlStep.IssueAsync(state, crl, cancellationToken);
        }

        // Step 7: the highest officers take office, and the services know each other's links.
        foreach (ServicePlan service in state.Plan.Services)
        {
            await services.BeginAsync(service, cancellationToken);
        }

        if (state.IsRehearsal)
        {
            return null;
        }

        // Step 8: what devices will obey, once their holders have signed it.
        var waiting = new List<string>();
        foreach (PolicyPlan policy in state.Plan.Policies)
        {
            if (await PolicyStep.RunAsync(state, policy, cancellationToken) is { } missing)
            {
                waiting.Add(missing);
            }
        }

        if (waiting.Count > 0)
        {
            return string.Join('\n', waiting);
        }

        // Step 9: what there is now, and what was done.
        await EndStep.EndAsync(state, cancellationToken);
        return null;
    }

    private static void KeepInputs(CeremonyState state)
    {
        state.Folder.Write(CeremonyFolder.PlanFile, state.File.Bytes);
        foreach (ProfilePlan profile in state.Plan.Profiles)
        {
            state.Folder.Write(CeremonyFolder.InputPath(profile.File), PlanFile.Input(state.File.PathOf(profile.File), Profile.MaxLength));
        }

        foreach (RequestPlan request in state.Plan.Requests)
        {
            state.Folder.Write(CeremonyFolder.InputPath(request.File), PlanFile.Input(state.File.PathOf(request.File), ProofOfPossession.MaxRequestLength));
        }
    }

    /// <exception cref="CeremonyException">The folder holds another ceremony, or something that is none.</exception>
    private static Journal OpenJournal(PlanFile file, CeremonyFolder folder, TimeProvider time)
    {
        if (!folder.Has(CeremonyFolder.JournalFile) && folder.Files().Count > 0)
        {
            throw new CeremonyException($"{folder.Path} is not empty and holds no ceremony. Name a folder of its own.");
        }

        var journal = Journal.Open(folder.PathOf(CeremonyFolder.JournalFile), time);
        try
        {
            string begun = journal.Entries.Count > 0 ? journal.Entries[0].Data : journal.Append(JournalEntry.Begin, file.Plan.Name, file.Hash).Data;
            return begun == file.Hash
                ? journal
                : throw new CeremonyException($"{folder.Path} holds a ceremony by another plan (SM3 {begun}). Go on with that plan, or name another folder.");
        }
        catch
        {
            journal.Dispose();
            throw;
        }
    }

    private static void RequireEnvironment(CeremonyPlan plan, Journal journal)
    {
        if (plan.Certificates.Any(certificate => certificate.LinkKey is not null && journal.Find(JournalEntry.Certificate, certificate.Id) is null))
        {
            LinkKeys.RequirePassword(Environment.GetEnvironmentVariable(LinkPasswordVariable));
        }

        foreach (ServicePlan service in plan.Services.Where(service => journal.Find(JournalEntry.Service, service.Id) is null))
        {
            _ = DatabaseOf(service);
        }
    }

    private static DatabaseOptions DatabaseOf(ServicePlan service) => new()
    {
        Kind = service.Database,
        ConnectionString = Environment.GetEnvironmentVariable(service.ConnectionVariable) is { Length: > 0 } connection
            ? connection
            : throw new CeremonyException($"The connection string of service {service.Id} is missing: put it into the environment variable {service.ConnectionVariable}."),
    };
}
