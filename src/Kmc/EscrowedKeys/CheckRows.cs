using System.Globalization;
using Dapper;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Data;
using ZwCa.Kmc.Recoveries;
using ZwCa.Kmc.Registrations;
using ZwCa.Kmc.Requests;

namespace ZwCa.Kmc.EscrowedKeys;

/// <summary>What is wrong with a row.</summary>
/// <param name="Object">A key, or a CA.</param>
/// <param name="Detail">In English, for the auditor.</param>
internal sealed record RowFinding(AuditObject Object, string Detail)
{
    /// <param name="keyId">16 bytes.</param>
    public static RowFinding OfKey(byte[] keyId, string detail) => new(new AuditObject("key", Convert.ToHexStringLower(keyId)), detail);
}

/// <summary>
/// Holds every row against its MAC and against the log, which has each move with the version and the MAC that came of it. A row that was changed has a wrong MAC; one that was put back as it once
/// was has a right one, of a version that the log has seen the end of; one that was deleted is in the log alone. What has no MAC, bindings and served CAs, is held against rows and log. Safe beside requests: what moves meanwhile is looked at once more.
/// </summary>
internal sealed class CheckRows(Database database, RowMac mac, TimeProvider time)
{
    private const int Page = 500;

    /// <summary>How long the log is waited for, of one finding.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Every row, in the order of key ids, then every key that the log has as bound, every binding and every CA.</summary>
    public async Task<IReadOnlyList<RowFinding>> RunAsync(CancellationToken cancellationToken)
    {
        var found = new List<RowFinding>();
        for (byte[] after = []; ;)
        {
            IReadOnlyList<EscrowedKey> rows = await database.ReadAsync(transaction => EscrowedKeyStore.ListAsync(transaction, after, Page), cancellationToken);
            if (rows.Count == 0)
            {
                break;
            }

            after = rows[^1].KeyId;
            await CheckAsync(found, rows, cancellationToken);
        }

        await FindDeletedAsync(found, cancellationToken);
        await FindLooseBindingsAsync(found, cancellationToken);
        found.AddRange(await CheckCasAsync(cancellationToken));
        return found;
    }

    private async Task CheckAsync(List<RowFinding> found, IReadOnlyList<EscrowedKey> rows, CancellationToken cancellationToken)
    {
        Surroundings beside = await LookBesideAsync([.. rows.Select(row => row.KeyId)], cancellationToken);
        foreach (EscrowedKey row in rows)
        {
            if (WhyNot(row, beside) is null)
            {
                continue;
            }

            if (await LookAgainAsync(row.KeyId, cancellationToken) is { } reason)
            {
                found.Add(RowFinding.OfKey(row.KeyId, reason));
            }
        }
    }

    /// <summary>It may have moved between the two queries, and the log comes a second later.</summary>
    private async Task<string?> LookAgainAsync(byte[] keyId, CancellationToken cancellationToken)
    {
        long began = time.GetTimestamp();
        while (true)
        {
            EscrowedKey? row = await database.ReadAsync(transaction => EscrowedKeyStore.FindAsync(transaction, keyId), cancellationToken);
            string? reason = row is null ? null : WhyNot(row, await LookBesideAsync([keyId], cancellationToken));
            if (reason is null || time.GetElapsedTime(began) >= Patience)
            {
                return reason;
            }

            await Task.Delay(TimeSpan.FromSeconds(1), time, cancellationToken);
        }
    }

    private string? WhyNot(EscrowedKey row, Surroundings beside)
    {
        try
        {
            mac.Open(row);
        }
        catch (TamperedRowException)
        {
            return "its MAC is wrong: it was changed past the service";
        }

        AuditLeaf? last = beside.Moves[Convert.ToHexStringLower(row.KeyId)].MaxBy(leaf => NumberOf(leaf, "stateVersion"));
        string? byLog = (row.State, last) switch
        {
            (KeyState.Stock, null) => null,
            (KeyState.Stock, _) => "it is in stock, and the log has it as bound: it was put back as it once was",
            (_, null) => $"it is {row.State}, and the log knows of no binding",
            (_, { } move) when NumberOf(move, "stateVersion") == row.StateVersion && OctetsOf(move, "mac") is { } of && of.Span.SequenceEqual(row.Mac) => null,
            (_, { } move) when NumberOf(move, "stateVersion") > row.StateVersion => $"it is of version {row.StateVersion}, and the log of version {NumberOf(move, "stateVersion")}: it was put back as it once was",
            _ => $"the log's last move of it is of another row of version {row.StateVersion}",
        };
        return byLog ?? (row.State, beside.Bindings.GetValueOrDefault(Convert.ToHexStringLower(row.KeyId))) switch
        {
            (KeyState.Stock, null) => null,
            (KeyState.Stock, _) => "it is in stock, and there is a binding of it",
            (_, null) => $"it is {row.State}, and there is no binding of it: that was deleted past the service",
            (_, { } binding) when binding.CaId != row.CaId || binding.Serial != row.Serial => "its binding is of another certificate: that was changed past the service",
            _ when TextOf(last!, "ca") != beside.CaNames.GetValueOrDefault(row.CaId!.Value) => "its CA has another name than the log has",
            _ => null,
        };
    }

    private async Task FindDeletedAsync(List<RowFinding> found, CancellationToken cancellationToken)
    {
        for (byte[] after = new byte[Ulid.Length]; ;)
        {
            IReadOnlyList<BoundRow> page = await database.QueryAsync<BoundRow>(
                $"""
                 SELECT s.event_id, s.object_id FROM audit_search s
                 WHERE s.action = @Bind AND s.object_kind = 'key' AND s.event_id > @After ORDER BY s.event_id {database.Dialect.Limit(Page)}
                 """,
                new { Bind = KeyMoves.BindAction, After = after },
                cancellationToken);
            if (page.Count == 0)
            {
                return;
            }

            after = page[^1].EventId;
            byte[][] keys = [.. page.Select(bound => Convert.FromHexString(bound.ObjectId))];
            HashSet<string> there = [.. (await database.QueryAsync<byte[]>($"SELECT key_id FROM escrowed_key WHERE key_id IN ({Listed(keys, out DynamicParameters parameters)})", parameters, cancellationToken)).Select(Convert.ToHexStringLower)];
            foreach (byte[] keyId in keys.Where(key => !there.Contains(Convert.ToHexStringLower(key))))
            {
                found.Add(RowFinding.OfKey(keyId, "the log has it as bound, and there is no row of it: it was deleted past the service"));
            }
        }
    }

    /// <summary>A binding is made with its key's row there, and neither ever goes.</summary>
    private async Task FindLooseBindingsAsync(List<RowFinding> found, CancellationToken cancellationToken)
    {
        IReadOnlyList<byte[]> loose = await database.QueryAsync<byte[]>(
            "SELECT b.key_id FROM key_binding b WHERE NOT EXISTS (SELECT 1 FROM escrowed_key k WHERE k.key_id = b.key_id) ORDER BY b.key_id", cancellationToken: cancellationToken);
        HashSet<AuditObject> known = [.. found.Select(finding => finding.Object)];
        found.AddRange(loose.Select(keyId => RowFinding.OfKey(keyId, "there is a binding of it, and no row")).Where(finding => !known.Contains(finding.Object)));
    }

    private async Task<IReadOnlyList<RowFinding>> CheckCasAsync(CancellationToken cancellationToken)
    {
        long began = time.GetTimestamp();
        while (true)
        {
            IReadOnlyList<RowFinding> found = await CheckCas.RunAsync(database, cancellationToken);
            if (found.Count == 0 || time.GetElapsedTime(began) >= Patience)
            {
                return found;
            }

            await Task.Delay(TimeSpan.FromSeconds(1), time, cancellationToken);
        }
    }

    private async Task<Surroundings> LookBesideAsync(IReadOnlyList<byte[]> keys, CancellationToken cancellationToken)
    {
        IReadOnlyList<BindingRow> bindings = await database.QueryAsync<BindingRow>(
            $"SELECT key_id, ca_id, serial FROM key_binding WHERE key_id IN ({Listed(keys, out DynamicParameters parameters)})", parameters, cancellationToken);
        return new Surroundings(
            await ListMovesAsync([.. keys.Select(Convert.ToHexStringLower)], cancellationToken),
            bindings.ToDictionary(binding => Convert.ToHexStringLower(binding.KeyId)),
            (await database.ReadAsync(ServedCa.ListAsync, cancellationToken)).ToDictionary(ca => ca.CaId, ca => ca.Name));
    }

    private async Task<ILookup<string, AuditLeaf>> ListMovesAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        string list = Listed(keys, out DynamicParameters parameters);
        parameters.AddDynamicParams(new { Bind = KeyMoves.BindAction, Deliver = KeyMoves.DeliverAction, End = KeyMoves.EndAction, Recover = PlanRecovery.DeliverAction });
        return (await database.QueryAsync<MoveRow>(
            $"""
             SELECT s.object_id, e.leaf FROM audit_search s JOIN audit_event e ON e.event_id = s.event_id
             WHERE s.object_kind = 'key' AND s.object_id IN ({list}) AND s.action IN (@Bind, @Deliver, @End, @Recover)
             """,
            parameters,
            cancellationToken)).ToLookup(row => row.ObjectId, row => Der.Decode<AuditLeaf>(row.Leaf));
    }

    /// <returns>For IN: <c>@K0, @K1 …</c>.</returns>
    private static string Listed<T>(IReadOnlyList<T> values, out DynamicParameters parameters)
    {
        parameters = new DynamicParameters();
        for (int i = 0; i < values.Count; i++)
        {
            parameters.Add(string.Create(CultureInfo.InvariantCulture, $"K{i}"), values[i]);
        }

        return string.Join(", ", values.Select((_, i) => string.Create(CultureInfo.InvariantCulture, $"@K{i}")));
    }

    private static long NumberOf(AuditLeaf leaf, string name) => leaf.Fields.OfType<AuditField.Number>().FirstOrDefault(field => field.Name == name)?.Value ?? 0;

    private static ReadOnlyMemory<byte>? OctetsOf(AuditLeaf leaf, string name) => leaf.Fields.OfType<AuditField.Octets>().FirstOrDefault(field => field.Name == name)?.Value;

    private static string? TextOf(AuditLeaf leaf, string name) => leaf.Fields.OfType<AuditField.Text>().FirstOrDefault(field => field.Name == name)?.Value;

    /// <summary>What rows are held against; moves and bindings by the key's id in lower-case hexadecimal.</summary>
    private sealed record Surroundings(ILookup<string, AuditLeaf> Moves, Dictionary<string, BindingRow> Bindings, Dictionary<short, string> CaNames);

    private sealed record BindingRow
    {
        public required byte[] KeyId { get; init; }

        public required short CaId { get; init; }

        public required string Serial { get; init; }
    }

    private sealed record MoveRow
    {
        public required string ObjectId { get; init; }

        public required byte[] Leaf { get; init; }
    }

    private sealed record BoundRow
    {
        public required byte[] EventId { get; init; }

        public required string ObjectId { get; init; }
    }
}
