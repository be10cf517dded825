using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Issuance;

namespace ZwCa.Admin.Ceremony;

/// <summary>A key and the device in which it lies.</summary>
internal sealed record HeldKey(IHsm Device, HsmKey Key)
{
    /// <summary>As the journal has it: base64 of the DER of SubjectPublicKeyInfo, or the kind of a symmetric key.</summary>
    public string Text => Key.PublicKey is null ? Key.Kind.ToString() : Convert.ToBase64String(Der.Encode(Key.PublicKey));
}

/// <summary>What the steps of one run share: the plan, where its output goes, and what there is so far.</summary>
internal sealed class CeremonyState
{
    private static readonly TimeSpan ClockSlack = TimeSpan.FromSeconds(10);

    public required PlanFile File { get; init; }

    public required CeremonyFolder Folder { get; init; }

    public required Journal Journal { get; init; }

    public required DeviceSet Devices { get; init; }

    /// <summary>What the plan goes on from.</summary>
    public required Basis? Basis { get; init; }

    public required Func<ServicePlan, DatabaseOptions> DatabaseOf { get; init; }

    /// <summary>Of link keys that are made.</summary>
    public required string? LinkPassword { get; init; }

    public required TimeProvider Time { get; init; }

    public required Action<string> Say { get; init; }

    public bool IsRehearsal { get; init; }

    public CeremonyPlan Plan => File.Plan;

    public Publication Publication => field ??= PlanCheck.PublicationOf(Plan);

    public Dictionary<string, HeldKey> Keys { get; } = [];

    public Dictionary<string, Certificate> Certificates { get; } = [];

    /// <summary>Id of the key of a CA's certificate.</summary>
    public Dictionary<string, string> KeyOfCertificate { get; } = [];

    /// <summary>Ids of persons, by their names in the file of persons.</summary>
    public Dictionary<string, byte[]> Persons { get; } = [];

    public SubjectPublicKeyInfo PublicKeyOf(string key) => Held(key).Key.PublicKey ?? throw new CeremonyException($"The key {key} is a symmetric one: nothing can be certified for it.");

    /// <summary>A CA of this ceremony, or of an earlier one whose device is here.</summary>
    public Issuer IssuerOf(string certificate)
    {
        Certificate own = Certificates[certificate];
        HeldKey held = Held(KeyOfCertificate[certificate]);
        if (held.Device is RehearsalHsm rehearsal && rehearsal.FindTwin(held.Key) is { } twin)
        {
            // In a rehearsal an earlier CA signs with a key that is thrown away, under its own name and key identifier.
            TbsCertificate tbs = own.Tbs;
            var stand = new TbsCertificate(tbs.SerialNumber, tbs.Signature, tbs.Issuer, tbs.Validity, tbs.Subject, twin.PublicKey!, tbs.Extensions!);
            return new Issuer(Certificate.Assemble(Der.Encode(stand), own.Signature), new HsmSigner(rehearsal, twin), Publication);
        }

        return new Issuer(own, new HsmSigner(held.Device, held.Key), Publication);
    }

    public HeldKey Held(string key) =>
        Keys.GetValueOrDefault(key) ?? throw new CeremonyException($"The key {key} is in a device that the plan does not name. Add the device to the plan.");

    /// <summary>A time of the journal from which something is valid: not before the ceremony, nor in days to come.</summary>
    /// <exception cref="CeremonyException">It is.</exception>
    public void RequireDuring(DateTimeOffset time, string what)
    {
        if (!(time >= Journal.Entries[0].Time - ClockSlack) || time > Time.GetUtcNow() + ClockSlack)
        {
            throw new CeremonyException($"The journal has a time of {what}, {time:u}, at which this ceremony did nothing. Set the clock right; if it is, somebody changed the journal: find out who and begin anew.");
        }
    }

    /// <summary>Where tests let the program die; not while it rehearses.</summary>
    public void Reach(string name)
    {
        if (!IsRehearsal)
        {
            FaultPoint.Reach($"ceremony.{name}");
        }
    }

    public static string Fingerprint(SubjectPublicKeyInfo key) => Convert.ToHexStringLower(Sm3.HashData(Der.Encode(key)));
}
