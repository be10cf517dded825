using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;

namespace ZwCa.Officers;

/// <summary>The keys of the HSM are not those that this database was filled with; the message says which.</summary>
public sealed class PersonKeysException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// The SM4 keys that seal personal data. They lie wrapped in the database and open in memory until this is disposed. New rows are sealed with the newest;
/// older keys still open what they sealed. Sealed: nonce of 12 bytes, ciphertext, tag of 16. Safe for concurrent use.
/// </summary>
internal sealed class DataKeys : IDisposable
{
    private const int KeyLength = 16;
    private const int IdLength = 16;

    // On the HSM's side: a key wrapped for this opens for nothing else.
    private static readonly byte[] Context = "zwca.officers.person"u8.ToArray();

    private readonly Database _database;
    private readonly IHsm _hsm;
    private readonly HsmKey _kek;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<string, Sm4Gcm> _keys = [];
    private volatile byte[]? _newest;

    private DataKeys(Database database, IHsm hsm, HsmKey kek, TimeProvider time)
    {
        _database = database;
        _hsm = hsm;
        _kek = kek;
        _time = time;
    }

    /// <summary>Unwraps what is there; makes the first key where there is none.</summary>
    /// <exception cref="PersonKeysException">The HSM's key did not wrap these.</exception>
    public static async Task<DataKeys> OpenAsync(Database database, IHsm hsm, HsmKey kek, TimeProvider time, CancellationToken cancellationToken)
    {
        var keys = new DataKeys(database, hsm, kek, time);
        try
        {
            await keys.LoadAsync(cancellationToken);
            if (keys._newest is null)
            {
                await keys.RotateAsync(cancellationToken);
            }

            return keys;
        }
        catch
        {
            keys.Dispose();
            throw;
        }
    }

    /// <summary>Makes a new key, which seals from now on.</summary>
    public async Task RotateAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset now = _time.GetUtcNow();
        byte[] id = Ulid.Create(now);
        byte[] key = RandomNumberGenerator.GetBytes(KeyLength);
        try
        {
            byte[] wrapped = await _hsm.WrapKeyAsync(_kek, key, Context, cancellationToken);
            await _database.WriteAsync(
                transaction => transaction.ExecuteAsync(
                    "INSERT INTO data_key (data_key_id, wrapped_key, created_at) VALUES (@Id, @Wrapped, @Now)", new { Id = id, Wrapped = wrapped, Now = now }),
                cancellationToken);
            Keep(id, key);
            _newest = id;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }

    /// <param name="record">Of whom or what it is: opens for no other.</param>
    /// <returns>What was sealed, and the id of the key that did it.</returns>
    public (byte[] KeyId, byte[][] Sealed) Seal(ReadOnlySpan<byte> record, params ReadOnlySpan<(string Field, ReadOnlyMemory<byte> Value)> values)
    {
        byte[] keyId = _newest!;
        Sm4Gcm key = _keys[Convert.ToHexStringLower(keyId)];
        byte[][] result = new byte[values.Length][];
        for (int i = 0; i < values.Length; i++)
        {
            ReadOnlySpan<byte> plain = values[i].Value.Span;
            byte[] bytes = new byte[Sm4Gcm.NonceSizeInBytes + plain.Length + Sm4Gcm.MaxTagSizeInBytes];
            RandomNumberGenerator.Fill(bytes.AsSpan(0, Sm4Gcm.NonceSizeInBytes));
            key.Encrypt(
                bytes.AsSpan(0, Sm4Gcm.NonceSizeInBytes),
                plain,
                bytes.AsSpan(Sm4Gcm.NonceSizeInBytes, plain.Length),
                bytes.AsSpan(Sm4Gcm.NonceSizeInBytes + plain.Length),
                Binding(record, values[i].Field));
            result[i] = bytes;
        }

        return (keyId, result);
    }

    /// <summary>Makes sure that a key is open, which another node may have made.</summary>
    /// <exception cref="PersonKeysException">There is no such key, or it does not open.</exception>
    public async Task RequireAsync(byte[] keyId, CancellationToken cancellationToken)
    {
        if (!_keys.ContainsKey(Convert.ToHexStringLower(keyId)))
        {
            await LoadAsync(cancellationToken);
            if (!_keys.ContainsKey(Convert.ToHexStringLower(keyId)))
            {
                throw new PersonKeysException("A row names a data key that the database does not have.");
            }
        }
    }

    /// <returns>The caller's, to clear.</returns>
    /// <exception cref="PersonKeysException">It was not sealed for this record and field.</exception>
    public byte[] Open(byte[] keyId, ReadOnlySpan<byte> record, string field, ReadOnlySpan<byte> bytes)
    {
        int length = bytes.Length - Sm4Gcm.NonceSizeInBytes - Sm4Gcm.MaxTagSizeInBytes;
        byte[] plain = new byte[Math.Max(length, 0)];
        try
        {
            if (length < 0)
            {
                throw new AuthenticationTagMismatchException();
            }

            _keys[Convert.ToHexStringLower(keyId)].Decrypt(
                bytes[..Sm4Gcm.NonceSizeInBytes],
                bytes.Slice(Sm4Gcm.NonceSizeInBytes, length),
                bytes[^Sm4Gcm.MaxTagSizeInBytes..],
                plain,
                Binding(record, field));
            return plain;
        }
        catch (AuthenticationTagMismatchException e)
        {
            throw new PersonKeysException("A row was not sealed with its key, or for another record or field: it has been changed.", e);
        }
    }

    public void Dispose()
    {
        foreach (Sm4Gcm key in _keys.Values)
        {
            key.Dispose();
        }

        _keys.Clear();
    }

    private async Task LoadAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<Row> rows = await _database.QueryAsync<Row>(
            "SELECT data_key_id, wrapped_key FROM data_key ORDER BY data_key_id", cancellationToken: cancellationToken);
        foreach (Row row in rows.Where(row => row.DataKeyId.Length == IdLength && !_keys.ContainsKey(Convert.ToHexStringLower(row.DataKeyId))))
        {
            byte[] key = await UnwrapAsync(row, cancellationToken);
            try
            {
                Keep(row.DataKeyId, key);
            }
            finally
            {
                CryptographicOperations.ZeroMemory(key);
            }
        }
    }

    private async Task<byte[]> UnwrapAsync(Row row, CancellationToken cancellationToken)
    {
        try
        {
            return await _hsm.UnwrapKeyAsync(_kek, row.WrappedKey, Context, cancellationToken);
        }
        catch (HsmException e) when (e.Failure is HsmFailure.BadInput or HsmFailure.Refused)
        {
            throw new PersonKeysException($"The HSM's key {_kek.Label} did not wrap the data keys of this database.", e);
        }
    }

    private void Keep(byte[] id, ReadOnlySpan<byte> key)
    {
        var opened = new Sm4Gcm(key);
        if (!_keys.TryAdd(Convert.ToHexStringLower(id), opened))
        {
            opened.Dispose();
        }

        // Ids begin with the time: the greatest is the newest.
        if (_newest is not { } newest || newest.AsSpan().SequenceCompareTo(id) < 0)
        {
            _newest = id;
        }
    }

    /// <summary>A value that is moved to another row or column does not open there.</summary>
    private static byte[] Binding(ReadOnlySpan<byte> record, string field) => [.. record, .. Encoding.UTF8.GetBytes(field)];

    private sealed record Row
    {
        public required byte[] DataKeyId { get; init; }

        public required byte[] WrappedKey { get; init; }
    }
}
