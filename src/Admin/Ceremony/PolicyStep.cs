using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Pkix;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.Admin.Ceremony;

/// <summary>Registers a CA in a partition's policy: drafted here, signed by the partition's holders with their own keys, installed here, checked by the device.</summary>
internal sealed class PolicyStep(
    PlanFile file, CeremonyFolder folder, Journal journal, Func<string, SubjectPublicKeyInfo> keyOf, Func<string, SubjectPublicKeyInfo> keyOfIssuer, Action<string> say)
{
    private const int MaxSignatureLength = 4096;

    /// <returns>What the holders have to do before the ceremony can go on; null: the policy is in force.</returns>
    public async Task<string?> RunAsync(PolicyPlan plan, CancellationToken cancellationToken)
    {
        if (journal.Find("policy", plan.Device) is not null)
        {
            return null;
        }

        DevicePlan device = file.Plan.Devices.First(each => each.Id == plan.Device);
        await using ConsoleClient console = await ConsoleClient.ConnectAsync(DeviceSet.EndPointOf(device), file.PathOf(device.Console!), cancellationToken);
        PartitionStatus status = await FindAsync(console, device.Partition, cancellationToken);
        byte[] installed = (await console.AskAsync<PartitionName, Bytes>(Operation.GetPolicy, new PartitionName(device.Partition), cancellationToken)).Value.ToArray();

        // Step 1: the draft, which stays the same until it is in force.
        if (journal.Find("policy-draft", plan.Device) is not { } draft)
        {
            draft = journal.Append("policy-draft", plan.Device, Der.Encode(Next(Der.Decode<PartitionPolicy>(installed), plan)));
            say($"Policy of {plan.Device}: version {Der.Decode<PartitionPolicy>(draft.Decode()).Version} is drafted for the CA {plan.CaName}");
        }

        string name = $"{CeremonyFolder.PolicyFolder}/{plan.Device}.der";
        folder.Write(name, draft.Decode());
        if (!installed.AsSpan().SequenceEqual(draft.Decode()))
        {
            // Step 2: the holders.
            IReadOnlyList<string> signatures = [.. folder.Files().Where(each => each.StartsWith($"{CeremonyFolder.PolicyFolder}/{plan.Device}-", StringComparison.Ordinal) && each.EndsWith(".sig", StringComparison.Ordinal))];
            if (signatures.Count < status.Threshold)
            {
                return $"""
                    {status.Threshold} of the holders of partition {device.Partition} ({string.Join(", ", status.Holders)}) sign its new policy, {signatures.Count} have:
                      hsm-sim sign --key HIS_KEY.pem --in {folder.PathOf(name)} --out {folder.PathOf($"{CeremonyFolder.PolicyFolder}/{plan.Device}-HIS_NAME.sig")}
                    Then run the same command again.
                    """;
            }

            // Step 3: the device looks at every signature itself.
            var statement = new SignedStatement(draft.Decode(), [.. signatures.Select(Read)]);
            try
            {
                await console.AskAsync<Command, Nothing>(Operation.InstallPolicy, new Command(device.Partition, Der.Encode(statement)), cancellationToken);
            }
            catch (HsmException e) when (e.Failure is HsmFailure.Refused or HsmFailure.BadInput)
            {
                throw new CeremonyException(
                    $"The device refuses the policy of {device.Partition}: {e.Message} Only its holders count ({string.Join(", ", status.Holders)}); remove signatures of others from {folder.PathOf(CeremonyFolder.PolicyFolder)} and run the same command again.", e);
            }
        }

        FaultPoint.Reach("ceremony.policy-installed");
        journal.Append("policy", plan.Device, draft.Data);
        say($"Policy of {plan.Device}: in force, signed by its holders");
        return null;
    }

    private PartitionPolicy Next(PartitionPolicy installed, PolicyPlan plan)
    {
        IReadOnlyList<SubjectPublicKeyInfo> keys = [.. plan.CaKeys.Select(keyOf)];
        AuthorizingCa? known = installed.AuthorizingCas.FirstOrDefault(ca => ca.Name == plan.CaName);
        return new PartitionPolicy(
            installed.Partition,
            installed.Version + 1,
            installed.Clients,
            installed.AllowSm2Decrypt,
            [.. installed.AuthorizingCas.Where(ca => ca.Name != plan.CaName), new AuthorizingCa(plan.CaName, [.. (known?.Keys ?? []).Union(keys)])],
            [.. installed.OfficerIssuers.Union(plan.OfficerIssuers.Select(keyOfIssuer))],
            installed.Recovery);
    }

    private static async Task<PartitionStatus> FindAsync(ConsoleClient console, string partition, CancellationToken cancellationToken)
    {
        DeviceStatus status = await console.AskAsync<Nothing, DeviceStatus>(Operation.Status, default, cancellationToken);
        return status.Partitions.FirstOrDefault(each => each.Name == partition) ?? throw new CeremonyException($"The console's device has no partition {partition}.");
    }

    private StatementSignature Read(string name)
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
