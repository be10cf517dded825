using System.Net;
using ZwCa.Admin.Ceremony;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts.Ca;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.Admin.Demo;

/// <summary>The KMC as a process of its own, and its two highest officers, who let the CA in.</summary>
internal sealed class DemoKeyCentre : IAsyncDisposable
{
    private const string Name = "kmc";

    private readonly DemoService _service;

    private DemoKeyCentre(DemoService service) => _service = service;

    /// <summary>Where the CA asks.</summary>
    public Uri Address => _service.Address;

    /// <summary>Its listener for its operators.</summary>
    public Uri Management => _service.Management;

    /// <summary>Configures it from the ceremony's output and starts it; its officers register the CA.</summary>
    /// <param name="folder">Made anew.</param>
    /// <exception cref="DemoException">It did not come up.</exception>
    public static async Task<DemoKeyCentre> StartAsync(DemoCeremony ceremony, DirectoryInfo folder, LinkTrust trust)
    {
        DemoFolder.Renew(folder);
        IPEndPoint listen = DemoService.FreeEndPoint();
        IPEndPoint management = DemoService.FreeEndPoint();
        var place = new ServicePlace { Listen = listen.ToString(), Management = management.ToString(), ConnectionString = ceremony.KmcRecords.ConnectionString, Mode = "Demo" };
        string config = ServiceSettings.WriteKmc(new CeremonyFolder(ceremony.Output), Name, Name, place, Path.Combine(folder.FullName, Name));
        var centre = new DemoKeyCentre(new DemoService(Name, config, listen, management));
        try
        {
            centre._service.Run("migrate");
            await centre._service.StartAsync();
            DemoCommand.Report($"zwca-kmc runs as process {centre._service.ProcessId}, with a device partition, records and officers of its own", true);
            await centre.RegisterAsync(ceremony, trust);
            DemoCommand.Report("its 超级管理员 proposes that the CA is served, its 审计管理员 approves; the device knows the CA from the ceremony, by three holders", true);
            return centre;
        }
        catch
        {
            await centre.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends the service in order.</summary>
    public void Stop() => _service.Stop();

    public ValueTask DisposeAsync() => _service.DisposeAsync();

    private async Task RegisterAsync(DemoCeremony ceremony, LinkTrust trust)
    {
        using DemoParty super = DemoParty.OfToken(ceremony.Token("kmc-super"), ceremony.Certificate("link-kmc-super"), Address, trust, Name);
        using DemoParty audit = DemoParty.OfToken(ceremony.Token("kmc-audit"), ceremony.Certificate("link-kmc-audit"), Address, trust, Name);
        var registration = new CaRegistration(DemoProvince.CaName, ceremony.Certificate("ca-message"), "ca", SignedPart.Content, SignatureForm.Der);
        var command = new Application(
            DecisionKind.Command,
            Name,
            Name,
            RegionCode.Nation.Value,
            Convert.ToHexStringLower(Data.Ulid.Create(TimeProvider.System.GetUtcNow())),
            Der.Encode(new CommandBody("ca.register", Der.Encode(registration))));
        await super.PostAsync<CommandAnswer>("/commands", new CommandProposal { Application = Der.Encode(command), Approval = super.Sign(ApprovalStep.Entry, command) });
        await audit.PostAsync<CommandAnswer>($"/commands/{command.EnrollmentId}/approval", new CommandReview { Approval = audit.Sign(ApprovalStep.Review, command) });
    }
}
