using System.Text.Json;
using ZwCa.Admin.Crls;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;

namespace ZwCa.Admin.Doctor;

/// <summary>Services by their own account: <c>/health/live</c>, and every check of <c>/health/ready</c> with its reason.</summary>
/// <param name="hasOcsp">CAs tell of statuses.</param>
internal sealed class ServiceChecks(bool hasOcsp, Web web, DoctorReport report)
{
    private const string Live = "live";
    private const string Ready = "ready";
    private const string Version = "version";

    /// <summary>What a CA says of itself at least: a service that watches less than that is not well because it says so.</summary>
    private static readonly string[] Expected = ["database", "hsm", "audit", "jobs", "crls"];

    /// <summary>Of a CA that tells of statuses: that every certificate has a young response, and every change is told.</summary>
    private const string Ocsp = "ocsp";

    /// <summary>An OCSP responder is known by the feed that it pulls. One that signs nothing has no device.</summary>
    private const string Feed = "feed";

    private static readonly string[] ExpectedOfResponder = [Feed, "answers", "link"];

    /// <summary>A KMC is known by its stock.</summary>
    private const string Stock = "stock";

    private const string Rows = "rows";
    private const string MessageCertificate = "message-certificate";
    private const string Link = "link";

    private static readonly string[] ExpectedOfKmc = ["database", "hsm", "audit", "jobs", Link, Stock, Rows, MessageCertificate];

    /// <summary>An RA is known by its outbox.</summary>
    private const string Outbox = "outbox";
    private const string Directory = "directory";
    private const string CaLog = "ca-log";
    private const string Inclusion = "inclusion";

    private static readonly string[] ExpectedOfRa = ["database", "hsm", "audit", "jobs", Link, Directory, Outbox, MessageCertificate, CaLog, Inclusion];

    /// <summary>What to do about a check that somebody else's log explains.</summary>
    private static readonly Dictionary<string, string> Advice = new()
    {
        [Link] = "see why it is not renewed; without one nobody speaks with the service",
        [MessageCertificate] = "have another one certified, and start the service with it; an RA lets its outbox run empty first",
        [Stock] = "see the log of the KMC's device, which makes the keys; without any, pairs are refused and single certificates are not",
        [Rows] = "stop whoever writes to the KMC's database past the service; its events rows.finding name the keys",
        [Directory] = "see whether the CA answers this RA, and in the RA's log whom it leaves out",
        [Outbox] = "docs/RA.md, Operations, says what to do about each refusal; what waits goes out by itself when the CA takes it",
        [CaLog] = "see whether the CA answers this RA; where its log went back, stop taking in and have the CA's auditors compare the anchors",
        [Inclusion] = "have the CA's auditors look for these events in its log: the RA's log names the certificates",
    };

    /// <summary>Bytes. A service has a dozen checks.</summary>
    private const int MaxLength = 1 << 20;

    private readonly SortedDictionary<string, string> _versions = new(StringComparer.Ordinal);

    private readonly List<(string Name, Checkpoint Checkpoint)> _heard = [];

    /// <summary>By management listener, the highest checkpoint of the CA's log that an RA has heard of.</summary>
    public IReadOnlyList<(string Name, Checkpoint Checkpoint)> Heard => _heard;

    /// <param name="management">Of each management listener.</param>
    public async Task RunAsync(IReadOnlyList<Uri> management, CancellationToken cancellationToken)
    {
        foreach (Uri each in management)
        {
            await report.LookAsync(Ready, each.ToString(), () => ExamineAsync(each, cancellationToken));
        }

        if (management.Count == 0)
        {
            report.Warn(Ready, "services", "log, HSM, database and jobs of the CA were not looked at", "name each management listener with --management");
        }

        if (_versions.Values.Distinct().Count() > 1)
        {
            report.Warn(Version, "services", string.Join("; ", _versions.Select(each => $"{each.Key} runs {each.Value}")), "let all services run the same version, unless they are being updated now");
        }
        else if (_versions.Count > 0)
        {
            report.Ok(Version, "services", $"all run {_versions.First().Value}");
        }
    }

    private async Task ExamineAsync(Uri management, CancellationToken cancellationToken)
    {
        string name = management.ToString().TrimEnd('/');
        if (await AskAsync(Live, new Uri($"{name}/health/live"), cancellationToken) is not { } live)
        {
            return;
        }

        if (live.Status == 200)
        {
            report.Ok(Live, name, "the service runs");
        }
        else
        {
            report.Fault(Live, name, $"/health/live answers with status {live.Status}", "is this the management listener of a service?");
        }

        if (await AskAsync(Ready, new Uri($"{name}/health/ready"), cancellationToken) is not { } ready)
        {
            return;
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(ready.Content);
            Tell(name, ready.Status, document.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or DerException)
        {
            // Not JSON, or not in the form in which our services answer.
            report.Fault(Ready, name, $"/health/ready answers with status {ready.Status} and something that cannot be read", "is this the management listener of a service?");
        }
    }

    /// <summary><c>{"status":"degraded","version":"0.1.0","checks":[{"name":"link","status":"degraded","reason":"…"}]}</c>.</summary>
    private void Tell(string name, int status, JsonElement answer)
    {
        var lines = new List<(string Check, string Status, string? Reason)>();
        foreach (JsonElement check in answer.GetProperty("checks").EnumerateArray())
        {
            lines.Add((check.GetProperty("name").GetString()!, check.GetProperty("status").GetString()!, check.TryGetProperty("reason", out JsonElement reason) ? reason.GetString() : null));
            if (lines[^1].Check == CaLog && check.TryGetProperty("data", out JsonElement data))
            {
                _heard.Add((name, Der.Decode<Checkpoint>(Convert.FromBase64String(data.GetProperty("checkpoint").GetString() ?? ""))));
            }
        }

        if (answer.TryGetProperty("version", out JsonElement version))
        {
            _versions[name] = version.GetString()!;
        }

        string? overall = answer.GetProperty("status").GetString();
        foreach ((string check, string word, string? reason) in lines)
        {
            string subject = $"{name} {check}";
            if (word == "healthy")
            {
                report.Ok(Ready, subject, reason?.TrimEnd('.') ?? "healthy");
            }
            else if (word == "degraded")
            {
                report.Warn(Ready, subject, Sentence(reason, word), Advice.GetValueOrDefault(check, "see the service's log; it works, but not for ever"));
            }
            else
            {
                report.Fault(Ready, subject, Sentence(reason, word), Advice.GetValueOrDefault(check, "see the service's log: until this is well it refuses part of its work"));
            }
        }

        (string service, string[] expected) = lines.Exists(line => line.Check == Stock) ? ("KMC", ExpectedOfKmc)
            : lines.Exists(line => line.Check == Outbox) ? ("RA", ExpectedOfRa)
            : lines.Exists(line => line.Check == Feed) ? ("responder", ExpectedOfResponder)
            : ("CA", hasOcsp ? [.. Expected, Ocsp] : Expected);
        foreach (string missing in expected.Where(each => !lines.Exists(line => line.Check == each)))
        {
            report.Fault(Ready, $"{name} {missing}", $"/health/ready has no such check, which {(service == "RA" ? "an" : "a")} {service} has", $"is this the management listener of the {service}, and is its program complete?");
        }

        if ((status != 200 || overall is not ("healthy" or "degraded")) && lines.TrueForAll(line => line.Status is "healthy" or "degraded"))
        {
            report.Fault(Ready, name, $"/health/ready answers with status {status} ({overall}), and no check says why", "see the service's log");
        }
    }

    private static string Sentence(string? reason, string word) => reason is null ? word : $"{word}: {reason.TrimEnd('.')}";

    private async Task<(int Status, byte[] Content)?> AskAsync(string check, Uri url, CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, url);
            using Downloaded answer = await web.SendAsync(request, MaxLength, cancellationToken);
            byte[] content = new byte[answer.Content.Length];
            answer.Content.ReadExactly(content);
            return (answer.Status, content);
        }
        catch (DownloadException e)
        {
            report.Fault(check, url.ToString(), $"the service does not answer: {e.Message}", "see whether it runs, and whether the management listener is reached from here");
            return null;
        }
    }
}
