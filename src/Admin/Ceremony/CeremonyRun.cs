using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.Admin.Ceremony;

/// <summary>
/// Carries out a plan, or goes on with it where it was interrupted. Everything is in the journal before it happens and after, so that a second run finds the keys that the first
/// made, signs the very bytes that the first had prepared, and makes nothing twice.
/// </summary>
internal sealed class CeremonyRun : IAsyncDisposable
{
    /// <summary>Environment variable with the password of link keys that the ceremony makes.</summary>
    public const string LinkPasswordVariable = "ZWCA_LINK_PASSWORD";

    private const int MinPasswordLength = 12;
    private const int LinkKeyIterations = 600_000;

    private readonly PlanFile _file;
    private readonly CeremonyFolder _folder;
    private readonly Journal _journal;
    private readonly DeviceSet _devices;
    private readonly Basis? _basis;
    private readonly Func<ServicePlan, DatabaseOptions> _databaseOf;
    private readonly string? _linkPassword;
    private readonly bool _isRehearsal;
    private readonly TimeProvider _time;
    private readonly Action<string> _say;
    private readonly Publication _publication;
    private readonly Dictionary<string, (IHsm Device, HsmKey Key)> _keys = [];
    private readonly Dictionary<string, Certificate> _certificates = [];
    private readonly Dictionary<string, string> _keyOfCertificate = [];
    private readonly Dictionary<string, byte[]> _persons = [];
    private readonly Dictionary<string, ServiceRecords> _services = [];

    private CeremonyRun(
        PlanFile file,
        CeremonyFolder folder,
        Journal journal,
        DeviceSet devices,
        Basis? basis,
        Func<ServicePlan, DatabaseOptions> databaseOf,
        string? linkPassword,
        bool isRehearsal,
        TimeProvider time,
        Action<string> say)
    {
        _file = file;
        _folder = folder;
        _journal = journal;
        _devices = devices;
        _basis = basis;
        _databaseOf = databaseOf;
        _linkPassword = linkPassword;
        _isRehearsal = isRehearsal;
        _time = time;
        _say = say;
        _publication = PlanCheck.PublicationOf(file.Plan);
    }

    private CeremonyPlan Plan => _file.Plan;

    public IReadOnlyDictionary<string, Certificate> Certificates => _certificates;

    /// <summary>All of it with keys and records that are thrown away, so that everything can be seen and judged before anything is done.</summary>
    /// <param name="scratch">An empty folder; the caller deletes it.</param>
    /// <exception cref="CeremonyException">The plan would fail, and why.</exception>
    public static async Task<IReadOnlyDictionary<string, Certificate>> RehearseAsync(
        PlanFile file, Basis? basis, string scratch, TimeProvider time, Action<string> say, CancellationToken cancellationToken)
    {
        using Journal journal = Journal.Open(Path.Combine(scratch, CeremonyFolder.JournalFile), time);
        await using DeviceSet devices = DeviceSet.Rehearse(file, basis?.Inventory);
        await using var run = new CeremonyRun(
            file,
            new CeremonyFolder(scratch),
            journal,
            devices,
            basis,
            service => new DatabaseOptions { ConnectionString = $"Data Source={Path.Combine(scratch, $"{service.Id}.db")};Pooling=False" },
            Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(MinPasswordLength)),
            isRehearsal: true,
            time,
            say);
        await run.RunAsync(cancellationToken);
        return run._certificates;
    }

    /// <param name="basis">What the plan goes on from.</param>
    /// <returns>What is still missing, in words for the people in the room; null: the ceremony is complete but for the witnesses' signatures.</returns>
    /// <exception cref="CeremonyException">It cannot go on, and what to do.</exception>
    /// <exception cref="HsmException">A device refused, failed or is away: run the same command again.</exception>
    public static async Task<string?> RunAsync(PlanFile file, Basis? basis, string output, TimeProvider time, Action<string> say, CancellationToken cancellationToken)
    {
        var folder = new CeremonyFolder(output);
        Directory.CreateDirectory(folder.Path);
        using Journal journal = OpenJournal(file, folder, time);
        await using DeviceSet devices = await DeviceSet.ConnectAsync(file, cancellationToken);
        await using var run = new CeremonyRun(file, folder, journal, devices, basis, DatabaseOf, Environment.GetEnvironmentVariable(LinkPasswordVariable), isRehearsal: false, time, say);
        return await run.RunAsync(cancellationToken);
    }

    /// <exception cref="CeremonyException">The folder holds another ceremony, or something that is none.</exception>
    private static Journal OpenJournal(PlanFile file, CeremonyFolder folder, TimeProvider time)
    {
        if (!folder.Has(CeremonyFolder.JournalFile) && folder.Files().Count > 0)
        {
            throw new CeremonyException($"{folder.Path} is not empty and holds no ceremony. Name a folder of its own.");
        }

        Journal journal = Journal.Open(folder.PathOf(CeremonyFolder.JournalFile), time);
        try
        {
            string begun = journal.Entries.FirstOrDefault()?.Data ?? journal.Append("begin", file.Plan.Name, file.Hash).Data;
            return begun == file.Hash
                ? journal
                : throw new CeremonyException($"{folder.Path} holds a ceremony by another plan (SM3 {begun}). Go on with that plan, or name another folder.");
        }
        catch
        {
            journal.Dispose();
            throw;
        }
    }

    private static DatabaseOptions DatabaseOf(ServicePlan service) => new()
    {
        Kind = service.Database,
        ConnectionString = Environment.GetEnvironmentVariable(service.ConnectionVariable) is { Length: > 0 } connection
            ? connection
            : throw new CeremonyException($"The connection string of service {service.Id} is missing: put it into the environment variable {service.ConnectionVariable}."),
    };

    private async Task<string?> RunAsync(CancellationToken cancellationToken)
    {
        if (_journal.Find("end", Plan.Name) is not null && _folder.Has(CeremonyFolder.TranscriptFile))
        {
            _say("This ceremony has ended already; nothing is left to be done.");
            return null;
        }

        // Step 1: the inputs, kept beside the output, so that everything can be checked from the output alone.
        KeepInputs();

        // Step 2: what an earlier ceremony made.
        await TakeOverBasisAsync(cancellationToken);

        // Step 3: keys.
        foreach (KeyPlan key in Plan.Keys)
        {
            await MakeKeyAsync(key, cancellationToken);
        }

        // Step 4: persons, because officers' certificates name them.
        await EnrollAsync(cancellationToken);

        // Step 5: certificates, an issuer before what it issues.
        foreach (CertificatePlan certificate in Plan.Certificates)
        {
            await CertifyAsync(certificate, cancellationToken);
        }

        // Step 6: the first CRLs.
        foreach (CrlPlan crl in Plan.Crls)
        {
            await IssueCrlAsync(crl, cancellationToken);
        }

        // Step 7: the highest officers take office, and the services know each other's links.
        foreach (ServicePlan service in Plan.Services)
        {
            await BeginServiceAsync(service, cancellationToken);
        }

        // Step 8: what devices will obey, once their holders have signed it.
        var waiting = new List<string>();
        foreach (PolicyPlan policy in Plan.Policies)
        {
            if (!_isRehearsal && await new PolicyStep(_file, _folder, _journal, KeyOf, id => _certificates[id].Tbs.SubjectPublicKeyInfo, _say).RunAsync(policy, cancellationToken) is { } missing)
            {
                waiting.Add(missing);
            }
        }

        if (waiting.Count > 0)
        {
            return string.Join('\n', waiting);
        }

        // Step 9: what there is now, and what was done.
        if (!_isRehearsal)
        {
            await EndAsync(cancellationToken);
        }

        return null;
    }

    private void KeepInputs()
    {
        _folder.Write(CeremonyFolder.PlanFile, _file.Bytes);
        foreach (string profile in Plan.Profiles)
        {
            _folder.Write($"{CeremonyFolder.InputFolder}/{Inputs.NameOf(profile)}", PlanFile.Input(_file.PathOf(profile), Profile.MaxLength));
        }

        foreach (RequestPlan request in Plan.Certificates.Select(certificate => certificate.Request).OfType<RequestPlan>())
        {
            _folder.Write($"{CeremonyFolder.InputFolder}/{Inputs.NameOf(request.File)}", PlanFile.Input(_file.PathOf(request.File), ProofOfPossession.MaxRequestLength));
        }
    }

    private async Task TakeOverBasisAsync(CancellationToken cancellationToken)
    {
        if (_basis is null)
        {
            return;
        }

        foreach (InventoryCertificate known in _basis.Inventory.Certificates)
        {
            byte[] pem = _basis.Folder.Read(known.File);
            _folder.Write(known.File, pem);
            _certificates.Add(known.Id, CertificateFile.Read(pem, known.File));
            if (known.Key is not null)
            {
                _keyOfCertificate.Add(known.Id, known.Key);
            }
        }

        foreach (InventoryKey known in _basis.Inventory.Keys)
        {
            if (Plan.Devices.FirstOrDefault(device => device.Serial == known.Partition) is not { } device)
            {
                continue;
            }

            HsmKey? key = await _devices[device.Id].FindKeyAsync(new KeyLabel(known.Label), cancellationToken);
            if (key is null || key.PublicKey != known.Decode())
            {
                throw new CeremonyException($"The device {device.Id} has no key {known.Label}, or another one than the earlier ceremony made. Restore the partition from its backup.");
            }

            _keys.Add(known.Id, (_devices[device.Id], key));

            // A root's key signs in ceremonies only: a higher count means that there was another one since. Once begun, this one counts too.
            bool isRoot = _basis.Inventory.Certificates.Any(certificate => certificate.Key == known.Id && certificate.Issuer == certificate.Id);
            if (isRoot && !_isRehearsal && known.Signatures is { } counted && _journal.Find("basis-counted", known.Id) is null)
            {
                long now = await _devices[device.Id].GetSignatureCountAsync(key, cancellationToken);
                if (now != counted)
                {
                    throw new CeremonyException($"The key {known.Label} has signed {now} times, and the basis knows of {counted}: the basis is not the latest ceremony. Go on from that.");
                }

                _journal.Append("basis-counted", known.Id, now.ToString(CultureInfo.InvariantCulture));
            }
        }
    }

    private async Task MakeKeyAsync(KeyPlan plan, CancellationToken cancellationToken)
    {
        IHsm device = _devices[plan.Device];
        var label = new KeyLabel(plan.Label);
        HsmKey? found = await device.FindKeyAsync(label, cancellationToken);
        if (_journal.Find("key", plan.Id) is { } made)
        {
            if (found is null || Encode(found) != made.Data)
            {
                throw new CeremonyException($"The device {plan.Device} no longer has the key {plan.Label} that this ceremony made. Restore the partition from its backup, or begin anew.");
            }

            _keys.Add(plan.Id, (device, found));
            return;
        }

        if (_journal.Find("key-intent", plan.Id) is null)
        {
            // Before it was intended, nobody of this ceremony can have made it.
            if (found is not null)
            {
                throw new CeremonyException($"The device {plan.Device} has a key {plan.Label} already, which this ceremony did not make. Take another label, or an empty partition.");
            }

            _journal.Append("key-intent", plan.Id, plan.Label);
        }

        FaultPoint.Reach("ceremony.key-intent");
        found ??= await device.GenerateKeyAsync(label, plan.Kind, cancellationToken);
        if (found.Kind != plan.Kind)
        {
            throw new CeremonyException($"The device {plan.Device} made {plan.Label} of kind {found.Kind} instead of {plan.Kind}.");
        }

        if (found.PublicKey is { } publicKey)
        {
            KeyQuality.Require(publicKey);
        }

        FaultPoint.Reach("ceremony.key-made");
        _journal.Append("key", plan.Id, Encode(found));
        _keys.Add(plan.Id, (device, found));
        _say($"Key {plan.Id}: {plan.Kind}, label {plan.Label} in {plan.Device}{(found.PublicKey is null ? "" : $", SM3 {Fingerprint(found.PublicKey)}")}");
    }

    private async Task EnrollAsync(CancellationToken cancellationToken)
    {
        if (Plan.Services.All(service => _journal.Find("service", service.Id) is not null))
        {
            return;
        }

        IReadOnlyDictionary<string, PlannedPerson> persons = PlannedPerson.ReadAll(_file.PathOf(Plan.Persons!));
        foreach (ServicePlan service in Plan.Services)
        {
            (IHsm device, HsmKey index) = _keys[service.IndexKey];
            ServiceRecords records = await ServiceRecords.OpenAsync(_databaseOf(service), device, index, _keys[service.DataKek].Key, _time, cancellationToken);
            _services.Add(service.Id, records);

            // The registry knows all officers of all services, another service its own.
            IEnumerable<string> names = Plan.Certificates
                .Where(certificate => certificate.Officer is not null && (service.IsRegistry || certificate.Id == service.Super || certificate.Id == service.Audit))
                .Select(certificate => certificate.Officer!.Person);
            foreach (string name in names)
            {
                PlannedPerson person = persons.GetValueOrDefault(name) ?? throw new CeremonyException($"The file of persons has no {name}.");
                byte[] id = await records.EnrollAsync(person, _persons.TryGetValue(name, out byte[]? known) ? known : default(ReadOnlyMemory<byte>?), cancellationToken);
                if (_persons.Any(other => other.Key != name && other.Value.AsSpan().SequenceEqual(id)))
                {
                    throw new CeremonyException($"{name} has the ID number of another person of the plan: each officer is a person of his own.");
                }

                _persons[name] = id;
            }
        }
    }

    private async Task CertifyAsync(CertificatePlan plan, CancellationToken cancellationToken)
    {
        Profile profile = _file.Profiles[plan.Profile];
        if (plan.Key is not null)
        {
            _keyOfCertificate[plan.Id] = plan.Key;
        }

        if (_journal.Find("certificate", plan.Id) is { } made)
        {
            Keep(plan, Der.Decode<Certificate>(made.Decode()));
            return;
        }

        // Step 1: the bytes that will be signed, now or after an interruption.
        Issuer issuer = IssuerOf(plan);
        PreparedCertificate prepared;
        if (_journal.Find("certificate-intent", plan.Id) is { } intent)
        {
            prepared = issuer.PrepareAgain(intent.Decode(), profile);
        }
        else
        {
            DateTimeOffset now = _time.GetUtcNow();
            prepared = issuer.Prepare(new IssuanceRequest
            {
                Profile = profile,
                SerialNumber = SerialNumbers.Create(),
                SubjectPublicKeyInfo = SubjectKey(plan, profile),
                Subject = SubjectTexts.Of(plan, (plan.Officer?.Person ?? plan.Person) is { } person ? _persons[person] : default(ReadOnlyMemory<byte>?)),
                Place = [.. plan.Place.Select(text => SubjectTexts.Find(text)!)],
                NotBefore = now,
                NotAfter = now.AddDays(plan.Days),
                IntendedAt = now,
                AlternativeNames = [.. plan.Names.Select(name => SubjectTexts.FindName(name)!)],
                Officer = plan.Officer is { } officer ? new OfficerIdentity(_persons[officer.Person], KindOf(officer), officer.Role, officer.Region) : null,
                Authority = plan.Of is null ? null : _certificates[plan.Of],
            });
            _journal.Append("certificate-intent", plan.Id, prepared.TbsBytes.Span);
        }

        FaultPoint.Reach("ceremony.certificate-intent");

        // Step 2: sign, and see that the signature holds before anything depends on it.
        Certificate certificate = await issuer.IssueAsync(prepared, cancellationToken);
        if (!_isRehearsal && !SignatureCheck.Holds(issuer.SubjectPublicKeyInfo, certificate.SignatureAlgorithm, certificate.TbsBytes, certificate.Signature))
        {
            throw new CeremonyException($"The device's signature of {plan.Id} does not hold. Do not go on with this device.");
        }

        FaultPoint.Reach("ceremony.certificate-signed");
        _journal.Append("certificate", plan.Id, Der.Encode(certificate));
        FaultPoint.Reach("ceremony.certificate-journaled");
        Keep(plan, certificate);
        TbsCertificate tbs = certificate.Tbs;
        _say($"Certificate {plan.Id}: {tbs.Subject}\n    by {plan.Issuer}, profile {profile}, serial {tbs.SerialNumber}, {tbs.Validity.NotBefore} to {tbs.Validity.NotAfter}");
    }

    private void Keep(CertificatePlan plan, Certificate certificate)
    {
        _certificates[plan.Id] = certificate;
        _folder.Write(plan.File, CertificateFile.Write(certificate));
    }

    private static OfficerKind KindOf(OfficerPlan officer) =>
        RoleCatalogue.Standard.Find(officer.Role) is { IsTop: true } role ? role.Kind : throw new CeremonyException($"A ceremony puts 超级管理员 and 审计管理员 into office, not {officer.Role}.");

    private Issuer IssuerOf(CertificatePlan plan)
    {
        if (plan.Issuer != plan.Id)
        {
            return IssuerOf(plan.Issuer);
        }

        Name name = SubjectOfRoot(plan);
        return Issuer.OfRoot(name, SignerOf(plan.Key ?? throw new CeremonyException($"The root {plan.Id} needs a key in a device.")), _publication);
    }

    private Name SubjectOfRoot(CertificatePlan plan) => Issuer.SubjectOf(
        _file.Profiles[plan.Profile], SubjectTexts.Of(plan, null), [.. plan.Place.Select(text => SubjectTexts.Find(text)!)]);

    private Issuer IssuerOf(string certificate) => new(_certificates[certificate], SignerOf(_keyOfCertificate[certificate]), _publication);

    private HsmSigner SignerOf(string key) => _keys.TryGetValue(key, out (IHsm Device, HsmKey Key) found)
        ? new HsmSigner(found.Device, found.Key)
        : throw new CeremonyException($"The key {key} is in a device that the plan does not name.");

    private SubjectPublicKeyInfo KeyOf(string id) => _keys.TryGetValue(id, out (IHsm Device, HsmKey Key) found) ? found.Key.PublicKey! : throw new CeremonyException($"There is no key {id}.");

    private SubjectPublicKeyInfo SubjectKey(CertificatePlan plan, Profile profile)
    {
        if (plan.Key is not null)
        {
            return KeyOf(plan.Key);
        }

        if (plan.Of is not null)
        {
            return _certificates[plan.Of].Tbs.SubjectPublicKeyInfo;
        }

        if (plan.Request is { } request)
        {
            SubjectPublicKeyInfo key = ProofOfPossession.Verify(CsrFile.Read(_folder.Read($"{CeremonyFolder.InputFolder}/{Inputs.NameOf(request.File)}")), profile.Options.EmptyIdAllowed).PublicKey;
            return Fingerprint(key) == request.Fingerprint
                ? key
                : throw new CeremonyException($"{request.File} is for the key {Fingerprint(key)}, and the plan was reviewed with {request.Fingerprint}: it is somebody else's, or was exchanged. Find out which, and do not go on.");
        }

        return MakeLinkKey(plan.LinkKey!);
    }

    /// <summary>A P-256 key in a file: .NET's TLS cannot use one that lies in a device. The public half is journaled with the certificate, so a file from before an interruption is of no use.</summary>
    private SubjectPublicKeyInfo MakeLinkKey(string file)
    {
        if (_linkPassword is not { Length: >= MinPasswordLength })
        {
            throw new CeremonyException($"Put the password of the link keys, {MinPasswordLength} characters at least, into the environment variable {LinkPasswordVariable}.");
        }

        File.Delete(_folder.PathOf(file));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        int iterations = _isRehearsal ? 1 : LinkKeyIterations;
        string pem = key.ExportEncryptedPkcs8PrivateKeyPem(_linkPassword, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, iterations));
        _folder.Write(file, System.Text.Encoding.ASCII.GetBytes(pem + "\n"), isSecret: true);
        return Der.Decode<SubjectPublicKeyInfo>(key.ExportSubjectPublicKeyInfo());
    }

    private async Task IssueCrlAsync(CrlPlan plan, CancellationToken cancellationToken)
    {
        if (_journal.Find("crl", plan.Id) is { } made)
        {
            _folder.Write(plan.File, made.Decode());
            return;
        }

        // The number follows that of the last ceremony; the issuing CA's service goes on from there. Intended once, it stays.
        InventoryCrl? last = _basis?.Inventory.Crls.LastOrDefault(crl => crl.Issuer == plan.Issuer && crl.Kind == plan.Kind);
        BigInteger? previous = last is null ? null : BigInteger.Parse(last.Number, CultureInfo.InvariantCulture);
        JournalEntry intent = _journal.Find("crl-intent", plan.Id)
            ?? _journal.Append("crl-intent", plan.Id, $"{(previous ?? 0) + 1} {_time.GetUtcNow().ToUnixTimeSeconds()}");
        string[] parts = intent.Data.Split(' ');
        DateTimeOffset thisUpdate = DateTimeOffset.FromUnixTimeSeconds(long.Parse(parts[1], CultureInfo.InvariantCulture));
        FaultPoint.Reach("ceremony.crl-intent");
        Issuer issuer = IssuerOf(plan.Issuer);
        var request = new CrlRequest
        {
            Kind = plan.Kind,
            Number = BigInteger.Parse(parts[0], CultureInfo.InvariantCulture),
            PreviousNumber = previous,
            ThisUpdate = thisUpdate,
            NextUpdate = thisUpdate.AddDays(plan.Days),
        };
        using var stream = new MemoryStream();
        await CrlIssuer.IssueAsync(issuer, request, RevokedOf(plan, thisUpdate), stream, cancellationToken);
        byte[] crl = stream.ToArray();
        CertificateList read = Der.Decode<CertificateList>(crl);
        if (!_isRehearsal && !SignatureCheck.Holds(issuer.SubjectPublicKeyInfo, read.SignatureAlgorithm, read.TbsBytes, read.Signature))
        {
            throw new CeremonyException($"The device's signature of {plan.Id} does not hold. Do not go on with this device.");
        }

        _journal.Append("crl", plan.Id, crl);
        _folder.Write(plan.File, crl);
        _say($"CRL {plan.Id}: of {plan.Issuer}, {plan.Kind}, number {request.Number}, until {read.Tbs.NextUpdate}");
    }

    /// <summary>What the last CRL of the issuer lists, for nothing leaves a CRL by a ceremony (incident 5), and what is revoked now.</summary>
    private CrlEntry[] RevokedOf(CrlPlan plan, DateTimeOffset now)
    {
        var entries = new List<CrlEntry>();
        if (_basis?.Inventory.Crls.LastOrDefault(crl => crl.Issuer == plan.Issuer && crl.Kind == plan.Kind) is { } last)
        {
            foreach (RevokedCertificate each in Der.Decode<CertificateList>(_basis.Folder.Read(last.File)).Tbs.RevokedCertificates)
            {
                entries.Add(new CrlEntry(
                    each.UserCertificate,
                    each.RevocationDate,
                    each.CrlEntryExtensions?.Find<ReasonCode>()?.Reason ?? RevocationReason.Unspecified,
                    each.CrlEntryExtensions?.Find<InvalidityDate>()?.Date));
            }
        }

        foreach (RevocationPlan revocation in plan.Revoke)
        {
            TbsCertificate tbs = _certificates[revocation.Certificate].Tbs;
            if (tbs.Issuer != _certificates[plan.Issuer].Tbs.Subject || entries.Any(entry => entry.UserCertificate == tbs.SerialNumber))
            {
                throw new CeremonyException($"CRL {plan.Id}: {revocation.Certificate} is not of the issuer {plan.Issuer}, or revoked already.");
            }

            entries.Add(new CrlEntry(tbs.SerialNumber, Time.Truncate(now), revocation.Reason));
        }

        return [.. entries];
    }

    private async Task BeginServiceAsync(ServicePlan plan, CancellationToken cancellationToken)
    {
        if (_journal.Find("service", plan.Id) is not null)
        {
            return;
        }

        CertificatePlan super = Plan.Certificates.First(certificate => certificate.Id == plan.Super);
        var issuers = new OfficerIssuers([_certificates[super.Issuer].Tbs.SubjectPublicKeyInfo]);
        ServiceRecords records = _services[plan.Id];
        await records.InitialiseAsync(issuers, Der.Encode(_certificates[plan.Super]), Der.Encode(_certificates[plan.Audit]), plan.CertifiedDays, cancellationToken);
        FaultPoint.Reach("ceremony.service-initialised");
        foreach (ClientPlan client in plan.Clients)
        {
            using X509Certificate2 link = X509CertificateLoader.LoadCertificate(Der.Encode(_certificates[client.Certificate]));
            string name = client.Kind == ClientKind.Officer ? _certificates[client.Name].Tbs.SerialNumber.ToString() : client.Name;
            await records.RegisterAsync(link, name, client.Kind, cancellationToken);
        }

        _journal.Append("service", plan.Id, Convert.ToHexStringLower(Sm3.HashData([.. Der.Encode(_certificates[plan.Super]), .. Der.Encode(_certificates[plan.Audit])])));
        _say($"Service {plan.Id}: 超级管理员 and 审计管理员 are in office, {plan.Clients.Count} links are registered");
    }

    private async Task EndAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<InventoryKey> keys = await CountKeysAsync(cancellationToken);
        var inventory = new Inventory
        {
            BaseUrl = _publication.BaseUrl,
            PolicyArc = _publication.PolicyArc,
            Demo = Plan.Demo,
            Keys = keys,
            Certificates =
            [
                .. _basis?.Inventory.Certificates ?? [],
                .. Plan.Certificates.Select(plan => new InventoryCertificate(
                    plan.Id, plan.File, _keyOfCertificate.GetValueOrDefault(plan.Id), plan.Issuer, $"{plan.Profile} {Convert.ToHexStringLower(_file.Profiles[plan.Profile].Hash.Span)}",
                    Convert.ToHexStringLower(Sm3.HashData(Der.Encode(_certificates[plan.Id]))))),
            ],
            Crls = [.. Plan.Crls.Select(DescribeCrl), .. CarryOver()],
        };
        if (_journal.Find("inventory", Plan.Name) is { } kept)
        {
            _folder.Write(Inventory.FileName, kept.Decode());
        }
        else
        {
            byte[] bytes = inventory.Write();
            _journal.Append("inventory", Plan.Name, bytes);
            _folder.Write(Inventory.FileName, bytes);
        }

        // The last line: the transcript contains the journal's hash.
        if (_journal.Find("end", Plan.Name) is null)
        {
            _journal.Append("end", Plan.Name, _file.Hash);
        }

        FaultPoint.Reach("ceremony.end");
        Transcript.Write(_file, _folder, _journal, _devices, Inventory.Read(_folder.Read(Inventory.FileName)));
    }

    private InventoryCrl DescribeCrl(CrlPlan plan)
    {
        byte[] crl = _journal.Find("crl", plan.Id)!.Decode();
        BigInteger number = Der.Decode<CertificateList>(crl).Tbs.CrlExtensions!.Find<CrlNumber>()!.Number;
        return new InventoryCrl(plan.Id, plan.File, plan.Issuer, plan.Kind, number.ToString(CultureInfo.InvariantCulture), Convert.ToHexStringLower(Sm3.HashData(crl)));
    }

    /// <summary>The last CRLs of issuers that this ceremony made none of.</summary>
    private IEnumerable<InventoryCrl> CarryOver()
    {
        foreach (InventoryCrl crl in _basis?.Inventory.Crls ?? [])
        {
            if (!Plan.Crls.Any(plan => plan.Issuer == crl.Issuer && plan.Kind == crl.Kind))
            {
                _folder.Write(crl.File, _basis!.Folder.Read(crl.File));
                yield return crl;
            }
        }
    }

    private async Task<IReadOnlyList<InventoryKey>> CountKeysAsync(CancellationToken cancellationToken)
    {
        var keys = new List<InventoryKey>();
        foreach (InventoryKey earlier in _basis?.Inventory.Keys ?? [])
        {
            keys.Add(_keys.TryGetValue(earlier.Id, out (IHsm Device, HsmKey Key) found) ? earlier with { Signatures = await CountAsync(found.Device, found.Key, cancellationToken) } : earlier);
        }

        foreach (KeyPlan plan in Plan.Keys)
        {
            (IHsm device, HsmKey key) = _keys[plan.Id];
            keys.Add(new InventoryKey(
                plan.Id, device.Token.Serial, plan.Label, plan.Kind, key.PublicKey is null ? null : Encode(key), await CountAsync(device, key, cancellationToken)));
        }

        return keys;
    }

    private static async Task<long?> CountAsync(IHsm device, HsmKey key, CancellationToken cancellationToken) =>
        key.PublicKey is not null && device.Token.Can(HsmCapabilities.SignatureCounter) ? await device.GetSignatureCountAsync(key, cancellationToken) : null;

    private static string Encode(HsmKey key) => key.PublicKey is null ? key.Kind.ToString() : Convert.ToBase64String(Der.Encode(key.PublicKey));

    private static string Fingerprint(SubjectPublicKeyInfo key) => Convert.ToHexStringLower(Sm3.HashData(Der.Encode(key)));

    public async ValueTask DisposeAsync()
    {
        foreach (ServiceRecords records in _services.Values)
        {
            await records.DisposeAsync();
        }
    }
}
