using ZwCa.Hsm;
using ZwCa.Issuance;

namespace ZwCa.Admin.Ceremony;

/// <summary>A key in a device: made once, whatever happens in between.</summary>
internal static class KeyStep
{
    public static async Task MakeAsync(CeremonyState state, KeyPlan plan, CancellationToken cancellationToken)
    {
        IHsm device = state.Devices[plan.Device];
        var label = new KeyLabel(plan.Label);
        HsmKey? found = await device.FindKeyAsync(label, cancellationToken);
        if (state.Journal.Find(JournalEntry.Key, plan.Id) is { } made)
        {
            state.Keys.Add(
                plan.Id,
                found is not null && new HeldKey(device, found) is { } held && held.Text == made.Data
                    ? held
                    : throw new CeremonyException($"The device {plan.Device} no longer has the key {plan.Label} that this ceremony made. Restore the partition from its backup, or begin anew."));
            return;
        }

        if (state.Journal.Find(JournalEntry.KeyIntent, plan.Id) is null)
        {
            // Before it was intended, nobody of this ceremony can have made it.
            if (found is not null)
            {
                throw new CeremonyException($"The device {plan.Device} has a key {plan.Label} already, which this ceremony did not make. Take another label, or an empty partition.");
            }

            state.Journal.Append(JournalEntry.KeyIntent, plan.Id, plan.Label);
        }

        state.Reach("key-intent");
        found ??= await device.GenerateKeyAsync(label, plan.Kind, cancellationToken);
        if (found.Kind != plan.Kind)
        {
            throw new CeremonyException($"The device {plan.Device} made {plan.Label} of kind {found.Kind} instead of {plan.Kind}. Look at the device, and begin anew with another label.");
        }

        if (found.PublicKey is { } publicKey)
        {
            KeyQuality.Require(publicKey);
        }

        state.Reach("key-made");
        var key = new HeldKey(device, found);
        state.Journal.Append(JournalEntry.Key, plan.Id, key.Text);
        state.Keys.Add(plan.Id, key);
        state.Say($"Key {plan.Id}: {plan.Kind}, label {plan.Label} in {plan.Device}{(found.PublicKey is null ? "" : $", SM3 {CeremonyState.Fingerprint(found.PublicKey)}")}");
    }
}
