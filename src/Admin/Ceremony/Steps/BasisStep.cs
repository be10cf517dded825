using System.Globalization;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;

namespace ZwCa.Admin.Ceremony;

/// <summary>What an earlier ceremony made is taken over: its certificates, its keys where their devices are here, and the proof of all that.</summary>
internal static class BasisStep
{
    public static async Task TakeOverAsync(CeremonyState state, CancellationToken cancellationToken)
    {
        if (state.Basis is not { } basis)
        {
            return;
        }

        KeepProof(state, basis);
        foreach (InventoryCertificate known in basis.Inventory.Certificates)
        {
            byte[] pem = basis.Read(known.File, known.Sm3, bytes => Der.Encode(CertificateFile.Read(bytes, known.File)));
            state.Folder.Write(known.File, pem);
            state.Certificates.Add(known.Id, CertificateFile.Read(pem, known.File));
            if (known.Key is not null)
            {
                state.KeyOfCertificate.Add(known.Id, known.Key);
            }
        }

        foreach (InventoryKey known in basis.Inventory.Keys)
        {
            await TakeOverAsync(state, basis, known, cancellationToken);
        }

        // The last CRLs of issuers that this plan makes none of stay in force.
        foreach (InventoryCrl crl in basis.Inventory.Crls)
        {
            string file = state.Plan.Supersedes(crl) ? CeremonyFolder.SupersededPath(crl.Id) : crl.File;
            state.Folder.Write(file, basis.Read(crl.File, crl.Sm3));
        }
    }

    /// <summary>Transcript, inventory and signatures of the basis: by them an output proves what it took over.</summary>
    private static void KeepProof(CeremonyState state, Basis basis)
    {
        foreach (string file in basis.Folder.Files().Where(file => file is CeremonyFolder.TranscriptFile or Inventory.FileName || CeremonyFolder.IsIn(file, CeremonyFolder.SignatureFolder)))
        {
            state.Folder.Write($"{CeremonyFolder.BasisFolder}/{file}", basis.Folder.Read(file));
        }
    }

    private static async Task TakeOverAsync(CeremonyState state, Basis basis, InventoryKey known, CancellationToken cancellationToken)
    {
        if (state.Plan.Devices.FirstOrDefault(device => device.Serial == known.Partition) is not { } device)
        {
            return;
        }

        IHsm hsm = state.Devices[device.Id];
        HsmKey? key = await hsm.FindKeyAsync(new KeyLabel(known.Label), cancellationToken);
        if (key is null || key.PublicKey != known.Decode())
        {
            throw new CeremonyException($"The device {device.Id} has no key {known.Label}, or another one than the earlier ceremony made. Restore the partition from its backup.");
        }

        state.Keys.Add(known.Id, new HeldKey(hsm, key));

        // A root's key signs in ceremonies only: a higher count means that there was another one since. Once begun, this one counts too.
        if (state.IsRehearsal || known.Signatures is not { } counted || !IsOffline(state, basis, known) || state.Journal.Find(JournalEntry.Counted, known.Id) is not null)
        {
            return;
        }

        long now = await hsm.GetSignatureCountAsync(key, cancellationToken);
        if (now != counted)
        {
            throw new CeremonyException(
                $"The key {known.Label} has signed {now} times, and the basis knows of {counted}: the basis is not the latest ceremony, or the key was used outside of ceremonies. Go on from the latest; find out what else was signed.");
        }

        state.Journal.Append(JournalEntry.Counted, known.Id, now.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>A root with CAs below it. One without, such as that of links, signs from day to day.</summary>
    private static bool IsOffline(CeremonyState state, Basis basis, InventoryKey key) => basis.Inventory.Certificates.Any(certificate =>
        certificate.Key == key.Id && certificate.Issuer == certificate.Id && state.Certificates[certificate.Id].Tbs.Extensions?.Find<BasicConstraints>() is { PathLength: not 0 });
}
