using System.Text.RegularExpressions;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.Admin.Ceremony;

/// <content>What uses keys and certificates: files, CRLs, services, policies.</content>
internal sealed partial class PlanCheck
{
    private void CheckFiles()
    {
        string[] files =
        [
            .. plan.Certificates.Select(certificate => certificate.File), .. plan.Certificates.Select(certificate => certificate.LinkKey).OfType<string>(), .. plan.Crls.Select(crl => crl.File),
        ];
        foreach (string file in files)
        {
            Demand(CeremonyFolder.IsPlain(file), $"\"{file}\": a file of the output has a relative path of plain letters, digits, -, _ and dots, and does not begin with one of the output's own names.");
        }

        foreach (string file in files)
        {
            Demand(!files.Any(other => other.StartsWith(file + "/", StringComparison.OrdinalIgnoreCase)), $"\"{file}\" is a file and a folder. Give one of them another name.");
            bool isTaken = basis is not null && (basis.Certificates.Any(known => known.File.Equals(file, StringComparison.OrdinalIgnoreCase)) || basis.Crls.Any(known => known.File.Equals(file, StringComparison.OrdinalIgnoreCase)));
            Demand(!isTaken, $"\"{file}\" is a file of the earlier ceremony, which stays. Take another name.");
        }

        foreach (IGrouping<string, string> same in files.GroupBy(file => file, StringComparer.OrdinalIgnoreCase).Where(group => group.Count() > 1))
        {
            _faults.Add($"Two things go into the file {same.Key}. Give one of them another name.");
        }

        string[] inputs = [.. plan.Profiles.Select(profile => profile.File).Concat(plan.Requests.Select(request => request.File)).Select(file => Path.GetFileName(file))];
        Demand(inputs.Distinct(StringComparer.OrdinalIgnoreCase).Count() == inputs.Length, "Two input files (profiles, requests) have the same name. Rename one of them.");
        foreach (string input in inputs)
        {
            Demand(SubjectTexts.IsPrintable(input, 128) && input[0] != '.', $"The input file \"{input}\" has a name that cannot be kept. Rename it.");
        }
    }

    private void CheckCrls()
    {
        CheckIds("CRL", plan.Crls.Select(crl => crl.Id), basis?.Crls.Select(crl => crl.Id) ?? []);
        foreach (CrlPlan crl in plan.Crls)
        {
            Demand(crl.Kind != CrlKind.Partition, $"CRL {crl.Id}: a ceremony makes complete CRLs and ARLs; partitions are the CA service's.");
            Demand(crl.Days is >= 1 and <= 397, $"CRL {crl.Id}: a CRL serves 1 to 397 days.");
            Demand(IsAuthority(crl.Issuer), $"CRL {crl.Id}: there is no CA {crl.Issuer} with a key in a device.");
            Demand(crl.Revoke.Select(each => each.Certificate).Distinct().Count() == crl.Revoke.Count, $"CRL {crl.Id}: a certificate is revoked twice.");
        }

        foreach ((CrlPlan crl, RevocationPlan each) in plan.Crls.SelectMany(crl => crl.Revoke.Select(each => (crl, each))))
        {
            InventoryCertificate? known = basis?.Certificates.FirstOrDefault(certificate => certificate.Id == each.Certificate);
            Demand(known is not null, $"CRL {crl.Id}: there is no earlier certificate {each.Certificate} to revoke.");
            Demand(known is null || crl.Kind != CrlKind.Authorities || !profiles.TryGetValue(known.ProfileName, out Profile? profile) || profile.IsAuthority,
                $"CRL {crl.Id}: an ARL lists CA certificates only, and {each.Certificate} is none. Revoke it on the complete CRL.");
            Demand(each.Reason is RevocationReason.KeyCompromise or RevocationReason.CaCompromise or RevocationReason.AffiliationChanged or RevocationReason.Superseded or RevocationReason.CessationOfOperation,
                $"{each.Certificate}: a CA certificate is not revoked with the reason {each.Reason}.");
        }

        Demand(plan.Crls.Select(crl => (crl.Issuer, crl.Kind)).Distinct().Count() == plan.Crls.Count, "An issuer has two CRLs of one kind.");
    }

    private void CheckServices()
    {
        CheckIds("service", plan.Services.Select(service => service.Id), []);
        Demand(plan.Services.Count == 0 || plan.Services.Count(service => service.IsRegistry) == 1 && plan.Services[0].IsRegistry, "The first service, and no other, is the registry of persons.");
        foreach (ServicePlan service in plan.Services)
        {
            string at = $"service {service.Id}";
            Demand(_keys.TryGetValue(service.IndexKey, out KeyPlan? index) && index.Kind == HsmKeyKind.HmacSm3, $"{at}: indexKey is the id of a key of kind hmacSm3.");
            Demand(_keys.TryGetValue(service.DataKek, out KeyPlan? kek) && kek.Kind == HsmKeyKind.DataKek, $"{at}: dataKek is the id of a key of kind dataKek.");
            Demand(service.CertifiedDays is >= 1 and <= 1096, $"{at}: certifiedDays is 1 to 1096.");
            Demand(VariableName().IsMatch(service.ConnectionVariable), $"{at}: connectionVariable is the name of an environment variable.");
            foreach ((string officer, string role) in ((string, string)[])[(service.Super, RoleCatalogue.SuperAdministrator), (service.Audit, RoleCatalogue.AuditAdministrator)])
            {
                Demand(_certificates.TryGetValue(officer, out CertificatePlan? certificate) && certificate.Officer?.Role == role, $"{at}: {officer} is not the certificate of a {role} of this plan.");
            }

            foreach (ClientPlan client in service.Clients)
            {
                Demand(_certificates.ContainsKey(client.Certificate), $"{at}: there is no certificate {client.Certificate} for the client {client.Name}.");
                Demand(client.Kind != ClientKind.Officer || (_certificates.TryGetValue(client.Name, out CertificatePlan? officer) && officer.Officer?.Person == _certificates.GetValueOrDefault(client.Certificate)?.Person),
                    $"{at}: the name of an officer's link {client.Certificate} is the id of the same person's officer certificate.");
            }
        }

        string[] officers = [.. plan.Certificates.Where(certificate => certificate.Officer is not null).Select(certificate => certificate.Officer!.Person)];
        Demand(officers.Distinct().Count() == officers.Length, "A person has two officers' certificates: each officer is a person of his own.");
        Demand(officers.Length == 2 * plan.Services.Count && plan.Services.SelectMany(service => new[] { service.Super, service.Audit }).Distinct().Count() == officers.Length,
            "Each officer's certificate is for one of the two highest offices of one service, and each such office has one.");
        string[] requests = [.. plan.Requests.Select(request => request.Fingerprint)];
        Demand(requests.Distinct().Count() == requests.Length, "Two certificates are for the same brought key.");
    }

    private void CheckPolicies()
    {
        foreach (PolicyPlan policy in plan.Policies)
        {
            Demand(plan.Devices.FirstOrDefault(device => device.Id == policy.Device)?.Console is not null, $"policy of {policy.Device}: the device is missing or has no console.");
            Demand(SubjectTexts.IsPrintable(policy.CaName, 64), $"policy of {policy.Device}: caName has 1 to 64 visible characters.");
            Demand(policy.CaKeys.Count > 0 && policy.CaKeys.All(key => _keys.TryGetValue(key, out KeyPlan? found) && found.Kind == HsmKeyKind.Sm2 && found.Device != policy.Device), $"policy of {policy.Device}: caKeys are ids of SM2 keys in another device.");
            Demand(policy.OfficerIssuers.All(id => _certificates.TryGetValue(id, out CertificatePlan? found) && found.Key is not null && !policy.CaKeys.Contains(found.Key)), $"policy of {policy.Device}: officerIssuers are ids of certificates, with other keys than caKeys.");
        }

        Demand(plan.Policies.Select(policy => policy.Device).Distinct().Count() == plan.Policies.Count, "A device has two policies.");
    }

    [GeneratedRegex("^[A-Za-z_][A-Za-z0-9_]{0,127}$")]
    private static partial Regex VariableName();
}
