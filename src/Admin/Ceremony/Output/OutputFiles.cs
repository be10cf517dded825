namespace ZwCa.Admin.Ceremony;

/// <summary>Which files a ceremony makes, and no others.</summary>
internal static class OutputFiles
{
    /// <returns>Those of <paramref name="present"/> that are none of its.</returns>
    public static IReadOnlyList<string> Strangers(IEnumerable<string> present, CeremonyPlan plan, Inventory inventory)
    {
        HashSet<string> own =
        [
            CeremonyFolder.PlanFile, CeremonyFolder.JournalFile, CeremonyFolder.TranscriptFile, Inventory.FileName,
            .. plan.Profiles.Select(profile => CeremonyFolder.InputPath(profile.File)),
            .. plan.Requests.Select(request => CeremonyFolder.InputPath(request.File)),
            .. inventory.Certificates.Select(certificate => certificate.File),
            .. plan.Certificates.Select(certificate => certificate.LinkKey).OfType<string>(),
            .. inventory.Crls.Select(crl => crl.File),
            .. plan.Policies.Select(policy => CeremonyFolder.PolicyPath(policy.Device)),
        ];
        return [.. present.Where(file => !own.Contains(file) && !IsSignature(file, plan) && !(plan.Basis is not null && CeremonyFolder.IsIn(file, CeremonyFolder.BasisFolder)))];
    }

    /// <summary>Of a witness, or of a holder over a policy.</summary>
    public static bool IsSignature(string file, CeremonyPlan plan) =>
        CeremonyFolder.IsIn(file, CeremonyFolder.SignatureFolder) || plan.Policies.Any(policy => IsSignature(file, policy));

    /// <summary>Of a holder over this policy: <c>policy/DEVICE-NAME.sig</c>.</summary>
    public static bool IsSignature(string file, PolicyPlan policy) =>
        file.StartsWith($"{CeremonyFolder.PolicyFolder}/{policy.Device}-", StringComparison.Ordinal) && file.EndsWith(".sig", StringComparison.Ordinal);
}
