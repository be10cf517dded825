using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Issuance;

namespace ZwCa.Ca.Certificates;

/// <summary>What a certificate says that follows another by itself: as the old one, by its profile. Nobody decides anew.</summary>
internal static class FollowingBody
{
    /// <param name="profile">Of the new certificate.</param>
    /// <param name="issuer">Key identifier of its CA.</param>
    /// <param name="names">Its alternative names.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.SubjectNotAllowed"/>: the old subject does not fit the profile.</exception>
    public static CertificateBody Of(Profile profile, Certificate old, ReadOnlyMemory<byte> issuer, SubjectPublicKeyInfo key, IReadOnlyList<GeneralName> names)
    {
        var asked = profile.Attributes.Where(each => each.Options.Source == AttributeSource.Request).Select(each => each.Type).ToHashSet();
        IReadOnlyList<SubjectAttributeText> subject =
            [.. old.Tbs.Subject.Rdns.SelectMany(rdn => rdn.Attributes).Where(each => asked.Contains(each.Type)).Select(each => new SubjectAttributeText(each.Type, each.Text!))];
        string unique = profile.Attributes.First(each => each.Options.Unique).Type;
        Validity validity = old.Tbs.Validity;
        return new CertificateBody
        {
            Profile = profile.Name,
            ProfileHash = profile.Hash,
            Issuer = issuer,
            Entity = subject.FirstOrDefault(each => each.Type == unique)?.Text ?? throw new RefusalException(Refusal.SubjectNotAllowed, "原证书的主体不符合证书模板。"),
            Subject = subject,
            SubjectPublicKeyInfo = key,
            Days = Math.Clamp((int)Math.Round((validity.NotAfter.Value - validity.NotBefore.Value).TotalDays), 1, profile.Options.Validity.MaximumDays),
            Names = names,
            Evidence = Sm3.HashData([]),
        };
    }

    /// <returns>What was decided when it was followed before; null: it was not.</returns>
    public static async Task<CertificateBody?> FindAsync(Transaction transaction, string requester, string reference) => await transaction.FindAsync<byte[]>(
        "SELECT application FROM decision WHERE requester = @Requester AND reference = @Reference AND kind = @Kind",
        new { Requester = requester, Reference = reference, Kind = IssuanceOrder.Renewal }) is { } body ? Asn1.Der.Decode<CertificateBody>(body) : null;
}
