namespace ZwCa.Admin.Ceremony;

/// <summary>The journal tells of everything in the plan, each once, in time, and of nothing else.</summary>
internal static class JournalVerification
{
    public static void Check(PlanFile plan, Inventory? basis, IReadOnlyList<JournalEntry> journal, Verdict verdict)
    {
        verdict.Demand(journal.Count > 0 && journal[0].What == JournalEntry.Begin && journal[0].Data == plan.Hash, "The journal is of another plan.");
        verdict.Demand(journal.Count > 0 && journal[^1].What == JournalEntry.End && journal[^1].Data == plan.Hash, "The journal has no end.");
        HashSet<(string What, string Id)> once = [.. Expected(plan.Plan)];
        HashSet<(string What, string Id)> maybe = [.. (basis?.Keys ?? []).Select(key => (JournalEntry.Counted, key.Id))];
        HashSet<(string What, string Id)> often = [.. plan.Plan.Policies.Select(policy => (JournalEntry.PolicyDraft, policy.Device))];
        var told = new HashSet<(string What, string Id)>();
        DateTimeOffset last = DateTimeOffset.MinValue;
        foreach (JournalEntry entry in journal)
        {
            (string What, string Id) what = (entry.What, entry.Id);
            bool isNew = told.Add(what);
            verdict.Demand(often.Contains(what) || (isNew && (once.Contains(what) || maybe.Contains(what))), $"The journal's line {entry.Number} tells of {entry.What} {entry.Id}, which is not in the plan, or a second time.");
            verdict.Demand(entry.Time >= last, $"The journal's line {entry.Number} is earlier than the one before it, or has no time.");
            last = entry.Time ?? last;
        }

        foreach ((string what, string id) in once.Concat(often).Where(each => !told.Contains(each)))
        {
            verdict.Fault($"The journal has no line \"{what}\" of {id}.");
        }

        verdict.Say($"{journal.Count} lines of the journal: chained, each step of the plan once");
    }

    private static IEnumerable<(string What, string Id)> Expected(CeremonyPlan plan) =>
    [
        (JournalEntry.Begin, plan.Name), (JournalEntry.Inventory, plan.Name), (JournalEntry.End, plan.Name),
        .. Each(plan.Keys.Select(key => key.Id), JournalEntry.KeyIntent, JournalEntry.Key),
        .. Each(plan.Certificates.Where(certificate => certificate.LinkKey is not null).Select(certificate => certificate.Id), JournalEntry.LinkKey),
        .. Each(plan.Certificates.Select(certificate => certificate.Id), JournalEntry.CertificateIntent, JournalEntry.Certificate),
        .. Each(plan.Crls.Select(crl => crl.Id), JournalEntry.CrlIntent, JournalEntry.Crl),
        .. Each(plan.Services.Select(service => service.Id), JournalEntry.Service),
        .. Each(plan.Policies.Select(policy => policy.Device), JournalEntry.Policy),
    ];

    private static IEnumerable<(string What, string Id)> Each(IEnumerable<string> ids, params string[] whats) => ids.SelectMany(id => whats.Select(what => (what, id)));
}
