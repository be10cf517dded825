using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Officers;
using ZwCa.ServiceDefaults;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.Admin.Ceremony;

/// <summary>The records of a service at their beginning: tables, roles, persons, the two highest officers, the first link clients.</summary>
internal sealed class ServiceRecords : IAsyncDisposable
{
    private static readonly AuditActor Actor = new(AuditActorKind.Job, "ceremony");

    private readonly Database _database;
    private readonly AuditLog _log;
    private readonly PersonRegistry _persons;
    private readonly TimeProvider _time;

    private ServiceRecords(Database database, AuditLog log, PersonRegistry persons, TimeProvider time)
    {
        _database = database;
        _log = log;
        _persons = persons;
        _time = time;
    }

    /// <summary>The tables that every service has; its own come with its first <c>migrate</c>.</summary>
    public static IReadOnlyList<MigrationSet> Tables { get; } = [MigrationSet.Data, AuditLog.Migrations, RoleCatalogue.Migrations, ServiceTables.Migrations];

    /// <param name="device">With the keys of the index and of the data keys.</param>
    /// <exception cref="PersonKeysException">The database was filled with other keys.</exception>
    public static async Task<ServiceRecords> OpenAsync(DatabaseOptions options, IHsm device, HsmKey indexKey, HsmKey dataKek, TimeProvider time, CancellationToken cancellationToken)
    {
        Database database;
        try
        {
            database = new Database(options);
        }
        catch (ArgumentException)
        {
            // Without the exception, which may quote a part of the password.
            throw new CeremonyException($"A connection string is not one of {options.Kind}. Correct the variables that the plan names as connectionVariable.");
        }

        try
        {
            await new Migrator(database, Tables, time).MigrateAsync(cancellationToken);
            await RoleCatalogue.Standard.InstallAsync(database, cancellationToken);
            var log = new AuditLog(time);
            return new ServiceRecords(database, log, await PersonRegistry.OpenAsync(database, log, device, indexKey, dataKek, time, cancellationToken), time);
        }
        catch
        {
            await database.DisposeAsync();
            throw;
        }
    }

    /// <param name="knownId">The registry's id; null: this is the registry.</param>
    /// <returns>16 bytes; the same again for the same person.</returns>
    public async Task<byte[]> EnrollAsync(PlannedPerson person, ReadOnlyMemory<byte>? knownId, CancellationToken cancellationToken) =>
        (await _persons.EnrollAsync(IdNumber.Parse(person.IdNumber), PersonName.Parse(person.Name), Actor, knownId, cancellationToken)).Id.ToArray();

    /// <summary>Puts both into office, unless they are.</summary>
    /// <exception cref="CeremonyException">Others are.</exception>
    public async Task InitialiseAsync(OfficerIssuers issuers, ReadOnlyMemory<byte> super, ReadOnlyMemory<byte> audit, int certifiedDays, CancellationToken cancellationToken)
    {
        IReadOnlyList<byte[]> present = await _database.QueryAsync<byte[]>("SELECT certificate FROM officer WHERE is_top = 1 AND enabled = 1", null, cancellationToken);
        if (present.Count > 0)
        {
            if (present.Count == 2 && present.Any(certificate => certificate.AsSpan().SequenceEqual(super.Span)) && present.Any(certificate => certificate.AsSpan().SequenceEqual(audit.Span)))
            {
                return;
            }

            throw new CeremonyException("The database has other highest officers already: it belongs to another ceremony. Use an empty one.");
        }

        var directory = new OfficerDirectory(_database, _log, issuers, RoleCatalogue.Standard, _time);
        await new Initialisation(_database, _log, directory, _time).InitialiseAsync(1, super, audit, _time.GetUtcNow().AddDays(certifiedDays), Actor, cancellationToken);
    }

    /// <summary>Registers a link certificate, unless it is.</summary>
    public async Task RegisterAsync(X509Certificate2 certificate, string name, ClientKind kind, CancellationToken cancellationToken)
    {
        var store = new ClientStore(_database, _log, _time);
        if (await store.FindAsync(ClientStore.ThumbprintOf(certificate), cancellationToken) is null)
        {
            await store.RegisterAsync(Actor, certificate, name, kind, cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _persons.Dispose();
        await _database.DisposeAsync();
    }
}

/// <summary>A person of the file of persons. It is never printed.</summary>
internal sealed record PlannedPerson
{
    public required string Name { get; init; }

    public required string IdNumber { get; init; }

    /// <summary>No names in logs.</summary>
    public override string ToString() => nameof(PlannedPerson);

    /// <exception cref="CeremonyException">Not such a file, or a person in it whose number is none.</exception>
    public static IReadOnlyDictionary<string, PlannedPerson> ReadAll(string path)
    {
        const int MaxLength = 1 << 16;
        try
        {
            Dictionary<string, PlannedPerson?> persons = JsonSerializer.Deserialize<Dictionary<string, PlannedPerson?>>(
                PlanFile.Input(path, MaxLength), new JsonSerializerOptions(JsonSerializerDefaults.Strict) { PropertyNamingPolicy = JsonNamingPolicy.CamelCase }) ?? [];
            foreach ((string id, PlannedPerson? person) in persons)
            {
                if (person is null)
                {
                    throw new JsonException();
                }

                try
                {
                    _ = Officers.IdNumber.Parse(person.IdNumber);
                    _ = PersonName.Parse(person.Name);
                }
                catch (Exception e) when (e is FormatException or ArgumentException or Contracts.RefusalException)
                {
                    throw new CeremonyException($"{path}: the name or the ID number of {id} is not one: {e.Message}", e);
                }
            }

            return persons.ToDictionary(each => each.Key, each => each.Value!);
        }
        catch (JsonException e)
        {
            // Without the exception's own text, which may quote the file.
            throw new CeremonyException($"{path} is not a JSON object of persons with name and idNumber{(e.LineNumber is { } line ? $" (line {line + 1})" : "")}. Correct it.");
        }
    }
}
