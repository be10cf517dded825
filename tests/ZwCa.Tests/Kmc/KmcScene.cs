using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Audit.Sequencing;
using ZwCa.Contracts.Kmc;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Kmc;
using ZwCa.Kmc.EscrowedKeys;
using ZwCa.Kmc.KeyPool;
using ZwCa.Kmc.Recoveries;
using ZwCa.Kmc.Registrations;
using ZwCa.Kmc.Requests;
using ZwCa.Officers;
using ZwCa.ServiceDefaults;
using ZwCa.Tests.HsmSim;
using Person = ZwCa.Tests.HsmSim.Person;

namespace ZwCa.Tests.Kmc;

/// <summary>A KMC's inside over a real device and a real database, and the two CAs that it serves.</summary>
internal sealed class KmcScene : IAsyncDisposable
{
    public const string Link = "ca-link";
    public const string OtherLink = "other-ca-link";
    public const string SignerLabel = "kmc-sign";
    public const string RowsLabel = "rows";

    private static readonly Name KmcSubject = Name.Create((Oids.CountryName, "CN"), (Oids.CommonName, "密钥管理中心"));

    private readonly HsmSimStore _store = new();
    private readonly TemporaryFolder _anchors = new();
    private Sequencer _sequencer = null!;
    private TestDatabase _test = null!;
    private HsmSimProcess _device = null!;
    private SimulatorHsm _hsm = null!;
    private RowMac _mac = null!;

    public EscrowStory Story { get; } = new();

    /// <summary>Recovery officers of the device's policy, of whom three have to sign.</summary>
    public IReadOnlyList<Person> Judges { get; } = EscrowStory.People(5);

    public RowMac Mac => _mac;

    public Database Database => _test.Database;

    /// <summary>The KMC's own.</summary>
    public Certificate Certificate { get; private set; } = null!;

    public RefillPool Pool { get; private set; } = null!;

    public AnswerRequests Requests { get; private set; } = null!;

    public KeepReceipts Receipts { get; private set; } = null!;

    /// <summary>What the KMC asks the device through: an answer may get lost on the way.</summary>
    public LossyHsm Hsm { get; private set; } = null!;

    /// <summary>The same, to call.</summary>
    public IHsm Device { get; private set; } = null!;

    public CheckRows Check { get; private set; } = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<KmcScene> StartAsync(DatabaseKind kind = DatabaseKind.Sqlite, int stock = 4)
    {
        var scene = new KmcScene();
        try
        {
            scene._test = await TestDatabase.CreateAsync(kind, MigrationSet.Data, AuditLog.Migrations, ServiceTables.Migrations, RoleCatalogue.Migrations, KmcTables.Migrations);
            scene._device = await scene._store.StartAsync();
            await scene._store.InstallPolicyAsync(scene._device, installed =>
            {
                scene.Story.PartitionId = installed.Partition.ToArray();
                return scene.Story.Policy(installed.Version, clients: installed.Clients, recovery: new RecoveryRule(3, [.. scene.Judges.Select(judge => judge.PublicKey)]));
            });
            scene._hsm = await scene._store.ConnectAsync(scene._device);
            HsmKey kek = await scene._hsm.GenerateKeyAsync(new KeyLabel("escrow"), HsmKeyKind.EscrowKek);
            HsmKey signer = await scene._hsm.GenerateKeyAsync(new KeyLabel(SignerLabel), HsmKeyKind.Sm2);
            HsmKey mac = await scene._hsm.GenerateKeyAsync(new KeyLabel(RowsLabel), HsmKeyKind.HmacSm3);
            scene._mac = await RowMac.OpenAsync(scene._hsm, mac);
            scene.Hsm = LossyHsm.Over(scene._hsm, out IHsm hsm);
            scene.Device = hsm;
            scene.Certificate = Certify(KmcSubject, signer.PublicKey!, SerialNumber.Parse("77"), scene.Story.OfficerIssuer);
            await scene.RegisterAsync(1, scene.Story.Ca, Link);
            await scene.RegisterAsync(2, scene.Story.OtherCa, OtherLink);
            HsmKey logKey = await scene._hsm.GenerateKeyAsync(new KeyLabel("log"), HsmKeyKind.Sm2);
            scene._sequencer = new Sequencer(
                scene.Database,
                new HsmSigner(scene._hsm, logKey),
                new LogOptions { Origin = "zwca/kmc", Key = logKey.PublicKey!, Anchors = [new Anchor(scene._anchors.File("anchor"))], MinInterval = TimeSpan.Zero },
                TimeProvider.System);
            var log = new AuditLog(TimeProvider.System);
            scene.Check = new CheckRows(scene.Database, scene._mac, TimeProvider.System);
            scene.Pool = new RefillPool(
                scene.Database, log, scene._hsm, new EscrowKek(kek), scene._mac, new PoolOptions { Threshold = stock, Full = stock, Batch = 3 }, TimeProvider.System);
            scene.Requests = KmcNode.Requests(scene.Database, hsm, new KmcSigner(new HsmSigner(hsm, signer), signer, scene.Certificate), scene._mac, scene.Story.OfficerIssuer.PublicKey);
            scene.Receipts = new KeepReceipts(scene.Database, log, TimeProvider.System);
            await scene.Pool.RunAsync(Token);
            return scene;
        }
        catch
        {
            await scene.DisposeAsync();
            throw;
        }
    }

    /// <summary>Sends what the CA signs now.</summary>
    public async Task<KmRespond> SendAsync(params IReadOnlyList<Request> requests) => await SendAsync(Story.Message(Story.Ca, requests));

    /// <summary>Sends it, and checks that the KMC has signed the answer to it.</summary>
    /// <param name="papers">What the CA carries beside it.</param>
    public async Task<KmRespond> SendAsync(byte[] message, string link = Link, RecoveryPapers? papers = null)
    {
        KmRespond respond = Der.Decode<KmRespond>(await Requests.RunAsync(message, link, papers, Token));
        Assert.True(Certificate.Tbs.SubjectPublicKeyInfo.TryGetSm2Key(out Sm2PublicKey? key) && key.Verify(respond.KsRespondBytes.Span, respond.DecodeSm2Signature().Raw.Span));
        Assert.Equal(EntName.Of(Certificate), respond.KsRespond.KmName);
        KsRequest asked = Der.Decode<CaRequest>(message).KsRequest;
        Assert.Equal(asked.TaskNo, respond.KsRespond.TaskNo);
        Assert.Equal(asked.RequestList.Count, respond.KsRespond.RespondList.Count);
        return respond;
    }

    /// <summary>The CA of the link says that the subscribers have what was answered to the message.</summary>
    public async Task ReceiveAsync(byte[] message, string link = Link)
    {
        string name = (link == Link ? Story.Ca : Story.OtherCa).Name;
        ServedCa ca = (await Database.FindAsync<ServedCa>($"SELECT {ServedCa.Columns} FROM served_ca WHERE name = @Name", new { Name = name }, Token))!;
        await Receipts.RunAsync(ca, new KeyReceipt { TaskNo = Der.Decode<CaRequest>(message).KsRequest.TaskNo.ToString() }, Token);
    }

    /// <summary>As the subscriber's token does: with the private signing key.</summary>
    /// <returns>The encryption key that was in it.</returns>
    public static Sm2PrivateKey Open(RetKeyRespond answer, Person subscriber)
    {
        byte[] key = subscriber.Key.Decrypt(answer.RetPriKey.RecipientInfos[0].DecodeSm2Cipher().Raw.Span);
        using var sm4 = new Sm4(key);
        byte[] d = sm4.DecryptEcb(answer.RetPriKey.EncryptedContentInfo.EncryptedContent!.Value.Span, PaddingMode.None);
        var opened = Sm2PrivateKey.FromBytes(d);
        Assert.Equal(answer.RetPubKey.PublicKey.ToArray(), opened.PublicKey.ToBytes());
        return opened;
    }

    /// <returns>Of the events of one action, in their order.</returns>
    public async Task<IReadOnlyList<AuditLeaf>> EventsAsync(string action) => [.. (await Database.QueryAsync<byte[]>("SELECT leaf FROM audit_event ORDER BY event_id", cancellationToken: Token))
        .Select(leaf => Der.Decode<AuditLeaf>(leaf)).Where(leaf => leaf.Action == action)];

    /// <summary>Every event gets its place in the log.</summary>
    public async Task SettleAsync() => Assert.NotNull(await _sequencer.RunOnceAsync(Token));

    public Task<long> CountAsync(KeyState state) => Database.ReadAsync(transaction => EscrowedKeyStore.CountAsync(transaction, state), Token);

    public Task RawAsync(string sql, object? parameters = null) => Database.WriteAsync(transaction => transaction.ExecuteAsync(sql, parameters), Token);

    /// <returns>What another process takes to be a node of this KMC.</returns>
    public KmcNode ToNode(KeyRecovery recovery) => new()
    {
        Kind = _test.Options.Kind,
        ConnectionString = _test.Options.ConnectionString,
        Device = _device.Endpoint.ToString(),
        Store = _store.Path,
        Certificate = Der.Encode(Certificate),
        OfficerIssuer = Der.Encode(Story.OfficerIssuer.PublicKey),
        Recovery = recovery,
    };

    /// <summary>Dies as by a loss of power, and is there again.</summary>
    public Task KillDeviceAsync() => _device.KillAsync();

    public async Task StartDeviceAsync()
    {
        string listen = _device.Endpoint.ToString();
        await _device.DisposeAsync();
        _device = await _store.StartAsync(listen);

        // The driver tries again only after a while.
        for (int i = 0; ; i++)
        {
            try
            {
                await _hsm.GetRandomAsync(1, Token);
                return;
            }
            catch (HsmException) when (i < 200)
            {
                await Task.Delay(50, Token);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        _mac?.Dispose();
        if (_hsm is not null)
        {
            await _hsm.DisposeAsync();
        }

        if (_device is not null)
        {
            await _device.DisposeAsync();
        }

        if (_test is not null)
        {
            await _test.DisposeAsync();
        }

        _anchors.Dispose();
        _store.Dispose();
        Story.Dispose();
    }

    internal static Certificate Certify(Name subject, SubjectPublicKeyInfo key, SerialNumber serial, Person issuer)
    {
        DateTimeOffset now = DateTimeOffset.UtcNow;
        var tbs = new TbsCertificate(
            serial, AlgorithmIdentifier.Sm3WithSm2, EscrowStory.CaSubject, new Validity(Time.Truncate(now.AddDays(-1)), Time.Truncate(now.AddDays(365))), subject, key, new Extensions([Extension.Create(new KeyUsage(KeyUsages.DigitalSignature), critical: true)]));
        byte[] bytes = Der.Encode(tbs);
        return Certificate.Assemble(bytes, issuer.Sign(bytes));
    }

    /// <summary>As two officers do.</summary>
    private async Task RegisterAsync(short id, StoryCa ca, string link)
    {
        // As EscrowStory.Message names it.
        Certificate certificate = Certify(EscrowStory.CaSubject, ca.Signer.PublicKey, SerialNumber.Parse("4d2f"), ca.Signer);
        await RawAsync(
            """
            INSERT INTO served_ca (ca_id, name, certificate, key_hash, link_name, state, signed_part, signature_form, registered_at, changed_at)
            VALUES (@Id, @Name, @Certificate, @KeyHash, @Link, 1, 1, 1, 0, 0)
            """,
            new { Id = id, ca.Name, Certificate = Der.Encode(certificate), KeyHash = Sm3.HashData(Der.Encode(ca.Signer.PublicKey)), Link = link });
        var registration = new CaRegistration(ca.Name, certificate, link, SignedPart.Content, SignatureForm.Der);
        await Database.WriteAsync(
            transaction => new AuditLog(TimeProvider.System).AppendAsync(
                transaction,
                new AuditEvent(new AuditActor(AuditActorKind.Officer, "05"), CaActions.Register, new AuditObject("ca", ca.Name), AuditOutcome.Done) { Fields = CaActions.FieldsOf(registration) }),
            Token);
    }
}
