using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Ra.Certificates;
using ZwCa.Ra.Subscribers;

namespace ZwCa.Ra.Enrollments.Steps;

/// <summary>What officers sign, and what follows from it.</summary>
/// <param name="Following">The revocation of the certificate that is replaced. Null: none.</param>
internal sealed record Applications(Application Main, Application? Following);

/// <summary>Builds applications from what was checked: the same parts give the same bytes.</summary>
internal sealed class ApplicationBuilder(RaOptions options, EnrollmentProfiles profiles, TimeProvider time)
{
    /// <param name="id">Of this submission of the enrollment, for ever: what the CA has decided about under it, is spent.</param>
    /// <param name="evidence">SM3 of each piece, in their order.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.UnknownProfile"/>; <see cref="Refusal.BadCsr"/>: the key has not come yet; <see cref="Refusal.SubjectNotAllowed"/>: a text that no certificate can carry.</exception>
    public async Task<Applications> BuildAsync(CheckedEnrollment enrollment, string id, string region, IReadOnlyList<byte[]> evidence, CancellationToken cancellationToken)
    {
        try
        {
            Application main = enrollment.Kind switch
            {
                EnrollmentKind.Renew => Of(DecisionKind.Renew, await CertificateBodyAsync(enrollment, evidence, follows: true, cancellationToken)),
                EnrollmentKind.Rekey => Of(DecisionKind.Rekey, await CertificateBodyAsync(enrollment, evidence, follows: true, cancellationToken)),

                // What is lost does not hold any more, and another name is no successor: both are new to the CA.
                EnrollmentKind.New or EnrollmentKind.Change or EnrollmentKind.Replace => Of(DecisionKind.Issue, await CertificateBodyAsync(enrollment, evidence, follows: false, cancellationToken)),
                EnrollmentKind.Revoke => Of(DecisionKind.Revoke, Der.Encode(Status(enrollment.Certificate!, CheckEnrollment.ReasonOf(enrollment.Content.RevocationReason)!.Value))),
                EnrollmentKind.Suspend => Of(DecisionKind.Suspend, Der.Encode(Status(enrollment.Certificate!, RevocationReason.CertificateHold))),
                EnrollmentKind.Resume => Of(DecisionKind.Resume, Der.Encode(Status(enrollment.Certificate!, RevocationReason.RemoveFromCrl))),
                _ => Of(DecisionKind.Recovery, Der.Encode(new RecoveryBody(
                    Convert.FromHexString(enrollment.Certificate!.Issuer),
                    SerialNumber.Parse(enrollment.Certificate.KeySerial!),
                    Der.Decode<Certificate>(enrollment.Recipient!.Certificate).Tbs.SubjectPublicKeyInfo))),
            };
            return new Applications(main, ReasonOfFollowing(enrollment) is { } reason ? Of(DecisionKind.Revoke, Der.Encode(Status(enrollment.Certificate!, reason))) : null);
        }
        catch (ArgumentException e)
        {
            throw new RefusalException(Refusal.SubjectNotAllowed, "申请内容中有证书不能表示的文字，请检查名称、部门和备用名称。", inner: e);
        }

        Application Of(DecisionKind kind, byte[] body) => new(kind, options.Ca.Name, options.Name, region, id, body);
    }

    /// <returns>Null: the old certificate goes on, or has ended already.</returns>
    private RevocationReason? ReasonOfFollowing(CheckedEnrollment enrollment) => enrollment switch
    {
        { Certificate: { State: CertificateState.Revoked } } => null,
        { Certificate: { } old } when old.NotAfter <= time.GetUtcNow() => null,
        { Kind: EnrollmentKind.Change } => RevocationReason.AffiliationChanged,

        // Whoever found the token may try it.
        { Kind: EnrollmentKind.Replace } => RevocationReason.KeyCompromise,
        _ => null,
    };

    private static StatusBody Status(IssuedCertificate certificate, RevocationReason reason) => new(ReferenceOf(certificate), reason);

    private static CertificateReference ReferenceOf(IssuedCertificate certificate) => new(Convert.FromHexString(certificate.Issuer), SerialNumber.Parse(certificate.Serial));

    private async Task<byte[]> CertificateBodyAsync(CheckedEnrollment enrollment, IReadOnlyList<byte[]> evidence, bool follows, CancellationToken cancellationToken)
    {
        SubjectPublicKeyInfo key = enrollment.Key ?? throw new RefusalException(Refusal.BadCsr, "该业务尚无证书请求，不能提交：请先用令牌生成密钥，附上证书请求。");
        EnrollmentProfileOptions profile = enrollment.Profile;
        Subscriber subscriber = enrollment.Subscriber;
        string entity = Convert.ToHexStringLower(subscriber.Id);
        (byte[] hash, byte[]? encryptionHash) = await profiles.HashesAsync(profile, cancellationToken);

        // A device is known by its address; it belongs to its owner.
        string? organization = subscriber.Kind == SubscriberKind.Organization ? subscriber.Name.Reveal() : subscriber.OrganizationName;
        string commonName = subscriber.Kind == SubscriberKind.Device ? subscriber.Number.Reveal() : subscriber.Name.Reveal();
        return Der.Encode(new CertificateBody
        {
            Profile = profile.Certificate,
            ProfileHash = hash,
            Encryption = encryptionHash is null ? null : new ProfileReference(profile.Encryption!, encryptionHash),
            Issuer = Convert.FromHexString(profile.Issuer),
            Entity = entity,
            Subject =
            [
                .. organization is null ? [] : (SubjectAttributeText[])[new(Oids.OrganizationName, organization)],
                .. enrollment.Content.Departments.Select(department => new SubjectAttributeText(Oids.OrganizationalUnitName, department)),
                new SubjectAttributeText(Oids.CommonName, commonName),
                new SubjectAttributeText(Oids.SerialNumber, entity),
            ],
            SubjectPublicKeyInfo = key,
            Days = enrollment.Content.Days ?? profile.Days,
            Names = AlternativeNames.Read(enrollment.Content.AlternativeNames),
            Identities = profile.Number switch
            {
                NumberForm.Clear => [new IdentityText(profile.NumberIdentity!, subscriber.Number.Reveal())],
                NumberForm.Hashed => [new IdentityText(profile.NumberIdentity!, HashOf(entity, subscriber.Number.Reveal()))],
                _ => [],
            },
            Evidence = Sm3.HashData([.. evidence.SelectMany(each => each)]),
            Replaces = follows ? ReferenceOf(enrollment.Certificate!) : null,
        });
    }

    private static string HashOf(string entity, string number) =>
        Convert.ToHexStringLower(Sm3.HashData(Encoding.UTF8.GetBytes($"{entity}:{number}")));
}
