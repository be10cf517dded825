using System.Globalization;
using System.Numerics;
using ZwCa.Admin.Ceremony;
using ZwCa.Admin.Crls;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Issuance;

namespace ZwCa.Admin.Doctor;

/// <summary>One CRL of a CA and where it has to be.</summary>
/// <param name="Url">As certificates name it.</param>
/// <param name="Point">The same as the certificates' distribution point has it.</param>
/// <param name="IsPartition">Its IssuingDistributionPoint has to name the place.</param>
/// <param name="IsComplete">It has to speak of all that the CA issues. Neither: an ARL will do, or nobody knows.</param>
/// <param name="Number">Of the ceremony's CRL, below which none may fall; null: the ceremony made none.</param>
internal sealed record CrlPlace(string Url, DistributionPointName Point, bool IsPartition, bool IsComplete, BigInteger? Number);

/// <summary>A CA certificate of the ceremony.</summary>
/// <param name="Issuer">Id of the issuer's certificate; its own: a root.</param>
/// <param name="Profile">Name.</param>
/// <param name="IsOfInventory">The file is the one that the inventory names.</param>
/// <param name="KeyIdentifier">Lower-case hexadecimal.</param>
/// <param name="Places">Of its CRLs; none: a cross-certificate, whose key has them already.</param>
internal sealed record Authority(
    string Id, string Issuer, string Profile, Certificate Certificate, bool IsOfInventory, string KeyIdentifier, IReadOnlyList<CrlPlace> Places)
{
    public bool IsCross => Profile == "cross";

    /// <summary>Of people and servers: a CA with a CRL for each part of them.</summary>
    public bool IsForSubscribers => Places.Any(place => place.IsPartition);
}

/// <summary>What a ceremony's output says that there has to be, and where it is asked for.</summary>
internal sealed class Installation
{
    private readonly string? _url;

    private Installation(Inventory inventory, IReadOnlyList<Authority> authorities, IReadOnlyList<Profile> profiles, string? url)
    {
        Profiles = profiles;
        Inventory = inventory;
        Authorities = authorities;
        _url = url;
    }

    public Inventory Inventory { get; }

    public IReadOnlyList<Authority> Authorities { get; }

    /// <summary>The ceremony made a key that signs the feed of statuses, or one that signs OCSP responses.</summary>
    public bool HasOcsp => Inventory.Keys.Any(each => each.Id.EndsWith("-feed", StringComparison.Ordinal)) || Inventory.Certificates.Any(each => each.ProfileName == "ocsp-responder");

    /// <summary>By which places are known: the shipped ones, the ceremony's own, and those of the folder that was named.</summary>
    public IReadOnlyList<Profile> Profiles { get; }

    /// <param name="url">Where the base URL of the inventory is reached from here; null: there.</param>
    /// <param name="profileFolder">Of profiles besides the shipped ones; null: there is none.</param>
    /// <exception cref="CeremonyException">No output of a ceremony.</exception>
    /// <exception cref="DerException">A certificate's extension cannot be read.</exception>
    /// <exception cref="ProfileException">A file is no profile.</exception>
    /// <exception cref="IOException">The folder of profiles cannot be read.</exception>
    public static Installation Read(string folder, string? url, string? profileFolder = null)
    {
        var files = new CeremonyFolder(folder);
        if (!files.Has(Inventory.FileName))
        {
            throw new CeremonyException($"{files.PathOf(Inventory.FileName)} is missing: {folder} is not the output of a ceremony.");
        }

        var inventory = Inventory.Read(files.Read(Inventory.FileName));
        IReadOnlyList<Profile> profiles =
        [
            .. (profileFolder is null ? ProfileCatalogue.Shipped : ProfileCatalogue.Load(profileFolder)).All,
            .. (files.Has(CeremonyFolder.PlanFile) ? PlanFile.Deserialize(files.Read(CeremonyFolder.PlanFile)).Profiles : [])
                .Select(each => Profile.Parse(files.Read(CeremonyFolder.InputPath(each.File)))),
        ];
        var authorities = new List<Authority>();
        foreach (InventoryCertificate entry in inventory.Certificates)
        {
            byte[] pem = files.Read(entry.File);
            Certificate certificate = CertificateFile.Read(pem, entry.File);
            Extensions? extensions = certificate.Tbs.Extensions;
            if (extensions?.Find<BasicConstraints>() is not { IsCa: true })
            {
                continue;
            }

            string identifier = extensions.Find<SubjectKeyIdentifier>() is { } ski
                ? Convert.ToHexStringLower(ski.KeyIdentifier.Span)
                : throw new CeremonyException($"{entry.File} has no SubjectKeyIdentifier, from which its URLs follow.");
            authorities.Add(new Authority(
                entry.Id, entry.Issuer, entry.ProfileName, certificate, entry.Sm3 == Convert.ToHexStringLower(Sm3.HashData(Der.Encode(certificate))), identifier,
                entry.ProfileName == "cross" ? [] : [.. PlacesOf(inventory, entry, identifier, profiles)]));
        }

        return new Installation(inventory, authorities, profiles, url?.TrimEnd('/'));
    }

    /// <summary>Where something that certificates name is reached from here.</summary>
    /// <returns>Null: not an http(s) address.</returns>
    public Uri? Reach(string named)
    {
        string url = _url is not null && named.StartsWith(Inventory.BaseUrl + "/", StringComparison.Ordinal) ? _url + named[Inventory.BaseUrl.Length..] : named;
        return CrlSource.AddressOf(url);
    }

    /// <summary>The issuer's name, and its key's signature.</summary>
    public static bool IsSignedBy(Certificate certificate, Certificate issuer) =>
        certificate.Tbs.Issuer == issuer.Tbs.Subject && certificate.AlgorithmsAgree
        && SignatureCheck.Holds(issuer.Tbs.SubjectPublicKeyInfo, certificate.SignatureAlgorithm, certificate.TbsBytes, certificate.Signature);

    /// <summary>Where the CA's certificate has to be, as certificates of the known profiles name it.</summary>
    public IEnumerable<string> CertificatePlaces(Authority authority) => Profiles
        .SelectMany(profile => profile.Options.CaIssuers)
        .Distinct()
        .Select(template => UrlTemplate.Fill(template, Inventory.BaseUrl, authority.KeyIdentifier, "all"));

    /// <summary>The CRL of all its certificates; of a CA for subscribers also every partition that a known profile's certificates may name.</summary>
    private static IEnumerable<CrlPlace> PlacesOf(Inventory inventory, InventoryCertificate entry, string keyIdentifier, IReadOnlyList<Profile> profiles)
    {
        // As the ceremony's configuration of the CA has it: who certifies officers and services certifies no subscribers.
        bool isForSubscribers = entry.ProfileName == "sub-ca"
            && !inventory.Certificates.Any(each => each.Issuer == entry.Id && each.ProfileName is "officer" or "service-signer");
        BigInteger? number = null;
        foreach (InventoryCrl known in inventory.Crls.Where(crl => crl.Issuer == entry.Id))
        {
            // One series of numbers, whatever the kind: the CA's import takes the highest.
            number = !BigInteger.TryParse(known.Number, NumberStyles.None, CultureInfo.InvariantCulture, out BigInteger parsed)
                ? throw new CeremonyException($"The inventory's number of {known.Id} is none.")
                : number > parsed ? number : parsed;
        }

        var seen = new HashSet<string>();
        foreach (Profile profile in profiles.Where(profile => profile.Options.CrlDistributionPoints.Count > 0))
        {
            IEnumerable<string> shards = isForSubscribers && !profile.IsAuthority ? CrlDistribution.ShardsOf(profile) : [];
            foreach (string shard in shards.Prepend("all"))
            {
                string[] urls = [.. profile.Options.CrlDistributionPoints.Select(template => UrlTemplate.Fill(template, inventory.BaseUrl, keyIdentifier, shard))];
                var point = new FullName([.. urls.Select(url => new UniformResourceIdentifier(url))]);
                foreach (string url in urls.Where(url => CrlSource.AddressOf(url) is not null && seen.Add(url)))
                {
                    yield return new CrlPlace(url, point, shard != "all", shard == "all" && entry.ProfileName != "root", shard == "all" ? number : null);
                }
            }
        }
    }
}
