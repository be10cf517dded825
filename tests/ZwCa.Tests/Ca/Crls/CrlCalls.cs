using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Crls;
using ZwCa.Contracts.Ca;
using ZwCa.Issuance;

namespace ZwCa.Tests.Ca.Crls;

/// <summary>What the jobs do, by hand and at once, in a stage that publishes into a folder.</summary>
internal static class CrlCalls
{
    public const string NotMade = "It was not made.";

    /// <summary>A stage's settings that publish there.</summary>
    public static Dictionary<string, string?> Settings(string folder) => new() { ["Ca:Crls:PublicationFolders:0"] = folder };

    /// <summary>That of the certificate.</summary>
    public static CrlScope ScopeOf(this CaStage stage, CertificateAnswer certificate)
    {
        Authority authority = stage.Authorities.Get(certificate.Issuer);
        return new CrlScope(authority, UrlTemplate.ShardName(SerialNumber.Parse(certificate.Serial), 32));
    }

    public static CrlScope CompleteScopeOf(this CaStage stage, CertificateAnswer certificate) => new(stage.Authorities.Get(certificate.Issuer), CrlScope.Complete);

    /// <summary>Makes the CRL now, and says how it ended; not published yet.</summary>
    public static async Task<CrlRow> MakeAsync(this CaStage stage, CrlScope scope)
    {
        await stage.RawAsync("UPDATE crl_scope SET due_at = 0 WHERE authority_id = @Id AND shard = @Shard", new { scope.Authority.Id, scope.Shard });
        return await stage.App.Services.GetRequiredService<MakeCrl>().RunAsync(scope, TestContext.Current.CancellationToken)
            ?? throw new InvalidOperationException(NotMade);
    }

    public static Task PublishAsync(this CaStage stage) => stage.App.Services.GetRequiredService<PublishCrls>().RunAsync(TestContext.Current.CancellationToken);

    /// <summary>Makes and publishes it, and reads what is in the folder then.</summary>
    /// <returns>Reason of each entry, by its serial number.</returns>
    public static async Task<IReadOnlyDictionary<string, RevocationReason>> PublishedAsync(this CaStage stage, CrlScope scope, string folder)
    {
        CrlRow row = await stage.MakeAsync(scope);
        Assert.True(row.State == CrlState.Judged, row.Detail);
        await stage.PublishAsync();
        return Read(scope, folder);
    }

    public static IReadOnlyDictionary<string, RevocationReason> Read(CrlScope scope, string folder)
    {
        var entries = new Dictionary<string, RevocationReason>();
        var crl = CrlFile.Read(File.ReadAllBytes(Path.Combine(folder, scope.Path)));
        Assert.True(crl.IsSignedBy(scope.Authority.Certificate));
        foreach (CrlEntryView entry in crl.ReadEntries())
        {
            entries.Add(Convert.ToHexStringLower(entry.SerialNumber is [0, ..] ? entry.SerialNumber[1..] : entry.SerialNumber), entry.Reason!.Value);
        }

        return entries;
    }
}
