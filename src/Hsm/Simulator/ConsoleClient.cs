using System.Net;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.Hsm.Simulator;

/// <summary>
/// The console of a device: one connection with the console's certificate and without Hello. For hsm-sim's own verbs; it is not made again when
/// it breaks.
/// </summary>
internal sealed class ConsoleClient : IAsyncDisposable
{
    /// <summary>A backup, or the opening of a large journal, takes its time.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>A device that cannot be reached is told to the operator while he still looks.</summary>
    private static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(15);

    private readonly TlsDialer _dialer;
    private readonly Connection _connection;

    private ConsoleClient(TlsDialer dialer, Connection connection)
    {
        _dialer = dialer;
        _connection = connection;
    }

    /// <param name="folder">The console's, with client.pem and server.sha256.</param>
    /// <exception cref="HsmException"><see cref="HsmFailure.Unreachable"/> or <see cref="HsmFailure.WrongCredential"/>.</exception>
    public static Task<ConsoleClient> ConnectAsync(EndPoint endpoint, string folder, CancellationToken cancellationToken = default)
    {
        (string host, int port) = ClientFolder.Parts(endpoint);
        var dialer = new TlsDialer(host, port, ClientFolder.ReadPin(folder), Path.Combine(folder, ClientFolder.CertificateFile), null);
        return ConnectAsync(dialer, ConnectPatience, Patience, cancellationToken);
    }

    /// <param name="dialer">With the console's certificate; disposed with this.</param>
    /// <param name="connectTimeout">Of the connection.</param>
    /// <param name="requestTimeout">Of each request.</param>
    /// <exception cref="HsmException"><see cref="HsmFailure.Unreachable"/> or <see cref="HsmFailure.WrongCredential"/>.</exception>
    public static async Task<ConsoleClient> ConnectAsync(
        TlsDialer dialer, TimeSpan connectTimeout, TimeSpan requestTimeout, CancellationToken cancellationToken)
    {
        const int InFlight = 16;
        var settings = new ConnectionSettings(connectTimeout, requestTimeout, InFlight, Frame.MaxAnswerBody, TimeProvider.System);
        using var late = new CancellationTokenSource(connectTimeout, TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            return new ConsoleClient(dialer, await Connection.OpenAsync(dialer, settings, either.Token).ConfigureAwait(false));
        }
        catch (Exception e)
        {
            string address = dialer.Address;
            dialer.Dispose();
            if (e is OperationCanceledException && !cancellationToken.IsCancellationRequested)
            {
                throw new HsmException(HsmFailure.Unreachable, $"{address} took no connection within {connectTimeout.TotalSeconds} s.", e);
            }

            throw;
        }
    }

    /// <exception cref="HsmException">What the device says, or why it says nothing; <see cref="HsmFailure.Protocol"/> for an answer that is no <typeparamref name="TAnswer"/>.</exception>
    public async Task<TAnswer> AskAsync<TRequest, TAnswer>(Operation operation, TRequest request, CancellationToken cancellationToken = default)
        where TRequest : IMessage<TRequest>
        where TAnswer : IMessage<TAnswer>
    {
        Answer answer = await _connection.AskAsync(operation, request, cancellationToken).ConfigureAwait(false);
        return answer.Read<TAnswer>();
    }

    public async ValueTask DisposeAsync()
    {
        await _connection.DisposeAsync().ConfigureAwait(false);
        _dialer.Dispose();
    }
}
