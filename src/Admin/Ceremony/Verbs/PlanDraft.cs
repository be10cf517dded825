using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Issuance;

namespace ZwCa.Admin.Ceremony;

/// <summary>A verb that makes a plan.</summary>
/// <param name="Authority">What its argument is.</param>
internal sealed record PlanVerb(string Name, string Description, string Authority, Func<PlanDraft, CeremonyPlan> Make);

/// <summary>A plan that goes on from a ceremony: what is in the inventory, and what shall be beside it. Needs no earlier plan but the last, for its witnesses.</summary>
internal sealed class PlanDraft
{
    private const int ArlDays = 183;
    private const int CrlDays = 7;
    private const int NodeDays = 7;
    private const int CrossDays = 3653;

    /// <summary>Days that may pass until a plan is carried out.</summary>
    private const int Slack = 30;

    private readonly Basis _basis;
    private readonly CeremonyPlan _last;
    private readonly InventoryCertificate _authority;
    private readonly string _suffix;
    private readonly TimeProvider _time;

    private PlanDraft(Basis basis, InventoryCertificate authority, string suffix, TimeProvider time)
    {
        _basis = basis;
        _last = PlanFile.Deserialize(basis.Folder.Read(CeremonyFolder.PlanFile));
        _authority = authority;
        _suffix = suffix;
        _time = time;
    }

    public static IReadOnlyList<PlanVerb> Verbs { get; } =
    [
        new("renew-arl", "A new ARL of a root, with the next number; edit revoke to list CA certificates on it.", "Id of the root.", draft => draft.RenewArl()),
        new("renew-ca", "A new certificate of an issuing CA, for the same key.", "Id of the issuing CA.", draft => draft.RenewCa()),
        new("rollover", "A new key of an issuing CA, beside the old one; of a root a new key with OldWithNew and NewWithOld.", "Id of the CA.", draft => draft.Rollover()),
        new("upgrade-root", "From RSA to SM2: a new SM2 root, cross-certified with the RSA root in both directions.", "Id of the RSA root.", draft => draft.UpgradeRoot()),
        new("add-ocsp-node", "A key and certificate of another OCSP responder node.", "Id of the issuing CA for which it answers.", draft => draft.AddOcspNode()),
    ];

    /// <exception cref="CeremonyException">There is no such authority, or it is not one for the verb.</exception>
    public static CeremonyPlan Make(string verb, Basis basis, string authority, string suffix, TimeProvider time)
    {
        InventoryCertificate certificate = basis.Inventory.Certificates.FirstOrDefault(each => each.Id == authority && each.Key is not null)
            ?? throw new CeremonyException($"There is no CA {authority} with a key; there are {string.Join(", ", basis.Inventory.Certificates.Where(each => each.Key is not null).Select(each => each.Id))}.");
        return suffix.Length is > 0 and <= 16 && suffix.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-')
            ? Verbs.First(each => each.Name == verb).Make(new PlanDraft(basis, certificate, suffix, time))
            : throw new CeremonyException("The suffix has 1 to 16 lower-case letters, digits and hyphens.");
    }

    private Inventory Inventory => _basis.Inventory;

    private InventoryKey Key => KeyOf(_authority);

    private CeremonyPlan RenewArl()
    {
        RequireRoot();
        return Begin("ARL", DeviceOf(_authority)) with { Crls = [Arl(_authority.Id)] };
    }

    private CeremonyPlan RenewCa()
    {
        InventoryCertificate issuer = RequireSub();
        CertificatePlan like = Like(_authority);
        return Begin("Renewal of", DeviceOf(issuer), DeviceOf(_authority)) with
        {
            Certificates = [like with { Id = $"{like.Id}-{_suffix}", File = Rename(like.File), Days = Math.Min(like.Days, Remaining(issuer)) }],
            Crls = [Arl(issuer.Id)],
        };
    }

    private CeremonyPlan Rollover() => _authority.Issuer != _authority.Id ? RollSub() : Key.Kind == HsmKeyKind.P256 ? RollSystem() : RollRoot();

    /// <summary>The same DN, a new key, a new SKI, and with it another CRL URL: both CAs stand side by side.</summary>
    private CeremonyPlan RollSub()
    {
        InventoryCertificate issuer = RequireSub();
        CertificatePlan like = Like(_authority);
        string id = $"{_authority.Id}-{_suffix}";
        return Begin("Rollover of", DeviceOf(issuer), DeviceOf(_authority)) with
        {
            Keys = [NewKey(id, DeviceOf(_authority).Id, Key.Kind)],
            Certificates = [like with { Id = id, Key = id, File = Rename(like.File), Days = Math.Min(like.Days, Remaining(issuer)) }],
            Crls = [Arl(issuer.Id), Complete(id)],
        };
    }

    /// <summary>The root of links: both stand side by side in the services' trust, and no certificate joins them.</summary>
    private CeremonyPlan RollSystem()
    {
        CertificatePlan like = Like(_authority);
        string id = $"{_authority.Id}-{_suffix}";
        return Begin("Rollover of", DeviceOf(_authority)) with
        {
            Keys = [NewKey(id, DeviceOf(_authority).Id, Key.Kind)],
            Certificates = [like with { Id = id, Key = id, Issuer = id, File = Rename(like.File) }],
            Crls = [Complete(id)],
        };
    }

    /// <summary>RFC 4210 §4.4: the new root self-signed, OldWithNew for who trusts the new one, NewWithOld for who trusts the old one.</summary>
    private CeremonyPlan RollRoot()
    {
        RequireRoot();
        CertificatePlan like = Like(_authority);
        string id = $"{_authority.Id}-{_suffix}";
        return Begin("Rollover of", DeviceOf(_authority)) with
        {
            Keys = [NewKey(id, DeviceOf(_authority).Id, Key.Kind)],
            Certificates =
            [
                like with { Id = id, Key = id, Issuer = id, File = Rename(like.File) },
                Cross($"{_authority.Id}-with-{_suffix}", _authority.Id, id),
                Cross($"{id}-with-old", id, _authority.Id),
            ],
            Crls = [Arl(_authority.Id), Arl(id)],
        };
    }

    private CeremonyPlan UpgradeRoot()
    {
        RequireRoot();
        if (!Key.Kind.IsRsa())
        {
            throw new CeremonyException($"{_authority.Id} is no RSA root: nothing is to be upgraded. Another key of the same algorithm is a rollover.");
        }

        CertificatePlan like = Like(_authority);
        string id = $"root-{_suffix}";
        return Begin("Upgrade of", DeviceOf(_authority)) with
        {
            Keys = [NewKey(id, DeviceOf(_authority).Id, HsmKeyKind.Sm2)],
            Certificates =
            [
                // Another DN than the RSA root's: the reviewer gives it the name that it shall have.
                like with
                {
                    Id = id,
                    Key = id,
                    Issuer = id,
                    File = $"trust/{id}.pem",
                    Subject = [.. like.Subject.Select(text => text.StartsWith("CN=", StringComparison.Ordinal) ? $"{text} {_suffix.ToUpperInvariant()}" : text)],
                },
                Cross($"{_authority.Id}-by-{_suffix}", _authority.Id, id),
                Cross($"{id}-by-{_authority.Id}", id, _authority.Id),
            ],
            Crls = [Arl(_authority.Id), Arl(id)],
        };
    }

    private CeremonyPlan AddOcspNode()
    {
        RequireSub();
        string id = $"ocsp-{_suffix}";

        // Beside the nodes that there are; the first one where the CA is, until somebody edits the plan.
        InventoryCertificate? node = Inventory.Certificates.LastOrDefault(certificate => certificate.ProfileName == "ocsp-node" && certificate.Key is not null);
        DevicePlan device = DeviceOf(node ?? _authority);
        string marker = Inventory.Demo ? $" {Publication.DemoMark}" : "";
        return Begin("OCSP node for", DeviceOf(_authority), device) with
        {
            Keys = [NewKey(id, device.Id, Key.Kind)],
            Certificates =
            [
                new CertificatePlan
                {
                    Id = id,
                    Profile = "ocsp-node",
                    Issuer = _authority.Id,
                    Days = NodeDays,
                    File = $"{id}/{_authority.Id}.pem",
                    Key = id,
                    Subject = [.. Like(_authority).Subject.Where(text => !text.StartsWith("CN=", StringComparison.Ordinal)), $"CN=OCSP {_suffix}{marker}"],
                },
            ],
        };
    }

    /// <summary>What all plans have from before: publication, witnesses, devices.</summary>
    private CeremonyPlan Begin(string what, params DevicePlan[] devices) => new()
    {
        Name = $"{what} {_authority.Id} {_suffix}",
        Demo = Inventory.Demo,
        BaseUrl = Inventory.BaseUrl,
        PolicyArc = Inventory.Demo ? null : Inventory.PolicyArc,
        Basis = _basis.TranscriptHash,
        Witnesses = _last.Witnesses,
        WitnessThreshold = _last.WitnessThreshold,
        Devices = [.. devices.DistinctBy(device => device.Serial)],
    };

    /// <summary>A plan that would make such a certificate: profile, subject, key and time are those of the certificate.</summary>
    private CertificatePlan Like(InventoryCertificate entry)
    {
        TbsCertificate tbs = Read(entry);
        Profile profile = ProfileCatalogue.Shipped.Find(entry.ProfileName)
            ?? throw new CeremonyException($"{entry.Id} is by the profile {entry.ProfileName}, which does not come with this program. Write the plan by hand, with that profile.");
        HashSet<string> given = [.. profile.Attributes.Where(attribute => attribute.Options.Source == AttributeSource.Request).Select(attribute => attribute.Type)];
        return new CertificatePlan
        {
            Id = entry.Id,
            Profile = entry.ProfileName,
            Issuer = entry.Issuer,
            Days = (int)(tbs.Validity.NotAfter.Value - tbs.Validity.NotBefore.Value).TotalDays,
            File = entry.File,
            Key = entry.Key,
            Subject =
            [
                .. tbs.Subject.Rdns.SelectMany(rdn => rdn.Attributes).Where(attribute => given.Contains(attribute.Type)).Select(attribute => $"{AttributeNames.ShortName(attribute.Type)}={attribute.Text}"),
            ],
        };
    }

    private TbsCertificate Read(InventoryCertificate entry) => CertificateFile.Read(_basis.Folder.Read(entry.File), entry.File).Tbs;

    private InventoryKey KeyOf(InventoryCertificate certificate) => Inventory.Keys.First(key => key.Id == certificate.Key);

    private DevicePlan DeviceOf(InventoryCertificate certificate) => Inventory.Devices.First(device => device.Serial == KeyOf(certificate).Partition);

    private static KeyPlan NewKey(string id, string device, HsmKeyKind kind) => new() { Id = id, Device = device, Label = id, Kind = kind };

    /// <summary>Valid as long as the root that it is about, at most as long as the profile has it.</summary>
    private CertificatePlan Cross(string id, string of, string issuer) =>
        new() { Id = id, Profile = "cross", Issuer = issuer, Days = Math.Min(CrossDays, Remaining(_authority)), File = $"trust/{id}.pem", Of = of };

    private CrlPlan Arl(string root) => new() { Id = $"arl-{root}-{_suffix}", Issuer = root, Kind = CrlKind.Authorities, Days = ArlDays, File = $"crl/arl-{root}-{_suffix}.crl" };

    private static CrlPlan Complete(string authority) => new() { Id = $"crl-{authority}", Issuer = authority, Kind = CrlKind.Complete, Days = CrlDays, File = $"crl/{authority}.crl" };

    private string Rename(string file) => $"{file[..^Path.GetExtension(file).Length]}-{_suffix}{Path.GetExtension(file)}";

    /// <summary>Whole days that a certificate still lives, less some for the time until the plan is carried out.</summary>
    private int Remaining(InventoryCertificate entry)
    {
        DateTimeOffset end = Read(entry).Validity.NotAfter.Value;
        int days = (int)(end - _time.GetUtcNow()).TotalDays - Slack;
        return days > 0 ? days : throw new CeremonyException($"{entry.Id} ends on {end:u}: too soon for anything below it. Renew it first.");
    }

    private void RequireRoot()
    {
        if (_authority.Issuer != _authority.Id || Key.Kind == HsmKeyKind.P256)
        {
            throw new CeremonyException($"{_authority.Id} is no root of CAs.");
        }
    }

    private InventoryCertificate RequireSub() => _authority.ProfileName == "sub-ca"
        ? Inventory.Certificates.First(certificate => certificate.Id == _authority.Issuer)
        : throw new CeremonyException($"{_authority.Id} is no issuing CA.");
}
