using ZwCa.Admin.Ceremony;
using ZwCa.Admin.Crls;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;

namespace ZwCa.Admin.Doctor;

/// <summary>
/// The checkpoints that a log has left in an anchor, a file outside its database: signed with the log's key of the ceremony, of one log that only grows, and never behind what an
/// earlier run saw. What RAs have heard of the CA's log is held against them.
/// </summary>
internal sealed class LogChecks(Installation installation, KeptState state, DoctorReport report, TimeProvider time)
{
    private const string Kind = "log";

    /// <summary>How a service's log and its key are named (see <see cref="ServiceSettings"/>).</summary>
    private const string OriginPrefix = "zwca/";

    /// <summary>Bytes. The log shortens an anchor that has reached one mebibyte.</summary>
    private const int MaxLength = 16 << 20;

    /// <summary>An RA asks the CA every ten seconds.</summary>
    private static readonly TimeSpan Late = TimeSpan.FromMinutes(5);

    /// <summary>Of anchors that hold.</summary>
    private readonly List<Checkpoint> _anchored = [];

    /// <param name="anchors">Files.</param>
    /// <param name="heard">By RA, the highest checkpoint of the CA's log that it knows; read before the anchors.</param>
    public async Task RunAsync(IReadOnlyList<string> anchors, IReadOnlyList<(string Name, Checkpoint Checkpoint)> heard, CancellationToken cancellationToken)
    {
        foreach (string anchor in anchors)
        {
            await report.LookAsync(Kind, anchor, async () => Examine(anchor, await ReadAsync(anchor, cancellationToken)));
        }

        if (anchors.Count == 0)
        {
            report.Warn(Kind, "checkpoints", "no checkpoint of a log was looked at", "name an anchor of the CA (Ca:Log:Anchors), or a copy of it, with --log");
        }

        foreach ((string name, Checkpoint checkpoint) in heard)
        {
            await report.LookAsync(Kind, name, () =>
            {
                ExamineHeard(name, checkpoint);
                return Task.CompletedTask;
            });
        }
    }

    /// <summary>What the CA tells an RA, and what it writes down, are one log.</summary>
    private void ExamineHeard(string name, Checkpoint heard)
    {
        TbsCheckpoint said = heard.Tbs;
        if (KeyOf(said.Origin) is not { } key)
        {
            report.Fault(Kind, name, $"the RA hears the log {said.Origin}, which this ceremony does not know", "see Ra:Ca:LogOrigin and Ra:Ca:LogKeyFile, and of which CA this RA is");
            return;
        }

        // Step 1: its signature, and the root of its size.
        Checkpoint[] known = [.. _anchored.Where(each => each.Tbs.Origin == said.Origin)];
        try
        {
            new AuditVerifier(said.Origin, key).VerifyCheckpoint(heard);
            RequireOneLog(state.FindCheckpoints(said.Origin).Concat(known), [heard]);
        }
        catch (LogNotProvenException e)
        {
            report.Fault(Kind, name, $"the highest checkpoint that the RA knows: {e.Message.TrimEnd('.')}", "the CA shows its RA another log than others: stop both, and compare their checkpoints before anything else");
            return;
        }

        // Step 2: how far it is. Anchors were read later, so that what the RA knows is in one of them.
        string words = $"the RA knows of {said.TreeSize} events of {said.Origin}, signed {PlainText.Of(said.Time)}";
        Checkpoint? head = known.MaxBy(each => (each.Tbs.Epoch, each.Tbs.TreeSize));
        if (head is null)
        {
            report.Ok(Kind, name, $"{words}; no anchor of that log to compare it with");
        }
        else if ((said.Epoch, said.TreeSize).CompareTo((head.Tbs.Epoch, head.Tbs.TreeSize)) > 0)
        {
            report.Warn(Kind, name, $"{words}, and the anchors have {head.Tbs.TreeSize}", "name the anchors of all nodes of the CA as they are now; if these are all, the CA has lost what it had told: stop it");
        }
        else if (known.Any(each => (each.Tbs.Epoch, each.Tbs.TreeSize).CompareTo((said.Epoch, said.TreeSize)) > 0 && time.GetUtcNow() - each.Tbs.Time > Late))
        {
            report.Warn(Kind, name, $"{words}, and the CA has {head.Tbs.TreeSize} for more than {PlainText.Of(Late)}", "see ca-log of the RA's /health/ready: it does not hear the CA, or is shown an older log");
        }
        else
        {
            report.Ok(Kind, name, $"{words}; the anchors have {head.Tbs.TreeSize}, and agree");
        }
    }

    /// <summary>As the ceremony knows it.</summary>
    /// <returns>Null: it does not.</returns>
    private SubjectPublicKeyInfo? KeyOf(string origin) => installation.Inventory.Keys.FirstOrDefault(key => key.Id == KeyIdOf(origin))?.Decode();

    private static string KeyIdOf(string origin) => (origin.StartsWith(OriginPrefix, StringComparison.Ordinal) ? origin[OriginPrefix.Length..] : origin) + "-log";

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
        if (KeyOf(origin) is not { } logKey)
        {
            report.Fault(Kind, anchor, $"the ceremony has no key {KeyIdOf(origin)} for the log {origin}", "name the anchor of a service of this ceremony");
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
        _anchored.AddRange(checkpoints);
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
