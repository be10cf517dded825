using System.Net;
using ZwCa.Admin.Ceremony;
using ZwCa.Admin.Crls;
using ZwCa.Admin.Ocsp;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;

namespace ZwCa.Admin.Demo;

/// <summary>An OCSP responder as a process of its own, and what agency systems ask it.</summary>
internal sealed class DemoResponder : IAsyncDisposable
{
    private const string Name = "ocsp-1";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly DemoService _service;
    private readonly Downloader _downloader = new(TimeProvider.System);

    private DemoResponder(DemoService service, Uri url)
    {
        _service = service;
        Url = url;
    }

    /// <summary>Where everybody asks.</summary>
    public Uri Url { get; }

    /// <summary>Its listener for its operators.</summary>
    public Uri Management => _service.Management;

    /// <summary>Configures it from the ceremony's output and starts it.</summary>
    /// <param name="ca">Where the CA listens.</param>
    /// <exception cref="DemoException">It did not come up.</exception>
    public static async Task<DemoResponder> StartAsync(DemoCeremony ceremony, DirectoryInfo folder, DemoState state, Uri ca)
    {
        IPEndPoint listen = state.EndPointOf(Name);
        IPEndPoint management = state.EndPointOf($"{Name}-management");
        string target = Path.Combine(folder.FullName, Name);
        string config = state.IsInstalled
            ? Path.Combine(target, ServiceSettings.OcspFileName)
            : ServiceSettings.WriteOcsp(
                new CeremonyFolder(ceremony.Output),
                Name,
                "service",
                new ServicePlace { Listen = listen.ToString(), Management = management.ToString(), Ca = ca.GetLeftPart(UriPartial.Authority), Mode = "Demo" },
                target);

        // Before it stands no balancer that has to see that it ends.
        var service = new DemoService("ocsp", config, listen, management) { Variables = new Dictionary<string, string> { ["ZWCA_Ocsp__DrainFor"] = "00:00:00" } };
        var responder = new DemoResponder(service, new Uri($"http://{listen}/ocsp"));
        try
        {
            await responder._service.StartAsync();
            DemoScreen.Report($"zwca-ocsp runs as process {responder._service.ProcessId}: it pulls the CA's signed feed, and answers on {responder.Url}", true);
            return responder;
        }
        catch
        {
            await responder.DisposeAsync();
            throw;
        }
    }

    /// <summary>Asks until the answer is the one that is due: what has just changed takes a moment on its way.</summary>
    /// <param name="status"><c>good</c>, <c>revoked</c> or <c>unknown</c>.</param>
    /// <param name="isFresh">The answer is to be signed just now.</param>
    /// <returns>What it said last, whether that is what was due, and the bytes of question and answer.</returns>
    public async Task<OcspSaid> AskAsync(SerialNumber serialNumber, Certificate issuer, string status, CertIdHash hash = CertIdHash.Sha1, bool isFresh = false)
    {
        Nonce? nonce = isFresh ? new Nonce(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32)) : null;
        var question = new OcspQuestion(issuer, serialNumber, hash, nonce);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (true)
        {
            using HttpRequestMessage message = question.ToMessage(Url);
            using Downloaded answer = Downloader.RequireFound(await _downloader.SendAsync(message, new DownloadLimits(OcspQuestion.MaxLength, Patience), CancellationToken.None));
            OcspVerdict verdict = question.Judge(answer, TimeProvider.System.GetUtcNow());
            string said = verdict.Fault ?? StatusOf(verdict);
            bool isRight = said == status && (!isFresh || verdict.Nonce == nonce);
            if (isRight || clock.Elapsed > Patience)
            {
                byte[] bytes = new byte[answer.Content.Length];
                answer.Content.Position = 0;
                answer.Content.ReadExactly(bytes);
                return new OcspSaid(said, isRight, await message.Content!.ReadAsByteArrayAsync(), bytes);
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100));
        }
    }

    public DemoService Service => _service;

    public async ValueTask DisposeAsync()
    {
        _downloader.Dispose();
        await _service.DisposeAsync();
    }

    private static string StatusOf(OcspVerdict verdict) => verdict.Single?.CertStatus switch
    {
        Good => "good",
        Revoked => "revoked",
        Unknown => "unknown",
        _ => "nothing",
    };
}

/// <summary>What a responder said about a certificate.</summary>
/// <param name="Status"><c>good</c>, <c>revoked</c>, <c>unknown</c>, or why the answer does not count.</param>
/// <param name="IsRight">Whether it is what was due.</param>
/// <param name="Request">DER.</param>
/// <param name="Response">DER.</param>
internal sealed record OcspSaid(string Status, bool IsRight, byte[] Request, byte[] Response);
