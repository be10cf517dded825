using ZwCa.Contracts;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Officers;

namespace ZwCa.Admin.Ceremony;

/// <content>Certificates: what each is for, by whom, and how long.</content>
internal sealed partial class PlanCheck
{
    private void CheckCertificates()
    {
        CheckIds("certificate", plan.Certificates.Select(certificate => certificate.Id), basis?.Certificates.Select(certificate => certificate.Id) ?? []);
        foreach (CertificatePlan certificate in plan.Certificates)
        {
            string at = $"certificate {certificate.Id}";
            if (!profiles.TryGetValue(certificate.Profile, out Profile? profile))
            {
                _faults.Add($"{at}: there is no profile {certificate.Profile}; known are {string.Join(", ", profiles.Keys.Order())}.");
                _certificates[certificate.Id] = certificate;
                continue;
            }

            int sources = (certificate.Key is null ? 0 : 1) + (certificate.Request is null ? 0 : 1) + (certificate.LinkKey is null ? 0 : 1) + (certificate.Of is null ? 0 : 1);
            Demand(sources == 1, $"{at}: say exactly one of key, request, linkKey and of.");
            Demand(certificate.Days >= 1 && certificate.Days <= profile.Options.Validity.MaximumDays, $"{at}: profile {profile.Name} allows 1 to {profile.Options.Validity.MaximumDays} days.");
            CheckKey(certificate, at);
            Demand(certificate.Request is null || (certificate.Request.Fingerprint.Length == FingerprintDigits && certificate.Request.Fingerprint.All(char.IsAsciiHexDigitLower)), $"{at}: the fingerprint is SM3 of the key, 64 lower-case hexadecimal digits (zwca token list shows it).");
            Demand((profile.Kind == ProfileKind.Cross) == (certificate.Of is not null), $"{at}: a cross-certificate names the certificate that it is for (of), and no other does.");
            Demand(profile.Options.OfficerIdentity == (certificate.Officer is not null), $"{at}: officers' certificates name the officer, and no others.");
            Demand(certificate.Officer is null || plan.Persons is not null, $"{at}: an officer needs the file of persons.");
            Demand(certificate.Officer is null || RoleCatalogue.Standard.Find(certificate.Officer.Role) is { IsTop: true },
                $"{at}: a ceremony puts {RoleCatalogue.SuperAdministrator} and {RoleCatalogue.AuditAdministrator} into office, not {certificate.Officer?.Role}.");
            Demand(certificate.Officer is null || IsRegion(certificate.Officer.Region), $"{at}: the region is a GB/T 2260 code of six digits.");
            Demand(certificate.Person is null || plan.Certificates.Any(other => other.Officer?.Person == certificate.Person), $"{at}: {certificate.Person} gets no officer's certificate in this plan.");
            bool isRoot = certificate.Issuer == certificate.Id;
            Demand(isRoot == (profile.Kind == ProfileKind.Root), $"{at}: a root is its own issuer, and nothing else is.");
            CheckIssuer(certificate, at, isRoot);
            Demand(certificate.Of is null || _certificates.ContainsKey(certificate.Of) || basis?.Certificates.Any(known => known.Id == certificate.Of) == true, $"{at}: there is no certificate {certificate.Of} before it.");
            Demand(!isRoot || certificate.Key is not null, $"{at}: a root's key lies in a device: say key.");
            Demand(!plan.Demo || isRoot == false || certificate.Subject.Any(text => text.Contains("演示 DEMO", StringComparison.Ordinal)), $"{at}: the name of a demonstration's root contains 演示 DEMO.");
            Demand(plan.Demo || !certificate.Subject.Any(text => text.Contains("演示 DEMO", StringComparison.Ordinal)), $"{at}: only a demonstration has names with 演示 DEMO.");
            foreach (string text in certificate.Subject.Concat(certificate.Place))
            {
                Demand(SubjectTexts.Find(text) is not null, $"{at}: \"{text}\" is not TYPE=text with a known TYPE.");
            }

            foreach (string name in certificate.Names)
            {
                Demand(SubjectTexts.FindName(name) is not null, $"{at}: \"{name}\" is neither dns:NAME nor ip:ADDRESS.");
            }

            _certificates[certificate.Id] = certificate;
        }
    }

    private void CheckIssuer(CertificatePlan certificate, string at, bool isRoot)
    {
        if (isRoot)
        {
            return;
        }

        if (_certificates.TryGetValue(certificate.Issuer, out CertificatePlan? issuer))
        {
            // The issuer's begins a little earlier, when it was made: the same number of days would end behind it.
            Demand(certificate.Days < issuer.Days, $"{at}: {certificate.Days} days are not fewer than the {issuer.Days} of its issuer {issuer.Id}.");
        }

        Demand(IsAuthority(certificate.Issuer), $"{at}: there is no CA {certificate.Issuer} before it with a key in a device.");
    }

    private void CheckKey(CertificatePlan certificate, string at)
    {
        if (certificate.Key is null)
        {
            return;
        }

        HsmKeyKind? kind = _keys.TryGetValue(certificate.Key, out KeyPlan? made) ? made.Kind : basis?.Keys.FirstOrDefault(key => key.Id == certificate.Key)?.Kind;
        Demand(kind is not null, $"{at}: there is no key {certificate.Key}.");
        Demand(kind is null || kind.Value.IsAsymmetric(), $"{at}: the key {certificate.Key} is of kind {kind}, which has no certificate.");

        // What signs certificates signs nothing else, or whoever asks for the one gets the other.
        bool mixed = plan.Certificates.Any(other => other.Key == certificate.Key && profiles.TryGetValue(other.Profile, out Profile? profile) && profile.IsAuthority != profiles[certificate.Profile].IsAuthority)
            || (basis?.Certificates ?? []).Any(other => other.Key == certificate.Key && profiles.TryGetValue(other.ProfileName, out Profile? profile) && profile.IsAuthority != profiles[certificate.Profile].IsAuthority);
        Demand(!mixed, $"{at}: the key {certificate.Key} serves a CA and something else. Give each a key of its own.");
    }

    /// <summary>A CA, of the plan before here or of the basis, whose key lies in a device.</summary>
    private bool IsAuthority(string id) =>
        _certificates.TryGetValue(id, out CertificatePlan? planned)
            ? planned.Key is not null && profiles.TryGetValue(planned.Profile, out Profile? profile) && profile.IsAuthority
            : basis?.Certificates.FirstOrDefault(each => each.Id == id) is { Key: not null } known && (!profiles.TryGetValue(known.ProfileName, out Profile? used) || used.IsAuthority);

    private static bool IsRegion(string code)
    {
        try
        {
            _ = RegionCode.Parse(code);
            return true;
        }
        catch (RefusalException)
        {
            return false;
        }
    }
}
