using System.Collections.Frozen;
using System.Security.Cryptography;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.Hsm.Simulator;

/// <summary>Opens connections to one partition with Hello, and knows what the last Welcome said.</summary>
internal sealed class SimulatorSession : IDisposable
{
    /// <summary>The last millisecond that DateTimeOffset holds.</summary>
    private const long LastInstant = 253_402_300_799_999;
    private const long NoBackup = -1;

    private readonly SimulatorOptions _options;
    private readonly ConnectionSettings _settings;
    private readonly TlsDialer _dialer;
    private string? _serial;
    private volatile HsmToken? _token;

    /// <exception cref="HsmException"><see cref="HsmFailure.WrongCredential"/>: the client certificate cannot be opened.</exception>
    public SimulatorSession(SimulatorOptions options, ConnectionSettings settings)
    {
        _options = options;
        _settings = settings;
        _serial = options.Serial?.ToLowerInvariant();
        _dialer = options.ClientCertificate is { } certificate
            ? new TlsDialer(options.Host, options.Port, options.ServerCertificateHash, certificate)
            : new TlsDialer(options.Host, options.Port, options.ServerCertificateHash, options.ClientCertificateFile!, options.ClientKeyPassword);
    }

    public HsmToken Token => _token ?? throw new InvalidOperationException("Not connected yet.");

    /// <exception cref="HsmException">
    /// Nothing was asked yet, so a device that gives no answer is <see cref="HsmFailure.Unreachable"/>; a device that twice ends the
    /// connection where it should say Welcome does not know our certificate: <see cref="HsmFailure.WrongCredential"/>.
    /// </exception>
    public async Task<Connection> OpenAsync(CancellationToken cancellationToken) =>
        await TryOpenAsync(cancellationToken).ConfigureAwait(false)

        // A device that died at that moment looks the same; it will not take a second connection.
        ?? await TryOpenAsync(cancellationToken).ConfigureAwait(false)
        ?? throw new HsmException(
            HsmFailure.WrongCredential,
            $"{_dialer.Address} ends connections after the handshake: it does not know the client certificate, whose SHA-256 is {_dialer.ClientHash}.");

    public void Dispose() => _dialer.Dispose();

    /// <returns>Null: the device ended the connection without a word.</returns>
    private async Task<Connection?> TryOpenAsync(CancellationToken cancellationToken)
    {
        Connection connection = await Connection.OpenAsync(_dialer, _settings, cancellationToken).ConfigureAwait(false);
        try
        {
            Accept(await GreetAsync(connection, cancellationToken).ConfigureAwait(false));
            return connection;
        }
        catch (Exception e)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            if (e is HsmException { Failure: HsmFailure.NoAnswer } lost)
            {
                return connection.ClosedInSilence ? null : throw new HsmException(HsmFailure.Unreachable, lost.Message, lost);
            }

            throw;
        }
    }

    private async Task<Answer> GreetAsync(Connection connection, CancellationToken cancellationToken)
    {
        byte[] secret = _options.ReadSecret();
        try
        {
            var hello = new Hello(Frame.ProtocolVersion, _options.Partition, secret);
            return await connection.AskAsync(Operation.Hello, hello, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    private void Accept(Answer answer)
    {
        Welcome welcome = answer.Read<Welcome>();
        answer.Require(welcome.LastBackup is >= NoBackup and <= LastInstant, "the time of the last backup is none.");
        string serial = Convert.ToHexStringLower(welcome.PartitionId.Span);
        string expected = Interlocked.CompareExchange(ref _serial, serial, null) ?? serial;
        if (serial != expected)
        {
            throw new HsmException(
                HsmFailure.TokenNotFound,
                $"{_dialer.Address} has no token {_options.Partition} with the serial {expected}; seen: {_options.Partition} with {serial} ({welcome.Model}).");
        }

        _token = new HsmToken(_options.Partition, serial, welcome.Model, welcome.Capabilities, KindsWith(welcome.Capabilities))
        {
            Marks = welcome.Marks,
            LastBackup = welcome.LastBackup == NoBackup ? null : DateTimeOffset.FromUnixTimeMilliseconds(welcome.LastBackup),
            KeysWithoutBackup = welcome.KeysWithoutBackup,
        };
    }

    /// <summary>A partition makes keys of all kinds but those that nothing in it could use. Decryption may be allowed later, by another policy.</summary>
    private static FrozenSet<HsmKeyKind> KindsWith(HsmCapabilities capabilities) => Enum.GetValues<HsmKeyKind>().Where(kind => kind switch
    {
        HsmKeyKind.DataKek => capabilities.HasFlag(HsmCapabilities.WrapDataKey),
        HsmKeyKind.EscrowKek => capabilities.HasFlag(HsmCapabilities.KeyEscrow),
        HsmKeyKind.HmacSm3 => capabilities.HasFlag(HsmCapabilities.HmacSm3),
        _ => true,
    }).ToFrozenSet();
}
