using ZwCa.Admin.Crls;
using ZwCa.Contracts;

namespace ZwCa.Admin.Doctor;

/// <summary>Where an RA's applicants look up their numbers: it answers, from the RA's records, and nobody keeps the answer.</summary>
internal sealed class TrackingChecks(Web web, DoctorReport report)
{
    private const string Kind = "tracking";

    /// <summary>Its check character is right, so that it is looked up, and nobody has it but with a chance of 2⁻⁸⁰.</summary>
    private const string Nobodys = "00000000000000000";

    /// <param name="listeners">Each of a node, or of the gateway before it.</param>
    public async Task RunAsync(IReadOnlyList<Uri> listeners, CancellationToken cancellationToken)
    {
        foreach (Uri listener in listeners)
        {
            await report.LookAsync(Kind, listener.ToString(), () => ExamineAsync(listener.ToString().TrimEnd('/'), cancellationToken));
        }
    }

    private async Task ExamineAsync(string name, CancellationToken cancellationToken)
    {
        int status;
        bool isKept;
        Problem? problem;
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"{name}/tracking/{Nobodys}"));
            using Downloaded answer = await web.SendAsync(request, Problem.MaxLength, cancellationToken);
            byte[] content = new byte[answer.Content.Length];
            answer.Content.ReadExactly(content);
            status = answer.Status;
            isKept = answer.Headers.CacheControl is not { NoStore: true };
            problem = HeadChecks.TypeOf(answer) == Problem.ContentType ? Problem.FromJson(content) : null;
        }
        catch (DownloadException e)
        {
            report.Fault(Kind, name, $"applicants get no answer: {e.Message.TrimEnd('.')}", "see whether the RA runs with Ra:TrackingListen, and whether the gateway leads there");
            return;
        }

        if (problem?.Type == RefusalKinds.TypeOf(Refusal.TooManyRequests))
        {
            report.Warn(Kind, name, "it has been asked too often from here, and was not looked at", "ask again in a minute; behind a gateway name it in Ra:TrackingGateways, or all applicants count as one");
        }
        else if (problem?.Type != RefusalKinds.TypeOf(Refusal.NotFound))
        {
            report.Fault(Kind, name, $"a number that nobody has is answered with status {status}{(problem is null ? "" : $" ({problem.Title})")}, not as unknown", "see the RA's log and its database, or what else answers there");
        }
        else if (isKept)
        {
            report.Warn(Kind, name, "answers may be kept on their way (no Cache-Control: no-store)", "let the gateway pass the RA's headers on: applicants see an old state, or another's");
        }
        else
        {
            report.Ok(Kind, name, "it answers from the RA's records; a number that nobody has is unknown");
        }
    }
}
