using System.Text.RegularExpressions;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.Admin.Ceremony;

/// <summary>Everything that can be said of a plan before anything is done.</summary>
internal sealed partial class PlanCheck(CeremonyPlan plan, IReadOnlyDictionary<string, Profile> profiles, Inventory? basis)
{
    private const int FingerprintDigits = 2 * Sm3.HashSizeInBytes;

    private readonly List<string> _faults = [];
    private readonly Dictionary<string, KeyPlan> _keys = [];
    private readonly Dictionary<string, CertificatePlan> _certificates = [];

    /// <returns>A sentence for each thing that is wrong, which says what to do.</returns>
    public IReadOnlyList<string> Faults()
    {
        Demand(plan.Name.Length is > 0 and <= 128, "Give the ceremony a name of 1 to 128 characters.");
        Demand((basis is null) == (plan.Basis is null), "A plan with a basis needs --basis, and one without must not have it.");
        CheckPublication();
        CheckWitnesses();
        CheckIds("device", plan.Devices.Select(device => device.Id), []);
        foreach (DevicePlan device in plan.Devices)
        {
            Demand(device.Serial.Length == 32 && device.Serial.All(char.IsAsciiHexDigitLower), $"device {device.Id}: the serial is the partition's id, 32 lower-case hexadecimal digits (hsm-sim status shows it).");
            Demand(System.Net.IPEndPoint.TryParse(device.Endpoint, out _) || HostAndPort().IsMatch(device.Endpoint), $"device {device.Id}: the endpoint is HOST:PORT.");
        }

        Demand(plan.Devices.Select(device => device.Serial).Distinct().Count() == plan.Devices.Count, "Two devices are the same partition; give it one id.");
        CheckKeys();
        CheckCertificates();
        CheckFiles();
        CheckCrls();
        CheckServices();
        CheckPolicies();
        return _faults;
    }

    private void CheckPublication()
    {
        try
        {
            _ = PublicationOf(plan);
        }
        catch (ArgumentException e)
        {
            _faults.Add($"baseUrl or policyArc: {e.Message}");
        }

        Demand(plan.Demo == (plan.PolicyArc is null), "A demonstration has no policyArc of its own, and everything else needs one.");
        Demand(basis is null || (basis.BaseUrl == plan.BaseUrl && basis.Demo == plan.Demo && basis.PolicyArc == (plan.PolicyArc ?? Oids.DemoPolicyArc)), "baseUrl, policyArc and demo are those of the basis; change them there or here.");
    }

    /// <exception cref="ArgumentException">Not a URL, or not an OID.</exception>
    public static Publication PublicationOf(CeremonyPlan plan) => new(plan.BaseUrl, plan.PolicyArc ?? Oids.DemoPolicyArc);

    private void CheckWitnesses()
    {
        Demand(plan.WitnessThreshold >= 2 && plan.WitnessThreshold <= plan.Witnesses.Count, "At least two witnesses sign, and not more than there are.");
        Demand(plan.Witnesses.Select(witness => witness.Name).Distinct().Count() == plan.Witnesses.Count
            && plan.Witnesses.Select(witness => witness.PublicKey).Distinct().Count() == plan.Witnesses.Count, "A witness stands twice, by name or by key.");
        foreach (WitnessPlan witness in plan.Witnesses)
        {
            Demand(witness.Name.Length is > 0 and <= 64 && witness.Name.IndexOfAny(['/', '\\', '\0']) < 0 && witness.Name is not ("." or ".."), $"witness \"{witness.Name}\": a name has 1 to 64 characters and no slash.");
            Demand(FindKey(witness) is not null, $"witness {witness.Name}: the public key is SM2, 04 and 128 hexadecimal digits.");
        }
    }

    public static Sm2PublicKey? FindKey(WitnessPlan witness)
    {
        try
        {
            return Sm2PublicKey.TryFromBytes(Convert.FromHexString(witness.PublicKey), out Sm2PublicKey? key) ? key : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private void CheckKeys()
    {
        CheckIds("key", plan.Keys.Select(key => key.Id), basis?.Keys.Select(key => key.Id) ?? []);
        foreach (KeyPlan key in plan.Keys)
        {
            _keys[key.Id] = key;
            Demand(plan.Devices.Any(device => device.Id == key.Device), $"key {key.Id}: there is no device {key.Device}.");
            Demand(IsLabel(key.Label), $"key {key.Id}: \"{key.Label}\" is no key label.");
            Demand(key.Kind != HsmKeyKind.Rsa2048, $"key {key.Id}: 2048 bits are too few for a key that serves for years; take rsa3072 or rsa4096.");
        }

        Demand(plan.Keys.Select(key => (key.Device, key.Label)).Distinct().Count() == plan.Keys.Count, "Two keys of one device have the same label.");
    }

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
            Demand(certificate.Key is null || _keys.ContainsKey(certificate.Key) || basis?.Keys.Any(key => key.Id == certificate.Key) == true, $"{at}: there is no key {certificate.Key}.");
            Demand(certificate.Request is null || (certificate.Request.Fingerprint.Length == FingerprintDigits && certificate.Request.Fingerprint.All(char.IsAsciiHexDigitLower)), $"{at}: the fingerprint is SM3 of the key, 64 lower-case hexadecimal digits (zwca token list shows it).");
            Demand((profile.Kind == ProfileKind.Cross) == (certificate.Of is not null), $"{at}: a cross-certificate names the certificate that it is for (of), and no other does.");
            Demand(profile.Options.OfficerIdentity == (certificate.Officer is not null), $"{at}: officers' certificates name the officer, and no others.");
            Demand(certificate.Officer is null || plan.Persons is not null, $"{at}: an officer needs the file of persons.");
            Demand(certificate.Person is null || plan.Certificates.Any(other => other.Officer?.Person == certificate.Person), $"{at}: {certificate.Person} gets no officer's certificate in this plan.");
            bool isRoot = certificate.Issuer == certificate.Id;
            Demand(isRoot == (profile.Kind == ProfileKind.Root), $"{at}: a root is its own issuer, and nothing else is.");
            CheckIssuer(certificate, at, isRoot);
            Demand(certificate.Of is null || _certificates.ContainsKey(certificate.Of) || basis?.Certificates.Any(known => known.Id == certificate.Of) == true, $"{at}: there is no certificate {certificate.Of} before it.");
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
            Demand(issuer.Key is not null, $"{at}: its issuer {issuer.Id} has no key in a device.");
            return;
        }

        Demand(basis?.Certificates.Any(known => known.Id == certificate.Issuer && known.Key is not null) == true, $"{at}: there is no issuer {certificate.Issuer} before it.");
    }

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

        foreach (IGrouping<string, string> same in files.GroupBy(file => file, StringComparer.OrdinalIgnoreCase).Where(group => group.Count() > 1))
        {
            _faults.Add($"Two things go into the file {same.Key}.");
        }
    }

    private void CheckCrls()
    {
        CheckIds("CRL", plan.Crls.Select(crl => crl.Id), []);
        foreach (CrlPlan crl in plan.Crls)
        {
            Demand(crl.Kind != CrlKind.Partition, $"CRL {crl.Id}: a ceremony makes complete CRLs and ARLs; partitions are the CA service's.");
            Demand(crl.Days is >= 1 and <= 397, $"CRL {crl.Id}: a CRL serves 1 to 397 days.");
            Demand((_certificates.TryGetValue(crl.Issuer, out CertificatePlan? issuer) && issuer.Key is not null) || basis?.Certificates.Any(known => known.Id == crl.Issuer && known.Key is not null) == true,
                $"CRL {crl.Id}: there is no issuer {crl.Issuer}.");
        }

        foreach (RevocationPlan each in plan.Crls.SelectMany(crl => crl.Revoke))
        {
            Demand(basis?.Certificates.Any(known => known.Id == each.Certificate) == true, $"There is no earlier certificate {each.Certificate} to revoke.");
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
            foreach (string officer in (string[])[service.Super, service.Audit])
            {
                Demand(_certificates.TryGetValue(officer, out CertificatePlan? certificate) && certificate.Officer is not null, $"{at}: {officer} is no officer's certificate of this plan.");
            }

            foreach (ClientPlan client in service.Clients)
            {
                Demand(_certificates.ContainsKey(client.Certificate), $"{at}: there is no certificate {client.Certificate} for the client {client.Name}.");
                Demand(client.Kind != ClientKind.Officer || (_certificates.TryGetValue(client.Name, out CertificatePlan? officer) && officer.Officer?.Person == _certificates.GetValueOrDefault(client.Certificate)?.Person),
                    $"{at}: the name of an officer's link {client.Certificate} is the id of the same person's officer certificate.");
            }
        }

        string[] officers = [.. plan.Certificates.Where(certificate => certificate.Officer is not null).Select(certificate => certificate.Officer!.Person)];
        string[] inputs = [.. plan.Profiles.Concat(plan.Certificates.Select(certificate => certificate.Request?.File).OfType<string>()).Select(Inputs.NameOf)];
        Demand(inputs.Distinct(StringComparer.OrdinalIgnoreCase).Count() == inputs.Length, "Two input files (profiles, requests) have the same name.");
        Demand(officers.Distinct().Count() == officers.Length, "A person has two officers' certificates: each officer is a person of his own.");
        Demand(officers.Length == 2 * plan.Services.Count && plan.Services.SelectMany(service => new[] { service.Super, service.Audit }).Distinct().Count() == officers.Length,
            "Each officer's certificate is for one of the two highest offices of one service, and each such office has one.");
        string[] requests = [.. plan.Certificates.Select(certificate => certificate.Request?.Fingerprint).OfType<string>()];
        Demand(requests.Distinct().Count() == requests.Length, "Two certificates are for the same brought key.");
    }

    private void CheckPolicies()
    {
        foreach (PolicyPlan policy in plan.Policies)
        {
            Demand(plan.Devices.FirstOrDefault(device => device.Id == policy.Device)?.Console is not null, $"policy of {policy.Device}: the device is missing or has no console.");
            Demand(policy.CaKeys.Count > 0 && policy.CaKeys.All(key => _keys.TryGetValue(key, out KeyPlan? found) && found.Kind == HsmKeyKind.Sm2 && found.Device != policy.Device), $"policy of {policy.Device}: caKeys are ids of SM2 keys in another device.");
            Demand(policy.OfficerIssuers.All(id => _certificates.TryGetValue(id, out CertificatePlan? found) && found.Key is not null && !policy.CaKeys.Contains(found.Key)), $"policy of {policy.Device}: officerIssuers are ids of certificates, with other keys than caKeys.");
        }

        Demand(plan.Policies.Select(policy => policy.Device).Distinct().Count() == plan.Policies.Count, "A device has two policies.");
    }

    private void CheckIds(string kind, IEnumerable<string> ids, IEnumerable<string> earlier)
    {
        var seen = new HashSet<string>(earlier);
        foreach (string id in ids)
        {
            Demand(id.Length is > 0 and <= 64 && id.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'), $"{kind} \"{id}\": an id has 1 to 64 lower-case letters, digits and hyphens.");
            Demand(seen.Add(id), $"The {kind} {id} stands twice.");
        }
    }

    private static bool IsLabel(string label)
    {
        try
        {
            _ = new KeyLabel(label);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private void Demand(bool met, string otherwise)
    {
        if (!met)
        {
            _faults.Add(otherwise);
        }
    }

    [GeneratedRegex(@"^[A-Za-z0-9.-]{1,253}:[0-9]{1,5}$")]
    private static partial Regex HostAndPort();
}

/// <summary>Texts of a plan that stand for attributes and names.</summary>
internal static class SubjectTexts
{
    /// <returns>Null: not TYPE=text.</returns>
    public static SubjectText? Find(string text)
    {
        int equals = text.IndexOf('=');
        return equals > 0 && AttributeNames.Find(text[..equals]) is { } type ? new SubjectText(type, text[(equals + 1)..]) : null;
    }

    /// <param name="person">Id of the officer whose certificate it is: his serialNumber.</param>
    public static IReadOnlyList<SubjectText> Of(CertificatePlan plan, ReadOnlyMemory<byte>? person)
    {
        IEnumerable<SubjectText> texts = plan.Subject.Select(text => Find(text)!);
        return person is { } id ? [.. texts, new SubjectText(Oids.SerialNumber, Convert.ToHexStringLower(id.Span))] : [.. texts];
    }

    /// <returns>Null: neither dns:NAME nor ip:ADDRESS.</returns>
    public static GeneralName? FindName(string text) =>
        text.StartsWith("dns:", StringComparison.Ordinal) && text.All(char.IsAscii) ? new DnsName(text[4..])
        : text.StartsWith("ip:", StringComparison.Ordinal) && System.Net.IPAddress.TryParse(text[3..], out System.Net.IPAddress? address) ? new IpAddress(address.GetAddressBytes())
        : null;
}
