using System.Net;
using System.Security.Cryptography;
using Spectre.Console;
using ZwCa.Admin.Ceremony;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Admin.Demo;

/// <summary>
/// The CA as a process of its own, spoken to as its users do: officers who decide in twos put others into office, register a province's RA, and the RA has certificates issued that two of
/// its officers approved.
/// </summary>
internal sealed partial class DemoProvince : IAsyncDisposable
{
    public const string CaName = "某省政务CA 演示 DEMO";

    private const string Province = "350000";
    private const string City = "350100";
    private const string RaName = DemoRa.Name;
    private const string Organization = "某省密码管理局";

    private const string Signing = "person-signing";
    private const string Encryption = "person-encryption";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly DemoCeremony _ceremony;
    private readonly DirectoryInfo _folder;
    private readonly DemoService _service;
    private readonly DemoKeyCentre _centre;
    private readonly LinkTrust _trust;
    private readonly List<DemoParty> _parties = [];
    private DemoResponder? _responder;
    private DemoRa? _ra;

    private DemoProvince(DemoCeremony ceremony, DirectoryInfo folder, DemoService service, DemoKeyCentre centre, Uri publication, LinkTrust trust)
    {
        _ceremony = ceremony;
        _folder = folder;
        _service = service;
        _centre = centre;
        Publication = publication;
        _trust = trust;
    }

    /// <summary>Where the CA serves what it publishes.</summary>
    public Uri Publication { get; }

    /// <summary>The CA's listener for its operators.</summary>
    public Uri Management => _service.Management;

    /// <summary>The KMC's listener for its operators.</summary>
    public Uri KeyCentreManagement => _centre.Management;

    /// <summary>The RA's listener for its operators.</summary>
    public Uri RaManagement => _ra!.Management;

    /// <summary>Where the RA's applicants look up their numbers.</summary>
    public Uri Tracking => _ra!.Tracking;

    /// <summary>Answers what the CA tells.</summary>
    public DemoResponder Responder => _responder!;

    /// <summary>What the RA had issued: SM2 first, then RSA.</summary>
    public List<Certificate> Issued { get; } = [];

    /// <summary>Of 张三: the signing and the encryption certificate of his second token.</summary>
    public (Certificate Signing, Certificate Encryption) Pair { get; private set; }

    /// <summary>Of 张三: those of the token that he lost.</summary>
    private (Certificate Signing, Certificate Encryption) Lost { get; set; }

    /// <summary>Configures KMC and CA from the ceremony's output and starts them.</summary>
    /// <param name="folder">Made anew.</param>
    /// <exception cref="DemoException">It did not come up.</exception>
    public static async Task<DemoProvince> StartAsync(DemoCeremony ceremony, DirectoryInfo folder)
    {
        DemoFolder.Renew(folder);
        var trust = LinkTrust.Load(ceremony.FileOf("system"), TimeProvider.System);
        DemoKeyCentre centre = await DemoKeyCentre.StartAsync(ceremony, new DirectoryInfo(Path.Combine(folder.FullName, "key-centre")), trust);
        IPEndPoint listen = DemoService.FreeEndPoint();
        IPEndPoint management = DemoService.FreeEndPoint();
        IPEndPoint publication = DemoService.FreeEndPoint();
        string config = ServiceSettings.WriteCa(
            new CeremonyFolder(ceremony.Output),
            "ca",
            "ca",
            new ServicePlace
            {
                Listen = listen.ToString(),
                Management = management.ToString(),
                Publication = publication.ToString(),
                KeyCentre = centre.Address.GetLeftPart(UriPartial.Authority),
                ConnectionString = ceremony.CaRecords.ConnectionString,
                Mode = "Demo",
            },
            Path.Combine(folder.FullName, "ca"));
        var service = new DemoService("ca", config, listen, management);
        var province = new DemoProvince(ceremony, folder, service, centre, new Uri($"http://{publication}"), trust);
        try
        {
            service.Run("migrate");
            string imported = service.Run("import", ceremony.Output).Trim().ReplaceLineEndings("; ");
            await service.StartAsync();
            DemoCommand.Report($"configured from the ceremony's output; {imported}", true);
            DemoCommand.Report($"zwca-ca runs as process {service.ProcessId} and listens on {service.Address}", true);
            province._responder = await DemoResponder.StartAsync(ceremony, folder, service.Address);
            return province;
        }
        catch
        {
            await province.DisposeAsync();
            throw;
        }
    }

    /// <returns>Whether all came out as it should.</returns>
    public async Task<bool> ShowAsync()
    {
        // Step 1: the two whom the ceremony put into office create the level below; nobody decides alone.
        AnsiConsole.MarkupLine("\n[bold]Officers: nothing happens by one person alone[/]");
        DemoParty super = Token("ca-super");
        DemoParty audit = Token("ca-audit");
        await RegionAsync(super, audit, Province, RegionCode.Nation.Value, "某省");
        await RegionAsync(super, audit, City, Province, "演示市");
        DemoParty first = await OfficerAsync(super, audit, "110101197001010059", "房玄龄", RoleCatalogue.BusinessAdministrator, RegionCode.Nation.Value);
        DemoParty second = await OfficerAsync(super, audit, "110101197001010067", "杜如晦", RoleCatalogue.BusinessAdministrator, RegionCode.Nation.Value);
        bool good = DemoCommand.Report("超级管理员 proposes two 业务管理员, 审计管理员 approves: certificates, links, offices", true);
        Application self = Command(ProfileAction("tls-server"), RegionCode.Nation.Value);
        await ProposeAsync(first, self);
        good &= await RefusesAsync("a 业务管理员 approves his own proposal", () => ApproveAsync(first, self));
        await ApproveAsync(second, self);
        foreach (string profile in (string[])["ra-system", Signing, Encryption])
        {
            await DecideAsync(first, second, ProfileAction(profile), RegionCode.Nation.Value);
        }

        good &= DemoCommand.Report($"another one approves: the profiles tls-server, ra-system, {Signing} and {Encryption} are in use", true);

        // Step 2: a province's RA and the officers who work there.
        AnsiConsole.MarkupLine("\n[bold]A province's RA[/]");
        DemoParty ra = await RaAsync(first, second);
        good &= DemoCommand.Report($"{RaName} is registered for {Province}: tls-server from the SM2 and the RSA CA, pairs from the SM2 CA, at most 1,000 certificates", true);
        DemoParty entry = await OfficerAsync(first, second, "110101197001010075", "李四", RoleCatalogue.BusinessOperator, City);
        DemoParty review = await OfficerAsync(first, second, "110101197001010083", "王五", RoleCatalogue.BusinessOperator, Province);
        good &= DemoCommand.Report("李四 takes applications in, 王五 reviews them", true);

        // Step 3: the RA as its clerks know it.
        AnsiConsole.MarkupLine("\n[bold]From the counter to the token[/]");
        good &= await _ra!.ShowAsync(At(entry), At(review), _folder, City);

        // Step 4: what the CA takes of an RA, and what not: the same messages, by hand.
        AnsiConsole.MarkupLine("\n[bold]Certificates: what the CA demands of an RA[/]");
        good &= await ShowCertificatesAsync(ra, entry, review);

        // Step 5: pairs.
        AnsiConsole.MarkupLine("\n[bold]Two certificates for a civil servant[/]");
        good &= await ShowPairsAsync(ra, entry, review);

        // Step 6: relying parties hear of it.
        AnsiConsole.MarkupLine("\n[bold]The CRL that everybody gets[/]");
        good &= await ShowCrlAsync(first, second);
        AnsiConsole.MarkupLine("\n[bold]Is this certificate good? The OCSP responder[/]");
        good &= await ShowOcspAsync();

        // Step 7: who is disabled is out with his next step.
        var end = new CommandBody(OfficerActions.Disable, Der.Encode(new OfficerChange(second.OfficerCertificate.Tbs.SerialNumber, "调离岗位")));
        await ProposeAsync(super, Command(end, RegionCode.Nation.Value));
        good &= await RefusesAsync("the disabled 业务管理员 goes on", () => ProposeAsync(second, Command(ProfileAction("tls-server"), RegionCode.Nation.Value)));
        return good;
    }

    /// <summary>Ends the services in order.</summary>
    public void Stop()
    {
        _responder?.Stop();
        _ra?.Stop();
        _service.Stop();
        _centre.Stop();
    }

    public async ValueTask DisposeAsync()
    {
        _parties.ForEach(party => party.Dispose());
        if (_responder is not null)
        {
            await _responder.DisposeAsync();
        }

        if (_ra is not null)
        {
            await _ra.DisposeAsync();
        }

        await _service.DisposeAsync();
        await _centre.DisposeAsync();
    }

    private static CommandBody ProfileAction(string name) => new("profile.activate", Der.Encode(new ProfileReference(name, ProfileCatalogue.Shipped[name].Hash)));

    private static Application Command(CommandBody body, string region) => new(
        DecisionKind.Command, CaName, CaName, region, Convert.ToHexStringLower(Data.Ulid.Create(TimeProvider.System.GetUtcNow())), Der.Encode(body));

    private static Task<CommandAnswer> ProposeAsync(DemoParty proposer, Application application) => proposer.PostAsync<CommandAnswer>(
        "/commands", new CommandProposal { Application = Der.Encode(application), Approval = proposer.Sign(ApprovalStep.Entry, application) });

    private static Task<CommandAnswer> ApproveAsync(DemoParty approver, Application application) => approver.PostAsync<CommandAnswer>(
        $"/commands/{application.EnrollmentId}/approval", new CommandReview { Approval = approver.Sign(ApprovalStep.Review, application) });

    private static async Task<CommandAnswer> DecideAsync(DemoParty proposer, DemoParty approver, CommandBody body, string region)
    {
        Application application = Command(body, region);
        await ProposeAsync(proposer, application);
        return await ApproveAsync(approver, application);
    }

    private static Task RegionAsync(DemoParty proposer, DemoParty approver, string code, string parent, string name) =>
        DecideAsync(proposer, approver, new CommandBody(OfficerActions.RegisterRegion, Der.Encode(new RegionEntry(code, parent, name))), code);

    private static async Task<bool> RefusesAsync(string attempt, Func<Task> action)
    {
        try
        {
            await action();
            return DemoCommand.Report($"{attempt}: should have been refused", false);
        }
        catch (RefusalException e)
        {
            return DemoCommand.Report($"{attempt}: refused ({e.Kind}: {e.Message})", true);
        }
    }

    private static DecidedRequest Decided(Application application, DemoParty entry, DemoParty review, CertificationRequest? csr) => new()
    {
        Application = Der.Encode(application),
        Entry = entry.Sign(ApprovalStep.Entry, application),
        Review = review.Sign(ApprovalStep.Review, application),
        Csr = csr is null ? null : Der.Encode(csr),
    };

    private async Task<bool> ShowCertificatesAsync(DemoParty ra, DemoParty entry, DemoParty review)
    {
        // Step 1: for an SM2 key, from the SM2 CA.
        using var sm2 = Sm2PrivateKey.Generate();
        Application application = ServerApplication("issuing-s1", SubjectPublicKeyInfo.ForSm2(sm2.PublicKey.ToBytes()));
        DecidedRequest request = Decided(application, entry, review, DemoRequests.Of(sm2));
        bool good = await RefusesAsync(
            "李四 approves what he took in himself", () => ra.PostAsync<CertificateAnswer>("/certificates", Decided(application, entry, entry, DemoRequests.Of(sm2))));
        var id = RequestId.Create(TimeProvider.System);
        CertificateAnswer answer = await ra.PostAsync<CertificateAnswer>("/certificates", request, id);
        Issued.Add(Der.Decode<Certificate>(answer.Certificate));
        good &= DemoCommand.Report($"approved by both: SM2 certificate {answer.Serial}, {answer.State}", answer.State == "valid");
        CertificateAnswer again = await ra.PostAsync<CertificateAnswer>("/certificates", request, id);
        good &= DemoCommand.Report("the RA did not hear the answer and asks again: the same certificate", again.Certificate.AsSpan().SequenceEqual(answer.Certificate));
        good &= await RefusesAsync("the same approvals under a new request", () => ra.PostAsync<CertificateAnswer>("/certificates", request));

        // Step 2: for an RSA key, from the RSA CA.
        using var rsa = RSA.Create(2048);
        CertificationRequest rsaRequest = DemoRequests.Of(rsa);
        CertificateAnswer rsaAnswer = await ra.PostAsync<CertificateAnswer>(
            "/certificates", Decided(ServerApplication("issuing-r1", rsaRequest.Info.SubjectPublicKeyInfo), entry, review, rsaRequest));
        Issued.Add(Der.Decode<Certificate>(rsaAnswer.Certificate));
        good &= DemoCommand.Report($"and an RSA certificate {rsaAnswer.Serial}, {rsaAnswer.State}", rsaAnswer.State == "valid");

        // Step 3: revoked once.
        good &= DemoCommand.Report($"two officers have the SM2 certificate revoked: {(await RevokeAsync(ra, entry, review, answer)).State}", true);
        good &= await RefusesAsync("and a second time", () => RevokeAsync(ra, entry, review, answer));
        return good;
    }

    private static Task<CertificateAnswer> RevokeAsync(DemoParty ra, DemoParty entry, DemoParty review, CertificateAnswer certificate)
    {
        var reference = new CertificateReference(Convert.FromHexString(certificate.Issuer), SerialNumber.Parse(certificate.Serial));
        Application application = ByRa(DecisionKind.Revoke, Der.Encode(new StatusBody(reference, RevocationReason.CessationOfOperation)));
        return ra.PostAsync<CertificateAnswer>($"/certificates/{certificate.Issuer}/{certificate.Serial}/revocation", Decided(application, entry, review, csr: null));
    }

    private static Application ByRa(DecisionKind kind, byte[] body) =>
        new(kind, CaName, RaName, City, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12)), body);

    private Application ServerApplication(string issuer, SubjectPublicKeyInfo key)
    {
        string entity = $"DEMO-{Convert.ToHexString(RandomNumberGenerator.GetBytes(10))}";
        return ByRa(DecisionKind.Issue, Der.Encode(Body("tls-server", issuer, entity, "www.archives.zwca.example", key, 365) with { Names = [new DnsName("www.archives.zwca.example")] }));
    }

    /// <param name="issuer">Id of the ceremony.</param>
    private CertificateBody Body(string profile, string issuer, string entity, string name, SubjectPublicKeyInfo key, int days)
    {
        Issuance.Profile used = ProfileCatalogue.Shipped[profile];
        string unique = used.Attributes.First(attribute => attribute.Options.Unique).Type;
        return new CertificateBody
        {
            Profile = profile,
            ProfileHash = used.Hash,
            Issuer = _ceremony.Certificate(issuer).Tbs.Extensions!.Find<SubjectKeyIdentifier>()!.KeyIdentifier,
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

    private DemoParty Token(string officer)
    {
        DemoParty party = DemoParty.OfToken(_ceremony.Token(officer), _ceremony.Certificate($"link-{officer}"), _service.Address, _trust);
        _parties.Add(party);
        return party;
    }

    /// <summary>A person is enrolled, gets both certificates and is put into office: three decisions of two.</summary>
    private async Task<DemoParty> OfficerAsync(DemoParty proposer, DemoParty approver, string idNumber, string name, string role, string region)
    {
        PersonAnswer person = await proposer.PostAsync<PersonAnswer>("/persons", new PersonRequest { Name = name, IdNumber = idNumber });
        var identity = new OfficerIdentity(Convert.FromHexString(person.PersonId), RoleCatalogue.Standard.Find(role)!.Kind, role, region);
        var key = Sm2PrivateKey.Generate();
        var linkKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Certificate officer = await OrderAsync(
            proposer, approver, region, Body("officer", "ops-s1", person.PersonId, name, SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()), 730) with { Officer = identity }, DemoRequests.Of(key));
        Certificate link = await LinkAsync(proposer, approver, region, "officer-link", person.PersonId, LinkKind.Officer, DemoRequests.Of(linkKey), name);
        await DecideAsync(proposer, approver, new CommandBody(OfficerActions.Create, Der.Encode(officer)), region);
        DemoParty party = DemoParty.OfOfficer(key, officer, linkKey, link, _service.Address, _trust);
        _parties.Add(party);
        return party;
    }

    private async Task<DemoParty> RaAsync(DemoParty proposer, DemoParty approver)
    {
        string entity = $"DEMO-{Convert.ToHexString(RandomNumberGenerator.GetBytes(10))}";
        RaPapers papers = await DemoRa.RequestAsync(_ceremony, _folder, Province);
        CertificationRequest messageRequest = papers.FindRequest(RaPapers.MessageRequestFile)!;
        RaScope[] scope = [.. new[] { "issuing-s1", "issuing-r1" }.Select(id =>
            new RaScope("tls-server", _ceremony.Certificate(id).Tbs.Extensions!.Find<SubjectKeyIdentifier>()!.KeyIdentifier)),
            .. new[] { Signing, Encryption }.Select(profile => new RaScope(profile, _ceremony.Certificate("issuing-s1").Tbs.Extensions!.Find<SubjectKeyIdentifier>()!.KeyIdentifier))];
        await DecideAsync(proposer, approver, new CommandBody("ra.register", Der.Encode(new RaRegistration(RaName, entity, Province, 1000, scope))), Province);
        Certificate system = await OrderAsync(proposer, approver, Province, Body("ra-system", "ops-s1", entity, RaName, messageRequest.Info.SubjectPublicKeyInfo, 365), messageRequest);
        papers.WriteNew(RaPapers.MessageFile, CertificateFile.Write(system));
        Certificate link = await LinkAsync(proposer, approver, Province, "link", RaName, LinkKind.Ra, papers.FindRequest(RaPapers.LinkRequestFile)!, RaName);
        papers.WriteNew(RaPapers.LinkFile, CertificateFile.Write(link));
        var linkKey = ECDsa.Create();
        linkKey.ImportFromEncryptedPem(System.Text.Encoding.ASCII.GetString(papers.Content(RaPapers.LinkKeyFile)), Environment.GetEnvironmentVariable(CeremonyRun.LinkPasswordVariable));
        HsmSigner signer = await _ceremony.SignerAsync(DemoRa.Device, papers.MessageKey);
        DemoParty party = DemoParty.OfSystem(new MessageSigner(system.Tbs.SerialNumber, signer), linkKey, link, _service.Address, _trust);
        _parties.Add(party);
        _ra = await DemoRa.StartAsync(_ceremony, _folder, _service.Address, papers);
        return party;
    }

    /// <summary>The officer, at the RA.</summary>
    private DemoParty At(DemoParty officer)
    {
        DemoParty party = officer.At(_ra!.Address, _trust, RaName, _ra.EndPoint);
        _parties.Add(party);
        return party;
    }

    private async Task<Certificate> LinkAsync(
        DemoParty proposer, DemoParty approver, string region, string profile, string client, LinkKind kind, CertificationRequest request, string name)
    {
        CertificateBody body = Body(profile, "system", client, name, request.Info.SubjectPublicKeyInfo, 90);
        body = profile == "link" ? body with { Names = [new DnsName($"{client}.zwca.internal")] } : body;
        return Ordered(await DecideAsync(
            proposer, approver, new CommandBody("client.register", Der.Encode(new ClientRegistration(client, kind, new CertificateOrder(body, request)))), region));
    }

    private static async Task<Certificate> OrderAsync(DemoParty proposer, DemoParty approver, string region, CertificateBody body, CertificationRequest request) =>
        Ordered(await DecideAsync(proposer, approver, new CommandBody("certificate.order", Der.Encode(new CertificateOrder(body, request))), region));

    private static Certificate Ordered(CommandAnswer answer) => answer.Order?.Certificate?.Certificate is { } certificate
        ? Der.Decode<Certificate>(certificate)
        : throw new DemoException($"The order {answer.Id} came to nothing: {answer.Order?.State} {answer.Order?.Refusal} {answer.Order?.Detail}");
}
