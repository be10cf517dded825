using ZwCa.Asn1;
using ZwCa.Ca.Authorities;
using ZwCa.Contracts.Ca;
using ZwCa.Data;

namespace ZwCa.Ca.Certificates;

/// <summary>Shows rows to those who asked. Made from the rows each time: a retry sees the state of today.</summary>
internal sealed class CertificateAnswers(AuthorityList authorities, ProfileStore profiles)
{
    public async Task<CertificateAnswer> ShowAsync(Transaction transaction, CertificateRow row)
    {
        Authority authority = authorities[row.AuthorityId];
        RevocationRow? revocation = row.State is CertificateState.Revoked or CertificateState.Held ? await CertificateStore.FindRevocationAsync(transaction, row) : null;
        CertificateRow? replaced = row.Replaces is { } id ? await CertificateStore.FindAsync(transaction, id) : null;
        return new CertificateAnswer
        {
            Serial = row.Serial,
            Issuer = authority.KeyIdentifier,
            Profile = (await profiles.GetAsync(transaction, row.ProfileHash)).Name,
            State = row.State.ToString().ToLowerInvariant(),
            Region = row.Region,
            Certificate = row.FindCertificate() is { } certificate ? Der.Encode(certificate) : null,
            IssuerCertificate = Der.Encode(authority.Certificate),
            NotBefore = row.NotBefore!.Value,
            NotAfter = row.NotAfter!.Value,
            RevokedAt = revocation?.RevokedAt,
            Reason = revocation is null ? null : CertificateStatus.NameOf(revocation.Reason),
            Replaces = replaced?.Serial,
        };
    }
}
