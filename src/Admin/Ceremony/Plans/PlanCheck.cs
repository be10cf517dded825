using ZwCa.Asn1;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Issuance;

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
        Demand(SubjectTexts.IsPrintable(plan.Name, 128), "Give the ceremony a name of 1 to 128 visible characters.");
        Demand((basis is null) == (plan.Basis is null), "A plan with a basis needs --basis, and one without must not have it.");
        CheckPublication();
        CheckWitnesses();
        CheckIds("device", plan.Devices.Select(device => device.Id), []);
        foreach (DevicePlan device in plan.Devices)
        {
            Demand(device.Serial.Length == 32 && device.Serial.All(char.IsAsciiHexDigitLower), $"device {device.Id}: the serial is the partition's id, 32 lower-case hexadecimal digits (hsm-sim status shows it).");
            Demand(DeviceSet.FindEndPoint(device.Endpoint) is not null, $"device {device.Id}: the endpoint is HOST:PORT.");
        }

        foreach (DevicePlan device in plan.Devices)
        {
            Demand(device.Partition.Length > 0 && device.Client.Length > 0, $"device {device.Id}: say partition and client.");
            Demand(basis?.Devices.Any(known => known.Id == device.Id && known.Serial != device.Serial) != true, $"device {device.Id}: the earlier ceremony had another partition of that id. Take another id.");
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

        Demand(plan.Demo || plan.PolicyArc != Oids.DemoPolicyArc && plan.PolicyArc?.StartsWith(Oids.DemoPolicyArc + ".", StringComparison.Ordinal) != true, "policyArc is that of demonstrations. Take the arc that was assigned to you.");
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
            Demand(SubjectTexts.IsPrintable(witness.Name, 64) && witness.Name.IndexOfAny(['/', '\\']) < 0 && witness.Name[0] != '.', $"witness \"{witness.Name}\": a name has 1 to 64 visible characters, no slash, and does not begin with a dot.");
            Demand(FindKey(witness) is not null && !witness.PublicKey.Any(char.IsAsciiLetterUpper), $"witness {witness.Name}: the public key is SM2, 04 and 128 lower-case hexadecimal digits.");
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
            Demand(KeyLabel.IsLabel(key.Label), $"key {key.Id}: \"{key.Label}\" is no key label.");
            Demand(key.Kind != HsmKeyKind.Rsa2048, $"key {key.Id}: 2048 bits are too few for a key that serves for years; take rsa3072 or rsa4096.");
        }

        Demand(plan.Keys.Select(key => (key.Device, key.Label)).Distinct().Count() == plan.Keys.Count, "Two keys of one device have the same label. Give one of them another.");
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

    private void Demand(bool met, string otherwise)
    {
        if (!met)
        {
            _faults.Add(otherwise);
        }
    }
}
