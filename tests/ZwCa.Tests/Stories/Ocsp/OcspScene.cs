using System.Diagnostics;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts.Ca;
using ZwCa.ServiceDefaults.Messages;
using ZwCa.Tests.Ca.Status;

namespace ZwCa.Tests.Stories.Ocsp;

/// <summary>A CA and a responder, each a process of its own, the feed between them over mutual TLS; an RA that has certificates issued and revoked, and an agency that asks about them.</summary>
internal sealed class OcspScene : IAsyncDisposable
{
    /// <summary>A change is seen within it, on a machine that is busy with other tests too: a quarter of a second is what the settings promise.</summary>
    public static readonly TimeSpan Bound = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly TemporaryFolder _folder = new();

    private OcspScene()
    {
    }

    public CaProcess Ca { get; private set; } = null!;

    public OcspNode Node { get; private set; } = null!;

    public Agency Agency { get; private set; } = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Both run, and the node has all that the CA tells.</summary>
    public static async Task<OcspScene> StartAsync(IReadOnlyDictionary<string, string?>? caSettings = null, IReadOnlyDictionary<string, string?>? nodeSettings = null)
    {
        var scene = new OcspScene();
        try
        {
            var settings = new Dictionary<string, string?>
            {
                ["Ca:Ocsp:Look"] = "00:00:00.25",
                ["Ca:Ocsp:Hashes:0"] = "Sha1",
                ["Ca:RecoverAfter"] = "00:00:01",
                ["Ca:ClaimFor"] = "00:00:03",
                ["Service:Limits:RequestTimeout"] = "00:00:03",
            };
            foreach ((string name, string? value) in caSettings ?? new Dictionary<string, string?>())
            {
                settings[name] = value;
            }

            scene.Ca = await CaProcess.CreateAsync(new CaProcessSetup { Folder = scene._folder.File("ca"), Settings = settings });
            scene.Node = await OcspNode.CreateAsync(scene.Ca, scene._folder.File("ocsp"), nodeSettings);
            scene.Agency = new Agency(scene.Node.Public, Der.Encode(scene.Ca.Issuers.Subscribers.Certificate!), TimeProvider.System);
            await scene.Ca.StartAsync();
            await scene.Node.StartAsync();

            // Whoever is asked with a nonce signs only when it has heard the CA.
            await scene.UntilAsync("7F", Heard.Unknown, isFresh: true, TimeSpan.FromMinutes(1));
            return scene;
        }
        catch
        {
            await scene.DisposeAsync();
            throw;
        }
    }

    public Task<CertificateAnswer> IssueAsync()
    {
        DecidedRequest request = Ca.Scene.NewRequest();
        var id = RequestId.Create(TimeProvider.System);
        return SignedCalls.UntilAnsweredAsync(() => Ca.Scene.Ra.PostAsync<CertificateAnswer>("/certificates", request, id), Token);
    }

    /// <returns>As the RA is told; asked again until there is an answer.</returns>
    public Task<CertificateAnswer> ChangeAsync(CertificateAnswer certificate, DecisionKind kind, RevocationReason? reason = null)
    {
        DecidedRequest request = Ca.Scene.Decide(StatusCalls.Application(certificate, kind, reason));
        var id = RequestId.Create(TimeProvider.System);
        return SignedCalls.UntilAnsweredAsync(() => Ca.Scene.Ra.PostAsync<CertificateAnswer>(StatusCalls.PathOf(certificate, kind), request, id), Token);
    }

    /// <summary>The agency asks until it hears the word.</summary>
    /// <param name="patience">Null: <see cref="Bound"/>.</param>
    /// <returns>With that word, and how long it took.</returns>
    public async Task<(Heard Heard, TimeSpan After)> UntilAsync(string serial, string word, bool isFresh = false, TimeSpan? patience = null)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            TimeSpan asked = clock.Elapsed;
            Heard heard = await Agency.AskAsync(serial, isFresh);
            if (heard.Word == word)
            {
                return (heard, asked);
            }

            Assert.True(asked <= (patience ?? Bound), $"After {asked} it is still {heard.Word}, and not {word}.\n{Node.Log}");
            await Task.Delay(Pause, Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Agency?.Dispose();
        if (Node is not null)
        {
            await Node.DisposeAsync();
        }

        if (Ca is not null)
        {
            await Ca.DisposeAsync();
        }

        _folder.Dispose();
    }
}

/// <summary>One CA and one responder for all tests of a class that do not get into each other's way.</summary>
public sealed class SharedScene : IAsyncLifetime
{
    internal OcspScene Scene { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Scene = await OcspScene.StartAsync();

    public ValueTask DisposeAsync() => Scene.DisposeAsync();
}
