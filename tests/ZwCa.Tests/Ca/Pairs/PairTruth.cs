using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Audit.Sequencing;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.Reaudit;
using ZwCa.Contracts.Ca;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Kmc.EscrowedKeys;

namespace ZwCa.Tests.Ca.Pairs;

/// <summary>What both databases and both logs say about the same pairs, after both services have ended; and what does not fit.</summary>
internal sealed class PairTruth(CaProcess ca, KmcProcess kmc)
{
    private readonly List<string> _findings = [];

    /// <summary>Those that hold at any time, whatever has died.</summary>
    public static async Task<IReadOnlyList<string>> CheckWholeAsync(Database database, CancellationToken cancellationToken)
    {
        (IReadOnlyList<string> unlike, IReadOnlyList<string> alone) = await database.ReadAsync(
            async transaction => (
                await transaction.QueryAsync<string>(
                    """
                    SELECT s.serial FROM certificate_pair p
                    JOIN certificate s ON s.certificate_id = p.pair_id JOIN certificate e ON e.certificate_id = p.encryption_id
                    WHERE s.state <> e.state OR s.tbs IS NULL OR e.tbs IS NULL OR (s.signature IS NULL) <> (e.signature IS NULL)
                    """),
                await transaction.QueryAsync<string>(
                    """
                    SELECT serial FROM certificate WHERE ra_name = @RaName AND (tbs IS NOT NULL OR signature IS NOT NULL)
                    AND certificate_id NOT IN (SELECT pair_id FROM certificate_pair) AND certificate_id NOT IN (SELECT encryption_id FROM certificate_pair)
                    """,
                    new { CaScene.RaName })),
            cancellationToken);
        return [.. unlike.Select(serial => $"the halves of the pair of {serial} differ"), .. alone.Select(serial => $"{serial} has no other half")];
    }

    public async Task<IReadOnlyList<string>> CheckAsync(IReadOnlyCollection<IssuedPair> answered, CancellationToken cancellationToken)
    {
        await using Database database = ca.OpenDatabase();
        await using Database escrow = kmc.OpenDatabase();
        _findings.AddRange(await CheckWholeAsync(database, cancellationToken));
        IReadOnlyList<CertificateRow> rows = await database.QueryAsync<CertificateRow>(
            $"SELECT {CertificateRow.Columns} FROM certificate WHERE ra_name = @RaName", new { CaScene.RaName }, cancellationToken);
        await CheckPairsAsync(database, rows, cancellationToken);
        CheckAnswers(rows, answered);
        await CheckKeysAsync(database, escrow, rows, cancellationToken);
        await CheckLogAsync("CA", database, await KeyAsync(ca.Hsm, "ca-log"), CaScene.LogOrigin, ca.AnchorFile, cancellationToken);
        await CheckLogAsync("KMC", escrow, await KeyAsync(kmc.Hsm, KmcProcess.LogKey), KmcProcess.LogOrigin, kmc.AnchorFile, cancellationToken);

        // What each finds by itself.
        await using (WebApplication app = await ca.OpenAsync())
        {
            await app.Services.GetRequiredService<ReauditCertificates>().RunAsync(cancellationToken);
            HashSet<string> serials = [.. rows.Select(row => row.Serial)];
            IReadOnlyList<(string ObjectId, string Detail)> found = await database.QueryAsync<(string, string)>("SELECT object_id, detail FROM reaudit_finding", cancellationToken: cancellationToken);
            _findings.AddRange(found.Where(each => serials.Contains(each.ObjectId.Split('/')[^1])).Select(each => $"re-audit, {each.ObjectId}: {each.Detail}"));
            Require(await database.FindAsync<long>("SELECT COUNT(*) FROM reaudit_run WHERE ended_at IS NOT NULL", cancellationToken: cancellationToken) > 0, "no re-audit came to its end");
        }

        await using (WebApplication app = await kmc.OpenAsync())
        {
            _findings.AddRange((await app.Services.GetRequiredService<CheckRows>().RunAsync(cancellationToken)).Select(each => $"row of the KMC, {each.Object.Kind} {each.Object.Id}: {each.Detail}"));
        }

        return _findings;
    }

    private static async Task<SubjectPublicKeyInfo> KeyAsync(IHsm hsm, string label) => (await hsm.FindKeyAsync(new KeyLabel(label)))!.PublicKey!;

    /// <summary>Whole or absent: both signed with signatures that hold, and alike; or neither, and given up.</summary>
    private async Task CheckPairsAsync(Database database, IReadOnlyList<CertificateRow> rows, CancellationToken cancellationToken)
    {
        Require(
            rows.All(row => row.Signature is not null ? row.State is CertificateState.Valid or CertificateState.Revoked : row.State == (row.Tbs is null ? CertificateState.Unused : CertificateState.Revoked)),
            "a serial number is in no final state");
        SignatureCheck check = new SignatureCheck(ca.Issuers.Subscribers.SubjectPublicKeyInfo, ca.Issuers.Subscribers.Algorithm).Prepare();
        foreach (CertificateRow row in rows)
        {
            Require(row.FindCertificate() is not { } certificate || check.Holds(certificate.TbsBytes.Span, certificate.Signature), $"{row}: the signature does not hold");
        }

        Dictionary<string, CertificateRow> byId = rows.ToDictionary(row => Convert.ToHexString(row.CertificateId));
        IReadOnlyList<(byte[] PairId, byte[] EncryptionId)> pairs = await database.QueryAsync<(byte[], byte[])>(
            "SELECT pair_id, encryption_id FROM certificate_pair", cancellationToken: cancellationToken);
        foreach ((byte[] pairId, byte[] encryptionId) in pairs)
        {
            TbsCertificate signing = Der.Decode<TbsCertificate>(byId[Convert.ToHexString(pairId)].Tbs);
            TbsCertificate encryption = Der.Decode<TbsCertificate>(byId[Convert.ToHexString(encryptionId)].Tbs);
            Require(
                (signing.Subject, signing.Issuer, signing.Validity) == (encryption.Subject, encryption.Issuer, encryption.Validity) && signing.SubjectPublicKeyInfo != encryption.SubjectPublicKeyInfo,
                $"the halves of the pair of {signing.SerialNumber} do not fit");
        }

        // A request has one pair.
        long requests = await database.FindAsync<long>("SELECT COUNT(DISTINCT request_id) FROM decision WHERE requester = @RaName", new { CaScene.RaName }, cancellationToken);
        Require(requests == pairs.Count, $"{requests} requests were decided, and there are {pairs.Count} pairs");
    }

    private void CheckAnswers(IReadOnlyList<CertificateRow> rows, IReadOnlyCollection<IssuedPair> answered)
    {
        Dictionary<string, CertificateRow> bySerial = rows.ToDictionary(row => row.Serial);
        foreach (CertificateAnswer each in answered.SelectMany(each => new[] { each.Answer.Signing, each.Answer.Encryption }))
        {
            Require(
                bySerial.TryGetValue(each.Serial, out CertificateRow? row) && row.FindCertificate() is { } kept && Der.Encode(kept).AsSpan().SequenceEqual(each.Certificate),
                $"{each.Serial} was answered with another certificate than is stored");
        }
    }

    /// <summary>No key is bound twice, none is in a certificate of another, and what belongs to no valid pair is in history.</summary>
    private async Task CheckKeysAsync(Database database, Database escrow, IReadOnlyList<CertificateRow> rows, CancellationToken cancellationToken)
    {
        Require(await database.FindAsync<long>("SELECT COUNT(*) FROM key_task", cancellationToken: cancellationToken) == 0, "the KMC has to be told something");
        IReadOnlyList<Bound> bound = await escrow.QueryAsync<Bound>(
            "SELECT b.serial AS bound_to, k.serial, k.state, k.public_key FROM key_binding b JOIN escrowed_key k ON k.key_id = b.key_id", cancellationToken: cancellationToken);
        Require(bound.All(each => each.BoundTo == each.Serial), "a key is bound to another serial number than its row says");
        long used = await escrow.FindAsync<long>("SELECT COUNT(*) FROM escrowed_key WHERE state <> 1", cancellationToken: cancellationToken);
        Require(used == bound.Count, $"{used} keys are out of stock, and {bound.Count} bound");
        Require(bound.Select(each => Convert.ToHexString(each.PublicKey)).Distinct().Count() == bound.Count, "a key is bound twice");
        Dictionary<string, CertificateRow> bySerial = rows.ToDictionary(row => row.Serial);
        foreach (Bound each in bound)
        {
            if (!bySerial.TryGetValue(each.BoundTo, out CertificateRow? row))
            {
                _findings.Add($"the key of {each.BoundTo} is nobody's");
                continue;
            }

            KeyState expected = row.State == CertificateState.Valid ? KeyState.InUse : KeyState.History;
            Require(each.State == expected, $"{row}: its key is {each.State}");
            Require(row.Tbs is null || KeyOf(row).AsSpan().SequenceEqual(each.PublicKey), $"{row}: the KMC has another key");
        }

        HashSet<string> serials = [.. bound.Select(each => each.BoundTo)];
        byte[][] encryption = [.. await database.QueryAsync<byte[]>("SELECT encryption_id FROM certificate_pair", cancellationToken: cancellationToken)];
        HashSet<string> encryptionIds = [.. encryption.Select(Convert.ToHexString)];
        foreach (CertificateRow row in rows.Where(row => row.Tbs is not null))
        {
            bool isEncryption = encryptionIds.Contains(Convert.ToHexString(row.CertificateId));
            Require(isEncryption == serials.Contains(row.Serial), $"{row}: {(isEncryption ? "the KMC knows no key of it" : "a signing certificate has an escrowed key")}");
        }

        Require(rows.Where(row => row.Tbs is not null).Select(row => Convert.ToHexString(KeyOf(row))).Distinct().Count() == rows.Count(row => row.Tbs is not null), "two certificates have one key");
    }

    private async Task CheckLogAsync(string whose, Database database, SubjectPublicKeyInfo key, string origin, string anchor, CancellationToken cancellationToken)
    {
        LogCheckReport report = await new LogCheck(database, new LogOptions { Origin = origin, Key = key, Anchors = [new Anchor(anchor)] }).RunAsync(cancellationToken);
        _findings.AddRange(report.Findings.Select(each => $"log of the {whose}: {each}"));
        long events = await database.FindAsync<long>("SELECT COUNT(*) FROM audit_event", cancellationToken: cancellationToken);
        Require(report.Pending == 0 && report.Leaves == events, $"log of the {whose}: {events} events, {report.Leaves} leaves, {report.Pending} waiting");
    }

    private static byte[] KeyOf(CertificateRow row) => Der.Encode(Der.Decode<TbsCertificate>(row.Tbs).SubjectPublicKeyInfo);

    private void Require(bool met, string finding)
    {
        if (!met)
        {
            _findings.Add(finding);
        }
    }

    private sealed record Bound
    {
        public required string BoundTo { get; init; }

        public required string Serial { get; init; }

        public required KeyState State { get; init; }

        public required byte[] PublicKey { get; init; }
    }
}
