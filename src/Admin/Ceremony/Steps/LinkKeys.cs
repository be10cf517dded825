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

    /// <returns>PKCS#8 PEM, encrypted.</returns>
    public static byte[] Encrypt(ECDsa key, string password, int iterations = Iterations) =>
        Encoding.ASCII.GetBytes(key.ExportEncryptedPkcs8PrivateKeyPem(password, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, iterations)) + "\n");

    /// <summary>Makes the key of a link's certificate, unless it was made.</summary>
    public static SubjectPublicKeyInfo Make(CeremonyState state, CertificatePlan plan)
    {
        if (state.Journal.Find(JournalEntry.LinkKey, plan.Id) is { } made)
        {
            RequireIntact(state, plan);
            byte[] known = Convert.FromBase64String(made.Data.Split(' ')[0]);
            if (state.Journal.Find(JournalEntry.Certificate, plan.Id) is null)
            {
                RequireOurs(state, plan, known);
            }

            return Der.Decode<SubjectPublicKeyInfo>(known);
        }

        // A file from before an interruption that came before the journal knew of it: no certificate is for that key.
        string password = RequirePassword(state.LinkPassword);
        state.Folder.Remove(plan.LinkKey!);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] file = Encrypt(key, password, state.IsRehearsal ? 1 : Iterations);
        state.Folder.Write(plan.LinkKey!, file, isSecret: true);
        state.Reach("link-key");
        byte[] publicKey = key.ExportSubjectPublicKeyInfo();
        state.Journal.Append(JournalEntry.LinkKey, plan.Id, $"{Convert.ToBase64String(publicKey)} {Convert.ToHexStringLower(Sm3.HashData(file))}");
        return Der.Decode<SubjectPublicKeyInfo>(publicKey);
    }

    /// <summary>Before a key of the journal is certified: whoever can write into the folder, but does not know the password, has no such file for a key of his own.</summary>
    private static void RequireOurs(CeremonyState state, CertificatePlan plan, byte[] publicKey)
    {
        using var key = ECDsa.Create();
        bool isOurs;
        try
        {
            key.ImportFromEncryptedPem(Encoding.ASCII.GetString(state.Folder.Read(plan.LinkKey!)), RequirePassword(state.LinkPassword));
            isOurs = key.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(publicKey);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            isOurs = false;
        }

        if (!isOurs)
        {
            throw new CeremonyException(
                $"{state.Folder.PathOf(plan.LinkKey!)} does not open with the password in {CeremonyRun.LinkPasswordVariable}. Set the one with which the ceremony began; if it is that one, somebody changed the file: find out who and begin anew.");
        }
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
