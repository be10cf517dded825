using System.Globalization;
using System.Numerics;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;

namespace ZwCa.Admin.Ceremony;

/// <summary>A CRL or ARL of the plan: number, time and digest are in the journal before it is signed.</summary>
internal static class CrlStep
{
    public static async Task IssueAsync(CeremonyState state, CrlPlan plan, CancellationToken cancellationToken)
    {
        Issuer issuer = state.IssuerOf(plan.Issuer);
        if (state.Journal.Find(JournalEntry.Crl, plan.Id) is { } made)
        {
            RequireSigned(plan, issuer, Der.Decode<CertificateList>(made.Decode()));
            state.Folder.Write(plan.File, made.Decode());
            return;
        }

        // Step 1: the bytes that will be signed. The number follows that of the last ceremony; the issuing CA's service goes on from there.
        InventoryCrl? last = state.Basis?.Inventory.FindCrl(plan.Issuer, plan.Kind);
        BigInteger? previous = last is null ? null : BigInteger.Parse(last.Number, CultureInfo.InvariantCulture);
        string[]? intent = state.Journal.Find(JournalEntry.CrlIntent, plan.Id)?.Data.Split(' ');
        DateTimeOffset thisUpdate = intent is null ? state.Time.GetUtcNow() : ReadTime(intent, plan);
        if (intent is not null)
        {
            state.RequireDuring(thisUpdate, $"CRL {plan.Id}");
        }

        var request = new CrlRequest
        {
            Kind = plan.Kind,
            Number = (previous ?? 0) + 1,
            PreviousNumber = previous,
            ThisUpdate = thisUpdate,
            NextUpdate = thisUpdate.AddDays(plan.Days),
        };
        if (thisUpdate < issuer.Certificate!.Tbs.Validity.NotBefore.Value || request.NextUpdate > issuer.Certificate.Tbs.Validity.NotAfter.Value)
        {
            throw new CeremonyException($"CRL {plan.Id}: its time, {thisUpdate:u} to {request.NextUpdate:u}, is outside the validity of {plan.Issuer}. Shorten its days, or set the clock right.");
        }

        using var stream = new MemoryStream();
        using PreparedCrl prepared = CrlIssuer.Prepare(issuer, request, RevokedBy(state, plan, last, thisUpdate), stream);
        string digest = Convert.ToHexStringLower(prepared.Digest.Span);
        if (intent is null)
        {
            state.Journal.Append(JournalEntry.CrlIntent, plan.Id, string.Create(CultureInfo.InvariantCulture, $"{request.Number} {thisUpdate.ToUnixTimeSeconds()} {digest}"));
        }
        else if (intent[0] != request.Number.ToString(CultureInfo.InvariantCulture) || intent[2] != digest)
        {
            throw new CeremonyException($"CRL {plan.Id} would not be the one that was intended before the interruption. Go on with the program and the basis with which it began.");
        }

        state.Reach("crl-intent");

        // Step 2: sign, and see that the signature holds before anything depends on it.
        await CrlIssuer.SignAsync(prepared, cancellationToken);
        state.Reach("crl-signed");
        byte[] bytes = stream.ToArray();
        CertificateList crl = Der.Decode<CertificateList>(bytes);
        RequireSigned(plan, issuer, crl);
        state.Journal.Append(JournalEntry.Crl, plan.Id, bytes);
        state.Reach("crl-journaled");
        state.Folder.Write(plan.File, bytes);
        state.Say($"CRL {plan.Id}: of {plan.Issuer}, {plan.Kind}, number {request.Number}, until {crl.Tbs.NextUpdate}");
    }

    private static void RequireSigned(CrlPlan plan, Issuer issuer, CertificateList crl)
    {
        if (!crl.AlgorithmsAgree || !SignatureCheck.Holds(issuer.SubjectPublicKeyInfo, crl.SignatureAlgorithm, crl.TbsBytes, crl.Signature))
        {
            throw new CeremonyException($"The signature of {plan.Id} does not hold: the device is broken, or somebody changed the journal. Do not go on with either.");
        }
    }

    /// <summary>What the last CRL of the issuer lists, for nothing leaves a CRL by a ceremony (incident 5), and what is revoked now.</summary>
    private static CrlEntry[] RevokedBy(CeremonyState state, CrlPlan plan, InventoryCrl? last, DateTimeOffset now)
    {
        List<CrlEntry> entries = last is null
            ? []
            :
            [
                .. Der.Decode<CertificateList>(state.Basis!.Read(last.File, last.Sm3)).Tbs.RevokedCertificates.Select(each => new CrlEntry(
                    each.UserCertificate,
                    each.RevocationDate,
                    each.CrlEntryExtensions?.Find<ReasonCode>()?.Reason ?? RevocationReason.Unspecified,
                    each.CrlEntryExtensions?.Find<InvalidityDate>()?.Date)),
            ];
        foreach (RevocationPlan revocation in plan.Revoke)
        {
            Certificate revoked = state.Certificates[revocation.Certificate];
            TbsCertificate issuer = state.Certificates[plan.Issuer].Tbs;
            bool isIts = revoked.Tbs.Issuer == issuer.Subject && SignatureCheck.Holds(issuer.SubjectPublicKeyInfo, revoked.SignatureAlgorithm, revoked.TbsBytes, revoked.Signature);
            if (!isIts || entries.Any(entry => entry.UserCertificate == revoked.Tbs.SerialNumber))
            {
                throw new CeremonyException($"CRL {plan.Id}: {revocation.Certificate} is not of the issuer {plan.Issuer}, or revoked already. Take it out of the plan.");
            }

            entries.Add(new CrlEntry(revoked.Tbs.SerialNumber, Time.Truncate(now), revocation.Reason));
        }

        return [.. entries];
    }

    /// <exception cref="CeremonyException">Not what was written.</exception>
    private static DateTimeOffset ReadTime(string[] intent, CrlPlan plan) =>
        intent.Length == 3 && uint.TryParse(intent[1], NumberStyles.None, CultureInfo.InvariantCulture, out uint seconds)
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : throw new CeremonyException($"The journal's intention of CRL {plan.Id} is not one. Begin anew in another folder.");
}
