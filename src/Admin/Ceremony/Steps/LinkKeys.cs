using System.Security.Cryptography;
using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Admin.Ceremony;

/// <summary>P-256 keys in files, encrypted: .NET's TLS cannot use one that lies in a device.</summary>
internal static class LinkKeys
{
    private const int MinPasswordLength = 12;
    private const int Iterations = 600_000;

    /// <exception cref="CeremonyException">There is none, or it is too short.</exception>
    public static string RequirePassword(string? password) => password is { Length: >= MinPasswordLength }
        ? password
        : throw new CeremonyException($"Put the password of the link keys, {MinPasswordLength} characters at least, into the environment variable {CeremonyRun.LinkPasswordVariable}.");

    /// <summary>Makes the key of a link's certificate, unless it was made.</summary>
    public static SubjectPublicKeyInfo Make(CeremonyState state, CertificatePlan plan)
    {
        if (state.Journal.Find(JournalEntry.LinkKey, plan.Id) is { } made)
        {
            RequireIntact(state, plan);
            return Der.Decode<SubjectPublicKeyInfo>(Convert.FromBase64String(made.Data.Split(' ')[0]));
        }

        // A file from before an interruption that came before the journal knew of it: no certificate is for that key.
        string password = RequirePassword(state.LinkPassword);
        state.Folder.Remove(plan.LinkKey!);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string pem = key.ExportEncryptedPkcs8PrivateKeyPem(
            password, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, state.IsRehearsal ? 1 : Iterations));
        byte[] file = Encoding.ASCII.GetBytes(pem + "\n");
        state.Folder.Write(plan.LinkKey!, file, isSecret: true);
        FaultPoints.Reach("link-key");
        byte[] publicKey = key.ExportSubjectPublicKeyInfo();
        state.Journal.Append(JournalEntry.LinkKey, plan.Id, $"{Convert.ToBase64String(publicKey)} {Convert.ToHexStringLower(Sm3.HashData(file))}");
        return Der.Decode<SubjectPublicKeyInfo>(publicKey);
    }

    /// <exception cref="CeremonyException">The file is not the one that was made.</exception>
    public static void RequireIntact(CeremonyState state, CertificatePlan plan)
    {
        if (!state.Folder.Has(plan.LinkKey!) || state.Folder.HashOf(plan.LinkKey!) != state.Journal.Require(JournalEntry.LinkKey, plan.Id).Data.Split(' ')[1])
        {
            throw new CeremonyException($"{state.Folder.PathOf(plan.LinkKey!)} is gone or is not the file that this ceremony made. Put it back; if that cannot be done, begin anew in another folder.");
        }
    }
}
