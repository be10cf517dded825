using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Ca.Messages;
using ZwCa.Tests.HsmSim.Device;

namespace ZwCa.Tests.Ca.Messages;

public sealed class CheckpointHeaderTests
{
    /// <summary>Otherwise an RA would take the CA's log for one that was set back, for as long as the clock had been ahead.</summary>
    [Fact]
    public async Task AfterAClockThatWasSetBack_TheCheckpointIsTheLatestAllTheSame()
    {
        await using CaStage stage = await CaStage.StartAsync();
        var clock = new ManualClock(DateTimeOffset.UtcNow);
        var header = new CheckpointHeader(
            static http => http.Features.GetRequiredFeature<StartedResponse>().StartAsync(), stage.App.Services.GetRequiredService<LogProofs>(), clock, NullLogger<CheckpointHeader>.Instance);
        Checkpoint before = await AskAsync();
        await stage.IssueAsync();

        clock.Advance(TimeSpan.FromHours(-1));
        Checkpoint after;
        do
        {
            await Task.Delay(50, TestContext.Current.CancellationToken);
            clock.Advance(TimeSpan.FromMilliseconds(-1));
            after = await AskAsync();
        }
        while (after.Tbs.TreeSize == before.Tbs.TreeSize && clock.GetUtcNow() > DateTimeOffset.UtcNow.AddHours(-1).AddSeconds(-30));

        Assert.True(after.Tbs.TreeSize > before.Tbs.TreeSize);

        async Task<Checkpoint> AskAsync()
        {
            var http = new DefaultHttpContext();
            var response = new StartedResponse();
            http.Features.Set<IHttpResponseFeature>(response);
            http.Features.Set(response);
            await header.InvokeAsync(http);
            return Der.Decode<Checkpoint>(Convert.FromBase64String(http.Response.Headers[CheckpointHeader.Name].ToString()));
        }
    }

    /// <summary>Runs what is registered for the start of the response.</summary>
    private sealed class StartedResponse : HttpResponseFeature
    {
        private readonly List<Func<Task>> _callbacks = [];

        public override void OnStarting(Func<object, Task> callback, object state) => _callbacks.Add(() => callback(state));

        public async Task StartAsync()
        {
            foreach (Func<Task> callback in _callbacks)
            {
                await callback();
            }
        }
    }
}
