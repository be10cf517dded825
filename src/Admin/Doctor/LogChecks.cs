using ZwCa.Admin.Ceremony;
using ZwCa.Admin.Crls;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Audit;

namespace ZwCa.Admin.Doctor;

/// <summary>
/// The checkpoints that a log has left in an anchor, a file outside its database: signed with the log's key of the ceremony, of one log that only grows, and never behind what an
/// earlier run saw.
/// </summary>
internal sealed class LogChecks(Installation installation, KeptState state, DoctorReport report)
{
    private const string Kind = "log";

    /// <summary>How a service's log and its key are named (see <see cref="ServiceSettings"/>).</summary>
    private const string OriginPrefix = "zwca/";

    /// <summary>Bytes. The log shortens an anchor that has reached one mebibyte.</summary>
    private const int MaxLength = 16 << 20;

    /// <param name="anchors">Files.</param>
    public async Task RunAsync(IReadOnlyList<string> anchors, CancellationToken cancellationToken)
    {
        foreach (string anchor in anchors)
        {
            await report.LookAsync(Kind, anchor, async () => Examine(anchor, await ReadAsync(anchor, cancellationToken)));
        }

        if (anchors.Count == 0)
        {
            report.Warn(Kind, "checkpoints", "no checkpoint of a log was looked at", "name an anchor of the CA (Ca:Log:Anchors), or a copy of it, with --log");
        }
    }

    private void Examine(string anchor, IReadOnlyList<Checkpoint> checkpoints)
    {
        void fault(string found) => report.Fault(
            Kind, anchor, found.TrimEnd('.'), "stop the CA; compare the anchors and the database with older copies before anything else: events may have been removed");
        if (checkpoints.Count == 0)
        {
            report.Fault(Kind, anchor, "it has no checkpoint", "see whether this is the anchor that the CA writes");
            return;
        }

        // Step 1: the ceremony knows the log's key.
        Checkpoint last = checkpoints[^1];
        string origin = last.Tbs.Origin;
        string keyId = (origin.StartsWith(OriginPrefix, StringComparison.Ordinal) ? origin[OriginPrefix.Length..] : origin) + "-log";
        if (installation.Inventory.Keys.FirstOrDefault(key => key.Id == keyId)?.Decode() is not { } logKey)
        {
            report.Fault(Kind, anchor, $"the ceremony has no key {keyId} for the log {origin}", "name the anchor of a service of this ceremony");
            return;
        }

        // Step 2: each is signed with it, and none contradicts one before it, or one that an earlier run saw, here or in another node's anchor.
        var verifier = new AuditVerifier(origin, logKey);
        Checkpoint? kept = state.FindCheckpoint(anchor);
        try
        {
            foreach (Checkpoint checkpoint in checkpoints)
            {
                verifier.VerifyCheckpoint(checkpoint);
            }

            for (int i = 1; i < checkpoints.Count; i++)
            {
                RequireGrowth(verifier, checkpoints[i - 1], checkpoints[i]);
            }

            if (kept is not null)
            {
                RequireGrowthSince(verifier, kept, checkpoints);
            }

            RequireOneLog(state.FindCheckpoints(origin), checkpoints);
        }
        catch (LogNotProvenException e)
        {
            fault(e.Message);
            return;
        }

        // Step 3: nothing went back.
        state.Keep(anchor, last);
        string words = $"{last.Tbs.TreeSize} events of {origin}, signed {PlainText.Of(last.Tbs.Time)}";
        if (kept is not null && kept.Tbs.Epoch < last.Tbs.Epoch)
        {
            report.Warn(Kind, anchor, $"{words}; officers let it go on from an older state (epoch {last.Tbs.Epoch}) since the last run", "make sure that they know of it");
        }
        else
        {
            report.Ok(Kind, anchor, $"{words}; {checkpoints.Count} checkpoints hold");
        }
    }

    /// <exception cref="LogNotProvenException">The later one's log is not the earlier one's, grown.</exception>
    private static void RequireGrowth(AuditVerifier verifier, Checkpoint earlier, Checkpoint later)
    {
        if (later.Tbs.Epoch != earlier.Tbs.Epoch)
        {
            verifier.VerifyOverride(earlier, later);
        }
        else if (later.Tbs.TreeSize < earlier.Tbs.TreeSize)
        {
            throw new LogNotProvenException($"The log has {later.Tbs.TreeSize} events, and had {earlier.Tbs.TreeSize} before: it went back.");
        }
        else
        {
            RequireOneLog([earlier], [later]);
        }
    }

    /// <exception cref="LogNotProvenException">Two of one epoch and one size have different roots.</exception>
    private static void RequireOneLog(IEnumerable<Checkpoint> known, IReadOnlyList<Checkpoint> checkpoints)
    {
        foreach (TbsCheckpoint one in known.Select(each => each.Tbs))
        {
            if (checkpoints.Any(each => each.Tbs.Epoch == one.Epoch && each.Tbs.TreeSize == one.TreeSize && !each.Tbs.RootHash.Span.SequenceEqual(one.RootHash.Span)))
            {
                throw new LogNotProvenException($"Two checkpoints of {one.TreeSize} events have different roots: the log shows different people different things.");
            }
        }
    }

    /// <summary>The anchor holds the newest only, so that what an earlier run saw of it may not be there any more.</summary>
    /// <exception cref="LogNotProvenException">It is not the log that the earlier run saw, grown.</exception>
    private static void RequireGrowthSince(AuditVerifier verifier, Checkpoint kept, IReadOnlyList<Checkpoint> checkpoints)
    {
        verifier.VerifyCheckpoint(kept);
        if (checkpoints[^1].Tbs.Epoch == kept.Tbs.Epoch)
        {
            RequireGrowth(verifier, kept, checkpoints[^1]);
            return;
        }

        Checkpoint next = checkpoints.FirstOrDefault(each => each.Tbs.Epoch == kept.Tbs.Epoch + 1)
            ?? throw new LogNotProvenException($"The log is in epoch {checkpoints[^1].Tbs.Epoch} and was in {kept.Tbs.Epoch} before: nothing says who decided that.");
        verifier.VerifyOverride(kept, next);
    }

    /// <summary>Lines of base64. What is being written at the end, without a line end, counts for nothing. Nothing keeps the log from writing meanwhile.</summary>
    private static async Task<IReadOnlyList<Checkpoint>> ReadAsync(string path, CancellationToken cancellationToken)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        if (file.Length > MaxLength)
        {
            throw new DerException("It is too long for an anchor.");
        }

        using var reader = new StreamReader(file);
        string[] lines = (await reader.ReadToEndAsync(cancellationToken)).Split('\n');
        return [.. lines[..^1].Select(line => Der.Decode<Checkpoint>(Convert.FromBase64String(line)))];
    }
}
