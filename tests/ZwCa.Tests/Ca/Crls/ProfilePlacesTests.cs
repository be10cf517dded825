using Microsoft.Extensions.DependencyInjection;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Crls;
using ZwCa.Issuance;

namespace ZwCa.Tests.Ca.Crls;

/// <summary>Two profiles that name different places for one partition: no CRL could be at both.</summary>
public sealed class ProfilePlacesTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AProfileThatNamesAnotherPlace_IsNotTakenIn_AndTheServiceStartsWithoutItAsBefore()
    {
        using var folder = new TemporaryFolder();
        await using CrlStory story = await CrlStory.StartAsync();
        string definition = ProfileCatalogue.Shipped["tls-server"].CanonicalJson
            .Replace("\"tls-server\"", "\"elsewhere\"", StringComparison.Ordinal).Replace("{base}/crl/", "{base}/other/", StringComparison.Ordinal);
        Assert.Contains("{base}/other/", definition, StringComparison.Ordinal);
        await File.WriteAllTextAsync(folder.File("elsewhere.json"), definition, Token);
        long versions = await CountAsync(story);

        T Make<T>(params object[] parts) => ActivatorUtilities.CreateInstance<T>(story.Services, parts);
        CrlScopes scopes = Make<CrlScopes>(Make<ProfileStore>(ProfileCatalogue.Load(folder.Path)));
        InvalidOperationException refused = await Assert.ThrowsAsync<InvalidOperationException>(() => scopes.InstallAsync(Token));
        Assert.Contains("name different places for the CRL", refused.Message, StringComparison.Ordinal);
        Assert.Equal(versions, await CountAsync(story));

        await story.Services.GetRequiredService<CrlScopes>().InstallAsync(Token);
        await story.HealedAsync();
    }

    private static Task<long> CountAsync(CrlStory story) => story.Stage.Database.FindAsync<long>("SELECT COUNT(*) FROM profile_version", cancellationToken: Token);
}
