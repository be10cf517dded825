using System.Text.Json;
using ZwCa.Admin.Crls;

namespace ZwCa.Admin.Doctor;

/// <summary>Services by their own account: <c>/health/live</c>, and every check of <c>/health/ready</c> with its reason.</summary>
internal sealed class ServiceChecks(Web web, DoctorReport report)
{
    private const string Live = "live";
    private const string Ready = "ready";

    /// <summary>Bytes. A service has a dozen checks.</summary>
    private const int MaxLength = 1 << 20;

    /// <param name="management">Of the management listener.</param>
    public async Task RunAsync(Uri management, CancellationToken cancellationToken)
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

        if (status != 200 && lines.TrueForAll(line => line.Status is "healthy" or "degraded"))
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
