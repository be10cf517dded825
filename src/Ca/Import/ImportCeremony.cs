using System.Globalization;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.Ocsp;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Issuance;
using ZwCa.Officers;

namespace ZwCa.Ca.Import;

/// <summary>
/// Takes into the records what a ceremony issued with the keys that are this CA's now: its certificates, the numbers of its CRLs, and the profiles that it used, which are active from
/// then on. Run again, it finds all of it there.
/// </summary>
internal sealed class ImportCeremony(Database database, AuditLog log, AuthorityList authorities, ProfileStore profiles, TimeProvider time)
{
    public const string ImportAction = "certificate.import";

    public static readonly AuditActor Actor = new(AuditActorKind.Job, "import");


    /// <param name="Certificates">New in the records.</param>
    /// <param name="Known">That were there already.</param>
    /// <param name="Profiles">Names of those that became active.</param>
    public sealed record Result(int Certificates, int Known, IReadOnlyList<string> Profiles);

    /// <param name="folder">The ceremony's output, whose transcript somebody has verified.</param>
    /// <exception cref="ImportException">A file is not what the inventory says, or not signed by the CA that it names.</exception>
    public async Task<Result> RunAsync(string folder, CancellationToken cancellationToken = default)
    {
        CeremonyInventory inventory = CeremonyInventory.Load(folder);
        Dictionary<string, Certificate> certificates = inventory.Certificates.ToDictionary(each => each.Id, each => Read(folder, each));
        await database.WriteAsync(profiles.InstallAsync, cancellationToken);
        int added = 0;
        int known = 0;
        var activated = new List<string>();
        foreach (InventoriedCertificate each in inventory.Certificates)
        {
            Certificate certificate = certificates[each.Id];
            Authority? authority = certificate.Tbs.Extensions?.Find<AuthorityKeyIdentifier>()?.KeyIdentifier is { } key ? authorities.Find(key.Span) : null;
            bool isAuthoritysOwn = authority is not null && authority.Issuer.SubjectPublicKeyInfo == certificate.Tbs.SubjectPublicKeyInfo;
            if (authority is null || isAuthoritysOwn)
            {
                // Of a root, whose key is not here, or the CA's own.
                continue;
            }

            if (certificate.Tbs.Issuer != authority.Issuer.Name
                || !SignatureCheck.Holds(authority.Issuer.SubjectPublicKeyInfo, certificate.SignatureAlgorithm, certificate.TbsBytes, certificate.Signature))
            {
                throw new ImportException($"{each.File}: the signature is not one of CA {authority.Name}.");
            }

            string[] profile = each.Profile.Split(' ');
            byte[] hash = profile.Length == 2 && profile[1].Length == 2 * Sm3.HashSizeInBytes ? Convert.FromHexString(profile[1]) : throw new ImportException($"{each.File}: no profile is named.");
            (bool isNew, bool isActivated) = await ImportAsync(authority, certificate, profile[0], hash, cancellationToken);
            added += isNew ? 1 : 0;
            known += isNew ? 0 : 1;
            if (isActivated)
            {
                activated.Add(profile[0]);
            }
        }

        foreach (InventoriedCrl crl in inventory.Crls.Where(crl => crl.Kind == "complete"))
        {
            await SpendNumberAsync(certificates, crl, cancellationToken);
        }

        return new Result(added, known, activated);
    }

    private static Certificate Read(string folder, InventoriedCertificate entry)
    {
        try
        {
            byte[] der = Pem.Decode(Pem.Certificate, File.ReadAllText(Path.Combine(folder, entry.File)));
            return Convert.ToHexStringLower(Sm3.HashData(der)) == entry.Sm3
                ? Der.Decode<Certificate>(der)
                : throw new ImportException($"{entry.File} is not the file that the inventory tells of.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DerException or ArgumentException or FormatException)
        {
            throw new ImportException($"{entry.File} cannot be read: {e.Message}", e);
        }
    }

    /// <returns>False: a version of it is active, or officers have retired it.</returns>
    private async Task<bool> ActivateAsync(Transaction transaction, string name, byte[] hash)
    {
        bool isNew = !await profiles.IsOrderedAsync(transaction, name) && await transaction.TryInsertAsync(
            "INSERT INTO active_profile (name, profile_hash, activated_at) VALUES (@Name, @Hash, @Now)", new { Name = name, Hash = hash, Now = time.GetUtcNow() });
        if (isNew)
        {
            await log.AppendAsync(
                transaction,
                new AuditEvent(Actor, "profile.activate", new AuditObject("profile", name), AuditOutcome.Done) { Fields = [new AuditField.Octets("profileHash", hash)] });
        }

        return isNew;
    }

    /// <summary>With the first certificate of a profile it becomes active; with one that is known, never: officers may have retired it since.</summary>
    internal Task<(bool IsNew, bool IsActivated)> ImportAsync(
        Authority authority, Certificate certificate, string profileName, byte[] profileHash, CancellationToken cancellationToken)
    {
        TbsCertificate tbs = certificate.Tbs;
        DateTimeOffset now = time.GetUtcNow();
        byte[] subjectHash = tbs.Subject.HashCanonical();
        byte[] keyHash = Sm3.HashData(Der.Encode(tbs.SubjectPublicKeyInfo));
        byte[] id = Ulid.Create(now);
        return database.WriteAsync(
            async transaction =>
            {
                Profile profile = await profiles.GetAsync(transaction, profileHash);
                string owner = $"{IssuanceOrder.SystemOwner}/{EntityOf(profile, tbs)}";
                bool isNew = await transaction.TryInsertAsync(
                    """
                    INSERT INTO certificate (
                        certificate_id, authority_id, serial, state, state_version, owner, region, profile_hash, shard, tbs, signature, subject_hash, key_hash, not_before, not_after,
                        reserved_at, changed_at)
                    VALUES (@Id, @Authority, @Serial, 2, 1, @Owner, @Region, @ProfileHash, @Shard, @Tbs, @Signature, @SubjectHash, @KeyHash, @NotBefore, @NotAfter, @Now, @Now)
                    """,
                    new
                    {
                        Id = id,
                        Authority = authority.Id,
                        Serial = tbs.SerialNumber.ToString(),
                        Owner = owner,
                        Region = RegionCode.Nation.Value,
                        ProfileHash = profileHash,
                        Shard = UrlTemplate.ShardName(tbs.SerialNumber, profile.Options.CrlShards),
                        Tbs = certificate.TbsBytes.ToArray(),
                        Signature = certificate.Signature.ToArray(),
                        SubjectHash = subjectHash,
                        KeyHash = keyHash,
                        NotBefore = tbs.Validity.NotBefore.Value,
                        NotAfter = tbs.Validity.NotAfter.Value,
                        Now = now,
                    });
                if (!isNew)
                {
                    return (false, false);
                }

                await OcspStore.AddChangeAsync(transaction, id, now);

                // One person's office and link, one service's several keys: names may be shared by profiles, so the first owner stays.
                await CertificateStore.OwnAsync(transaction, "subject_owner", "subject_hash", subjectHash, owner);
                await CertificateStore.OwnAsync(transaction, "key_owner", "key_hash", keyHash, owner);
                await log.AppendAsync(
                    transaction,
                    new AuditEvent(Actor, ImportAction, CertificateRow.ObjectOf(authority, tbs.SerialNumber.ToString()), AuditOutcome.Done)
                    {
                        Fields = [new AuditField.Octets("certificate", Sm3.HashData(Der.Encode(certificate))), new AuditField.Text("profile", profile.Name)],
                    });
                return (true, await ActivateAsync(transaction, profileName, profileHash));
            },
            cancellationToken);
    }

    /// <summary>What the profile makes the subject unique by; where it names nothing, the serial number.</summary>
    private static string EntityOf(Profile profile, TbsCertificate tbs) =>
        profile.Attributes.Where(attribute => attribute.Options.Unique).SelectMany(attribute => tbs.Subject.Texts(attribute.Type)).FirstOrDefault() ?? tbs.SerialNumber.ToString();

    /// <summary>A CRL's number is never used twice: the next is greater.</summary>
    private async Task SpendNumberAsync(Dictionary<string, Certificate> certificates, InventoriedCrl crl, CancellationToken cancellationToken)
    {
        if (!certificates.TryGetValue(crl.Issuer, out Certificate? issuer)
            || issuer.Tbs.Extensions?.Find<SubjectKeyIdentifier>() is not { } identifier
            || authorities.Find(identifier.KeyIdentifier.Span) is not { } authority)
        {
            return;
        }

        long number = long.TryParse(crl.Number, NumberStyles.None, CultureInfo.InvariantCulture, out long parsed) && parsed > 0
            ? parsed
            : throw new ImportException($"{crl.File}: {crl.Number} is no CRL number.");
        await database.WriteAsync(
            async transaction =>
            {
                var row = new { Authority = authority.Id, Number = number };
                bool isNew = await transaction.TryInsertAsync("INSERT INTO crl_number (authority_id, shard, last_number) VALUES (@Authority, 'all', @Number)", row);
                if (!isNew)
                {
                    await transaction.ExecuteAsync("UPDATE crl_number SET last_number = @Number WHERE authority_id = @Authority AND shard = 'all' AND last_number < @Number", row);
                }
            },
            cancellationToken);
    }
}
