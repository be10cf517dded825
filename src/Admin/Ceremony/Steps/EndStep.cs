using ZwCa.Hsm;

namespace ZwCa.Admin.Ceremony;

/// <summary>The inventory, the journal's last line, the transcript.</summary>
internal static class EndStep
{
    public static async Task EndAsync(CeremonyState state, CancellationToken cancellationToken)
    {
        // Step 1: what there is. Journaled first, for the counters of keys that serve from day to day go on.
        if (state.Journal.Find(JournalEntry.Inventory, state.Plan.Name) is not { } kept)
        {
            var counts = new Dictionary<string, long?>();
            foreach ((string id, HeldKey held) in state.Keys)
            {
                counts.Add(id, held.Key.PublicKey is not null && held.Device.Token.Can(HsmCapabilities.SignatureCounter) ? await held.Device.GetSignatureCountAsync(held.Key, cancellationToken) : null);
            }

            var inventory = Inventory.Of(state.File, state.Basis?.Inventory, state.Journal.Require, counts);
            kept = state.Journal.Append(JournalEntry.Inventory, state.Plan.Name, inventory.Write());
        }

        state.Folder.Write(Inventory.FileName, kept.Decode());
        state.Reach("inventory");

        // Step 2: whatever is in the folder will be signed by witnesses. Nothing that this ceremony did not make comes under their signature.
        var made = Inventory.Read(kept.Decode());
        IReadOnlyList<string> strangers = OutputFiles.Strangers(state.Folder.Files(), state.Plan, made);
        if (strangers.Count > 0)
        {
            throw new CeremonyException($"There are files in {state.Folder.Path} that this ceremony did not make: {string.Join(", ", strangers)}. Take them away and run the same command again.");
        }

        // Step 3: the last line, for the transcript contains the journal's hash.
        if (state.Journal.Find(JournalEntry.End, state.Plan.Name) is null)
        {
            state.Journal.Append(JournalEntry.End, state.Plan.Name, state.File.Hash);
        }

        state.Reach("end");
        state.Folder.Write(
            CeremonyFolder.TranscriptFile,
            Transcript.Of(
                state.File,
                state.Journal.Entries,
                made,
                Transcript.Version,
                Devices(state),
                id => state.Certificates[id],
                Transcript.FilesOf(state.Folder, state.Journal)).Write());
        state.Reach("transcript");
    }

    /// <summary>As the devices say now, or as the transcript has it already: backups that were made since change nothing in it.</summary>
    private static IReadOnlyList<TranscriptDevice> Devices(CeremonyState state)
    {
        IReadOnlyList<TranscriptDevice> told = state.Folder.Has(CeremonyFolder.TranscriptFile) ? Transcript.Read(state.Folder.Read(CeremonyFolder.TranscriptFile)).Devices : [];
        return
        [
            .. state.Devices.All.Select(each => TranscriptDevice.Of(each.Id, each.Device.Token)).Select(now =>
                told.FirstOrDefault(then => then with { LastBackup = now.LastBackup, KeysWithoutBackup = now.KeysWithoutBackup } == now) ?? now),
        ];
    }
}
