using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Issuance;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Links;
using static ZwCa.OfficersApi.CommandReading;

namespace ZwCa.Ca.Links;

/// <summary>
/// Issues the link certificate that follows another: the same subject, names and owner, another key. Whoever has the old one asks over it, in the last third of its life; nobody decides.
/// The old one is renewed once, and stays until its end. Safe for concurrent use.
/// </summary>
internal sealed class RenewLink(Database database, AuthorityList authorities, ProfileStore profiles, IssueCertificate issuance, ClientStore clients, TimeProvider time)
{
    /// <param name="old">The certificate of the connection.</param>
    /// <param name="client">As what it is registered here. Null: this service's own, which other services know.</param>
    /// <param name="csr">DER of a PKCS #10 request.</param>
    /// <returns>DER of the new certificate: for the same key the same.</returns>
    /// <exception cref="RefusalException">
    /// <see cref="Refusal.WrongState"/>: too early, or the old one is revoked; <see cref="Refusal.Duplicate"/>: it was renewed with another key; <see cref="Refusal.NotAllowed"/>: disabled
    /// meanwhile; <see cref="Refusal.Malformed"/>, <see cref="Refusal.BadCsr"/>, <see cref="Refusal.BadPublicKey"/>, and what <see cref="IssueCertificate"/> refuses.
    /// </exception>
    public async Task<byte[]> RunAsync(X509Certificate2 old, RegisteredClient? client, byte[] csr, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> oldBytes = old.RawDataMemory;
        Certificate certificate = Der.Decode<Certificate>(oldBytes);
        Validity validity = certificate.Tbs.Validity;
        DateTimeOffset from = LinkRenewal.DueAt(validity.NotBefore.Value, validity.NotAfter.Value);
        Require(time.GetUtcNow() >= from, Refusal.WrongState, $"链路证书在有效期的后三分之一才能更新：{from:yyyy-MM-dd HH:mm}（UTC）起。");
        SubjectPublicKeyInfo key = ProofOfPossession.Verify(LinksApi.Decode(csr), allowEmptyId: false).PublicKey;
        Require(key != certificate.Tbs.SubjectPublicKeyInfo, Refusal.BadPublicKey, "更新链路证书须使用新的密钥。");
        string thumbprint = ClientStore.ThumbprintOf(old);
        (CertificateRow? row, CertificateBody? decided, CertificateBody body) = await database.ReadAsync(
            async transaction =>
            {
                CertificateRow? row = await CertificateStore.FindAsync(transaction, authorities.System.Id, certificate.Tbs.SerialNumber.ToString());
                CertificateBody? decided = await FollowingBody.FindAsync(transaction, IssuanceOrder.Link, thumbprint);
                return (row, decided, await FollowAsync(transaction, certificate, key, decided));
            },
            cancellationToken);
        Require(row is null or { State: CertificateState.Valid }, Refusal.WrongState, "原链路证书已吊销或已冻结。");

        // What follows, says the certificate of the connection, whatever the row has.
        byte[] bytes = Der.Encode(body);
        Require(decided is null || Der.Encode(decided).AsSpan().SequenceEqual(bytes), Refusal.Duplicate, "该链路证书已用另一密钥更新。");
        var actor = new AuditActor(AuditActorKind.Service, client?.Name ?? body.Entity);
        try
        {
            CertificateRow issued = await issuance.RunAsync(
                new IssuanceOrder
                {
                    Requester = IssuanceOrder.Link,
                    Reference = thumbprint,
                    Kind = IssuanceOrder.Renewal,
                    RequestId = thumbprint,
                    Actor = actor,
                    Owner = row?.Owner ?? $"{IssuanceOrder.SystemOwner}/{body.Entity}",
                    Region = row?.Region ?? RegionCode.Nation.Value,
                    Body = body,
                    Application = bytes,
                    Digest = Sm3.HashData(bytes),
                    Stored = (transaction, stored) => client is null ? Task.CompletedTask : RegisterAsync(transaction, client, stored, actor),
                },
                cancellationToken);
            return Der.Encode(issued.FindCertificate()!);
        }
        catch (RefusalException e) when (e.Kind == Refusal.NotApproved)
        {
            // Of two keys at once, one spent the old certificate.
            throw new RefusalException(Refusal.Duplicate, "该链路证书已用另一密钥更新。", inner: e);
        }
    }

    /// <summary>What the old certificate says, with the new key, by the active version of its profile, or the one by which it was renewed before.</summary>
    private async Task<CertificateBody> FollowAsync(Transaction transaction, Certificate old, SubjectPublicKeyInfo key, CertificateBody? decided)
    {
        // An officer's is no server's; a row has no say in that.
        Extensions extensions = old.Tbs.Extensions!;
        bool isServer = extensions.Find<ExtendedKeyUsage>()?.Purposes.Contains(Oids.ServerAuth) == true;
        string name = isServer ? SystemProfile.Link : SystemProfile.OfficerLink;
        Profile profile = decided is not null && decided.Profile == name
            ? await profiles.GetAsync(transaction, decided.ProfileHash.ToArray())
            : await profiles.GetActiveAsync(transaction, name);
        return FollowingBody.Of(profile, old, authorities.System.Issuer.KeyIdentifier, key, extensions.Find<SubjectAltName>()?.Names ?? []);
    }

    /// <summary>Under the same name and kind, unless it was revoked before anybody asked for it again; and unless somebody closed the old link meanwhile: its follower would open it again.</summary>
    private async Task RegisterAsync(Transaction transaction, RegisteredClient old, CertificateRow row, AuditActor actor)
    {
        string thumbprint = Convert.ToHexStringLower(SHA256.HashData(Der.Encode(row.FindCertificate()!)));
        if (row.State == CertificateState.Valid && await ClientStore.FindAsync(transaction, thumbprint) is null)
        {
            Require(await ClientStore.HoldEnabledAsync(transaction, old.Thumbprint), Refusal.NotAllowed, "该链路证书已被停用。");
            await clients.RegisterAsync(transaction, actor, thumbprint, old.Name, old.Kind);
        }
    }
}
