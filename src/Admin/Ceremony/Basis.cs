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
}
