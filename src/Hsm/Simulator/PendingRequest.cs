namespace ZwCa.Hsm.Simulator;

/// <summary>A request whose answer is not there yet. Whoever takes it off its connection's list, and nobody else, completes it.</summary>
/// <param name="batch">Which write of the connection carries it.</param>
/// <param name="started">Timestamp from which its time-out counts.</param>
internal sealed class PendingRequest(Connection connection, long id, long batch, long started)
    : TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public Connection Connection { get; } = connection;

    public long Id { get; } = id;

    public long Batch { get; } = batch;

    public long Started { get; } = started;

    /// <exception cref="OperationCanceledException">The device does all the same what it was asked; its answer is dropped.</exception>
    public async Task<Answer> AnswerAsync(CancellationToken cancellationToken)
    {
        using (cancellationToken.UnsafeRegister(GiveUp, this))
        {
            return new Answer(Connection, await Task.ConfigureAwait(false));
        }
    }

    private static void GiveUp(object? state, CancellationToken cancellationToken)
    {
        var request = (PendingRequest)state!;
        if (request.Connection.Remove(request))
        {
            request.SetCanceled(cancellationToken);
        }
    }
}
