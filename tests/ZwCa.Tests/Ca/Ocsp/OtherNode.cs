using Microsoft.Extensions.DependencyInjection;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Ocsp;
using ZwCa.Data;
using ZwCa.Hsm;

namespace ZwCa.Tests.Ca.Ocsp;

/// <summary>What a second node of the CA of a story has to itself: it shares the database, the device and the clock.</summary>
internal sealed class OtherNode : IDisposable
{
    private OtherNode(OcspStory story, SignersInUse signers, FeedKeys keys)
    {
        IServiceProvider services = story.Services;
        Signers = signers;
        Feed = ActivatorUtilities.CreateInstance<WriteFeed>(services, keys, new FeedHead(story.Stage.Database, story.Clock));
        Rollover = ActivatorUtilities.CreateInstance<RollFeedKey>(services, keys, Feed);
        Introduction = ActivatorUtilities.CreateInstance<IntroduceSigners>(services, Signers, Feed);
        Responses = ActivatorUtilities.CreateInstance<PresignResponses>(services, Signers, Feed);
    }

    public SignersInUse Signers { get; }

    public WriteFeed Feed { get; }

    public IntroduceSigners Introduction { get; }

    public PresignResponses Responses { get; }

    public RollFeedKey Rollover { get; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <param name="keys">Null: those of the story.</param>
    public static async Task<OtherNode> StartAsync(OcspStory story, FeedKeys? keys = null)
    {
        IServiceProvider services = story.Services;
        SignersInUse signers = await SignersInUse.OpenAsync(
            services.GetRequiredService<OcspOptions>(),
            services.GetRequiredService<AuthorityList>(),
            services.GetRequiredService<IHsm>(),
            services.GetRequiredService<Database>(),
            services.GetRequiredService<ProfileStore>(),
            story.Clock);
        return new OtherNode(story, signers, keys ?? services.GetRequiredService<FeedKeys>());
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
