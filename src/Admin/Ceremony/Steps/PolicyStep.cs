using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.Admin.Ceremony;

/// <summary>Registers a CA in a partition's policy: drafted here, signed by the partition's holders with their own keys, installed here, checked by the device.</summary>
internal static class PolicyStep
{
    private const int MaxSignatureLength = 4096;

    /// <returns>What the holders have to do before the ceremony can go on; null: the policy is in force.</returns>
    public static async Task<string?> RunAsync(CeremonyState state, PolicyPlan plan, CancellationToken cancellationToken)
    {
        if (state.Journal.Find(JournalEntry.Policy, plan.Device) is { } done)
        {
            state.Folder.Write(CeremonyFolder.PolicyPath(plan.Device), done.Decode());
            return null;
        }

        DevicePlan device = state.Plan.Devices.First(each => each.Id == plan.Device);
        await using var console = await ConsoleClient.ConnectAsync(DeviceSet.EndPointOf(device), state.File.PathOf(device.Console!), cancellationToken);
        PartitionStatus status = await FindAsync(console, device.Partition, cancellationToken);
        byte[] installed = (await console.AskAsync<PartitionName, Bytes>(Operation.GetPolicy, new PartitionName(device.Partition), cancellationToken)).Value.ToArray();
        PartitionPolicy inForce = Der.Decode<PartitionPolicy>(installed);
        if (Convert.ToHexStringLower(inForce.Partition.Span) != device.Serial)
        {
            throw new CeremonyException($"The console of {plan.Device} leads to another partition {device.Partition} than the plan names ({device.Serial}). Correct the console's folder.");
        }

        // Step 1: the draft, which stays the same until it is in force.
        byte[] draft = Draft(state, plan, inForce, installed);
        string name = CeremonyFolder.PolicyPath(plan.Device);
        state.Folder.Write(name, draft);
        if (!installed.AsSpan().SequenceEqual(draft))
        {
            // Step 2: the holders.
            string[] signatures = [.. state.Folder.Files().Where(file => OutputFiles.IsSignature(file, plan))];
            if (signatures.Length < status.Threshold)
            {
                return $"""
                    {status.Threshold} of the holders of partition {device.Partition} ({string.Join(", ", status.Holders)}) sign its new policy, {signatures.Length} have:
                      hsm-sim sign --key HIS_KEY.pem --in {state.Folder.PathOf(name)} --out {state.Folder.PathOf($"{CeremonyFolder.PolicyFolder}/{plan.Device}-HIS_NAME.sig")}
                    It has the SM3 {Convert.ToHexStringLower(Sm3.HashData(draft))}, and names for {plan.CaName}: {string.Join(", ", plan.CaKeys.Select(key => Convert.ToHexStringLower(state.PublicKeyOf(key).PublicKey.Span)))}
                    Then run the same command again.
                    """;
            }

            // Step 3: the device looks at every signature itself.
            await InstallAsync(state, device, status, console, new SignedStatement(draft, [.. signatures.Select(file => Read(state.Folder, file))]), cancellationToken);
        }

        state.Reach("policy-installed");
        state.Journal.Append(JournalEntry.Policy, plan.Device, draft);
        state.Say($"Policy of {plan.Device}: version {Der.Decode<PartitionPolicy>(draft).Version} is in force, signed by its holders");
        return null;
    }

    private static byte[] Draft(CeremonyState state, PolicyPlan plan, PartitionPolicy inForce, byte[] installed)
    {
        if (state.Journal.Entries.LastOrDefault(entry => entry.What == JournalEntry.PolicyDraft && entry.Id == plan.Device)?.Decode() is { } known)
        {
            if (installed.AsSpan().SequenceEqual(known))
            {
                return known;
            }

            if (inForce.Version < Der.Decode<PartitionPolicy>(known).Version)
            {
                // Holders are asked to sign it: it is what the plan says, whoever wrote into the journal.
                return known.AsSpan().SequenceEqual(Der.Encode(Next(state, plan, inForce)))
                    ? known
                    : throw new CeremonyException(
                        $"The journal has another policy of {plan.Device} than the plan says: somebody changed it. Nobody signs {state.Folder.PathOf(CeremonyFolder.PolicyPath(plan.Device))}. Find out who it was and begin anew.");
            }

            // Holders have installed another policy meanwhile: the draft, and what was signed of it, can no longer come into force.
            state.Say($"Policy of {plan.Device}: version {inForce.Version} was installed meanwhile; the draft is made anew and has to be signed again");
            foreach (string file in state.Folder.Files().Where(file => file == CeremonyFolder.PolicyPath(plan.Device) || OutputFiles.IsSignature(file, plan)))
            {
                state.Folder.Remove(file);
            }
        }

        byte[] draft = Der.Encode(Next(state, plan, inForce));
        state.Journal.Append(JournalEntry.PolicyDraft, plan.Device, draft);
        state.Say($"Policy of {plan.Device}: version {inForce.Version + 1} is drafted for the CA {plan.CaName}");
        return draft;
    }

    private static PartitionPolicy Next(CeremonyState state, PolicyPlan plan, PartitionPolicy installed)
    {
        AuthorizingCa? known = installed.AuthorizingCas.FirstOrDefault(ca => ca.Name == plan.CaName);
        return new PartitionPolicy(
            installed.Partition,
            installed.Version + 1,
            installed.Clients,
            installed.AllowSm2Decrypt,
            [.. installed.AuthorizingCas.Where(ca => ca.Name != plan.CaName), new AuthorizingCa(plan.CaName, [.. (known?.Keys ?? []).Union(plan.CaKeys.Select(state.PublicKeyOf))])],
            [.. installed.OfficerIssuers.Union(plan.OfficerIssuers.Select(id => state.Certificates[id].Tbs.SubjectPublicKeyInfo))],
            installed.Recovery);
    }

    private static async Task InstallAsync(
        CeremonyState state, DevicePlan device, PartitionStatus status, ConsoleClient console, SignedStatement statement, CancellationToken cancellationToken)
    {
        try
        {
            await console.AskAsync<Command, Nothing>(Operation.InstallPolicy, new Command(device.Partition, Der.Encode(statement)), cancellationToken);
        }
        catch (HsmException e) when (e.Failure is HsmFailure.Refused or HsmFailure.BadInput)
        {
            throw new CeremonyException(
                $"The device refuses the policy of {device.Partition}: {e.Message} Only its holders count ({string.Join(", ", status.Holders)}), each once; remove other signatures from {state.Folder.PathOf(CeremonyFolder.PolicyFolder)} and run the same command again.",
                e);
        }
    }

    private static async Task<PartitionStatus> FindAsync(ConsoleClient console, string partition, CancellationToken cancellationToken)
    {
        DeviceStatus status = await console.AskAsync<Nothing, DeviceStatus>(Operation.Status, default, cancellationToken);
        return status.Partitions.FirstOrDefault(each => each.Name == partition)
            ?? throw new CeremonyException($"The console's device has no partition {partition}. It has {string.Join(", ", status.Partitions.Select(each => each.Name))}: correct the plan, or the console's folder.");
    }

    private static StatementSignature Read(CeremonyFolder folder, string name)
    {
        try
        {
            return Der.Decode<StatementSignature>(PlanFile.Input(folder.PathOf(name), MaxSignatureLength));
        }
        catch (DerException e)
        {
            throw new CeremonyException($"{folder.PathOf(name)} is no signature: {e.Message} Have it made again.", e);
        }
    }
}
