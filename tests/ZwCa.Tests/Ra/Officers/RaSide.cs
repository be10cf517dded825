using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Officers;
using ZwCa.Ra;
using ZwCa.Ra.CertificationAuthority;
using ZwCa.Ra.Enrollments;
using ZwCa.Ra.Officers;
using ZwCa.ServiceDefaults;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.Tests.Ra.Officers;

/// <summary>What an RA has that concerns the CA, without its own service: a database, a device, and the link of a <see cref="CaStage"/>'s RA.</summary>
internal sealed class RaSide : IAsyncDisposable
{
    private readonly TestDatabase _test;
    private readonly TimeProvider _time;

    private RaSide(CaStage ca, TestDatabase test, TimeProvider time)
    {
        Ca = ca;
        _test = test;
        _time = time;
        Log = new AuditLog(time);
    }

    public CaStage Ca { get; }

    public MemoryHsm Hsm { get; } = new();

    public AuditLog Log { get; }

    public Database Database => _test.Database;

    public PersonRegistry Persons { get; private set; } = null!;

    public OfficerDirectory Directory { get; private set; } = null!;

    public RaOptions Options { get; private set; } = null!;

    public SubjectPublicKeyInfo CaLogKey { get; private set; } = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <param name="time">Null: the machine's.</param>
    public static async Task<RaSide> CreateAsync(CaStage ca, DatabaseKind kind = DatabaseKind.Sqlite, TimeProvider? time = null)
    {
        time ??= TimeProvider.System;
        TestDatabase test = await TestDatabase.CreateAsync(
            kind, MigrationSet.Data, AuditLog.Migrations, ServiceTables.Migrations, RoleCatalogue.Migrations, RaTables.Migrations);
        var side = new RaSide(ca, test, time);
        await RoleCatalogue.Standard.InstallAsync(side.Database, Token);
        HsmKey index = await side.Hsm.GenerateKeyAsync(new KeyLabel("person-index"), HsmKeyKind.HmacSm3, Token);
        HsmKey kek = await side.Hsm.GenerateKeyAsync(new KeyLabel("data-kek"), HsmKeyKind.DataKek, Token);
        side.Persons = await PersonRegistry.OpenAsync(side.Database, side.Log, side.Hsm, index, kek, time, Token);
        side.Directory = new OfficerDirectory(side.Database, side.Log, new OfficerIssuers([ca.Operations.SubjectPublicKeyInfo]), RoleCatalogue.Standard, time);
        side.CaLogKey = (await ca.Hsm.FindKeyAsync(new KeyLabel("ca-log"), Token))!.PublicKey!;
        side.Options = new RaOptions
        {
            Name = CaStage.RaName,
            Region = CaStage.Province,
            Hsm = new HsmOptions { Endpoint = "", Partition = "", ClientFolder = "" },
            Log = new LogKeyOptions { Origin = "zwca/ra", KeyLabel = "ra-log", Anchors = [] },
            MessageKey = "",
            MessageCertificateFile = "",
            PersonIndexKey = "person-index",
            DataKek = "data-kek",
            OfficerIssuerFiles = [],
            Ca = new CaLinkOptions { Name = CaStage.Name, Address = ca.Address.ToString(), Recipient = CaStage.ServiceName, LogOrigin = CaScene.LogOrigin, LogKeyFile = "" },
            Profiles = new Dictionary<string, EnrollmentProfileOptions>(),
        };
        return side;
    }

    /// <summary>One of the RA's nodes.</summary>
    /// <param name="logKey">Null: the CA's own.</param>
    /// <param name="handler">Stands before the link, and may change answers. Null: nothing does.</param>
    public RaNode Node(SubjectPublicKeyInfo? logKey = null, Func<HttpMessageHandler, DelegatingHandler>? handler = null) => new(this, _time, logKey ?? CaLogKey, handler);

    public Task<Officer?> FindAsync(StageOfficer officer) => Directory.FindAsync(officer.SerialNumber, Token);

    public async Task<IReadOnlyList<string>> ActionsAsync() =>
        [.. (await Database.QueryAsync<byte[]>("SELECT leaf FROM audit_event ORDER BY event_id", cancellationToken: Token)).Select(bytes => Der.Decode<AuditLeaf>(bytes).Action)];

    /// <summary>Runs a statement outside all code of the service.</summary>
    public Task RawAsync(string sql, object? parameters = null) => Database.WriteAsync(transaction => transaction.ExecuteAsync(sql, parameters), Token);

    /// <summary>As if this RA had had it issued, so long ago.</summary>
    /// <param name="certificate">DER.</param>
    public async Task StoreAsync(string issuer, string serial, byte[] certificate, TimeSpan ago)
    {
        byte[] subscriber = Ulid.Create(_time.GetUtcNow());
        byte[] enrollment = Ulid.Create(_time.GetUtcNow());
        (byte[] keyId, byte[][] content) = Persons.Seal(enrollment, ("content", [1]));
        DateTimeOffset now = _time.GetUtcNow();
        await RawAsync(
            """
            INSERT INTO subscriber (subscriber_id, kind, region, number, name, version, registered_at, changed_at)
            VALUES (@Subscriber, 1, '000000', @Number, 'x', 1, @Now, @Now);
            INSERT INTO enrollment (
                enrollment_id, tracking_number, kind, state, version, round, region, city, profile, subscriber_id, applicant_index, agent_index, content_sealed, data_key_id,
                is_open, created_by, created_at, changed_at)
            VALUES (@Enrollment, @Tracking, 1, 6, 1, 1, '000000', '000000', 'p', @Subscriber, @Nobody, @Nobody, @Content, @KeyId, 1, 'x', @Now, @Now);
            INSERT INTO certificate (
                issuer, serial, half, enrollment_id, subscriber_id, region, profile, certificate, key_hash, state, not_before, not_after, stored_at)
            VALUES (@Issuer, @Serial, 0, @Enrollment, @Subscriber, '000000', 'p', @Certificate, @Nobody, 1, @Now, @Now, @StoredAt);
            """,
            new
            {
                Subscriber = subscriber,
                Number = Convert.ToHexStringLower(subscriber),
                Enrollment = enrollment,
                Tracking = Convert.ToHexStringLower(enrollment)[12..],
                Nobody = new byte[32],
                Content = content[0],
                KeyId = keyId,
                Issuer = issuer,
                Serial = serial,
                Certificate = certificate,
                Now = now,
                StoredAt = now - ago,
            });
    }

    /// <summary>Serial numbers of certificates that were found in the CA's log.</summary>
    public Task<IReadOnlyList<string>> ProvenAsync() =>
        Database.QueryAsync<string>("SELECT serial FROM certificate WHERE proven_at IS NOT NULL ORDER BY serial", cancellationToken: Token);

    public async ValueTask DisposeAsync()
    {
        Persons.Dispose();
        await Hsm.DisposeAsync();
        await _test.DisposeAsync();
    }
}

/// <summary>A node of an RA, as far as it speaks to the CA.</summary>
internal sealed class RaNode
{
    public RaNode(RaSide side, TimeProvider time, SubjectPublicKeyInfo logKey, Func<HttpMessageHandler, DelegatingHandler>? handler)
    {
        var verifier = new AuditVerifier(CaScene.LogOrigin, logKey);
        Checkpoints = new Checkpoints(verifier, time, CheckpointLines);
        HttpClient plain = side.Ca.CreateClient(side.Ca.Ra.Link);
        HttpClient signed = side.Ca.Ra.Client;
        if (handler is not null)
        {
            (plain, signed) = (Through(plain, handler), Through(signed, handler));
        }

        Ca = new CaClient(plain, signed, Checkpoints, time);
        Kept = new KeepCheckpoint(side.Database, Ca, Checkpoints, verifier, time, KeptLines);
        Inclusion = new ProveInclusion(side.Database, Ca, Checkpoints, Kept, verifier, time, InclusionLines);
        var links = new PullLinks(side.Database, new ClientStore(side.Database, side.Log, time), new Lines<PullLinks>());
        Officers = new PullOfficers(side.Database, Ca, new KnownOfficers(side.Log, side.Directory, time), side.Persons, links, side.Log, side.Options, time, OfficerLines);
        DirectoryHealth = new DirectoryHealth(side.Database, Officers, time);
        LogHealth = new CaLogHealth(Checkpoints, time);
        InclusionHealth = new InclusionHealth(Inclusion);
    }

    public Lines<PullOfficers> OfficerLines { get; } = new();

    public Lines<Checkpoints> CheckpointLines { get; } = new();

    public Lines<KeepCheckpoint> KeptLines { get; } = new();

    public Lines<ProveInclusion> InclusionLines { get; } = new();

    public Checkpoints Checkpoints { get; }

    public CaClient Ca { get; }

    public KeepCheckpoint Kept { get; }

    public ProveInclusion Inclusion { get; }

    public PullOfficers Officers { get; }

    public DirectoryHealth DirectoryHealth { get; }

    public CaLogHealth LogHealth { get; }

    public InclusionHealth InclusionHealth { get; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public Task<bool> PullAsync() => Officers.RunAsync(Token);

    public static async Task<HealthStatus> StatusAsync(IHealthCheck check) => (await check.CheckHealthAsync(new HealthCheckContext(), Token)).Status;

    private static HttpClient Through(HttpClient client, Func<HttpMessageHandler, DelegatingHandler> handler) => new(handler(new Sent(client))) { BaseAddress = client.BaseAddress };

    /// <summary>Sends a request through another client.</summary>
    private sealed class Sent(HttpClient client) : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            using var copy = new HttpRequestMessage(request.Method, request.RequestUri) { Content = request.Content };
            foreach (KeyValuePair<string, object?> option in request.Options)
            {
                ((IDictionary<string, object?>)copy.Options)[option.Key] = option.Value;
            }

            return await client.SendAsync(copy, cancellationToken);
        }
    }
}

/// <summary>Changes answers to some requests.</summary>
internal sealed class ChangedAnswers(HttpMessageHandler inner, Func<HttpRequestMessage, HttpResponseMessage, Task<HttpResponseMessage>> change) : DelegatingHandler(inner)
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        await change(request, await base.SendAsync(request, cancellationToken));
}
