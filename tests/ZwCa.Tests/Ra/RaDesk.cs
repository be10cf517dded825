using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Audit;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.Ra;
using ZwCa.Ra.CertificationAuthority;
using ZwCa.Ra.Enrollments;
using ZwCa.Ra.Evidence;
using ZwCa.Ra.Officers;
using ZwCa.Ra.Subscribers;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Tests.Ra;

/// <summary>The part of an RA's service that needs no CA, over mutual TLS, on the database of the records; each officer at his desk signs what he sends.</summary>
internal sealed class RaDesk : IAsyncDisposable
{
    private readonly List<IDisposable> _own = [];
    private readonly Dictionary<string, RaSender> _senders = [];
    private readonly RaRecords _records;

    private RaDesk(RaRecords records) => _records = records;

    public SampleService Service { get; private set; } = null!;

    /// <summary>What an RA has to be told; without the device and the CA, which nobody asks here.</summary>
    public static RaOptions Options { get; } = new()
    {
        Name = "福建RA",
        Region = RaRecords.Province,
        Hsm = new HsmOptions { Endpoint = "127.0.0.1:1", Partition = "ra", ClientFolder = "none" },
        Log = new LogKeyOptions { Origin = "zwca/ra", KeyLabel = "log", Anchors = [] },
        MessageKey = "message",
        MessageCertificateFile = "none",
        PersonIndexKey = "person-index",
        DataKek = "data-kek",
        OfficerIssuerFiles = [],
        Ca = new CaLinkOptions { Name = "政务CA", Address = "https://127.0.0.1:1", Recipient = "ca", LogOrigin = "zwca/ca", LogKeyFile = "none" },
        Profiles = new Dictionary<string, EnrollmentProfileOptions>(),
    };

    public static async Task<RaDesk> StartAsync(RaRecords records)
    {
        var desk = new RaDesk(records);
        desk.Service = await SampleService.StartAsync(new SampleSetup
        {
            Options = plain => plain with { Database = records.Story.Options },
            Migrations = [RoleCatalogue.Migrations, RaTables.Migrations],
            Add = desk.Add,
            Map = app =>
            {
                app.MapSubscribers();
                app.MapEvidence();
            },
        });
        return desk;
    }

    /// <returns>Signs each request; disposed of with this.</returns>
    public async Task<HttpClient> SitDownAsync(Officer officer)
    {
        string name = Convert.ToHexStringLower(officer.PersonId.Span);
        X509Certificate2 link = Service.Ca.Issue(name);
        await Service.Clients.RegisterAsync(SampleService.Actor, link, name, ClientKind.Officer);
        _senders[officer.SerialNumber.ToString()] = new RaSender
        {
            SerialNumber = officer.SerialNumber, PublicKey = officer.PublicKey, LinkName = name, LinkKind = ClientKind.Officer, Officer = officer,
        };
        HttpClient client = LinkTls.CreateClient(
            Service.Address,
            () => link,
            Service.Trust,
            TimeSpan.FromMinutes(1),
            new MessageSigningHandler(new MessageSigner(officer.SerialNumber, _records.KeyOf(officer)), SampleService.Name, TimeProvider.System));
        _own.AddRange([link, client]);
        return client;
    }

    public async ValueTask DisposeAsync()
    {
        _own.ForEach(each => each.Dispose());
        await Service.DisposeAsync();
    }

    private void Add(WebApplicationBuilder builder)
    {
        builder.Services.AddSignedMessages(_ => (serial, _) => Task.FromResult<MessageSender?>(_senders.GetValueOrDefault(serial.ToString())));
        builder.Services.AddSingleton(provider => PersonRegistry.OpenAsync(
            provider.GetRequiredService<Database>(), provider.GetRequiredService<AuditLog>(), _records.Story.Hsm, _records.Story.IndexKey, _records.Story.Kek, TimeProvider.System).GetAwaiter().GetResult());
        builder.Services.AddSubscribers();
        builder.Services.AddEvidence();
    }
}
