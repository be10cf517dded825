using System.Text.Json;
using ZwCa.Admin.Crls;

namespace ZwCa.Admin.Doctor;

/// <summary>Services by their own account: <c>/health/live</c>, and every check of <c>/health/ready</c> with its reason.</summary>
/// <param name="hasOcsp">CAs tell of statuses.</param>
internal sealed class ServiceChecks(bool hasOcsp, Web web, DoctorReport report)
{
    private const string Live = "live";
    private const string Ready = "ready";

    /// <summary>What a CA says of itself at least: a service that watches less than that is not well because it says so.</summary>
    private static readonly string[] Expected = ["database", "hsm", "audit", "jobs", "crls"];

    /// <summary>Of a CA that tells of statuses: that every certificate has a young response, and every change is told.</summary>
    private const string Ocsp = "ocsp";

    /// <summary>An OCSP responder is known by the feed that it pulls. One that signs nothing has no device.</summary>
    private const string Feed = "feed";

    private static readonly string[] ExpectedOfResponder = [Feed, "answers", "link"];

    /// <summary>A KMC is known by its stock.</summary>
    private const string Stock = "stock";

    private static readonly string[] ExpectedOfKmc = ["database", "hsm", "audit", "jobs", Stock, "rows", "message-certificate"];

    /// <summary>Bytes. A service has a dozen checks.</summary>
    private const int MaxLength = 1 << 20;

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
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            // Not JSON, or not in the form in which our services answer.
            report.Fault(Ready, name, $"/health/ready answers with status {ready.Status} and something that cannot be read", "is this the management listener of a service?");
        }
    }

    /// <summary><c>{"status":"degraded","checks":[{"name":"link","status":"degraded","reason":"…"}]}</c>.</summary>
    private void Tell(string name, int status, JsonElement answer)
    {
        var lines = new List<(string Check, string Status, string? Reason)>();
        foreach (JsonElement check in answer.GetProperty("checks").EnumerateArray())
        {
            lines.Add((check.GetProperty("name").GetString()!, check.GetProperty("status").GetString()!, check.TryGetProperty("reason", out JsonElement reason) ? reason.GetString() : null));
        }

        string? overall = answer.GetProperty("status").GetString();
        foreach ((string check, string word, string? reason) in lines)
        {
            string subject = $"{name} {check}";
            if (word == "healthy")
            {
                report.Ok(Ready, subject, reason ?? "healthy");
            }
            else if (word == "degraded")
            {
                report.Warn(Ready, subject, Sentence(reason, word), "see the service's log; it works, but not for ever");
            }
            else
            {
                report.Fault(Ready, subject, Sentence(reason, word), "see the service's log: until this is well it refuses part of its work");
            }
        }

        (string service, string[] expected) = lines.Exists(line => line.Check == Stock) ? ("KMC", ExpectedOfKmc)
            : lines.Exists(line => line.Check == Feed) ? ("responder", ExpectedOfResponder)
            : ("CA", hasOcsp ? [.. Expected, Ocsp] : Expected);
        foreach (string missing in expected.Where(each => !lines.Exists(line => line.Check == each)))
        {
            report.Fault(Ready, $"{name} {missing}", $"/health/ready has no such check, which a {service} has", $"is this the management listener of the {service}, and is its program complete?");
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
