using System.Security.Cryptography;
using System.Text;
using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Hsm;

namespace ZwCa.Officers;

/// <summary>
/// Who is who: one row for a natural person, found by a keyed hash of his ID number, with number and name sealed. The registry of all officers is the
/// CA's; another service enrolls with the person id that the CA gave. Safe for concurrent use.
/// </summary>
public sealed class PersonRegistry : IDisposable
{
    private const string IdNumberField = "id_number";
    private const string NameField = "name";
    private const int IdLength = 16;

    // Before the ID number, so that the device's HMAC of it is none of anything else.
    private static readonly byte[] IndexDomain = "zwca.officers.id-number\0"u8.ToArray();
    private static readonly byte[] CheckText = "zwca.officers.index-key-check"u8.ToArray();

    private readonly Database _database;
    private readonly AuditLog _log;
    private readonly IHsm _hsm;
    private readonly HsmKey _indexKey;
    private readonly DataKeys _dataKeys;
    private readonly TimeProvider _time;

    private PersonRegistry(Database database, AuditLog log, IHsm hsm, HsmKey indexKey, DataKeys dataKeys, TimeProvider time)
    {
        _database = database;
        _log = log;
        _hsm = hsm;
        _indexKey = indexKey;
        _dataKeys = dataKeys;
        _time = time;
    }

    /// <param name="indexKey">HMAC-SM3; the same for ever: with another every person would be found to be new.</param>
    /// <param name="kek">Wraps the data keys.</param>
    /// <exception cref="ArgumentException">A key of another kind.</exception>
    /// <exception cref="PersonKeysException">These are not the keys that the database was filled with.</exception>
    /// <exception cref="HsmException">The device is away.</exception>
    public static async Task<PersonRegistry> OpenAsync(
        Database database, AuditLog log, IHsm hsm, HsmKey indexKey, HsmKey kek, TimeProvider time, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(database);
        ArgumentNullException.ThrowIfNull(hsm);
        RequireKind(indexKey, HsmKeyKind.HmacSm3);
        RequireKind(kek, HsmKeyKind.DataKek);
        byte[] check = await hsm.ComputeHmacAsync(indexKey, CheckText, cancellationToken);
        byte[] stored = await database.WriteAsync(
            async transaction =>
            {
                await transaction.TryInsertAsync("INSERT INTO person_index_key (index_key_number, check_value) VALUES (1, @Check)", new { Check = check });
                return await transaction.GetAsync<byte[]>("SELECT check_value FROM person_index_key");
            },
            cancellationToken);
        if (!CryptographicOperations.FixedTimeEquals(check, stored))
        {
            throw new PersonKeysException($"The HSM's key {indexKey.Label} is not the one that this database's index of ID numbers was made with.");
        }

        return new PersonRegistry(database, log, hsm, indexKey, await DataKeys.OpenAsync(database, hsm, kek, time, cancellationToken), time);
    }

    /// <summary>Enrolls a person, or finds him where he is enrolled already: of two that enroll him at once, both get the same person.</summary>
    /// <param name="actor">Who does it, for the log.</param>
    /// <param name="knownId">The id that the CA's registry gave, 16 bytes; null: this is the registry.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.Duplicate"/>: the number has another person id here, or the id another number.</exception>
    /// <exception cref="HsmException">The device is away.</exception>
    public async Task<Person> EnrollAsync(
        IdNumber idNumber, PersonName name, AuditActor actor, ReadOnlyMemory<byte>? knownId = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(idNumber);
        ArgumentNullException.ThrowIfNull(name);
        byte[] id = knownId is { } known ? RequireId(known) : RandomNumberGenerator.GetBytes(IdLength);

        // The device and the sealing come before the unit of work: that waits for nobody and may be run twice.
        byte[] index = await IndexAsync(idNumber, cancellationToken);
        (byte[] keyId, byte[][] sealedValues) = Seal(id, (IdNumberField, Encoding.UTF8.GetBytes(idNumber.Reveal())), (NameField, Encoding.UTF8.GetBytes(name.Reveal())));
        DateTimeOffset now = _time.GetUtcNow();
        byte[] found = await _database.WriteAsync(
            async transaction =>
            {
                bool isNew = await transaction.TryInsertAsync(
                    """
                    INSERT INTO person (person_id, id_number_index, id_number_sealed, name_sealed, data_key_id, enrolled_at)
                    VALUES (@Id, @Index, @IdNumber, @Name, @KeyId, @Now)
                    """,
                    new { Id = id, Index = index, IdNumber = sealedValues[0], Name = sealedValues[1], KeyId = keyId, Now = now });
                if (isNew)
                {
                    await _log.AppendAsync(
                        transaction,
                        new AuditEvent(actor, "person.enroll", new AuditObject("person", Convert.ToHexStringLower(id)), AuditOutcome.Done)
                        {
                            Fields = [new AuditField.Octets("dataKey", keyId)],
                            Personal = new Dictionary<string, string> { ["idNumber"] = idNumber.ToString() },
                        });
                    return id;
                }

                byte[]? present = await transaction.FindAsync<byte[]>("SELECT person_id FROM person WHERE id_number_index = @Index", new { Index = index });
                return present is not null && (knownId is null || present.AsSpan().SequenceEqual(id))
                    ? present
                    : throw new RefusalException(Refusal.Duplicate, "该身份证号码与人员编号和已登记的不一致。");
            },
            cancellationToken);
        return (await FindAsync(found, cancellationToken))!;
    }

    /// <returns>Null where nobody with the number is enrolled.</returns>
    public async Task<Person?> FindAsync(IdNumber idNumber, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(idNumber);
        byte[] index = await IndexAsync(idNumber, cancellationToken);
        return await ReadAsync(
            await _database.FindAsync<Row>(
                "SELECT person_id, id_number_sealed, name_sealed, data_key_id FROM person WHERE id_number_index = @Index", new { Index = index }, cancellationToken),
            cancellationToken);
    }

    /// <param name="id">16 bytes.</param>
    /// <returns>Null where there is nobody with the id.</returns>
    public async Task<Person?> FindAsync(ReadOnlyMemory<byte> id, CancellationToken cancellationToken = default) => await ReadAsync(
        await _database.FindAsync<Row>(
            "SELECT person_id, id_number_sealed, name_sealed, data_key_id FROM person WHERE person_id = @Id", new { Id = id.ToArray() }, cancellationToken),
        cancellationToken);

    /// <summary>By what persons are compared without anybody seeing their numbers: the same for officers, applicants and agents.</summary>
    /// <returns>32 bytes: HMAC-SM3 by the device.</returns>
    /// <exception cref="HsmException">The device is away.</exception>
    public async Task<byte[]> IndexAsync(IdNumber idNumber, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(idNumber);
        byte[] data = [.. IndexDomain, .. Encoding.ASCII.GetBytes(idNumber.Reveal())];
        try
        {
            return await _hsm.ComputeHmacAsync(_indexKey, data, cancellationToken);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(data);
        }
    }

    /// <summary>Seals what a service keeps about persons in tables of its own, with the key of today. The values are cleared.</summary>
    /// <param name="record">The row's id: what is moved to another row or field does not open there.</param>
    /// <returns>The id of the key, and of each value nonce, ciphertext and tag.</returns>
    public (byte[] KeyId, byte[][] Sealed) Seal(ReadOnlySpan<byte> record, params ReadOnlySpan<(string Field, byte[] Value)> values)
    {
        var plain = new (string, ReadOnlyMemory<byte>)[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            plain[i] = (values[i].Field, values[i].Value);
        }

        try
        {
            return _dataKeys.Seal(record, plain);
        }
        finally
        {
            foreach ((string Field, byte[] Value) each in values)
            {
                CryptographicOperations.ZeroMemory(each.Value);
            }
        }
    }

    /// <param name="bytes">As <see cref="Seal"/> gave it.</param>
    /// <returns>The caller's, to clear.</returns>
    /// <exception cref="PersonKeysException">There is no such key, or it was not sealed for this record and field.</exception>
    public async Task<byte[]> OpenAsync(byte[] keyId, ReadOnlyMemory<byte> record, string field, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken = default)
    {
        await _dataKeys.RequireAsync(keyId, cancellationToken);
        return _dataKeys.Open(keyId, record.Span, field, bytes.Span);
    }

    /// <summary>From now on a new data key seals; what older ones sealed stays readable.</summary>
    public Task RotateDataKeyAsync(CancellationToken cancellationToken = default) => _dataKeys.RotateAsync(cancellationToken);

    /// <summary>Forgets the data keys.</summary>
    public void Dispose() => _dataKeys.Dispose();

    private static void RequireKind(HsmKey key, HsmKeyKind kind)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (key.Kind != kind)
        {
            throw new ArgumentException($"The key {key.Label} is {key.Kind}; {kind} is needed.", nameof(key));
        }
    }

    private static byte[] RequireId(ReadOnlyMemory<byte> id) =>
        id.Length == IdLength ? id.ToArray() : throw new ArgumentException($"A person's id has {IdLength} bytes.", nameof(id));

    private async Task<Person?> ReadAsync(Row? row, CancellationToken cancellationToken)
    {
        if (row is null)
        {
            return null;
        }

        return new Person(
            row.PersonId,
            PersonName.Parse(await OpenTextAsync(row, NameField, row.NameSealed, cancellationToken)),
            IdNumber.Parse(await OpenTextAsync(row, IdNumberField, row.IdNumberSealed, cancellationToken)));
    }

    private async Task<string> OpenTextAsync(Row row, string field, byte[] bytes, CancellationToken cancellationToken)
    {
        byte[] plain = await OpenAsync(row.DataKeyId, row.PersonId, field, bytes, cancellationToken);
        string text = Encoding.UTF8.GetString(plain);
        CryptographicOperations.ZeroMemory(plain);
        return text;
    }

    private sealed record Row
    {
        public required byte[] PersonId { get; init; }

        public required byte[] IdNumberSealed { get; init; }

        public required byte[] NameSealed { get; init; }

        public required byte[] DataKeyId { get; init; }
    }
}
