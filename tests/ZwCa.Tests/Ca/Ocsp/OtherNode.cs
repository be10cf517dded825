using Microsoft.Extensions.DependencyInjection;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Ocsp;
using ZwCa.Data;
using ZwCa.Hsm;

namespace ZwCa.Tests.Ca.Ocsp;

/// <summary>What a second node of the CA of a story has to itself: it shares the database, the device and the clock.</summary>
internal sealed class OtherNode : IDisposable
{
    private OtherNode(OcspStory story, SignersInUse signers)
    {
        IServiceProvider services = story.Services;
        Signers = signers;
        Feed = ActivatorUtilities.CreateInstance<WriteFeed>(services, new FeedHead(story.Stage.Database, story.Clock));
        Introduction = ActivatorUtilities.CreateInstance<IntroduceSigners>(services, Signers, Feed);
        Responses = ActivatorUtilities.CreateInstance<PresignResponses>(services, Signers, Feed);
    }

    public SignersInUse Signers { get; }

    public WriteFeed Feed { get; }

    public IntroduceSigners Introduction { get; }

    public PresignResponses Responses { get; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<OtherNode> StartAsync(OcspStory story)
    {
        IServiceProvider services = story.Services;
        return new OtherNode(story, await SignersInUse.OpenAsync(
            services.GetRequiredService<OcspOptions>(),
            services.GetRequiredService<AuthorityList>(),
            services.GetRequiredService<IHsm>(),
            services.GetRequiredService<Database>(),
            services.GetRequiredService<ProfileStore>(),
            story.Clock));
    }

    /// <summary>Tells what has changed.</summary>
    public async Task<int> TellAsync()
    {
        await Introduction.RunAsync(Token);
        return await Responses.RunChangesAsync(Token);
    }

    public void Dispose()
    {
        Responses.Dispose();
        Introduction.Dispose();
        Feed.Dispose();
    }
}
