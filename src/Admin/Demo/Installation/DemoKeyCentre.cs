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
    /// <exception cref="DemoException">It did not come up.</exception>
    public static async Task<DemoKeyCentre> StartAsync(DemoCeremony ceremony, DirectoryInfo folder, DemoState state, LinkTrust trust)
    {
        IPEndPoint listen = state.EndPointOf(Name);
        IPEndPoint management = state.EndPointOf($"{Name}-management");
        var place = new ServicePlace { Listen = listen.ToString(), Management = management.ToString(), ConnectionString = ceremony.KmcRecords.ConnectionString, Mode = "Demo" };
        string target = Path.Combine(folder.FullName, Name);
        string config = state.IsInstalled ? Path.Combine(target, ServiceSettings.KmcFileName) : ServiceSettings.WriteKmc(new CeremonyFolder(ceremony.Output), Name, Name, place, target);
        var centre = new DemoKeyCentre(new DemoService(Name, config, listen, management));
        try
        {
            centre._service.Run("migrate");
            await centre._service.StartAsync();
            DemoScreen.Report($"zwca-kmc runs as process {centre._service.ProcessId}, with a device partition, records and officers of its own", true);
            if (!state.IsInstalled)
            {
                await centre.RegisterAsync(ceremony, state, trust);
                DemoScreen.Report("its 超级管理员 proposes that the CA is served, its 审计管理员 approves; the device knows the CA from the ceremony, by three holders", true);
            }

            return centre;
        }
        catch
        {
            await centre.DisposeAsync();
            throw;
        }
    }

    public DemoService Service => _service;

    public ValueTask DisposeAsync() => _service.DisposeAsync();

    private async Task RegisterAsync(DemoCeremony ceremony, DemoState state, LinkTrust trust)
    {
        using DemoParty super = DemoParty.Open(ceremony.TokenOf("kmc-super"), state.Pin, Address, trust, Name);
        using DemoParty audit = DemoParty.Open(ceremony.TokenOf("kmc-audit"), state.Pin, Address, trust, Name);
        var registration = new CaRegistration(DemoInstallation.CaName, ceremony.Certificate("ca-message"), "ca", SignedPart.Content, SignatureForm.Der);
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
