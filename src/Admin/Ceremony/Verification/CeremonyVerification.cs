using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Cryptography;

namespace ZwCa.Admin.Ceremony;

/// <summary>
/// Checks a ceremony's output from the output alone: that every byte is the one that the witnesses signed, and that what they signed is what the plan says and holds together.
/// Needs no device. Whether the witnesses' keys are the witnesses', the reader has to know.
/// </summary>
internal sealed class CeremonyVerification
{
    private readonly CeremonyFolder _folder;
    private readonly Verdict _verdict = new();

    private CeremonyVerification(string path) => _folder = new CeremonyFolder(path);

    public static CeremonyReport Check(string path)
    {
        var verification = new CeremonyVerification(path);
        Inventory? inventory = null;
        string? hash = null;
        try
        {
            (inventory, hash) = verification.Check();
        }
        catch (Exception e) when (e is CeremonyException or DerException or IOException or UnauthorizedAccessException or RefusalException or FormatException or ArgumentException)
        {
            // Nothing after it can be looked at; what was found before stays.
            verification._verdict.Fault(e.Message);
        }

        return new CeremonyReport(verification._verdict.Faults, verification._verdict.Checked, inventory, hash);
    }

    private (Inventory? Inventory, string TranscriptHash) Check()
    {
        // Step 1: the witnesses signed these bytes.
        foreach (string file in (string[])[CeremonyFolder.PlanFile, CeremonyFolder.JournalFile, CeremonyFolder.TranscriptFile, Inventory.FileName])
        {
            if (!_folder.Has(file))
            {
                throw new CeremonyException($"{_folder.PathOf(file)} is missing: this is no ceremony that has ended.");
            }
        }

        byte[] transcriptBytes = Read(CeremonyFolder.TranscriptFile);
        Transcript transcript = Transcript.Read(transcriptBytes);
        IReadOnlyList<string> all = _folder.Files();
        WitnessSignatures.Check(_folder, "", all, transcript, transcriptBytes, _verdict);

        // Step 2: every file is the one in the transcript, and there is no other. What somebody changed is not worth a closer look.
        if (!AreFilesThose(transcript))
        {
            return (null, Hash(transcriptBytes));
        }

        // Step 3: the plan, what it goes on from, and a journal that tells of it.
        Inventory? basis = ReadBasis(transcript, all);
        var plan = PlanFile.Parse(Read(CeremonyFolder.PlanFile), _folder.Path, file => Read(CeremonyFolder.InputPath(file)), basis);
        IReadOnlyList<JournalEntry> journal = Journal.Read(Read(CeremonyFolder.JournalFile));
        _verdict.Demand(plan.Hash == transcript.Plan, "The plan is not the one of the transcript.");
        JournalVerification.Check(plan, basis, journal, _verdict);

        // Step 4: inventory and transcript, which follow from these: made once more and compared, byte for byte.
        Inventory inventory = CheckInventory(plan, basis, journal);
        var certificates = inventory.Certificates.ToDictionary(entry => entry.Id, entry => CertificateFile.Read(Read(entry.File), entry.File));
        var expected = Transcript.Of(plan, journal, inventory, transcript.Program, transcript.Devices, id => certificates[id], transcript.Files);
        _verdict.Demand(expected.Write().AsSpan().SequenceEqual(transcriptBytes), "The transcript does not tell what plan, journal and inventory tell.");
        _verdict.Demand(
            transcript.Devices.Select(device => (device.Id, device.Serial)).SequenceEqual(plan.Plan.Devices.Select(device => (device.Id, device.Serial))),
            "The devices of the transcript are not those of the plan.");
        _verdict.Demand(
            plan.Plan.Demo || transcript.Devices.All(device => device.Marks == nameof(Hsm.StoreMarks.None)), "A partition is marked as unfit for production, and this is no demonstration.");
        _verdict.Demand(
            OutputFiles.Strangers(all, plan.Plan, inventory) is [],
            $"There are files that no ceremony by this plan makes: {string.Join(", ", OutputFiles.Strangers(all, plan.Plan, inventory))}.");

        // Step 5: certificates: what the plan says, by its issuer, for the key that the device made; those of the basis by their issuers.
        new CertificateVerification(plan, inventory, journal, certificates, _verdict).Check();

        // Step 6: CRLs, and that keys have signed nothing else.
        CrlVerification.Check(plan.Plan, basis, inventory, certificates, journal, Read, _verdict);

        CounterVerification.Check(plan.Plan, basis, inventory, journal, _verdict);

        // Step 7: what the devices' holders signed, and who took office.
        foreach (PolicyPlan policy in plan.Plan.Policies)
        {
            CheckPolicy(policy, inventory, certificates, journal);
        }

        foreach (ServicePlan service in plan.Plan.Services)
        {
            string hash = ServiceStep.HashOf(Der.Encode(certificates[service.Super]), Der.Encode(certificates[service.Audit]));
            _verdict.Demand(Journal.Require(journal, JournalEntry.Service, service.Id).Data == hash, $"Service {service.Id} began with other officers than the plan says.");
        }

        _verdict.Say($"{plan.Plan.Policies.Count} policies name the CA's keys and the officers' issuers; {plan.Plan.Services.Count} services began with the planned officers");
        return (inventory, Hash(transcriptBytes));
    }

    private bool AreFilesThose(Transcript transcript)
    {
        IReadOnlyList<TranscriptFile> present = Transcript.FilesOf(_folder);
        int faults = _verdict.Faults.Count;
        foreach (TranscriptFile file in transcript.Files)
        {
            TranscriptFile? found = present.FirstOrDefault(each => each.Path == file.Path);
            _verdict.Demand(found is not null, $"{file.Path} is missing.");
            _verdict.Demand(found is null || found == file, $"{file.Path} was changed: it is not the file of the transcript.");
        }

        foreach (TranscriptFile extra in present.Where(each => !transcript.Files.Any(file => file.Path == each.Path)))
        {
            _verdict.Fault($"{extra.Path} is in no transcript.");
        }

        _verdict.Say($"{transcript.Files.Count} files: the bytes of the transcript, and none besides");
        return _verdict.Faults.Count == faults;
    }

    /// <summary>What the earlier ceremony left, by its own transcript and witnesses.</summary>
    private Inventory? ReadBasis(Transcript transcript, IReadOnlyList<string> all)
    {
        if (transcript.Basis is null)
        {
            return null;
        }

        byte[] bytes = Read($"{CeremonyFolder.BasisFolder}/{CeremonyFolder.TranscriptFile}");
        byte[] inventory = Read($"{CeremonyFolder.BasisFolder}/{Inventory.FileName}");
        _verdict.Demand(Hash(bytes) == transcript.Basis, "The basis is another ceremony than the transcript says.");
        Transcript earlier = Transcript.Read(bytes);
        WitnessSignatures.Check(_folder, $"{CeremonyFolder.BasisFolder}/", all, earlier, bytes, _verdict);
        _verdict.Demand(earlier.Files.Contains(TranscriptFile.Of(Inventory.FileName, inventory)), "The inventory of the basis is not the one that its witnesses signed.");
        return Inventory.Read(inventory);
    }

    private Inventory CheckInventory(PlanFile plan, Inventory? basis, IReadOnlyList<JournalEntry> journal)
    {
        byte[] bytes = Read(Inventory.FileName);
        var inventory = Inventory.Read(bytes);
        Dictionary<string, long?> counts = [];
        foreach (InventoryKey key in inventory.Keys)
        {
            counts[key.Id] = key.Signatures;
        }

        var expected = Inventory.Of(plan, basis, (what, id) => Journal.Require(journal, what, id), counts);
        if (!expected.Write().AsSpan().SequenceEqual(bytes) || !Journal.Require(journal, JournalEntry.Inventory, plan.Plan.Name).Decode().AsSpan().SequenceEqual(bytes))
        {
            throw new CeremonyException("The inventory is not what follows from plan, basis and journal.");
        }

        return inventory;
    }

    private void CheckPolicy(PolicyPlan plan, Inventory inventory, Dictionary<string, Certificate> certificates, IReadOnlyList<JournalEntry> journal)
    {
        byte[] bytes = Read(CeremonyFolder.PolicyPath(plan.Device));
        PartitionPolicy policy = Der.Decode<PartitionPolicy>(bytes);
        _verdict.Demand(Journal.Require(journal, JournalEntry.Policy, plan.Device).Decode().AsSpan().SequenceEqual(bytes), $"The policy of {plan.Device} is not the one that was installed.");
        AuthorizingCa? ca = policy.AuthorizingCas.FirstOrDefault(each => each.Name == plan.CaName);
        _verdict.Demand(ca is not null && plan.CaKeys.All(id => ca.Keys.Contains(inventory.Keys.First(key => key.Id == id).Decode())), $"The policy of {plan.Device} lacks a key of {plan.CaName}.");
        _verdict.Demand(plan.OfficerIssuers.All(id => policy.OfficerIssuers.Contains(certificates[id].Tbs.SubjectPublicKeyInfo)), $"The policy of {plan.Device} lacks an issuer of officers.");

        // The holders' keys are in the device, which has looked at the signatures. Here: that there are some, each by another signer.
        string[] files = [.. _folder.Files().Where(file => OutputFiles.IsSignature(file, plan))];
        int signers = files.Select(file => Convert.ToHexString(Der.Decode<StatementSignature>(Read(file)).Signer.Span)).Distinct().Count();
        _verdict.Demand(signers >= 2, $"The policy of {plan.Device} has the signatures of {signers} holders.");
    }

    private byte[] Read(string file) => _folder.Read(file);

    private static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(Sm3.HashData(bytes));
}
