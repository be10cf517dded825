using ZwCa.Admin.Crls;

namespace ZwCa.Admin.Doctor;

internal enum Health
{
    Ok,

    /// <summary>It works, but somebody has to do something about it.</summary>
    Warning,

    /// <summary>Somebody who relies on it is refused or deceived, or soon will be.</summary>
    Bad,
}

/// <summary>One line of the doctor.</summary>
/// <param name="Check">What kind of thing was looked at: ca, aia, crl, status, certificate, ocsp, live, ready, version, tracking, log, profiles, clock, limits.</param>
/// <param name="Subject">Which of them: an id, an address.</param>
/// <param name="Found">In English, a phrase.</param>
/// <param name="Advice">What to do; null: nothing.</param>
internal sealed record Diagnosis(Health Health, string Check, string Subject, string Found, string? Advice = null);

/// <summary>All lines, in the order in which they were found.</summary>
internal sealed class DoctorReport
{
    private readonly List<Diagnosis> _lines = [];

    public IReadOnlyList<Diagnosis> Lines => _lines;

    public Health Worst => _lines.Count == 0 ? Health.Ok : _lines.Max(line => line.Health);

    public void Ok(string check, string subject, string found) => _lines.Add(new Diagnosis(Health.Ok, check, subject, found));

    public void Warn(string check, string subject, string found, string advice) => _lines.Add(new Diagnosis(Health.Warning, check, subject, found, advice));

    public void Fault(string check, string subject, string found, string advice) => _lines.Add(new Diagnosis(Health.Bad, check, subject, found, advice));

    /// <summary>Looks at one thing. What nobody thought of makes that line bad, and the others are still told.</summary>
    public async Task LookAsync(string check, string subject, Func<Task> look)
    {
        try
        {
            await look();
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Fault(check, subject, $"could not be looked at: {e.GetType().Name}: {e.Message.TrimEnd('.')}", "look at it by hand, and report this line as a defect of zwca doctor unless it is of this machine");
        }
    }

    public void WriteText(TextWriter output)
    {
        foreach (Diagnosis line in _lines)
        {
            string advice = line.Advice is null ? "" : $" Do: {line.Advice}";
            output.WriteLine($"{line.Health.ToString().ToLowerInvariant(),-7}  {line.Check,-11}  {PlainText.Of(line.Subject)}: {PlainText.Of(line.Found)}.{PlainText.Of(advice)}");
        }

        output.WriteLine($"{_lines.Count} lines: {Count(Health.Ok)} ok, {Count(Health.Warning)} warnings, {Count(Health.Bad)} bad");
    }

    public void WriteJson(TextWriter output) =>
        ShownJson.Write(output, new { Health = Worst, Ok = Count(Health.Ok), Warnings = Count(Health.Warning), Bad = Count(Health.Bad), Lines });

    public int Count(Health health) => _lines.Count(line => line.Health == health);
}
