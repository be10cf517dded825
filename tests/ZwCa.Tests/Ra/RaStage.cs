using System.Net.Http.Json;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Officers;
using ZwCa.Ra;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;
using ZwCa.ServiceDefaults.Verbs;
using ZwCa.Tests.Ca.Pairs;

namespace ZwCa.Tests.Ra;

/// <summary>How a <see cref="RaStage"/> differs from the plain one.</summary>
internal sealed record RaSetup
{
    /// <summary>Null: an SQLite file of its own.</summary>
    public DatabaseOptions? Database { get; init; }

    /// <summary>Settings besides, or instead of, the plain ones: <c>Ra:Limits:Review</c>.</summary>
    public IReadOnlyDictionary<string, string?> Settings { get; init; } = new Dictionary<string, string?>();

    public TimeProvider? Time { get; init; }
}

/// <summary>A province's RA in this process, its keys in memory, over real mutual TLS; before it a CA with its KMC; and those who work there and apply.</summary>
internal sealed class RaStage : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TemporaryFolder _folder;
    private readonly StringWriter _log = new();
    private readonly Dictionary<StageOfficer, HttpClient> _clients = [];
    private readonly MemoryHsm _hsm = new();
    private bool _started;

    private RaStage(PairStage pairs, TemporaryFolder folder, TimeProvider time)
    {
        _folder = folder;
        Pairs = pairs;
        Time = time;
    }

    /// <summary>CA and KMC.</summary>
    public PairStage Pairs { get; }

    public CaStage Ca => Pairs.Ca;

    public TimeProvider Time { get; }

    public WebApplication App { get; private set; } = null!;

    public Uri Address { get; private set; } = null!;

    public Database Database => App.Services.GetRequiredService<Database>();

    /// <summary>业务操作员 of the county: an acceptance point.</summary>
    public StageOfficer County { get; private set; } = null!;

    /// <summary>业务操作员 of the city.</summary>
    public StageOfficer City => Ca.Entry;

    /// <summary>Another one.</summary>
    public StageOfficer CityReviewer { get; private set; } = null!;

    /// <summary>业务操作员 of the province.</summary>
    public StageOfficer Province => Ca.Review;

    /// <summary>业务管理员 of the province.</summary>
    public StageOfficer Administrator { get; private set; } = null!;

    /// <summary>审计员 of the province.</summary>
    public StageOfficer Auditor { get; private set; } = null!;

    /// <summary>What the RA has logged.</summary>
    public string Log
    {
        get
        {
            lock (_log)
            {
                return _log.ToString();
            }
        }
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<RaStage> StartAsync(RaSetup? setup = null)
    {
        setup ??= new RaSetup();
        var folder = new TemporaryFolder();
        PairStage pairs = await PairStage.StartAsync(new CaSetup
        {
            RaProfiles = RaScene.Profiles,

            // Keys are recovered with the officers' CRL.
            Settings = new Dictionary<string, string?> { ["Ca:Crls:Look"] = "00:00:00.5", ["Ca:Crls:PublicationFolders:0"] = Directory.CreateDirectory(folder.File("crls")).FullName },
        });
        var stage = new RaStage(pairs, folder, setup.Time ?? TimeProvider.System);
        try
        {
            stage.County = await pairs.Ca.OfficerAsync(RoleCatalogue.BusinessOperator, CaScene.County, "陈县");
            stage.CityReviewer = await pairs.Ca.OfficerAsync(RoleCatalogue.BusinessOperator, CaScene.City, "李市");
            stage.Administrator = await pairs.Ca.OfficerAsync(RoleCatalogue.BusinessAdministrator, CaScene.Province, "周管理");
            stage.Auditor = await pairs.Ca.OfficerAsync(RoleCatalogue.Auditor, CaScene.Province, "吴审计");
            await stage.StartServiceAsync(setup);
            return stage;
        }
        catch
        {
            await stage.DisposeAsync();
            throw;
        }
    }

    /// <summary>The officer's own link and signatures.</summary>
    public HttpClient ClientOf(StageOfficer officer)
    {
        if (!_clients.TryGetValue(officer, out HttpClient? client))
        {
            client = LinkTls.CreateClient(
                Address,
                () => officer.Link,
                LinkTrust.Load(_folder.File("system-ca.pem"), TimeProvider.System),
                TimeSpan.FromMinutes(1),
                new MessageSigningHandler(new MessageSigner(officer.SerialNumber, officer.Key), RaScene.ServiceName, Time));
            _clients[officer] = client;
        }

        return client;
    }

    /// <exception cref="RefusalException">The RA refused.</exception>
    public Task<T> PostAsync<T>(StageOfficer who, string path, object body, RequestId? id = null) => SignedCalls.SendAsync<T>(ClientOf(who), HttpMethod.Post, path, body, id);

    /// <inheritdoc cref="PostAsync{T}"/>
    public Task<T> PutAsync<T>(StageOfficer who, string path, object body) => SignedCalls.SendAsync<T>(ClientOf(who), HttpMethod.Put, path, body, null);

    /// <inheritdoc cref="PostAsync{T}"/>
    public Task<T> GetAsync<T>(StageOfficer who, string path) => SignedCalls.SendAsync<T>(ClientOf(who), HttpMethod.Get, path, null, null);

    /// <returns>The id of a new subscriber.</returns>
    public async Task<string> PersonAsync(string region = CaScene.City, string name = "张三", IdNumber? number = null, string? organization = null) => (await PostAsync<SubscriberAnswer>(
        City,
        "/subscribers",
        new SubscriberRequest { Kind = "person", Region = region, Name = name, Number = (number ?? CaScene.NewIdNumber()).Reveal(), Organization = organization })).Id;

    public static EnrollmentRequest NewRequest(string subscriber, Sm2PrivateKey key, string profile = "person", string region = CaScene.City) =>
        new() { Kind = "new", Region = region, Profile = profile, Subscriber = subscriber, Csr = CaScene.Csr(key) };

    /// <summary>A code of somebody new whose two check characters are right (GB 32100, GB 11714).</summary>
    public static string NewCreditCode()
    {
        const string alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY";
        while (true)
        {
            string body = "11350100" + string.Concat(Enumerable.Range(0, 9).Select(_ => alphabet[System.Security.Cryptography.RandomNumberGenerator.GetInt32(alphabet.Length)]));
            if (alphabet.Select(check => body + check).FirstOrDefault(code => UnifiedSocialCreditCode.TryParse(code, out _)) is { } found)
            {
                return found;
            }
        }
    }

    /// <summary>A draft.</summary>
    public Task<EnrollmentAnswer> TakeInAsync(EnrollmentRequest request, StageOfficer? who = null) => PostAsync<EnrollmentAnswer>(who ?? City, "/enrollments", request);

    /// <summary>Looks at what is to be signed, signs and submits it.</summary>
    public async Task<EnrollmentAnswer> SubmitAsync(EnrollmentAnswer draft, StageOfficer? who = null)
    {
        who ??= City;
        ApplicationAnswer application = await GetAsync<ApplicationAnswer>(who, $"/enrollments/{draft.Id}/application");
        return await PostAsync<EnrollmentAnswer>(who, $"/enrollments/{draft.Id}/submission", new SubmissionRequest { Version = application.Version, Approval = Sign(who, ApprovalStep.Entry, application) });
    }

    /// <summary>Looks at what was entered, and approves it.</summary>
    public async Task<EnrollmentAnswer> ApproveAsync(EnrollmentAnswer enrollment, StageOfficer? who = null)
    {
        who ??= CityReviewer;
        ApplicationAnswer application = await GetAsync<ApplicationAnswer>(who, $"/enrollments/{enrollment.Id}/application");
        return await PostAsync<EnrollmentAnswer>(
            who, $"/enrollments/{enrollment.Id}/review", new ReviewRequest { Version = application.Version, Outcome = "approved", Approval = Sign(who, ApprovalStep.Review, application) });
    }

    /// <returns>DER of an Approval over both applications.</returns>
    public byte[] Sign(StageOfficer officer, ApprovalStep step, ApplicationAnswer application)
    {
        List<Application> applications = [Der.Decode<Application>(application.Application)];
        if (application.Following is { } following)
        {
            applications.Add(Der.Decode<Application>(following));
        }

        return Der.Encode(ApprovalSigning.Sign(ApprovalSigning.Build(step, applications, Time.GetUtcNow()), officer.Key, officer.Certificate));
    }

    public Task<EnrollmentAnswer> ShowAsync(EnrollmentAnswer enrollment, StageOfficer? who = null) => GetAsync<EnrollmentAnswer>(who ?? City, $"/enrollments/{enrollment.Id}");

    /// <summary>Waits for what the outbox does.</summary>
    public async Task<EnrollmentAnswer> UntilAsync(EnrollmentAnswer enrollment, params string[] states)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        patience.CancelAfter(Patience);
        while (true)
        {
            EnrollmentAnswer now = await ShowAsync(enrollment, Province);
            if (states.Contains(now.State))
            {
                return now;
            }

            if (patience.IsCancellationRequested || now.State is "returned" or "rejected")
            {
                throw new TimeoutException($"It is {now.State} ({now.Reason}), not {string.Join(" or ", states)}.\n{Log}");
            }

            await Task.Delay(20, CancellationToken.None);
        }
    }

    /// <summary>From draft to issued.</summary>
    public async Task<EnrollmentAnswer> IssueAsync(EnrollmentRequest request, StageOfficer? entry = null, StageOfficer? review = null) =>
        await UntilAsync(await ApproveAsync(await SubmitAsync(await TakeInAsync(request, entry), entry), review), "issued", "delivered");

    /// <summary>As the token does: proves that it has the key.</summary>
    public async Task<DeliveryAnswer> FetchAsync(EnrollmentAnswer enrollment, Sm2PrivateKey key, StageOfficer? who = null)
    {
        DeliveryChallenge challenge = await PostAsync<DeliveryChallenge>(who ?? City, $"/enrollments/{enrollment.Id}/delivery/challenge", new { });
        return await PostAsync<DeliveryAnswer>(who ?? City, $"/enrollments/{enrollment.Id}/delivery", new DeliveryRequest { Proof = Prove(enrollment, challenge, key) });
    }

    public static byte[] Prove(EnrollmentAnswer enrollment, DeliveryChallenge challenge, Sm2PrivateKey key)
    {
        byte[] signature = new byte[Sm2.SignatureSizeInBytes];
        key.Sign([.. Encoding.ASCII.GetBytes("ZWCA-DELIVERY1"), .. Encoding.ASCII.GetBytes(enrollment.Id), .. challenge.Challenge], signature);
        return Der.Encode(Sm2Signature.FromRaw(signature));
    }

    /// <summary>Fetches the pair, opens the envelope and signs the receipt.</summary>
    /// <returns>The enrollment, and the encryption key.</returns>
    public async Task<(EnrollmentAnswer Enrollment, PairAnswer Pair, Sm2PrivateKey Key)> DeliverAsync(EnrollmentAnswer enrollment, Sm2PrivateKey key)
    {
        DeliveryAnswer delivered = await FetchAsync(enrollment, key);
        Sm2PrivateKey opened = PairScene.Open(delivered.Pair!.Envelope!, key);
        await PostAsync<EnrollmentAnswer>(City, $"/enrollments/{enrollment.Id}/receipt", PairScene.Receipt(delivered.Pair, key));
        return (await UntilAsync(enrollment, "delivered"), delivered.Pair, opened);
    }

    /// <summary>What the RA is refused with, or refuses with.</summary>
    public static async Task<RefusalException> RefusedAsync(Func<Task> call, Refusal kind)
    {
        RefusalException refusal = await Assert.ThrowsAsync<RefusalException>(call);
        Assert.True(kind == refusal.Kind, $"{refusal.Kind}: {refusal.Message}");
        Assert.Contains(refusal.Message, c => c >= 0x4E00);
        return refusal;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (HttpClient client in _clients.Values)
        {
            client.Dispose();
        }

        if (_started)
        {
            await App.StopAsync(CancellationToken.None);
        }

        if (App is not null)
        {
            await App.DisposeAsync();
        }

        await Pairs.DisposeAsync();
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        _folder.Dispose();
    }

    private async Task StartServiceAsync(RaSetup setup)
    {
        // Its keys, one of which the CA has certified, and its link, which the CA has registered.
        byte[] secret = new byte[32];
        Ca.Ra.Key.ExportBytes(secret);
        _hsm.AddSm2Key(new KeyLabel(RaScene.MessageKey), Sm2PrivateKey.FromBytes(secret));
        await RaScene.MakeKeysAsync(_hsm);
        File.WriteAllText(_folder.File("system-ca.pem"), Pem.Encode(Pem.Certificate, Der.Encode(Ca.Scene.Issuers.System.Certificate!)));
        LinkOptionsFiles link = CaScene.WriteServerLink(Ca.Scene.Issuers, _folder.Path, TimeProvider.System);
        using (X509Certificate2 own = X509CertificateLoader.LoadCertificateFromFile(link.Certificate))
        {
            await Ca.App.Services.GetRequiredService<ClientStore>().RegisterAsync(CaScene.Actor, own, CaScene.RaName, ClientKind.Ra);
        }

        SubjectPublicKeyInfo logKey = (await Ca.Hsm.FindKeyAsync(new KeyLabel("ca-log")))!.PublicKey!;
        Dictionary<string, string?> settings = RaScene.WriteSettings(Ca.Scene.Issuers, _folder.Path, Ca.Address, Ca.Ra.Certificate!, logKey);
        settings["Ra:Hsm:Endpoint"] = "127.0.0.1:1";
        settings["Ra:Hsm:Partition"] = "ra";
        settings["Ra:Hsm:ClientFolder"] = _folder.Path;
        foreach ((string name, string? value) in setup.Settings)
        {
            settings[name] = value;
        }

        var options = new ServiceOptions
        {
            Name = RaScene.ServiceName,
            Mode = ServiceMode.Development,
            Listen = "127.0.0.1:0",
            Management = "127.0.0.1:0",
            Link = new LinkOptions { CertificateFile = link.Certificate, KeyFile = link.Key, SystemCaFile = link.SystemCa },
            Database = setup.Database ?? new DatabaseOptions { ConnectionString = $"Data Source={_folder.File("ra.db")}" },
            Limits = new RequestLimits { RequestsPerSecond = 100_000, RequestsAtOnce = 100_000 },
        };
        var program = new ServiceProgram
        {
            Description = "The RA of a test.",
            Tables = RaHosting.Tables,
            Checks = RaHosting.Checks,
            Add = (builder, service) =>
            {
                builder.Services.AddSingleton(Time);
                builder.Services.AddSingleton<IHsm>(_hsm);
                RaHosting.Add(builder, service);
            },
            Map = RaHosting.Map,
        };
        App = program.Build(options, new ConfigurationBuilder().AddInMemoryCollection(settings).Build(), TextWriter.Synchronized(_log));
        await App.Services.GetRequiredService<Migrator>().MigrateAsync();
        foreach (StartCheck check in RaHosting.Checks)
        {
            await check.Run(App.Services, CancellationToken.None);
        }

        await App.StartAsync();
        _started = true;
        Uri[] addresses = [.. App.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(each => new Uri(each))];
        Address = addresses.Single(each => each.Scheme == Uri.UriSchemeHttps);
        await WaitForCaAsync();
    }

    /// <summary>Officers and profiles have been heard of, and the CA has published the officers' CRL.</summary>
    private async Task WaitForCaAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        while (await Database.ReadAsync(async transaction =>
            await transaction.GetAsync<long>("SELECT COUNT(*) FROM officer") < 6 || await transaction.GetAsync<long>("SELECT COUNT(*) FROM ca_profile") == 0)
            || await Ca.Database.FindAsync<long>("SELECT COUNT(*) FROM crl WHERE state = 3 AND authority_id = (SELECT authority_id FROM authority WHERE name = 'ops-s1')") == 0)
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Delay(20, CancellationToken.None);
        }
    }
}
