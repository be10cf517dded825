using System.Diagnostics;
using System.Globalization;

namespace ZwCa.Tests.Stories.Ocsp;

/// <summary>SIGKILL of the CA and of the responder during a storm of revocations: at each step from the change of a status to the segment that tells it, and anywhere else.</summary>
public sealed class StormTests(ITestOutputHelper output)
{
    private const int KilledBySignal = 137;
    private const int Clients = 4;

    private static readonly TimeSpan StaleAfter = TimeSpan.FromSeconds(8);

    /// <summary>Steps of the CA, and after them kills at random.</summary>
    private static readonly string[] Turns = ["ocsp-signed", "ocsp-judged", "feed-signed", "feed-appended", "ca", "node", "both"];

    private readonly TestRandom _random = new();
    private OcspScene _scene = null!;
    private Storm _storm = null!;
    private Task[] _clients = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Killed_NoStaleGoodIsHeardBeyondItsBound_AndWhatIsRevokedStaysRevoked()
    {
        Requires.Condition(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "SIGKILL");
        int kills = TestRandom.Long ? 300 : 20;
        await using OcspScene scene = _scene = await OcspScene.StartAsync(nodeSettings: new Dictionary<string, string?>
        {
            ["Ocsp:Feed:LateAfter"] = "00:00:04", ["Ocsp:Feed:StaleAfter"] = StaleAfter.ToString("c", CultureInfo.InvariantCulture),
        });
        _storm = new Storm(scene, OcspScene.Bound, StaleAfter, new TestRandom(_random.Next()), Token);
        _storm.Connect();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        _clients = [.. Enumerable.Range(0, Clients).Select(_ => Task.Run(() => _storm.LiveAsync(stop.Token), Token)), Task.Run(() => _storm.AuditAsync(stop.Token), Token)];
        var clock = Stopwatch.StartNew();
        try
        {
            await _storm.GoOnAsync(Clients, AssertGoesOn);
            await StayAwayAsync();
            for (int kill = 1; kill < kills; kill++)
            {
                string turn = Turns[kill % Turns.Length];
                if (turn is "ca" or "node" or "both")
                {
                    await StayAsync();
                    await DieSomewhereAsync(turn);
                }
                else
                {
                    await DieAtAsync(turn);
                }

                AssertGoesOn();
            }

            // The last life: whatever the CA has answered is heard.
            await StayAsync();
            await stop.CancelAsync();
            await Task.WhenAll(_clients);
        }
        finally
        {
            await stop.CancelAsync();
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{_random}: {kills} kills in {clock.Elapsed.TotalSeconds:F0} s, {_storm.Revocations} revocations, {_storm.Questions} answers; revoked was heard after {_storm.Largest.TotalMilliseconds:F0} ms at most, and {_storm.LargestAfterRestart.TotalMilliseconds:F0} ms after a restart"));
        }
    }

    private void AssertGoesOn() => Assert.All(_clients, client => Assert.False(client.IsFaulted, client.Exception?.ToString()));

    /// <summary>Both run without a point to die at, and every client gets on.</summary>
    private async Task StayAsync()
    {
        if (!_scene.Ca.IsRunning)
        {
            await _scene.Ca.StartAsync();
        }

        if (!_scene.Node.IsRunning)
        {
            await _scene.Node.StartAsync();
        }

        _storm.Connect();
        await _storm.GoOnAsync(2 * Clients, AssertGoesOn);
    }

    private async Task DieAtAsync(string point)
    {
        _storm.Disconnect();
        if (_scene.Ca.IsRunning)
        {
            await _scene.Ca.KillAsync();
        }

        if (!_scene.Node.IsRunning)
        {
            await _scene.Node.StartAsync();
        }

        _scene.Ca.Launch(string.Create(CultureInfo.InvariantCulture, $"{point}:{_random.Next(1, 6)}"));
        Assert.True(await _scene.Ca.WaitForExitAsync() == KilledBySignal, $"{point}: {_scene.Ca.Log}");
    }

    /// <summary>One of them, or both; of two sometimes while they start again.</summary>
    private async Task DieSomewhereAsync(string which)
    {
        await Task.Delay(_random.Next(500), Token);
        _storm.Disconnect();
        if (which != "ca")
        {
            await _scene.Node.KillAsync();
        }

        if (which != "node")
        {
            await _scene.Ca.KillAsync();
        }

        if (which == "both")
        {
            _scene.Ca.Launch();
            _scene.Node.Launch();
            await Task.Delay(_random.Next(2000), Token);
            await _scene.Node.KillAsync();
            await _scene.Ca.KillAsync();
        }
    }

    /// <summary>The CA is away until the feed is stale. The responder, cut off, goes on with what was signed ahead, which is the design; but it signs nothing any more.</summary>
    private async Task StayAwayAsync()
    {
        string good = (await _scene.IssueAsync()).Serial;
        await _scene.UntilAsync(good, Heard.Good);
        await _scene.UntilAsync(good, Heard.Good, isFresh: true);
        _storm.Disconnect();
        await _scene.Ca.KillAsync();
        await Task.Delay(StaleAfter + TimeSpan.FromSeconds(1), Token);
        Assert.Equal(Heard.Good, (await _scene.Agency.AskAsync(good)).Word);
        Assert.Equal(Heard.TryLater, (await _scene.Agency.AskAsync(good, isFresh: true)).Word);
        Assert.Equal(Heard.TryLater, (await _scene.Agency.AskAsync("7F")).Word);
    }
}
