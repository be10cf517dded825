using System.Globalization;
using System.Numerics;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;

namespace ZwCa.Admin.Ceremony;

/// <summary>CRLs are of their issuers, follow those before them, and have lost nothing.</summary>
internal static class CrlVerification
{
    public static void Check(
        CeremonyPlan plan, Inventory? basis, Inventory inventory, IReadOnlyDictionary<string, Certificate> certificates, IReadOnlyList<JournalEntry> journal, Func<string, byte[]> read, Verdict verdict)
    {
        foreach (InventoryCrl entry in inventory.Crls)
        {
            if (!certificates.TryGetValue(entry.Issuer, out Certificate? issuer))
            {
                verdict.Fault($"{entry.File}: its issuer {entry.Issuer} is missing.");
                continue;
            }

            byte[] bytes = read(entry.File);
            CertificateList crl = Der.Decode<CertificateList>(bytes);
            verdict.Demand(entry.Sm3 == Convert.ToHexStringLower(Cryptography.Sm3.HashData(bytes)), $"{entry.File} is not the CRL of the inventory.");
            CheckIssuer(entry, crl, issuer, verdict);
            foreach (Finding finding in CrlLint.Check(bytes, new CrlLintContext { Issuer = issuer }).Where(finding => finding.Severity == Severity.Error))
            {
                verdict.Fault($"{entry.File}: {finding.Rule} ({finding.Source}): {finding.Detail}");
            }

            if (plan.Crls.FirstOrDefault(each => each.Id == entry.Id) is { } planned)
            {
                verdict.Demand(Journal.Require(journal, JournalEntry.Crl, entry.Id).Decode().AsSpan().SequenceEqual(bytes), $"{entry.File} is not the CRL of the journal.");
                CheckPlanned(planned, entry, crl, certificates, journal, verdict);
                CheckSuccession(planned, entry, crl, basis?.FindCrl(planned.Issuer, planned.Kind), read, verdict);
            }
        }

        verdict.Say($"{inventory.Crls.Count} CRLs and ARLs: signed by their issuers; none lost an entry");
    }

    private static void CheckIssuer(InventoryCrl entry, CertificateList crl, Certificate issuer, Verdict verdict)
    {
        Extensions? extensions = crl.Tbs.CrlExtensions;
        bool isNamed = crl.Tbs.Issuer == issuer.Tbs.Subject
            && issuer.Tbs.Extensions?.Find<SubjectKeyIdentifier>() is { } ski && extensions?.Find<AuthorityKeyIdentifier>()?.KeyIdentifier is { } aki && aki.Span.SequenceEqual(ski.KeyIdentifier.Span);
        verdict.Demand(isNamed, $"{entry.File} is of another issuer than {entry.Issuer}.");
        bool isArl = extensions?.Find<IssuingDistributionPoint>() is { OnlyContainsCaCerts: true };
        verdict.Demand(isArl == (entry.Kind == CrlKind.Authorities), $"{entry.File} has another scope than the plan says.");
        verdict.Demand(extensions?.Find<CrlNumber>()?.Number.ToString(CultureInfo.InvariantCulture) == entry.Number, $"{entry.File} has another number than the inventory.");
        verdict.Demand(
            crl.AlgorithmsAgree && SignatureCheck.Holds(issuer.Tbs.SubjectPublicKeyInfo, crl.SignatureAlgorithm, crl.TbsBytes, crl.Signature), $"{entry.File}: the signature of {entry.Issuer} does not hold.");
    }

    private static void CheckPlanned(
        CrlPlan plan, InventoryCrl entry, CertificateList crl, IReadOnlyDictionary<string, Certificate> certificates, IReadOnlyList<JournalEntry> journal, Verdict verdict)
    {
        DateTimeOffset begins = crl.Tbs.ThisUpdate.Value;
        verdict.Demand(crl.Tbs.NextUpdate?.Value - begins == TimeSpan.FromDays(plan.Days), $"{entry.File} is in force for another time than the plan says.");
        string intended = Journal.Require(journal, JournalEntry.CrlIntent, plan.Id).Data;
        verdict.Demand(
            intended.StartsWith(string.Create(CultureInfo.InvariantCulture, $"{entry.Number} {begins.ToUnixTimeSeconds()} "), StringComparison.Ordinal), $"{entry.File} is not the CRL that was intended.");
        verdict.Demand(
            plan.Revoke.All(each => crl.Tbs.RevokedCertificates.Any(revoked => revoked.UserCertificate == certificates[each.Certificate].Tbs.SerialNumber)), $"{entry.File} lacks a certificate that the plan revokes.");
    }

    private static void CheckSuccession(CrlPlan plan, InventoryCrl entry, CertificateList crl, InventoryCrl? before, Func<string, byte[]> read, Verdict verdict)
    {
        int earlier = 0;
        if (before is not null)
        {
            byte[] bytes = read(CeremonyFolder.SupersededPath(before.Id));
            verdict.Demand(before.Sm3 == Convert.ToHexStringLower(Cryptography.Sm3.HashData(bytes)), $"{CeremonyFolder.SupersededPath(before.Id)} is not the CRL of the basis.");
            IReadOnlyList<RevokedCertificate> revoked = Der.Decode<CertificateList>(bytes).Tbs.RevokedCertificates;
            earlier = revoked.Count;
            verdict.Demand(
                revoked.All(old => crl.Tbs.RevokedCertificates.Any(each => Der.Encode(each).AsSpan().SequenceEqual(Der.Encode(old)))), $"{entry.File} has lost an entry of the CRL before it, or changed one.");
        }

        BigInteger last = before is null ? 0 : BigInteger.Parse(before.Number, CultureInfo.InvariantCulture);
        verdict.Demand(entry.Number == (last + 1).ToString(CultureInfo.InvariantCulture), $"{entry.File} does not have the number after that of the CRL before it.");
        verdict.Demand(crl.Tbs.RevokedCertificates.Count == earlier + plan.Revoke.Count, $"{entry.File} lists a certificate that neither the plan nor the CRL before it revokes.");
    }
}
