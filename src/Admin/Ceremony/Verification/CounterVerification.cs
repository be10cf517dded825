using System.Globalization;

namespace ZwCa.Admin.Ceremony;

/// <summary>The devices count what keys sign: what a key signed besides what is here, the reader has to know of.</summary>
internal static class CounterVerification
{
    public static void Check(CeremonyPlan plan, Inventory? basis, Inventory inventory, IReadOnlyList<JournalEntry> journal, Verdict verdict)
    {
        foreach (InventoryKey key in inventory.Keys)
        {
            bool isNew = plan.Keys.Any(each => each.Id == key.Id);
            JournalEntry? counted = journal.FirstOrDefault(entry => entry.What == JournalEntry.Counted && entry.Id == key.Id);
            if (key.Signatures is not { } now || (!isNew && counted is null))
            {
                // It signs from day to day, or its device was not here.
                continue;
            }

            long before = isNew ? 0 : basis?.Keys.FirstOrDefault(known => known.Id == key.Id)?.Signatures ?? 0;
            verdict.Demand(counted is null || counted.Data == before.ToString(CultureInfo.InvariantCulture), $"The key {key.Id} had signed another number of times than the basis says.");
            HashSet<string> authorities = [.. inventory.Certificates.Where(certificate => certificate.Key == key.Id).Select(certificate => certificate.Id)];
            long here = plan.Certificates.Count(certificate => authorities.Contains(certificate.Issuer)) + plan.Crls.Count(crl => authorities.Contains(crl.Issuer));
            long more = now - before - here;
            verdict.Demand(more >= 0, $"The key {key.Id} has signed {now - before} times, and {here} things here are signed by it.");
            if (more > 0)
            {
                verdict.Say($"  the key {key.Id} has signed {more} more than is here: one for each interruption that the minutes know of, or something that is somewhere else");
            }
        }
    }
}
