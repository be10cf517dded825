using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Issuance;

namespace ZwCa.Tests.Ca.Registrations;

/// <summary>Officers' commands through the API of a <see cref="CaStage"/>.</summary>
internal static class StageCommands
{
    public static Application Command(string action, string region, byte[] parameters) => new(
        DecisionKind.Command, CaStage.Name, CaStage.Name, region, Convert.ToHexStringLower(Ulid.Create(DateTimeOffset.UtcNow)), Der.Encode(new CommandBody(action, parameters)));

    public static Task<CommandAnswer> ProposeAsync(this CaStage stage, StageOfficer officer, Application application) => officer.PostAsync<CommandAnswer>(
        "/commands",
        new CommandProposal { Application = Der.Encode(application), Approval = Der.Encode(stage.Sign(officer, ApprovalStep.Entry, application)) });

    public static Task<CommandAnswer> ApproveAsync(this CaStage stage, StageOfficer officer, Application application) => officer.PostAsync<CommandAnswer>(
        $"/commands/{application.EnrollmentId}/approval", new CommandReview { Approval = Der.Encode(stage.Sign(officer, ApprovalStep.Review, application)) });

    /// <summary>By the two administrators.</summary>
    public static async Task<CommandAnswer> CommandAsync(this CaStage stage, string action, string region, byte[] parameters)
    {
        Application application = Command(action, region, parameters);
        await stage.ProposeAsync(stage.FirstAdministrator, application);
        return await stage.ApproveAsync(stage.SecondAdministrator, application);
    }

    /// <summary>Refused when the first administrator proposes it.</summary>
    public static Task RefusedAsync(this CaStage stage, Refusal expected, string action, string region, byte[] parameters) =>
        RefusedAsync(expected, () => stage.ProposeAsync(stage.FirstAdministrator, Command(action, region, parameters)));

    public static async Task RefusedAsync(Refusal expected, Func<Task> attempt)
    {
        RefusalException refused = await Assert.ThrowsAsync<RefusalException>(attempt);
        Assert.True(expected == refused.Kind, $"{refused.Kind} instead of {expected}: {refused.Message}");
    }

    public static RaRegistration Ra(this CaStage stage, string name, string region, params string[] profiles) => new(
        name, CaStage.NewEntity(), region, 10, [.. profiles.Select(profile => new RaScope(profile, stage.Hierarchy.Sub.KeyIdentifier))]);

    /// <summary>What has to be signed for a certificate of the operations CA.</summary>
    public static CertificateBody Body(this CaStage stage, string profile, string entity, Sm2PrivateKey key, OfficerIdentity? officer = null) => new()
    {
        Profile = profile,
        ProfileHash = ProfileCatalogue.Shipped[profile].Hash,
        Issuer = stage.Operations.KeyIdentifier,
        Entity = entity,
        Subject =
        [
            new SubjectAttributeText(Oids.OrganizationName, "某省密码管理局"),
            new SubjectAttributeText(Oids.CommonName, "某某"),
            new SubjectAttributeText(Oids.SerialNumber, entity),
        ],
        SubjectPublicKeyInfo = SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()),
        Days = 365,
        Evidence = Sm3.HashData([]),
        Officer = officer,
    };

    public static byte[] Order(CertificateBody body, Sm2PrivateKey key) => Der.Encode(new CertificateOrder(body, Der.Decode<CertificationRequest>(CaStage.Csr(key))));

    /// <summary>What has to be signed for a link.</summary>
    public static ClientRegistration Link(this CaStage stage, string name, LinkKind kind, ECDsa key)
    {
        bool isOfficer = kind == LinkKind.Officer;
        string profile = isOfficer ? "officer-link" : "link";
        SubjectAttributeText[] subject = isOfficer
            ? [new(Oids.OrganizationName, "某省密码管理局"), new(Oids.CommonName, "某某"), new(Oids.SerialNumber, name)]
            : [new(Oids.OrganizationName, "某省密码管理局"), new(Oids.CommonName, name)];
        var body = new CertificateBody
        {
            Profile = profile,
            ProfileHash = ProfileCatalogue.Shipped[profile].Hash,
            Issuer = stage.Hierarchy.System.KeyIdentifier,
            Entity = name,
            Subject = subject,
            SubjectPublicKeyInfo = Der.Decode<SubjectPublicKeyInfo>(key.ExportSubjectPublicKeyInfo()),
            Days = 90,
            Names = isOfficer ? [] : [new DnsName($"{name}.example.gov.cn")],
            Evidence = Sm3.HashData([]),
        };
        return new ClientRegistration(name, kind, new CertificateOrder(body, Der.Decode<CertificationRequest>(Csr(key))));
    }

    public static byte[] Csr(ECDsa key) =>
        new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=x", key, HashAlgorithmName.SHA256).CreateSigningRequest();

    /// <summary>An officer of that identity, certified by an order; not in office yet.</summary>
    public static async Task<(CommandAnswer Answer, Sm2PrivateKey Key)> OrderOfficerAsync(this CaStage stage, OfficerIdentity identity)
    {
        var key = Sm2PrivateKey.Generate();
        return (await stage.CommandAsync(OrderActions.Order, identity.Region, Order(stage.Body("officer", Convert.ToHexStringLower(identity.Person.Span), key, identity), key)), key);
    }

    public static async Task<byte[]> PersonAsync(this CaStage stage, string? number = null) => Convert.FromHexString((await stage.FirstAdministrator.PostAsync<PersonAnswer>(
        "/persons", new PersonRequest { Name = "李四", IdNumber = number ?? CaStage.NewIdNumber().Reveal() })).PersonId);
}
