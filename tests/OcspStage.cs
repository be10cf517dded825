using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Issuance.Feed;
using ZwCa.Ocsp;
using ZwCa.Ocsp.Answers;
using ZwCa.Ocsp.Feed;

namespace ZwCa;

/// <summary>A clock that goes with the machine's, and can be moved.</summary>
internal sealed class ShiftedTime : TimeProvider
{
    public TimeSpan By { get; set; }

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + By;
}

/// <summary>A CA whose key is in memory.</summary>
internal sealed record OcspStageCa(Certificate Certificate, HsmSigner Signer)
{
    public Name Name => Certificate.Tbs.Subject;
}

/// <summary>A CA with its responder's key and the key of a node, the feed that tells of its certificates, and responders that pull it. Linked into the test projects.</summary>
internal sealed class OcspStage : IAsyncDisposable
{
    /// <summary>Of the CA and of its signer in the feed.</summary>
    public const short Number = 1;

    public static readonly TimeSpan Validity = TimeSpan.FromDays(4);

    private readonly TemporaryFolder _folder = new();
    private readonly List<WebApplication> _nodes = [];
    private readonly MemoryHsm _hsm = new();
    private OcspResponder _responder = null!;
    private HsmSigner _nodeSigner = null!;
    private int _keys;

    private OcspStage() => Source = new OcspFeedSource(Time);

    public ShiftedTime Time { get; } = new();

    public OcspFeedSource Source { get; }

    public OcspStageCa Issuer { get; private set; } = null!;

    public Certificate Ca => Issuer.Certificate;

    /// <summary>Who signs ahead of time.</summary>
    public Certificate Responder { get; private set; } = null!;

    public Certificate Node { get; private set; } = null!;

    public static async Task<OcspStage> CreateAsync(HsmKeyKind kind = HsmKeyKind.Sm2)
    {
        var stage = new OcspStage();
        stage.Issuer = await stage.MakeCaAsync(kind, "政务CA 签发一");
        (stage.Responder, HsmSigner signer) = await stage.CertifyAsync(stage.Issuer, kind);
        (stage.Node, stage._nodeSigner) = await stage.CertifyAsync(stage.Issuer, kind);
        stage._responder = OcspResponder.Delegated(stage.Ca, stage.Responder, signer);
        return stage;
    }

    /// <summary>Another CA, of which the feed says nothing.</summary>
    public async Task<OcspStageCa> MakeCaAsync(HsmKeyKind kind, string name)
    {
        HsmSigner signer = await NewSignerAsync(kind);
        Name subject = Name.Create((Oids.CountryName, "CN"), (Oids.CommonName, name));
        Certificate certificate = await SignAsync(signer, subject, subject, signer.SubjectPublicKeyInfo,
        [
            Extension.Create(SubjectKeyIdentifier.Of(signer.SubjectPublicKeyInfo), critical: false),
            Extension.Create(BasicConstraints.Ca(), critical: true),
            Extension.Create(new KeyUsage(KeyUsages.KeyCertSign | KeyUsages.CrlSign), critical: true),
        ]);
        return new OcspStageCa(certificate, signer);
    }

    public string File(string name) => _folder.File(name);

    /// <summary>A file that goes away with the stage.</summary>
    public string Write(string name, string text)
    {
        System.IO.File.WriteAllText(_folder.File(name), text);
        return _folder.File(name);
    }

    /// <summary>Content that names the CA and its signer.</summary>
    public FeedWriter Begin()
    {
        var writer = new FeedWriter();
        writer.Authority(Number, Ca);
        writer.Signer(Number, Number, Responder);
        return writer;
    }

    /// <summary>A segment with these statuses and their responses; the first one names the CA.</summary>
    public async Task AppendAsync(params FeedStatus[] statuses)
    {
        FeedWriter writer = Source.Segments.Count == 0 ? Begin() : new FeedWriter();
        await WriteAsync(writer, statuses);
        Source.Append(writer.ToArray());
    }

    /// <summary>Statuses, and responses to them under SHA-1.</summary>
    public async Task WriteAsync(FeedWriter writer, params FeedStatus[] statuses)
    {
        foreach (FeedStatus each in statuses)
        {
            writer.Status(each);
        }

        await RespondAsync(writer, CertIdHash.Sha1, Time.GetUtcNow(), statuses);
    }

    public async Task RespondAsync(FeedWriter writer, CertIdHash hash, DateTimeOffset at, params FeedStatus[] statuses)
    {
        DateTimeOffset thisUpdate = Seconds(at);
        writer.Batch(new FeedBatch(Number, Number, hash, thisUpdate, thisUpdate + Validity));
        var template = new OcspTemplate(Ca, Responder, hash);
        byte[] buffer = new byte[template.MaxLength(0)];
        IReadOnlyList<byte[]> signatures = await _responder.SignManyAsync([.. statuses.Select(each => (ReadOnlyMemory<byte>)template.WriteTbs(
            buffer,
            new OcspFacts(each.SerialNumber.Span, each.RevokedAt?.ToUnixTimeSeconds(), each.Reason, thisUpdate.ToUnixTimeSeconds(), (thisUpdate + Validity).ToUnixTimeSeconds())).ToArray())]);
        foreach ((FeedStatus status, byte[] signature) in statuses.Zip(signatures))
        {
            writer.Response(new FeedResponse(status.SerialNumber, status.Version, Responder.Tbs.SubjectPublicKeyInfo.TryGetSm2Key(out _) ? Der.Decode<Sm2Signature>(signature).Raw : signature));
        }
    }

    public FeedStatus Good(byte[] serial, long version = 1) => new(Number, serial, version, null, RevocationReason.Unspecified, Seconds(Time.GetUtcNow()) + TimeSpan.FromDays(300));

    public FeedStatus Revoked(byte[] serial, long version = 2, RevocationReason reason = RevocationReason.KeyCompromise) =>
        Good(serial, version) with { RevokedAt = Seconds(Time.GetUtcNow()), Reason = reason };

    public OcspOptions Options(string folder = "copy") => new()
    {
        Listen = ["127.0.0.1:0"],
        Feed = new FeedOptions
        {
            Url = new Uri("https://ca.example"), Origin = OcspFeedSource.Origin, KeyFiles = ["feed.pem"], Folder = _folder.File(folder), LongestWait = TimeSpan.FromSeconds(1),
        },
        DrainFor = TimeSpan.Zero,
    };

    public FeedCopy Open(string folder = "copy", params SubjectPublicKeyInfo[] pins) =>
        new(OcspFeedSource.Origin, pins.Length == 0 ? [OcspFeedSource.PublicKey(1)] : pins, _folder.File(folder), _folder.File($"{folder}-heard"), Time);

    public HttpClient Client() => new(Source, disposeHandler: false) { BaseAddress = new Uri("https://ca.example") };

    /// <summary>A key of a node with its certificate in a file.</summary>
    public LiveSigner Signer() => new(Write("node.pem", Pem.Encode(Pem.Certificate, Der.Encode(Node))), _nodeSigner, Time, NullLogger.Instance);

    /// <summary>A responder on loopback, which pulls the feed.</summary>
    /// <returns>Where it answers.</returns>
    public async Task<(WebApplication App, Uri Address)> StartAsync(OcspOptions? options = null, bool hasKey = true)
    {
        options ??= Options();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseSetting("urls", "");
        builder.Services.AddSingleton<TimeProvider>(Time);
        builder.Services.AddSingleton(Client());
        builder.Services.AddSingleton<IReadOnlyList<LiveSigner>>(hasKey ? [Signer()] : []);
        builder.AddResponder(options, _ => Open(Path.GetFileName(options.Feed.Folder)));
        WebApplication app = builder.Build();
        _nodes.Add(app);
        await app.StartAsync();
        return (app, new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()));
    }

    /// <summary>Waits until a node has all that the feed has, and serves it.</summary>
    public async Task WaitAsync(WebApplication app)
    {
        FeedState state = app.Services.GetRequiredService<FeedState>();
        for (int i = 0; state.Number < Source.Segments.Count || state.Served is null || state.CompleteAt is null; i++)
        {
            if (i == 600)
            {
                throw new TimeoutException($"The node ends with segment {state.Number}: {state.Fault}");
            }

            await Task.Delay(50);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (WebApplication each in _nodes)
        {
            await each.StopAsync();
            await each.DisposeAsync();
        }

        await _hsm.DisposeAsync();
        Source.Dispose();
        _folder.Dispose();
    }

    public static DateTimeOffset Seconds(DateTimeOffset time) => DateTimeOffset.FromUnixTimeSeconds(time.ToUnixTimeSeconds());

    private async Task<HsmSigner> NewSignerAsync(HsmKeyKind kind) => new(_hsm, await _hsm.GenerateKeyAsync(new KeyLabel($"key-{Interlocked.Increment(ref _keys)}"), kind));

    private async Task<(Certificate Certificate, HsmSigner Signer)> CertifyAsync(OcspStageCa issuer, HsmKeyKind kind)
    {
        HsmSigner signer = await NewSignerAsync(kind);
        Name subject = Name.Create((Oids.CountryName, "CN"), (Oids.CommonName, "OCSP响应"));
        return (await SignAsync(issuer.Signer, issuer.Name, subject, signer.SubjectPublicKeyInfo,
        [
            Extension.Create(KeyUsage.Signing, critical: true),
            Extension.Create(new ExtendedKeyUsage(Oids.OcspSigning), critical: true),
            Extension.Create(new OcspNoCheck(), critical: false),
            Extension.Create(new AuthorityKeyIdentifier(issuer.Certificate.Tbs.Extensions!.Find<SubjectKeyIdentifier>()!.KeyIdentifier), critical: false),
        ]), signer);
    }

    /// <summary>The same key once more, for as long from now.</summary>
    public Task<Certificate> CertifyAgainAsync(Certificate old, SubjectPublicKeyInfo? key = null, int days = 300) =>
        SignAsync(Issuer.Signer, Issuer.Name, old.Tbs.Subject, key ?? old.Tbs.SubjectPublicKeyInfo, old.Tbs.Extensions!, days);

    private async Task<Certificate> SignAsync(HsmSigner signer, Name issuer, Name subject, SubjectPublicKeyInfo key, IReadOnlyList<Extension> extensions, int days = 300)
    {
        DateTimeOffset now = Seconds(Time.GetUtcNow());
        byte[] tbs = Der.Encode(new TbsCertificate(
            SerialNumbers.Create(), signer.AlgorithmIdentifier, issuer, new Validity(new Time(now.AddDays(-30)), new Time(now.AddDays(days))), subject, key, new Extensions(extensions)));
        return Certificate.Assemble(tbs, await signer.SignAsync(tbs));
    }
}
