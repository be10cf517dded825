using System.Text.Json.Nodes;
using ZwCa.Admin.Token;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;

namespace ZwCa.Admin.Ceremony;

/// <summary>An RA's first configuration, out of its CA's ceremony and its own registration.</summary>
internal static class RaServiceSettings
{
    public const string FileName = "ra.json";

    /// <param name="device">Id of the ceremony's device with its keys; null: the papers have one.</param>
    /// <inheritdoc cref="ServiceSettings.WriteCa"/>
    public static string Write(CeremonyFolder ceremony, RaPapers papers, string? device, ServicePlace place, string target)
    {
        // Step 1: everything that can be wrong, before there is a file.
        var source = new ServiceSource(ceremony, papers.Name, inventory => papers.DeviceOf(inventory, device), target);
        InventoryCertificate system = ServiceSource.Need(source.Inventory.Certificates.FirstOrDefault(each => each.ProfileName == "system-root"), "a system CA");
        ServicePlan registry = ServiceSource.Need(source.Plan.Services.FirstOrDefault(each => each.IsRegistry), "a service of a CA");
        InventoryCertificate officers = source.Certificate(source.Certificate(registry.Super).Issuer);
        string caName = ServiceSource.Need(source.Plan.Policies.FirstOrDefault(), "a policy, which says the CA's name").CaName;
        string ca = ServiceSource.Need(place.Ca?.TrimEnd('/'), "place where the CA listens: name it with --ca");
        SubjectPublicKeyInfo log = source.Decode(source.Certificate($"{registry.Id}-log")).Tbs.SubjectPublicKeyInfo;
        Certificate message = papers.Certificate(RaPapers.MessageFile, RaPapers.MessageRequestFile);
        Certificate link = papers.Certificate(RaPapers.LinkFile, RaPapers.LinkRequestFile);
        RequireIssuedBy(source.Decode(officers), message, papers.PathOf(RaPapers.MessageFile), officers.Id);
        RequireIssuedBy(source.Decode(system), link, papers.PathOf(RaPapers.LinkFile), system.Id);
        byte[] linkKey = papers.Content(RaPapers.LinkKeyFile);
        JsonObject profiles = ProfilesOf(papers, source);

        // Step 2: the files that it names.
        TokenFiles.MakeFolder(target);
        JsonObject common = ServiceSource.CommonSettings(papers.Name, place, new JsonObject
        {
            ["CertificateFile"] = Put(target, RaPapers.LinkFile, CertificateFile.Write(link)),
            ["KeyFile"] = Put(target, RaPapers.LinkKeyFile, linkKey),
            ["PasswordVariable"] = CeremonyRun.LinkPasswordVariable,
            ["SystemCaFile"] = source.Copy(system.File),
            ["RenewalUrl"] = $"{ca}/links/renew",
        });
        common["Database"] = ServiceSource.DatabaseSettings(papers.Database, place);
        var centre = new JsonObject
        {
            ["Name"] = caName,
            ["Address"] = ca,
            ["Recipient"] = registry.Id,
            ["LogOrigin"] = $"zwca/{registry.Id}",
            ["LogKeyFile"] = source.WriteKey("ca-log.pem", log),
        };

        // Somebody watches.
        if (place.Mode == "Demo")
        {
            centre["PullEvery"] = "00:00:02";
        }

        // Step 3: the configuration.
        var settings = new JsonObject
        {
            ["Name"] = papers.Name,
            ["Region"] = papers.Region,
            ["Hsm"] = source.HsmSettings(),
            ["Log"] = source.LogSettings(papers.LogKey),
            ["MessageKey"] = papers.MessageKey,
            ["MessageCertificateFile"] = Put(target, RaPapers.MessageFile, CertificateFile.Write(message)),
            ["PersonIndexKey"] = papers.PersonIndexKey,
            ["DataKek"] = papers.DataKek,
            ["OfficerIssuerFiles"] = new JsonArray(source.Copy(officers.File)),
            ["Ca"] = centre,
            ["Profiles"] = profiles,
        };
        if (papers.Tracking is not null)
        {
            settings["TrackingListen"] = papers.Tracking;
        }

        return ServiceSettings.Write(target, FileName, common, "Ra", settings);
    }

    /// <summary>The certificates of officers and of services have the same name of a file, and one is soon taken for the other.</summary>
    private static void RequireIssuedBy(Certificate issuer, Certificate certificate, string file, string id)
    {
        if (certificate.Tbs.Issuer != issuer.Tbs.Subject || !certificate.AlgorithmsAgree
            || !SignatureCheck.Holds(issuer.Tbs.SubjectPublicKeyInfo, certificate.SignatureAlgorithm, certificate.TbsBytes, certificate.Signature))
        {
            throw new CeremonyException($"{file} is not of the CA {id} of this ceremony. Put the certificate there that the officers ordered.");
        }
    }

    /// <summary>People name a CA by its id; the configuration has its key identifier.</summary>
    private static JsonObject ProfilesOf(RaPapers papers, ServiceSource source)
    {
        var profiles = new JsonObject();
        foreach ((string name, JsonObject given) in papers.Profiles)
        {
            var profile = (JsonObject)given.DeepClone();
            string? issuer = profile["Issuer"] is JsonValue value && value.TryGetValue(out string? text) ? text : null;
            if (source.Inventory.Certificates.FirstOrDefault(each => each.Id == issuer) is { } known)
            {
                profile["Issuer"] = source.Decode(known).Tbs.Extensions?.Find<SubjectKeyIdentifier>() is { } identifier
                    ? Convert.ToHexStringLower(identifier.KeyIdentifier.Span)
                    : throw new CeremonyException($"Issuer {issuer} of the profile {name} is no CA.");
            }

            profiles[name] = profile;
        }

        return profiles;
    }

    private static string Put(string target, string name, ReadOnlySpan<byte> content)
    {
        string path = Path.Combine(target, name);
        TokenFiles.WriteNew(path, content);
        return path;
    }
}
