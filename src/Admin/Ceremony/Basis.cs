using ZwCa.Cryptography;

namespace ZwCa.Admin.Ceremony;

/// <summary>A ceremony that is complete and from which another goes on.</summary>
internal sealed record Basis(CeremonyFolder Folder, Inventory Inventory, string TranscriptHash)
{
    /// <summary>Checks all of it.</summary>
    /// <exception cref="CeremonyException">It is not complete, or something in it was changed.</exception>
    public static Basis Load(string path)
    {
        CeremonyReport report = CeremonyVerification.Check(path);
        return report.Faults.Count == 0
            ? new Basis(new CeremonyFolder(path), report.Inventory!, report.TranscriptHash!)
            : throw new CeremonyException($"The basis {path} does not hold:\n{string.Join('\n', report.Faults.Select(fault => $"  - {fault}"))}");
    }

    /// <summary>One of its files, as it was when it was checked.</summary>
    /// <param name="sm3">Of what is in the file, hexadecimal.</param>
    /// <param name="content">Of which the hash is, such as the DER in a PEM file; null: of the file.</param>
    /// <exception cref="CeremonyException">It is another one now.</exception>
    public byte[] Read(string file, string sm3, Func<byte[], byte[]>? content = null)
    {
        byte[] bytes = Folder.Read(file);
        return Convert.ToHexStringLower(Sm3.HashData(content is null ? bytes : content(bytes))) == sm3
            ? bytes
            : throw new CeremonyException($"{Folder.PathOf(file)} was changed just now. Find out who did it and run the same command again.");
    }
}
