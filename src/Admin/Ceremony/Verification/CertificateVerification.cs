using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;

namespace ZwCa.Admin.Ceremony;

/// <summary>Certificates say what the plan says, for the keys that the plan says, and hold under their issuers'.</summary>
internal sealed class CertificateVerification(
    PlanFile file, Inventory inventory, IReadOnlyList<JournalEntry> journal, IReadOnlyDictionary<string, Certificate> certificates, Verdict verdict)
{
    /// <summary>A journal's line is written a moment after the time in a certificate was taken, and certificates know whole seconds.</summary>
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(10);

    public void Check()
    {
        foreach (CertificatePlan plan in file.Plan.Certificates)
        {
            Certificate made = certificates[plan.Id];
            string at = $"Certificate {plan.Id}";
            JournalEntry done = Journal.Require(journal, JournalEntry.Certificate, plan.Id);
            verdict.Demand(done.Decode().AsSpan().SequenceEqual(Der.Encode(made)), $"{at} is not the one of the journal.");
            verdict.Demand(Journal.Require(journal, JournalEntry.CertificateIntent, plan.Id).Decode().AsSpan().SequenceEqual(made.TbsBytes.Span), $"{at} is not the one that was intended.");
            verdict.Demand(inventory.Certificates.All(each => each.Id == plan.Id || certificates[each.Id].Tbs.SerialNumber != made.Tbs.SerialNumber), $"{at} has the serial number of another.");
            CheckKey(plan, made.Tbs, at);
            CheckContent(plan, made.Tbs, done, at);
            CheckIssuer(plan.Issuer, made, at);
            Judge(made, new LintContext { Profile = file.Profiles[plan.Profile], IssuerCertificate = certificates[plan.Issuer] }, at);
        }

        verdict.Say($"{file.Plan.Certificates.Count} certificates: as planned, judged by all rules, signed by their issuers");
        InventoryCertificate[] earlier = [.. inventory.Certificates.Where(known => !file.Plan.Certificates.Any(plan => plan.Id == known.Id))];
        foreach (InventoryCertificate known in earlier)
        {
            // That they are those of the basis, the inventory's hashes say.
            Certificate certificate = certificates[known.Id];
            string at = $"The earlier certificate {known.Id}";
            verdict.Demand(known.Sm3 == Convert.ToHexStringLower(Cryptography.Sm3.HashData(Der.Encode(certificate))), $"{at} is not the one of the inventory.");
            verdict.Demand(known.Key is null || inventory.Keys.FirstOrDefault(key => key.Id == known.Key)?.Decode() == certificate.Tbs.SubjectPublicKeyInfo, $"{at} is for another key than {known.Key}.");
            CheckIssuer(known.Issuer, certificate, at);
        }

        if (earlier.Length > 0)
        {
            verdict.Say($"{earlier.Length} certificates of the basis: signed by their issuers");
        }
    }

    /// <summary>The device's, the one that was brought, or that of the CA it is for.</summary>
    private void CheckKey(CertificatePlan plan, TbsCertificate tbs, string at)
    {
        SubjectPublicKeyInfo key = tbs.SubjectPublicKeyInfo;
        verdict.Demand(plan.Key is null || inventory.Keys.FirstOrDefault(each => each.Id == plan.Key)?.Decode() == key, $"{at} is for another key than {plan.Key}.");
        verdict.Demand(plan.Request is null || CeremonyState.Fingerprint(key) == plan.Request.Fingerprint, $"{at} is for another key than the one that was brought.");
        verdict.Demand(plan.Of is null || (certificates[plan.Of].Tbs.SubjectPublicKeyInfo == key && certificates[plan.Of].Tbs.Subject == tbs.Subject), $"{at} is for another CA than {plan.Of}.");
        verdict.Demand(plan.LinkKey is null || Journal.Require(journal, JournalEntry.LinkKey, plan.Id).Data.Split(' ')[0] == Convert.ToBase64String(Der.Encode(key)), $"{at} is for another key than {plan.LinkKey}.");
        verdict.Demand(KeyQuality.Find(key) is null, $"{at}: its key is weak.");
    }

    private void CheckContent(CertificatePlan plan, TbsCertificate tbs, JournalEntry done, string at)
    {
        verdict.Demand(
            plan.Of is not null || tbs.Subject == Issuer.SubjectOf(file.Profiles[plan.Profile], SubjectTexts.Of(plan, PersonOf(plan)), SubjectTexts.PlaceOf(plan)), $"{at} has another subject than the plan.");
        verdict.Demand(tbs.Validity.NotAfter.Value - tbs.Validity.NotBefore.Value == TimeSpan.FromDays(plan.Days), $"{at} is valid for another time than the plan says.");
        verdict.Demand(tbs.Validity.NotBefore.Value >= journal[0].Time - Slack && tbs.Validity.NotBefore.Value <= done.Time + Slack, $"{at} begins at another time than the ceremony.");
        IReadOnlyList<GeneralName> names = tbs.Extensions?.Find<SubjectAltName>()?.Names ?? [];
        verdict.Demand(names.SequenceEqual(plan.Names.Select(name => SubjectTexts.FindName(name)!)), $"{at} has other names than the plan.");
        OfficerIdentity? officer = tbs.Extensions?.Find<OfficerIdentity>();
        verdict.Demand(officer?.Role == plan.Officer?.Role && officer?.Region == plan.Officer?.Region, $"{at} is for another office than the plan says.");
    }

    /// <summary>The link to its issuer.</summary>
    private void CheckIssuer(string id, Certificate made, string at)
    {
        if (!certificates.TryGetValue(id, out Certificate? issuer))
        {
            verdict.Fault($"{at}: its issuer {id} is missing.");
            return;
        }

        TbsCertificate tbs = made.Tbs;
        verdict.Demand(tbs.Issuer == issuer.Tbs.Subject, $"{at} names another issuer.");
        verdict.Demand(
            issuer.Tbs.Extensions?.Find<SubjectKeyIdentifier>() is { } ski && tbs.Extensions?.Find<AuthorityKeyIdentifier>()?.KeyIdentifier is { } aki && aki.Span.SequenceEqual(ski.KeyIdentifier.Span),
            $"{at} names another key of its issuer.");
        verdict.Demand(tbs.Validity.NotBefore >= issuer.Tbs.Validity.NotBefore && tbs.Validity.NotAfter <= issuer.Tbs.Validity.NotAfter, $"{at} is valid beyond its issuer.");
        verdict.Demand(made.AlgorithmsAgree && SignatureCheck.Holds(issuer.Tbs.SubjectPublicKeyInfo, made.SignatureAlgorithm, made.TbsBytes, made.Signature), $"{at}: the signature of {id} does not hold.");
    }

    private void Judge(Certificate made, LintContext context, string at)
    {
        foreach (Finding finding in Linter.Check(Der.Encode(made), context).Where(finding => finding.Severity == Severity.Error))
        {
            verdict.Fault($"{at}: {finding.Rule} ({finding.Source}): {finding.Detail}");
        }
    }

    /// <returns>The id in the officer's certificate; null: the certificate is no officer's.</returns>
    private ReadOnlyMemory<byte>? PersonOf(CertificatePlan plan) =>
        (plan.Officer?.Person ?? plan.Person) is { } person
            ? certificates[file.Plan.Certificates.First(each => each.Officer?.Person == person).Id].Tbs.Extensions?.Find<OfficerIdentity>()?.Person
            : null;
}
