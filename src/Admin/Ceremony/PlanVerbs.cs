using System.CommandLine;
using ZwCa.Hsm;
using ZwCa.Issuance;

namespace ZwCa.Admin.Ceremony;

/// <summary>
/// <c>zwca ceremony plan</c>: plans for later days, made out of what there is. They are reviewed, rehearsed and carried out like the first one; whoever wants something else edits
/// the file.
/// </summary>
internal static class PlanVerbs
{
    private const int ArlDays = 183;
    private const int CrlDays = 7;

    public static Command Plan() => new("plan", "Writes a plan that goes on from an earlier ceremony, to be reviewed and run.")
    {
        Verb("renew-arl", "A new ARL of a root, with the next number.", "authority", "Id of the root.", RenewArl),
        Verb("renew-ca", "A new certificate of an issuing CA, for the same key.", "authority", "Id of the issuing CA.", RenewCa),
        Verb("rollover", "A new key of an issuing CA, beside the old one; of a root a new key with OldWithNew and NewWithOld.", "authority", "Id of the CA.", Rollover),
        Verb("upgrade-root", "From RSA to SM2: a new SM2 root, cross-certified with the RSA root in both directions.", "authority", "Id of the RSA root.", UpgradeRoot),
        Verb("add-ocsp-node", "A key and certificate of another OCSP responder node.", "authority", "Id of the issuing CA for which it answers.", AddOcspNode),
    };

    /// <param name="Earlier">What the plan goes on from.</param>
    /// <param name="EarlierPlan">Of the ceremony that made <paramref name="Earlier"/>.</param>
    /// <param name="Authority">The certificate that it is about.</param>
    /// <param name="Suffix">Distinguishes what is new from what there is.</param>
    private sealed record Draft(Basis Earlier, CeremonyPlan EarlierPlan, InventoryCertificate Authority, string Suffix)
    {
        public InventoryKey Key => Earlier.Inventory.Keys.First(key => key.Id == Authority.Key);

        public CertificatePlan? PlanOf(string id) => EarlierPlan.Certificates.FirstOrDefault(certificate => certificate.Id == id);

        public string DeviceOf(InventoryKey key) => EarlierPlan.Devices.FirstOrDefault(device => device.Serial == key.Partition)?.Id
            ?? throw new CeremonyException($"The earlier plan does not name the device of the key {key.Id}; add it to the devices by hand.");

        /// <summary>The attributes of a CA that its plan gave it.</summary>
        public IReadOnlyList<string> SubjectOf(string id) => PlanOf(id)?.Subject ?? throw new CeremonyException($"{id} is not of the last ceremony: make the plan from that ceremony's plan by hand.");

        public InventoryCertificate IssuerOf(string id) => Earlier.Inventory.Certificates.First(certificate => certificate.Id == Earlier.Inventory.Certificates.First(each => each.Id == id).Issuer);
    }

    private static Command Verb(string name, string description, string argument, string what, Func<Draft, CeremonyPlan> make)
    {
        var authority = new Argument<string>(argument) { Description = what };
        var basis = new Option<DirectoryInfo>("--basis") { Description = "Output of the latest ceremony.", Required = true };
        var output = new Option<FileInfo>("--out", "-o") { Description = "Where the plan goes; must not exist.", Required = true };
        var suffix = new Option<string>("--suffix") { Description = "Ends the ids, labels and files of what is new: 2027, g2 …", Required = true };
        var command = new Command(name, description) { authority, basis, output, suffix };
        command.SetAction((parsed, _) => CeremonyVerbs.GuardAsync(() =>
        {
            string path = parsed.GetRequiredValue(output).FullName;
            CeremonyPlan plan = Make(parsed.GetRequiredValue(basis).FullName, parsed.GetRequiredValue(authority), parsed.GetRequiredValue(suffix), make);
            using (var file = new FileStream(path, FileMode.CreateNew))
            {
                file.Write(System.Text.Encoding.UTF8.GetBytes(PlanFile.Serialize(plan)));
            }

            Console.WriteLine($"The plan is in {path}. The devices are those of the earlier plan: see whether their addresses and folders still hold. Have it reviewed, then: zwca ceremony check {path} --basis {parsed.GetRequiredValue(basis).FullName}");
            return Task.FromResult(0);
        }));
        return command;
    }

    /// <summary>The plan of a verb.</summary>
    /// <param name="verb">Its name.</param>
    /// <exception cref="CeremonyException">There is no such authority, or the basis does not hold.</exception>
    public static CeremonyPlan Make(string verb, string basis, string authority, string suffix) => Make(
        basis,
        authority,
        suffix,
        verb switch
        {
            "renew-arl" => RenewArl,
            "renew-ca" => RenewCa,
            "rollover" => Rollover,
            "upgrade-root" => UpgradeRoot,
            "add-ocsp-node" => AddOcspNode,
            _ => throw new ArgumentException("No such verb.", nameof(verb)),
        });

    private static CeremonyPlan Make(string basis, string authority, string suffix, Func<Draft, CeremonyPlan> make)
    {
        var earlier = Basis.Load(basis);
        CeremonyPlan plan = PlanFile.Deserialize(earlier.Folder.Read(CeremonyFolder.PlanFile));
        InventoryCertificate certificate = earlier.Inventory.Certificates.FirstOrDefault(each => each.Id == authority && each.Key is not null)
            ?? throw new CeremonyException($"There is no CA {authority} with a key; there are {string.Join(", ", earlier.Inventory.Certificates.Where(each => each.Key is not null).Select(each => each.Id))}.");
        if (!CeremonyFolder.IsPlain(suffix) || !suffix.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'))
        {
            throw new CeremonyException("The suffix has lower-case letters, digits and hyphens.");
        }

        return make(new Draft(earlier, plan, certificate, suffix));
    }

    /// <summary>What all plans have from the last: publication, witnesses, profiles.</summary>
    private static CeremonyPlan Begin(Draft draft, string what, params string[] devices) => new()
    {
        Name = $"{what} {draft.Authority.Id} {draft.Suffix}",
        Demo = draft.EarlierPlan.Demo,
        BaseUrl = draft.EarlierPlan.BaseUrl,
        PolicyArc = draft.EarlierPlan.PolicyArc,
        Basis = draft.Earlier.TranscriptHash,
        Witnesses = draft.EarlierPlan.Witnesses,
        WitnessThreshold = draft.EarlierPlan.WitnessThreshold,
        Devices = [.. draft.EarlierPlan.Devices.Where(device => devices.Contains(device.Id))],
    };

    private static CeremonyPlan RenewArl(Draft draft)
    {
        RequireRoot(draft);
        return Begin(draft, "ARL", draft.DeviceOf(draft.Key)) with { Crls = [Arl(draft.Authority.Id, draft.Suffix)] };
    }

    private static CeremonyPlan RenewCa(Draft draft)
    {
        InventoryCertificate issuer = RequireSub(draft);
        CertificatePlan old = draft.PlanOf(draft.Authority.Id) ?? throw new CeremonyException($"{draft.Authority.Id} is not of the last ceremony: make the plan by hand.");
        string root = draft.DeviceOf(draft.Earlier.Inventory.Keys.First(key => key.Id == issuer.Key));
        return Begin(draft, "Renewal of", root, draft.DeviceOf(draft.Key)) with
        {
            Certificates = [old with { Id = $"{old.Id}-{draft.Suffix}", File = Rename(old.File, draft.Suffix), Days = Shorter(draft, issuer.Id, old.Days) }],
            Crls = [Arl(issuer.Id, draft.Suffix)],
        };
    }

    private static CeremonyPlan Rollover(Draft draft) => draft.Authority.Issuer == draft.Authority.Id ? RollRoot(draft) : RollSub(draft);

    /// <summary>The same DN, a new key, a new SKI, and with it another CRL URL: both CAs stand side by side.</summary>
    private static CeremonyPlan RollSub(Draft draft)
    {
        InventoryCertificate issuer = RequireSub(draft);
        string device = draft.DeviceOf(draft.Key);
        string root = draft.DeviceOf(draft.Earlier.Inventory.Keys.First(key => key.Id == issuer.Key));
        string id = $"{draft.Authority.Id}-{draft.Suffix}";
        CertificatePlan old = draft.PlanOf(draft.Authority.Id) ?? throw new CeremonyException($"{draft.Authority.Id} is not of the last ceremony: make the plan by hand.");
        return Begin(draft, "Rollover of", root, device) with
        {
            Keys = [new KeyPlan { Id = id, Device = device, Label = id, Kind = draft.Key.Kind }],
            Certificates = [old with { Id = id, Key = id, File = Rename(old.File, draft.Suffix), Days = Shorter(draft, issuer.Id, old.Days) }],
            Crls = [Arl(issuer.Id, draft.Suffix), new CrlPlan { Id = $"crl-{id}", Issuer = id, Kind = CrlKind.Complete, Days = CrlDays, File = $"crl/{id}.crl" }],
        };
    }

    /// <summary>RFC 4210 §4.4: the new root self-signed, OldWithNew for who trusts the new one, NewWithOld for who trusts the old one.</summary>
    private static CeremonyPlan RollRoot(Draft draft)
    {
        string device = draft.DeviceOf(draft.Key);
        string id = $"{draft.Authority.Id}-{draft.Suffix}";
        CertificatePlan old = draft.PlanOf(draft.Authority.Id) ?? throw new CeremonyException($"{draft.Authority.Id} is not of the last ceremony: make the plan by hand.");
        int days = Math.Min(3653, Remaining(draft, draft.Authority.Id));
        return Begin(draft, "Rollover of", device) with
        {
            Keys = [new KeyPlan { Id = id, Device = device, Label = id, Kind = draft.Key.Kind }],
            Certificates =
            [
                old with { Id = id, Key = id, Issuer = id, File = Rename(old.File, draft.Suffix) },
                Cross($"{draft.Authority.Id}-with-{draft.Suffix}", draft.Authority.Id, id, days),
                Cross($"{id}-with-old", id, draft.Authority.Id, days),
            ],
            Crls = [Arl(draft.Authority.Id, draft.Suffix), Arl(id, draft.Suffix)],
        };
    }

    private static CeremonyPlan UpgradeRoot(Draft draft)
    {
        RequireRoot(draft);
        if (!draft.Key.Kind.IsRsa())
        {
            throw new CeremonyException($"{draft.Authority.Id} is no RSA root.");
        }

        string device = draft.DeviceOf(draft.Key);
        string id = $"root-{draft.Suffix}";
        int days = Math.Min(3653, Remaining(draft, draft.Authority.Id));
        CertificatePlan old = draft.PlanOf(draft.Authority.Id) ?? throw new CeremonyException($"{draft.Authority.Id} is not of the last ceremony: make the plan by hand.");
        return Begin(draft, "Upgrade of", device) with
        {
            Keys = [new KeyPlan { Id = id, Device = device, Label = id, Kind = HsmKeyKind.Sm2 }],
            Certificates =
            [
                // Another DN than the RSA root's: the reviewer gives it the name that it shall have.
                old with { Id = id, Key = id, Issuer = id, File = $"trust/{id}.pem", Subject = [.. old.Subject.Select(text => text.StartsWith("CN=", StringComparison.Ordinal) ? $"{text} {draft.Suffix.ToUpperInvariant()}" : text)] },
                Cross($"{draft.Authority.Id}-by-{draft.Suffix}", draft.Authority.Id, id, days),
                Cross($"{id}-by-{draft.Authority.Id}", id, draft.Authority.Id, days),
            ],
            Crls = [Arl(draft.Authority.Id, draft.Suffix), Arl(id, draft.Suffix)],
        };
    }

    private static CeremonyPlan AddOcspNode(Draft draft)
    {
        RequireSub(draft);
        string device = draft.DeviceOf(draft.Key);
        string id = $"ocsp-{draft.Suffix}";
        CertificatePlan? like = draft.EarlierPlan.Certificates.FirstOrDefault(certificate => certificate.Profile == "ocsp-node");
        KeyPlan? key = draft.EarlierPlan.Keys.FirstOrDefault(each => each.Id == like?.Key);
        IReadOnlyList<string> organisation = [.. draft.SubjectOf(draft.Authority.Id).Where(text => !text.StartsWith("CN=", StringComparison.Ordinal))];
        string marker = draft.EarlierPlan.Demo ? " 演示 DEMO" : "";
        return Begin(draft, "OCSP node for", device, key?.Device ?? device) with
        {
            Keys = [new KeyPlan { Id = id, Device = key?.Device ?? device, Label = id, Kind = draft.Key.Kind }],
            Certificates =
            [
                new CertificatePlan
                {
                    Id = id, Profile = "ocsp-node", Issuer = draft.Authority.Id, Days = 7, File = $"{id}/{draft.Authority.Id}.pem", Key = id,
                    Subject = [.. organisation, $"CN=OCSP {draft.Suffix}{marker}"],
                },
            ],
        };
    }

    private static CertificatePlan Cross(string id, string of, string issuer, int days) => new() { Id = id, Profile = "cross", Issuer = issuer, Days = days, File = $"trust/{id}.pem", Of = of };

    private static CrlPlan Arl(string root, string suffix) => new() { Id = $"arl-{root}-{suffix}", Issuer = root, Kind = CrlKind.Authorities, Days = ArlDays, File = $"crl/arl-{root}-{suffix}.crl" };

    private static string Rename(string file, string suffix) => $"{file[..file.LastIndexOf('.')]}-{suffix}{file[file.LastIndexOf('.')..]}";

    private static int Shorter(Draft draft, string issuer, int days) => Math.Min(days, Remaining(draft, issuer));

    /// <summary>Whole days that a certificate still lives, less one for the time until the plan is carried out, more or less.</summary>
    private static int Remaining(Draft draft, string id)
    {
        const int Slack = 30;
        InventoryCertificate entry = draft.Earlier.Inventory.Certificates.First(certificate => certificate.Id == id);
        DateTimeOffset end = CertificateFile.Read(draft.Earlier.Folder.Read(entry.File), entry.File).Tbs.Validity.NotAfter.Value;
        int days = (int)(end - TimeProvider.System.GetUtcNow()).TotalDays - Slack;
        return days > 0 ? days : throw new CeremonyException($"{id} ends on {end:u}: too soon for anything below it. Renew it first.");
    }

    private static void RequireRoot(Draft draft)
    {
        if (draft.Authority.Issuer != draft.Authority.Id)
        {
            throw new CeremonyException($"{draft.Authority.Id} is no root.");
        }
    }

    private static InventoryCertificate RequireSub(Draft draft) => draft.Authority.Profile.StartsWith("sub-ca ", StringComparison.Ordinal)
        ? draft.IssuerOf(draft.Authority.Id)
        : throw new CeremonyException($"{draft.Authority.Id} is no issuing CA.");
}
