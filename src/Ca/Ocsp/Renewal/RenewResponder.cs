using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Certificates;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.Ca.Ocsp.Renewal;

/// <summary>
/// Certifies an OCSP responder's key once more (RFC 6960 §4.2.2.2): in the last third of its certificate's life, for the same key, by the same profile. Officers decided about the first one, at a
/// ceremony; what follows says nothing that it did not. Safe for concurrent use, on any number of nodes.
/// </summary>
internal sealed class RenewResponder(Database database, AuthorityList authorities, ProfileStore profiles, IssueCertificate issuance, TimeProvider time)
{
    /// <param name="issuer">Key identifier of the CA that it answers for.</param>
    /// <param name="key">The responder's, of which possession is proven.</param>
    /// <returns>DER of the certificate: the newest that there is, or the next one.</returns>
    /// <exception cref="RefusalException">
    /// <see cref="Refusal.NotFound"/>: no such CA, or none of the key that holds; and what <see cref="IssueCertificate"/> refuses.
    /// </exception>
    public async Task<byte[]> RunAsync(ReadOnlyMemory<byte> issuer, SubjectPublicKeyInfo key, string profile, AuditActor actor, CancellationToken cancellationToken)
    {
        Authority authority = authorities.Find(issuer.Span) ?? throw new RefusalException(Refusal.NotFound, "本服务没有该CA。");
        (CertificateRow row, Certificate old, string reference, CertificateBody body) = await database.ReadAsync(
            async transaction =>
            {
                IReadOnlyList<(CertificateRow Row, Certificate Certificate)> all = await ResponderCertificates.ListAsync(transaction, profiles, authority, key, profile, time.GetUtcNow());
                (CertificateRow row, Certificate old) = all.Count > 0 ? all[0] : throw new RefusalException(Refusal.NotFound, "该密钥没有有效的OCSP响应证书；过期的须由密钥仪式重新签发。");

                // Each is followed by one: asked again, it is the same, also by another version of the profile.
                string reference = Convert.ToHexStringLower(Sm3.HashData(Der.Encode(old)));
                CertificateBody body = await FollowingBody.FindAsync(transaction, IssuanceOrder.Responder, reference)
                    ?? FollowingBody.Of(await profiles.GetActiveAsync(transaction, profile), old, authority.Issuer.KeyIdentifier, key, []);
                return (row, old, reference, body);
            },
            cancellationToken);
        Validity validity = old.Tbs.Validity;
        DateTimeOffset from = LinkRenewal.DueAt(validity.NotBefore.Value, validity.NotAfter.Value);
        if (time.GetUtcNow() < from)
        {
            // It is young: whoever did not hear of it has it now.
            return Der.Encode(old);
        }

        byte[] bytes = Der.Encode(body);
        CertificateRow issued = await issuance.RunAsync(
            new IssuanceOrder
            {
                Requester = IssuanceOrder.Responder,
                Reference = reference,
                Kind = IssuanceOrder.Renewal,
                RequestId = reference,
                Actor = actor,
                Owner = row.Owner,
                Region = row.Region,
                Body = body,
                Application = bytes,
                Digest = Sm3.HashData(bytes),
            },
            cancellationToken);
        return Der.Encode(issued.FindCertificate()!);
    }
}
