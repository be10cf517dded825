using System.Globalization;
using System.Runtime.CompilerServices;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Audit.Sequencing;
using ZwCa.Data;
using ZwCa.Issuance;
using ZwCa.Issuance.Feed;
using ZwCa.Jobs;

namespace ZwCa.Ca.Ocsp;

/// <summary>What a batch says, read from its bytes; <see cref="OcspGate.CompareAsync"/> asks the store whether it is so.</summary>
/// <param name="Statuses">By CA and serial number, lower-case hexadecimal.</param>
/// <param name="Anchored">Of the log, read before the store is asked.</param>
internal sealed record JudgedBatch(IReadOnlyDictionary<(short Authority, string Serial), FeedStatus> Statuses, Checkpoint? Anchored);

/// <summary>
/// Judges what is to leave before it is appended: docs/OCSP.md. It reads the content that was written, not what that was made from: rebuilds every response as responders will, decodes it with
/// the plain types, verifies its signature, and compares it with the statuses beside it, then these with the store. Safe for concurrent use.
/// </summary>
internal sealed class OcspGate(LogGuard guard, ClockWatch clock, OcspOptions options, TimeProvider time)
{
    /// <summary>Clocks of nodes and of the log differ by less.</summary>
    private static readonly TimeSpan Ahead = TimeSpan.FromSeconds(1);

    /// <summary>From reading the store to appending: what took longer has to be read again.</summary>
    private static readonly TimeSpan LongestMaking = TimeSpan.FromMinutes(5);

    /// <param name="signers">Those in use when the batch was made.</param>
    /// <param name="content">Of the segment.</param>
    /// <exception cref="BatchRefusedException">It does not leave.</exception>
    public JudgedBatch Judge(OcspSigners signers, ReadOnlyMemory<byte> content)
    {
        DateTimeOffset now = time.GetUtcNow();
        Require(clock.FindFault());
        Require(content.Length <= FeedFrames.MaxContent, $"It has {content.Length} bytes; a segment has up to {FeedFrames.MaxContent}.");
        var statuses = new Dictionary<(short, string), FeedStatus>();
        var answered = new Dictionary<(short, string), HashSet<CertIdHash>>();
        try
        {
            var reader = new FeedReader(content);
            while (reader.Read())
            {
                switch (reader.Kind)
                {
                    case FeedEntryKind.Status:
                        Require(statuses.TryAdd(KeyOf(reader.Status.Authority, reader.Status.SerialNumber), reader.Status), "A certificate stands in it twice.");
                        break;
                    case FeedEntryKind.Responses:
                        JudgeResponses(signers, reader, statuses, answered, now);
                        break;
                    default:
                        Require(false, $"An entry of kind {reader.Kind} does not belong into it.");
                        break;
                }
            }
        }
        catch (DerException e)
        {
            throw new BatchRefusedException($"It cannot be read: {e.Message}", e);
        }

        // Incident 7: none was passed over.
        foreach (((short authority, string serial), FeedStatus status) in statuses)
        {
            int expected = signers.Find(authority)?.IsCertifiedAt(now) != true || status.NotAfter < now ? 0 : options.SignedHashes.Count;
            int found = answered.GetValueOrDefault((authority, serial))?.Count ?? 0;
            Require(found >= expected, $"{authority}/{serial} has {found} responses instead of {expected}.");
        }

        try
        {
            return new JudgedBatch(statuses, guard.ReadAnchors());
        }
        catch (AnchorException e)
        {
            throw new BatchRefusedException(e.Message, e);
        }
    }

    /// <summary>Compares it with the store, in the transaction that appends it.</summary>
    /// <param name="rows">As they are now.</param>
    /// <exception cref="BatchRefusedException">It contradicts the store.</exception>
    /// <exception cref="BatchOvertakenException">A status has changed since the batch was made.</exception>
    public async Task CompareAsync(Transaction transaction, JudgedBatch batch, IReadOnlyList<StatusRow> rows)
    {
        try
        {
            await guard.RequireNoneOlderAsync(transaction, batch.Anchored);
        }
        catch (LogDamagedException e)
        {
            throw new BatchRefusedException(e.Message, e);
        }

        Dictionary<(short, string), StatusRow> found = rows.ToDictionary(row => (row.AuthorityId, row.Serial));
        var overtaken = new List<byte[]>();
        foreach (((short authority, string serial), FeedStatus told) in batch.Statuses)
        {
            StatusRow row = found.GetValueOrDefault((authority, serial)) ?? throw new BatchRefusedException($"{authority}/{serial}: the store does not have it, or it has ended.");
            Require(row.NamedIn is not null, $"{row}: the feed has not named its CA, and responders would believe nothing after it.");
            if (row.StateVersion > told.Version)
            {
                overtaken.Add(row.CertificateId);
                continue;
            }

            FeedStatus stored = row.FindStatus() ?? throw new BatchRefusedException($"{row}: nothing is told of it.");
            Require(
                stored.Version == told.Version && stored.RevokedAt == told.RevokedAt && stored.Reason == told.Reason && stored.NotAfter == told.NotAfter
                    && stored.SerialNumber.Span.SequenceEqual(told.SerialNumber.Span),
                $"{row}: the batch says {Describe(told)}.");
        }

        if (overtaken.Count > 0)
        {
            throw new BatchOvertakenException(overtaken);
        }
    }

    private void JudgeResponses(
        OcspSigners signers, FeedReader reader, Dictionary<(short, string), FeedStatus> statuses, Dictionary<(short, string), HashSet<CertIdHash>> answered, DateTimeOffset now)
    {
        // Step 1: what they have in common: our signer of that CA, a hash that is configured, and times that are right by the clock.
        FeedBatch batch = reader.Batch;
        OcspSigner signer = signers.Find(batch.Authority) is { } known && known.Number == batch.Signer ? known : throw new BatchRefusedException($"{batch} is of no signer of this CA.");
        Require(options.SignedHashes.Contains(batch.Hash), $"{batch.Hash} is not signed ahead.");
        Require(batch.ThisUpdate <= now + Ahead, $"thisUpdate {batch.ThisUpdate:u} is in the future: it is {now:u}.");
        Require(batch.ThisUpdate >= now - LongestMaking, $"thisUpdate {batch.ThisUpdate:u} is long ago: it is {now:u}.");
        Require(batch.NextUpdate > now && batch.NextUpdate <= batch.ThisUpdate + options.Validity, $"nextUpdate {batch.NextUpdate:u} is over, or further from {batch.ThisUpdate:u} than {options.Validity}.");
        Require(batch.ThisUpdate >= signer.Begin && batch.NextUpdate <= signer.End, $"The times are not within those of the signer {signer}, which ends at {signer.End:u}.");

        // Step 2: each of them: what responders will rebuild says what the status says, and is signed so.
        var template = new OcspTemplate(signer.Authority.Certificate, signer.Certificate, batch.Hash);
        byte[]? buffer = null;
        while (reader.TryReadResponse(out FeedResponse response))
        {
            (short Authority, string Serial) key = KeyOf(batch.Authority, response.SerialNumber);
            Require(statuses.TryGetValue(key, out FeedStatus status) && status.Version == response.Version, $"{key.Authority}/{key.Serial}: the response is of another version than the status.");
            Require((answered.TryGetValue(key, out HashSet<CertIdHash>? hashes) ? hashes : answered[key] = []).Add(batch.Hash), $"{key.Authority}/{key.Serial} is answered twice.");
            buffer ??= new byte[template.MaxLength(response.Signature.Length)];
            ReadOnlySpan<byte> rebuilt = template.Write(
                buffer,
                new OcspFacts(response.SerialNumber.Span, status.RevokedAt?.ToUnixTimeSeconds(), status.Reason, batch.ThisUpdate.ToUnixTimeSeconds(), batch.NextUpdate.ToUnixTimeSeconds()),
                response.Signature.Span);
            BasicOcspResponse basic = Der.Decode<OcspResponse>(rebuilt.ToArray()).DecodeBasic();
            Require(IsAbout(basic, signer, batch, status), $"{key.Authority}/{key.Serial}: the response does not say {Describe(status)}.");
            Require(signer.Responder.Holds(basic), $"{key.Authority}/{key.Serial}: what responders rebuild is not signed by {signer}.");
        }
    }

    private static bool IsAbout(BasicOcspResponse basic, OcspSigner signer, FeedBatch batch, FeedStatus status) =>
        basic.Tbs.ProducedAt.Value == batch.ThisUpdate
        && basic.Tbs.Responses is [{ } single]
        && single.CertId == CertIds.Of(signer.Authority.Certificate, SerialNumber.FromBytes(status.SerialNumber.Span), batch.Hash)
        && single.ThisUpdate.Value == batch.ThisUpdate
        && single.NextUpdate?.Value == batch.NextUpdate
        && (status.RevokedAt is { } revokedAt
            ? single.CertStatus is Revoked { Info: { } info } && info.RevocationTime.Value == revokedAt && (info.RevocationReason ?? RevocationReason.Unspecified) == status.Reason
            : single.CertStatus is Good);

    private static (short Authority, string Serial) KeyOf(short authority, ReadOnlyMemory<byte> serial) => (authority, SerialNumber.FromBytes(serial.Span).ToString());

    private static string Describe(FeedStatus status) => status.RevokedAt is { } at ? $"revoked at {at:u}, {status.Reason}, version {status.Version}" : $"good, version {status.Version}";

    private static void Require(string? fault) => Require(fault is null, fault ?? "");

    /// <param name="fault">Put together only where it is told.</param>
    private static void Require(bool met, [InterpolatedStringHandlerArgument(nameof(met))] FaultText fault)
    {
        if (!met)
        {
            throw new BatchRefusedException(fault.Text);
        }
    }

    private static void Require(bool met, string fault)
    {
        if (!met)
        {
            throw new BatchRefusedException(fault);
        }
    }
}

/// <summary>The text of a fault that is made only where there is one: a million responses have none.</summary>
[InterpolatedStringHandler]
internal ref struct FaultText
{
    private DefaultInterpolatedStringHandler _text;

    public FaultText(int literalLength, int formattedCount, bool met, out bool isNeeded)
    {
        isNeeded = !met;
        _text = met ? default : new DefaultInterpolatedStringHandler(literalLength, formattedCount, CultureInfo.InvariantCulture);
    }

    public string Text => _text.ToStringAndClear();

    public void AppendLiteral(string value) => _text.AppendLiteral(value);

    public void AppendFormatted<T>(T value, string? format = null) => _text.AppendFormatted(value, format);
}
