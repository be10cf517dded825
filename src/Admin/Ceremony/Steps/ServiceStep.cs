using System.Security.Cryptography.X509Certificates;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Cryptography;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.Admin.Ceremony;

/// <summary>The records of the services begin: persons before the certificates that name them, offices and links after.</summary>
internal sealed class ServiceStep(CeremonyState state) : IAsyncDisposable
{
    private readonly Dictionary<string, ServiceRecords> _records = [];

    public async Task EnrollAsync(CancellationToken cancellationToken)
    {
        if (state.Plan.Services.All(service => state.Journal.Find(JournalEntry.Service, service.Id) is not null))
        {
            return;
        }

        IReadOnlyDictionary<string, PlannedPerson> persons = PlannedPerson.ReadAll(state.File.PathOf(state.Plan.Persons!));
        foreach (ServicePlan service in state.Plan.Services)
        {
            HeldKey index = state.Held(service.IndexKey);
            var records = await ServiceRecords.OpenAsync(state.DatabaseOf(service), index.Device, index.Key, state.Held(service.DataKek).Key, state.Time, cancellationToken);
            _records.Add(service.Id, records);

            // The registry knows all officers of all services, another service its own.
            IEnumerable<string> names = state.Plan.Certificates
                .Where(certificate => certificate.Officer is not null && (service.IsRegistry || certificate.Id == service.Super || certificate.Id == service.Audit))
                .Select(certificate => certificate.Officer!.Person);
            foreach (string name in names)
            {
                PlannedPerson person = persons.GetValueOrDefault(name) ?? throw new CeremonyException($"The file of persons has no {name}. Add him with name and idNumber.");
                byte[] id = await records.EnrollAsync(person, state.Persons.TryGetValue(name, out byte[]? known) ? known : default(ReadOnlyMemory<byte>?), cancellationToken);
                if (state.Persons.Any(other => other.Key != name && other.Value.AsSpan().SequenceEqual(id)))
                {
                    throw new CeremonyException($"{name} has the ID number of another person of the plan: each officer is a person of his own.");
                }

                state.Persons[name] = id;
                state.Reach("person");
            }
        }
    }

    public async Task BeginAsync(ServicePlan plan, CancellationToken cancellationToken)
    {
        if (state.Journal.Find(JournalEntry.Service, plan.Id) is not null)
        {
            return;
        }

        CertificatePlan super = state.Plan.Certificates.First(certificate => certificate.Id == plan.Super);
        byte[] superCertificate = Der.Encode(state.Certificates[plan.Super]);
        byte[] auditCertificate = Der.Encode(state.Certificates[plan.Audit]);
        var issuers = new OfficerIssuers([state.Certificates[super.Issuer].Tbs.SubjectPublicKeyInfo]);
        ServiceRecords records = _records[plan.Id];
        await records.InitialiseAsync(issuers, superCertificate, auditCertificate, plan.CertifiedDays, cancellationToken);
        state.Reach("service-initialised");
        foreach (ClientPlan client in plan.Clients)
        {
            using X509Certificate2 link = X509CertificateLoader.LoadCertificate(Der.Encode(state.Certificates[client.Certificate]));
            string name = client.Kind == ClientKind.Officer
                ? Convert.ToHexStringLower(state.Certificates[client.Name].Tbs.Extensions!.Find<OfficerIdentity>()!.Person.Span)
                : client.Name;
            await records.RegisterAsync(link, name, client.Kind, cancellationToken);
        }

        state.Reach("service-clients");
        state.Journal.Append(JournalEntry.Service, plan.Id, HashOf(superCertificate, auditCertificate));
        state.Say($"Service {plan.Id}: 超级管理员 and 审计管理员 are in office, {plan.Clients.Count} links are registered");
    }

    /// <summary>What the journal says of a service: SM3 of both certificates.</summary>
    public static string HashOf(byte[] superCertificate, byte[] auditCertificate) => Convert.ToHexStringLower(Sm3.HashData([.. superCertificate, .. auditCertificate]));

    public async ValueTask DisposeAsync()
    {
        foreach (ServiceRecords records in _records.Values)
        {
            await records.DisposeAsync();
        }
    }
}
