using ZwCa.Contracts.Ca;

namespace ZwCa.OfficersApi;

/// <summary>What a service does with a command besides deciding about it. Registered among its services; as it stands: nothing.</summary>
public sealed record CommandFollowUp
{
    /// <summary>After a command was approved and is done, whatever becomes of this. 16 bytes: the command's id.</summary>
    public Func<byte[], CancellationToken, Task> CarryOutAsync { get; init; } = static (_, _) => Task.CompletedTask;

    /// <summary>What has come of it, into the answer about one command.</summary>
    public Func<CommandAnswer, CancellationToken, Task<CommandAnswer>> CompleteAsync { get; init; } = static (answer, _) => Task.FromResult(answer);
}
