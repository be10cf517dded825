using System.Globalization;
using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Issuance;

namespace ZwCa.Admin.Ceremony;

/// <param name="Faults">What does not hold, a sentence each; empty: everything does.</param>
/// <param name="Checked">What was looked at, for the reader.</param>
internal sealed record CeremonyReport(IReadOnlyList<string> Faults, IReadOnlyList<string> Checked, Inventory? Inventory, string? TranscriptHash);

/// <summary>
/// Checks a ceremony's output from the output alone: that every byte is the one that the witnesses signed, and that what they signed is what the plan says and holds together.
/// Needs no device. Whether the witnesses' keys are the witnesses', the reader has to know.
/// </summary>
internal sealed class CeremonyVerification
{
    private const int MaxFileLength = 64 << 20;

    private readonly CeremonyFolder _folder;
    private readonly List<string> _faults = [];
    private readonly List<string> _checked = [];
    private readonly Dictionary<string, Certificate> _certificates = [];

    private CeremonyVerification(string path) => _folder = new CeremonyFolder(path);

    public static CeremonyReport Check(string path)
    {
        var verification = new CeremonyVerification(path);
        Inventory? inventory = null;
        string? hash = null;
        try
        {
            (inventory, hash) = verification.Check();
        }
        catch (Exception e) when (e is CeremonyException or DerException or IOException or UnauthorizedAccessException or RefusalException or FormatException or ArgumentException)
        {
            // Nothing after it can be looked at; what was found before stays.
            verification._faults.Add(e.Message);
        }

        return new CeremonyReport(verification._faults, verification._checked, inventory, hash);
    }

    private (Inventory Inventory, string TranscriptHash) Check()
    {
        // Step 1: the witnesses signed these bytes.
        foreach (string file in (string[])[CeremonyFolder.PlanFile, CeremonyFolder.JournalFile, CeremonyFolder.TranscriptFile, Inventory.FileName])
        {
            if (!_folder.Has(file))
            {
                throw new CeremonyException($"{_folder.PathOf(file)} is missing: this is no ceremony that has ended.");
            }
        }

        byte[] transcriptBytes = Read(CeremonyFolder.TranscriptFile);
        Transcript transcript = Transcript.Read(transcriptBytes);
        CheckWitnesses(transcript, transcriptBytes);

        // Step 2: every file is the one in the transcript, and there is no other.
        CheckFiles(transcript);

        // Step 3: the plan, and a journal that tells of it.
        Inventory inventory = Inventory.Read(Read(Inventory.FileName));
        byte[] planBytes = Read(CeremonyFolder.PlanFile);
        PlanFile plan = PlanFile.Parse(planBytes, _folder.Path, file => Read($"{CeremonyFolder.InputFolder}/{Inputs.NameOf(file)}"), BasisOf(planBytes, inventory));
        IReadOnlyList<JournalEntry> journal = Journal.Read(Read(CeremonyFolder.JournalFile));
        Demand(plan.Hash == transcript.Plan, "The plan is not the one of the transcript.");
        Demand(journal.Count > 0 && journal[0].What == "begin" && journal[0].Data == plan.Hash, "The journal is of another plan.");
        Demand(journal.Count > 0 && journal[^1].What == "end" && journal[^1].At == transcript.Ended && journal[0].At == transcript.Began, "The journal does not end where the transcript does.");
        Demand(transcript.WitnessThreshold == plan.Plan.WitnessThreshold && transcript.Witnesses.SequenceEqual(plan.Plan.Witnesses), "The witnesses of the transcript are not those of the plan.");
        Demand(transcript.Ceremony == plan.Plan.Name && transcript.Basis == plan.Plan.Basis, "The transcript is of another ceremony.");

        // Step 4: certificates: what the plan says, by its issuer, for the key that the device made.
        foreach (InventoryCertificate entry in inventory.Certificates)
        {
            _certificates.Add(entry.Id, CertificateFile.Read(Read(entry.File), entry.File));
            Demand(Hash(Der.Encode(_certificates[entry.Id])) == entry.Sm3, $"{entry.File} is not the certificate of the inventory.");
        }

        foreach (CertificatePlan certificate in plan.Plan.Certificates)
        {
            CheckCertificate(plan, inventory, journal, certificate);
        }

        Demand(transcript.Certificates.SequenceEqual(inventory.Certificates.Select(each => TranscriptCertificate.Of(each, _certificates[each.Id]))), "The certificates of the transcript are not those of the inventory.");
        Demand(transcript.Keys.SequenceEqual(inventory.Keys.Select(TranscriptKey.Of)), "The keys of the transcript are not those of the inventory.");
        _checked.Add($"{plan.Plan.Certificates.Count} certificates: as planned, judged by all rules, signed by their issuers");

        // Step 5: CRLs.
        foreach (InventoryCrl entry in inventory.Crls)
        {
            CheckCrl(entry, plan.Plan.Crls.FirstOrDefault(each => each.Id == entry.Id));
        }

        Demand(plan.Plan.Crls.All(crl => inventory.Crls.Any(entry => entry.Id == crl.Id && entry.File == crl.File && entry.Issuer == crl.Issuer && entry.Kind == crl.Kind)), "A CRL of the plan is missing.");
        _checked.Add($"{inventory.Crls.Count} CRLs and ARLs: signed by their issuers, in force when made");

        // Step 6: what the devices' holders signed.
        foreach (PolicyPlan policy in plan.Plan.Policies)
        {
            CheckPolicy(policy, inventory, journal);
        }

        _checked.Add($"{plan.Plan.Policies.Count} policies: name the CA's keys and the officers' issuers; {plan.Plan.Services.Count} services initialised");
        return (inventory, Hash(transcriptBytes));
    }

    /// <summary>Earlier certificates and keys are in the inventory too: those that the plan does not make.</summary>
    private static Inventory? BasisOf(byte[] planBytes, Inventory inventory)
    {
        using var document = System.Text.Json.JsonDocument.Parse(planBytes, new System.Text.Json.JsonDocumentOptions { CommentHandling = System.Text.Json.JsonCommentHandling.Skip, AllowTrailingCommas = true });
        if (!document.RootElement.TryGetProperty("basis", out _))
        {
            return null;
        }

        HashSet<string> IdsOf(string list) => document.RootElement.TryGetProperty(list, out System.Text.Json.JsonElement all)
            ? [.. all.EnumerateArray().Select(each => each.GetProperty("id").GetString()!)]
            : [];
        HashSet<string> keys = IdsOf("keys");
        HashSet<string> certificates = IdsOf("certificates");
        HashSet<string> crls = IdsOf("crls");
        return inventory with
        {
            Keys = [.. inventory.Keys.Where(key => !keys.Contains(key.Id))],
            Certificates = [.. inventory.Certificates.Where(certificate => !certificates.Contains(certificate.Id))],
            Crls = [.. inventory.Crls.Where(crl => !crls.Contains(crl.Id))],
        };
    }

    private void CheckWitnesses(Transcript transcript, byte[] bytes)
    {
        var signed = new HashSet<string>();
        foreach (string file in _folder.Files().Where(file => file.StartsWith($"{CeremonyFolder.SignatureFolder}/", StringComparison.Ordinal)))
        {
            string name = file[(CeremonyFolder.SignatureFolder.Length + 1)..];
            WitnessPlan? witness = transcript.Witnesses.FirstOrDefault(each => name == $"{each.Name}.sig");
            if (witness is null)
            {
                _faults.Add($"{file} is of nobody in the transcript.");
            }
            else if (!IsSignedBy(witness, bytes, Read(file)))
            {
                _faults.Add($"{file}: the signature of {witness.Name} does not hold.");
            }
            else
            {
                signed.Add(witness.Name);
            }
        }

        Demand(
            signed.Count >= transcript.WitnessThreshold,
            $"{signed.Count} witnesses have signed the transcript, and it takes {transcript.WitnessThreshold}. Missing: {string.Join(", ", transcript.Witnesses.Select(each => each.Name).Except(signed))}. "
            + $"Each signs with: zwca token sign --statement {_folder.PathOf(CeremonyFolder.TranscriptFile)} --out {_folder.PathOf($"{CeremonyFolder.SignatureFolder}/NAME.sig")}");
        _checked.Add($"signatures of {string.Join(", ", signed.Order())} over the transcript, SM3 {Hash(bytes)}");
        foreach (WitnessPlan witness in transcript.Witnesses.Where(each => signed.Contains(each.Name)))
        {
            _checked.Add($"  {witness.Name} signed with {witness.PublicKey}");
        }
    }

    private static bool IsSignedBy(WitnessPlan witness, byte[] message, byte[] file)
    {
        try
        {
            // Byte for byte, or a second encoding would pass for the same signature.
            StatementSignature signature = Der.Decode<StatementSignature>(file);
            return PlanCheck.FindKey(witness) is { } key
                && signature.Signer.Span.SequenceEqual(StatementSignature.IdOf(SubjectPublicKeyInfo.ForSm2(key.ToBytes())))
                && Der.Encode(signature).AsSpan().SequenceEqual(file)
                && key.Verify(message, signature.Signature.Raw.Span);
        }
        catch (DerException)
        {
            return false;
        }
    }

    private void CheckFiles(Transcript transcript)
    {
        IReadOnlyList<TranscriptFile> present = Transcript.FilesOf(_folder);
        foreach (TranscriptFile file in transcript.Files)
        {
            TranscriptFile? found = present.FirstOrDefault(each => each.Path == file.Path);
            Demand(found is not null, $"{file.Path} is missing.");
            Demand(found is null || found == file, $"{file.Path} was changed: it is not the file that the witnesses signed.");
        }

        foreach (TranscriptFile extra in present.Where(each => !transcript.Files.Any(file => file.Path == each.Path)))
        {
            _faults.Add($"{extra.Path} is in no transcript.");
        }

        _checked.Add($"{transcript.Files.Count} files: the bytes of the transcript, and none besides");
    }

    private void CheckCertificate(PlanFile plan, Inventory inventory, IReadOnlyList<JournalEntry> journal, CertificatePlan certificate)
    {
        string at = $"Certificate {certificate.Id}";
        if (inventory.Certificates.FirstOrDefault(each => each.Id == certificate.Id) is not { } entry || entry.File != certificate.File)
        {
            _faults.Add($"{at} of the plan is missing.");
            return;
        }

        Profile profile = plan.Profiles[certificate.Profile];
        Certificate made = _certificates[certificate.Id];
        TbsCertificate tbs = made.Tbs;
        Demand(entry.Key == certificate.Key && entry.Issuer == certificate.Issuer && entry.Profile == $"{profile.Name} {Convert.ToHexStringLower(profile.Hash.Span)}", $"{at}: the inventory does not say what the plan says.");
        Demand(journal.Any(each => each.What == "certificate" && each.Id == certificate.Id && each.Data == Convert.ToBase64String(Der.Encode(made))), $"{at} is not the one of the journal.");

        // The key: the device's, the one that was brought, or that of the CA it is for.
        SubjectPublicKeyInfo key = tbs.SubjectPublicKeyInfo;
        Demand(certificate.Key is null || inventory.Keys.FirstOrDefault(each => each.Id == certificate.Key)?.Decode() == key, $"{at} is for another key than {certificate.Key}.");
        Demand(certificate.Request is null || Hash(Der.Encode(key)) == certificate.Request.Fingerprint, $"{at} is for another key than the one that was brought.");
        Demand(certificate.Of is null || (_certificates[certificate.Of].Tbs.SubjectPublicKeyInfo == key && _certificates[certificate.Of].Tbs.Subject == tbs.Subject), $"{at} is for another CA than {certificate.Of}.");
        Demand(KeyQuality.Find(key) is null, $"{at}: its key is weak.");

        // What stands in it.
        Demand(certificate.Of is not null || tbs.Subject == Issuer.SubjectOf(profile, SubjectTexts.Of(certificate, PersonOf(plan.Plan, certificate)), [.. certificate.Place.Select(text => SubjectTexts.Find(text)!)]), $"{at} has another subject than the plan.");
        Demand(tbs.Validity.NotAfter.Value - tbs.Validity.NotBefore.Value == TimeSpan.FromDays(certificate.Days), $"{at} is valid for another time than the plan says.");
        IReadOnlyList<GeneralName> names = tbs.Extensions!.Find<SubjectAltName>()?.Names ?? [];
        Demand(names.SequenceEqual(certificate.Names.Select(name => SubjectTexts.FindName(name)!)), $"{at} has other names than the plan.");
        OfficerIdentity? officer = tbs.Extensions.Find<OfficerIdentity>();
        Demand(officer?.Role == certificate.Officer?.Role && officer?.Region == certificate.Officer?.Region, $"{at} is for another office than the plan says.");

        // The link to its issuer, and all rules.
        Certificate issuer = _certificates[certificate.Issuer];
        Demand(tbs.Issuer == issuer.Tbs.Subject, $"{at} names another issuer.");
        Demand(tbs.Extensions.Find<AuthorityKeyIdentifier>()?.KeyIdentifier?.Span.SequenceEqual(issuer.Tbs.Extensions!.Find<SubjectKeyIdentifier>()!.KeyIdentifier.Span) == true, $"{at} names another key of its issuer.");
        Demand(tbs.Validity.NotBefore >= issuer.Tbs.Validity.NotBefore && tbs.Validity.NotAfter <= issuer.Tbs.Validity.NotAfter, $"{at} is valid beyond its issuer.");
        Demand(made.AlgorithmsAgree && SignatureCheck.Holds(issuer.Tbs.SubjectPublicKeyInfo, made.SignatureAlgorithm, made.TbsBytes, made.Signature), $"{at}: the signature of {certificate.Issuer} does not hold.");
        foreach (Finding finding in Linter.Check(Der.Encode(made), new LintContext { Profile = profile, IssuerCertificate = issuer }).Where(finding => finding.Severity == Severity.Error))
        {
            _faults.Add($"{at}: {finding.Rule} ({finding.Source}): {finding.Detail}");
        }
    }

    /// <returns>The id in the officer's certificate; null: the certificate is no officer's.</returns>
    private ReadOnlyMemory<byte>? PersonOf(CeremonyPlan plan, CertificatePlan certificate) =>
        (certificate.Officer?.Person ?? certificate.Person) is { } person
            ? _certificates[plan.Certificates.First(each => each.Officer?.Person == person).Id].Tbs.Extensions!.Find<OfficerIdentity>()?.Person
            : null;

    private void CheckCrl(InventoryCrl entry, CrlPlan? plan)
    {
        byte[] bytes = Read(entry.File);
        CertificateList crl = Der.Decode<CertificateList>(bytes);
        Certificate issuer = _certificates[entry.Issuer];
        Extensions extensions = crl.Tbs.CrlExtensions!;
        bool isArl = extensions.Find<IssuingDistributionPoint>() is { OnlyContainsCaCerts: true };
        Demand(Hash(bytes) == entry.Sm3, $"{entry.File} is not the CRL of the inventory.");
        Demand(crl.Tbs.Issuer == issuer.Tbs.Subject
            && extensions.Find<AuthorityKeyIdentifier>()?.KeyIdentifier?.Span.SequenceEqual(issuer.Tbs.Extensions!.Find<SubjectKeyIdentifier>()!.KeyIdentifier.Span) == true, $"{entry.File} is of another issuer than {entry.Issuer}.");
        Demand(isArl == (entry.Kind == CrlKind.Authorities), $"{entry.File} has another scope than the plan says.");
        Demand(extensions.Find<CrlNumber>()?.Number.ToString(CultureInfo.InvariantCulture) == entry.Number, $"{entry.File} has another number than the inventory.");
        Demand(plan is null || crl.Tbs.NextUpdate!.Value.Value - crl.Tbs.ThisUpdate.Value == TimeSpan.FromDays(plan.Days), $"{entry.File} is in force for another time than the plan says.");
        Demand(plan is null || plan.Revoke.All(each => crl.Tbs.RevokedCertificates.Any(revoked => revoked.UserCertificate == _certificates[each.Certificate].Tbs.SerialNumber)), $"{entry.File} lacks a certificate that the plan revokes.");
        Demand(crl.AlgorithmsAgree && SignatureCheck.Holds(issuer.Tbs.SubjectPublicKeyInfo, crl.SignatureAlgorithm, crl.TbsBytes, crl.Signature), $"{entry.File}: the signature of {entry.Issuer} does not hold.");
    }

    private void CheckPolicy(PolicyPlan plan, Inventory inventory, IReadOnlyList<JournalEntry> journal)
    {
        byte[] bytes = Read($"{CeremonyFolder.PolicyFolder}/{plan.Device}.der");
        PartitionPolicy policy = Der.Decode<PartitionPolicy>(bytes);
        Demand(journal.Any(each => each.What == "policy" && each.Id == plan.Device && each.Data == Convert.ToBase64String(bytes)), $"The policy of {plan.Device} is not the one that was installed.");
        AuthorizingCa? ca = policy.AuthorizingCas.FirstOrDefault(each => each.Name == plan.CaName);
        Demand(ca is not null && plan.CaKeys.All(id => ca.Keys.Contains(inventory.Keys.First(key => key.Id == id).Decode())), $"The policy of {plan.Device} lacks a key of {plan.CaName}.");
        Demand(plan.OfficerIssuers.All(id => policy.OfficerIssuers.Contains(_certificates[id].Tbs.SubjectPublicKeyInfo)), $"The policy of {plan.Device} lacks an issuer of officers.");
    }

    private byte[] Read(string file) => PlanFile.Input(_folder.PathOf(file), MaxFileLength);

    private static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(Sm3.HashData(bytes));

    private void Demand(bool met, string otherwise)
    {
        if (!met)
        {
            _faults.Add(otherwise);
        }
    }
}
