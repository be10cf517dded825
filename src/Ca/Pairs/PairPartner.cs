using ZwCa.Ca.Authorities;
using ZwCa.Ca.Certificates;
using ZwCa.Data;
using ZwCa.Issuance;

namespace ZwCa.Ca.Pairs;

/// <summary>Who goes the same way: asked by whoever changes a status, and by the re-audit of what was changed.</summary>
internal static class PairPartner
{
    /// <returns>
    /// The other half of a pair, to which the same is done; null: there is none, or one of the two profiles lets its half go its own way. Of what is not signed yet both go.
    /// </returns>
    public static async Task<CertificateRow?> FindAsync(Transaction transaction, ProfileStore profiles, CertificateRow row)
    {
        ProfileOptions own = (await profiles.GetAsync(transaction, row.ProfileHash)).Options;
        if (own.Half == PairHalf.None || await PairStore.FindPartnerAsync(transaction, row.CertificateId) is not { } partner)
        {
            return null;
        }

        bool isAlone = own.StatusAlone || (await profiles.GetAsync(transaction, partner.ProfileHash)).Options.StatusAlone;
        return isAlone && row.Signature is not null ? null : partner;
    }
}
