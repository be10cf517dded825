using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Certificates;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Issuance;

namespace ZwCa.Ca.Ocsp.Renewal;

/// <summary>The certificates of an OCSP responder's key, inside one unit of work.</summary>
internal static class ResponderCertificates
{
    private const string Owner = "SELECT owner FROM key_owner WHERE key_hash = @KeyHash";

    /// <summary>By what the CA has signed, and not by what a row says: nobody becomes a responder here who was none.</summary>
    /// <returns>Those that hold, newest first: valid and of that profile. None, where the key is compromised.</returns>
    public static async Task<IReadOnlyList<(CertificateRow Row, Certificate Certificate)>> ListAsync(
        Transaction transaction, ProfileStore profiles, Authority authority, SubjectPublicKeyInfo key, string profile, DateTimeOffset now)
    {
        var all = new List<(CertificateRow, Certificate)>();
        if (await IsCompromisedAsync(transaction, key))
        {
            return all;
        }

        IReadOnlyList<CertificateRow> rows = await transaction.QueryAsync<CertificateRow>(
            $"""
             SELECT {CertificateRow.Columns} FROM certificate WHERE owner = ({Owner}) AND key_hash = @KeyHash AND authority_id = @Id AND state = 2
             AND not_after > @Now ORDER BY certificate_id DESC
             """,
            new { KeyHash = HashOf(key), authority.Id, Now = now });
        foreach (CertificateRow row in rows)
        {
            Certificate certificate = row.FindCertificate()!;
            bool isResponders = (await profiles.GetAsync(transaction, row.ProfileHash)).Name == profile && certificate.Tbs.SubjectPublicKeyInfo == key
                && certificate.Tbs.Extensions?.Find<ExtendedKeyUsage>()?.Purposes.Contains(Oids.OcspSigning) == true
                && SignatureCheck.Holds(authority.Issuer.SubjectPublicKeyInfo, certificate.SignatureAlgorithm, certificate.TbsBytes, certificate.Signature);
            if (isResponders)
            {
                all.Add((row, certificate));
            }
        }

        return all;
    }

    /// <summary>Whether the database has it, however it stands.</summary>
    public static async Task<bool> IsKnownAsync(Transaction transaction, Authority authority, Certificate certificate) =>
        await CertificateStore.FindAsync(transaction, authority.Id, certificate.Tbs.SerialNumber.ToString()) is not null;

    /// <summary>Whether a certificate of the key was revoked for keyCompromise, or officers have said that of the key.</summary>
    public static async Task<bool> IsCompromisedAsync(Transaction transaction, SubjectPublicKeyInfo key)
    {
        byte[] hash = HashOf(key);
        string? owner = await transaction.FindAsync<string>(Owner, new { KeyHash = hash });
        return await CertificateStore.IsCompromisedAsync(transaction, owner ?? "", hash);
    }

    private static byte[] HashOf(SubjectPublicKeyInfo key) => Sm3.HashData(Der.Encode(key));
}
