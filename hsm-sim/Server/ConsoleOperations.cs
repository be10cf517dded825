using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator.Wire;
using ZwCa.HsmSim.Device;
using ZwCa.HsmSim.Faults;

namespace ZwCa.HsmSim.Server;

/// <summary>What the console may ask: nothing that uses a key, and nothing that a partition's holders have not signed or entered.</summary>
/// <param name="policyChanged">Told when a policy was installed.</param>
internal sealed class ConsoleOperations(
    IReadOnlyList<Partition> partitions, FaultKnobs faults, DeviceLog log, Action<Partition, PartitionPolicy> policyChanged)
{
    public static bool Has(Operation operation) => operation is (>= Operation.Status and <= Operation.Backup) or Operation.SetFault;

    public Partition? Find(string name) => partitions.FirstOrDefault(each => each.Name == name);

    /// <param name="connection">For the log.</param>
    /// <exception cref="HsmException">It is not done.</exception>
    /// <exception cref="WireException">The body is malformed.</exception>
    /// <exception cref="IOException">The store failed.</exception>
    public async Task ServeAsync(Request request, AnswerOutput answers, string connection)
    {
        // None of it is in a hurry, some of it reads a journal.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        switch (request.Operation)
        {
            case Operation.Status:
                _ = request.Read<Nothing>();
                answers.Send(request.Place, new DeviceStatus([.. partitions.Select(each => each.Status())]));
                break;
            case Operation.GetShare:
                ShareRequest share = request.Read<ShareRequest>();
                answers.Send(request.Place, Require(share.Partition).GetShare(share.HolderKey));
                break;
            case Operation.EnterShare:
                answers.Send(request.Place, new Number(await EnterShareAsync(request.Read<OpenShare>(), connection).ConfigureAwait(false)));
                break;
            case Operation.GetPolicy:
                answers.Send(request.Place, Require(request.Read<PartitionName>().Name).Open.GetPolicy());
                break;
            case Operation.InstallPolicy:
                await InstallPolicyAsync(request.Read<Command>(), connection).ConfigureAwait(false);
                answers.Send(request.Place, default(Nothing));
                break;
            case Operation.Backup:
                Command backup = request.Read<Command>();
                answers.Send(request.Place, await Require(backup.Partition).Open.BackUpAsync(backup.Statement).ConfigureAwait(false));
                log.Write(connection, $"{backup.Partition}: a backup was made");
                break;
            case Operation.SetFault:
                SetFault(request.Read<Fault>(), connection);
                answers.Send(request.Place, default(Nothing));
                break;
            default:
                throw new HsmException(HsmFailure.Protocol, $"There is no operation {(int)request.Operation}.");
        }
    }

    private async Task<int> EnterShareAsync(OpenShare share, string connection)
    {
        Partition partition = Require(share.Partition);
        try
        {
            int missing = await partition.EnterShareAsync(share.Index, share.Share).ConfigureAwait(false);
            log.Write(connection, missing == 0 ? $"{partition.Name}: open" : $"{partition.Name}: share {share.Index} entered, {missing} missing");
            return missing;
        }
        catch (HsmException e)
        {
            log.Write(connection, $"{partition.Name}: share {share.Index} refused: {e.Message}");
            throw;
        }
    }

    private async Task InstallPolicyAsync(Command command, string connection)
    {
        Partition partition = Require(command.Partition);

        // A copy: the policy stays, the request does not.
        await partition.Open.InstallPolicyAsync(command.Statement.ToArray()).ConfigureAwait(false);
        PartitionPolicy policy = Der.Decode<PartitionPolicy>(partition.Open.GetPolicy().Value);
        log.Write(connection, $"{partition.Name}: policy {policy.Version} is installed");
        policyChanged(partition, policy);
    }

    private void SetFault(Fault fault, string connection)
    {
        if (!faults.Enabled)
        {
            throw new HsmException(HsmFailure.Refused, "The device runs without --faults.");
        }

        log.Write(connection, $"fault {fault.Kind} {fault.Value}");
        faults.Set(fault);
    }

    private Partition Require(string name) => Find(name)
        ?? throw new HsmException(
            HsmFailure.TokenNotFound,
            $"There is no partition \"{name}\"; there are: {string.Join(", ", partitions.Select(each => each.Name))}.");
}
