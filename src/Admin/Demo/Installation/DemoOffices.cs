using System.Security.Cryptography;
using ZwCa.Admin.Ceremony;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Issuance;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.Admin.Demo;

/// <summary>What officers of the CA decide in twos: regions, offices, profiles, an RA.</summary>
/// <param name="tokens">Folder where the officers' tokens lie.</param>
internal sealed class DemoOffices(DemoCeremony ceremony, DirectoryInfo tokens, string pin, Uri ca, LinkTrust trust)
{
    private const string Organization = "某省密码管理局";

    private static readonly TimeSpan LinkFor = TimeSpan.FromDays(90);

    /// <summary>The token's folder of an officer.</summary>
    public string TokenOf(string officer) => Path.Combine(tokens.FullName, officer);

    public DemoParty Open(string token) => DemoParty.Open(token, pin, ca, trust);

    public static CommandBody ProfileAction(string name) => new("profile.activate", Der.Encode(new ProfileReference(name, ProfileCatalogue.Shipped[name].Hash)));

    public static Application Command(CommandBody body, string region) => new(
        DecisionKind.Command, DemoInstallation.CaName, DemoInstallation.CaName, region, Convert.ToHexStringLower(Data.Ulid.Create(TimeProvider.System.GetUtcNow())), Der.Encode(body));

    public static Task<CommandAnswer> ProposeAsync(DemoParty proposer, Application application) => proposer.PostAsync<CommandAnswer>(
        "/commands", new CommandProposal { Application = Der.Encode(application), Approval = proposer.Sign(ApprovalStep.Entry, application) });

    public static Task<CommandAnswer> ApproveAsync(DemoParty approver, Application application) => approver.PostAsync<CommandAnswer>(
        $"/commands/{application.EnrollmentId}/approval", new CommandReview { Approval = approver.Sign(ApprovalStep.Review, application) });

    public static async Task<CommandAnswer> DecideAsync(DemoParty proposer, DemoParty approver, CommandBody body, string region)
    {
        Application application = Command(body, region);
        await ProposeAsync(proposer, application);
        return await ApproveAsync(approver, application);
    }

    public static Task RegionAsync(DemoParty proposer, DemoParty approver, string code, string parent, string name) =>
        DecideAsync(proposer, approver, new CommandBody(OfficerActions.RegisterRegion, Der.Encode(new RegionEntry(code, parent, name))), code);

    /// <summary>A person is enrolled, gets a token with both certificates and is put into office: three decisions of two.</summary>
    /// <param name="folder">Name of his token's folder.</param>
    public async Task OfficerAsync(DemoParty proposer, DemoParty approver, string folder, string idNumber, string name, string role, string region)
    {
        using UnlockedToken token = SoftwareToken.Create(TokenOf(folder), name, pin, demo: true, TimeProvider.System).Unlock(pin);
        SubjectPublicKeyInfo key = token.CreateContainer(DemoCeremony.OfficerContainer, TokenKeyKind.Sm2).PublicKey;
        token.CreateContainer(DemoCeremony.LinkContainer, TokenKeyKind.P256);
        PersonAnswer person = await proposer.PostAsync<PersonAnswer>("/persons", new PersonRequest { Name = name, IdNumber = idNumber });
        var identity = new OfficerIdentity(Convert.FromHexString(person.PersonId), RoleCatalogue.Standard.Find(role)!.Kind, role, region);
        CertificateBody body = Body("officer", "ops-s1", person.PersonId, name, key, 730) with { Officer = identity };
        Certificate officer = await OrderAsync(proposer, approver, region, body, token.CreateRequest(DemoCeremony.OfficerContainer, Name.Create()));
        Certificate link = await LinkAsync(
            proposer, approver, region, "officer-link", person.PersonId, LinkKind.Officer, token.CreateRequest(DemoCeremony.LinkContainer, Name.Create()), name);
        await DecideAsync(proposer, approver, new CommandBody(OfficerActions.Create, Der.Encode(officer)), region);
        token.ImportCertificate(DemoCeremony.OfficerContainer, officer);
        token.ImportCertificate(DemoCeremony.LinkContainer, link);
    }

    /// <summary>Registers an RA: what it may ask for, its message certificate and its link, which go to its papers.</summary>
    /// <param name="profiles">Names, with the ids of the CAs that issue them.</param>
    public async Task RaAsync(DemoParty proposer, DemoParty approver, RaPapers papers, IReadOnlyList<(string Profile, string Issuer)> profiles)
    {
        (string name, string region) = (papers.Name, papers.Region);
        string entity = $"DEMO-{Convert.ToHexString(RandomNumberGenerator.GetBytes(10))}";
        RaScope[] scope = [.. profiles.Select(each => new RaScope(each.Profile, KeyIdentifierOf(each.Issuer)))];
        await DecideAsync(proposer, approver, new CommandBody("ra.register", Der.Encode(new RaRegistration(name, entity, region, 100_000, scope))), region);
        CertificationRequest message = papers.FindRequest(RaPapers.MessageRequestFile)!;
        papers.WriteNew(RaPapers.MessageFile, CertificateFile.Write(
            await OrderAsync(proposer, approver, region, Body("ra-system", "ops-s1", entity, name, message.Info.SubjectPublicKeyInfo, 365), message)));
        papers.WriteNew(RaPapers.LinkFile, CertificateFile.Write(
            await LinkAsync(proposer, approver, region, "link", name, LinkKind.Ra, papers.FindRequest(RaPapers.LinkRequestFile)!, name)));
    }

    /// <summary>SubjectKeyIdentifier of a CA of the ceremony.</summary>
    public ReadOnlyMemory<byte> KeyIdentifierOf(string issuer) => ceremony.Certificate(issuer).Tbs.Extensions!.Find<SubjectKeyIdentifier>()!.KeyIdentifier;

    private static async Task<Certificate> OrderAsync(DemoParty proposer, DemoParty approver, string region, CertificateBody body, CertificationRequest request) =>
        Ordered(await DecideAsync(proposer, approver, new CommandBody("certificate.order", Der.Encode(new CertificateOrder(body, request))), region));

    private static Certificate Ordered(CommandAnswer answer) => answer.Order?.Certificate?.Certificate is { } certificate
        ? Der.Decode<Certificate>(certificate)
        : throw new DemoException($"The order {answer.Id} came to nothing: {answer.Order?.State} {answer.Order?.Refusal} {answer.Order?.Detail}");

    private async Task<Certificate> LinkAsync(
        DemoParty proposer, DemoParty approver, string region, string profile, string client, LinkKind kind, CertificationRequest request, string name)
    {
        CertificateBody body = Body(profile, "system", client, name, request.Info.SubjectPublicKeyInfo, LinkFor.Days);
        body = profile == "link" ? body with { Names = [new DnsName($"{client}.zwca.internal")] } : body;
        return Ordered(await DecideAsync(
            proposer, approver, new CommandBody("client.register", Der.Encode(new ClientRegistration(client, kind, new CertificateOrder(body, request)))), region));
    }

    /// <param name="issuer">Id of the ceremony.</param>
    private CertificateBody Body(string profile, string issuer, string entity, string name, SubjectPublicKeyInfo key, int days)
    {
        Profile used = ProfileCatalogue.Shipped[profile];
        string unique = used.Attributes.First(attribute => attribute.Options.Unique).Type;
        return new CertificateBody
        {
            Profile = profile,
            ProfileHash = used.Hash,
            Issuer = KeyIdentifierOf(issuer),
            Entity = entity,
            Subject =
            [
                new SubjectAttributeText(Oids.OrganizationName, Organization),
                .. unique == Oids.CommonName ? [] : new SubjectAttributeText[] { new(Oids.CommonName, name) },
                new SubjectAttributeText(unique, entity),
            ],
            SubjectPublicKeyInfo = key,
            Days = days,
            Evidence = Sm3.HashData([]),
        };
    }
}
