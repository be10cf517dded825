using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;

namespace ZwCa;

/// <summary>What an RA of the tests is told and has: its configuration but for device and addresses, and its own keys. Linked into the test projects.</summary>
internal static class RaScene
{
    public const string ServiceName = "ra-35";
    public const string MessageKey = "ra-message";
    public const string LogKey = "ra-log";
    public const string LogOrigin = "zwca/ra-35";

    /// <summary>What the RA may ask the CA for.</summary>
    public static readonly IReadOnlyList<string> Profiles =
        [.. PairScene.Profiles, "organization-signing", "organization-encryption", "device-signing", "device-encryption"];

    /// <summary>Keys other than the message key.</summary>
    public static async Task MakeKeysAsync(IHsm hsm)
    {
        foreach ((string label, HsmKeyKind kind) in ((string, HsmKeyKind)[]) [(LogKey, HsmKeyKind.Sm2), ("person-index", HsmKeyKind.HmacSm3), ("data-kek", HsmKeyKind.DataKek)])
        {
            if (await hsm.FindKeyAsync(new KeyLabel(label)) is null)
            {
                await hsm.GenerateKeyAsync(new KeyLabel(label), kind);
            }
        }
    }

    /// <summary>Section Ra, but for the device; writes the certificates that it names into the folder.</summary>
    /// <param name="certificate">Of the message key.</param>
    /// <param name="caLogKey">Of the CA's log.</param>
    public static Dictionary<string, string?> WriteSettings(CaIssuers issuers, string folder, Uri ca, Certificate certificate, SubjectPublicKeyInfo caLogKey)
    {
        string message = Path.Combine(folder, "ra-message.pem"), operations = Path.Combine(folder, "ra-ops-s1.pem"), log = Path.Combine(folder, "ca-log.pem");
        File.WriteAllText(message, Pem.Encode(Pem.Certificate, Der.Encode(certificate)));
        File.WriteAllText(operations, Pem.Encode(Pem.Certificate, Der.Encode(issuers.Operations.Certificate!)));
        File.WriteAllText(log, Pem.Encode(Pem.PublicKey, Der.Encode(caLogKey)));
        var settings = new Dictionary<string, string?>
        {
            ["Ra:Name"] = CaScene.RaName,
            ["Ra:Region"] = CaScene.Province,
            ["Ra:Log:Origin"] = LogOrigin,
            ["Ra:Log:KeyLabel"] = LogKey,
            ["Ra:Log:Anchors:0"] = Path.Combine(folder, "ra-log.anchor"),
            ["Ra:MessageKey"] = MessageKey,
            ["Ra:MessageCertificateFile"] = message,
            ["Ra:PersonIndexKey"] = "person-index",
            ["Ra:DataKek"] = "data-kek",
            ["Ra:OfficerIssuerFiles:0"] = operations,
            ["Ra:Ca:Name"] = CaScene.Name,
            ["Ra:Ca:Address"] = $"https://localhost:{ca.Port}",
            ["Ra:Ca:Recipient"] = CaScene.ServiceName,
            ["Ra:Ca:LogOrigin"] = CaScene.LogOrigin,
            ["Ra:Ca:LogKeyFile"] = log,
            ["Ra:Ca:PullEvery"] = "00:00:01",
        };
        string issuer = Convert.ToHexStringLower(issuers.Subscribers.KeyIdentifier.Span);
        void Add(string name, string title, string subscriber, string certificateProfile, string? encryption, params (string Setting, string Value)[] besides)
        {
            string section = $"Ra:Profiles:{name}:";
            settings[section + "Title"] = title;
            settings[section + "Subscriber"] = subscriber;
            settings[section + "Certificate"] = certificateProfile;
            settings[section + "Issuer"] = issuer;
            settings[section + "Days"] = "365";
            if (encryption is not null)
            {
                settings[section + "Encryption"] = encryption;
            }

            foreach ((string setting, string value) in besides)
            {
                settings[section + setting] = value;
            }
        }

        Add("person", "个人双证书", "Person", PairScene.Signing, PairScene.Encryption);
        Add("person-number", "个人双证书（含身份证号）", "Person", PairScene.Signing, PairScene.Encryption, ("Number", "Clear"), ("NumberIdentity", "residentId"), ("Evidence", "1"));
        Add("person-two", "个人双证书（两级审核）", "Person", PairScene.Signing, PairScene.Encryption, ("Reviews:0", "City"), ("Reviews:1", "Province"));
        Add("organization", "机构双证书", "Organization", "organization-signing", "organization-encryption");
        Add("device", "设备双证书", "Device", "device-signing", "device-encryption");
        Add("tls", "服务器证书", "Device", "tls-server", null);
        return settings;
    }
}
