using System.Text.Json;
using Microsoft.AspNetCore.Http;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Contracts;
using ZwCa.Issuance;

namespace ZwCa.Tests.Admin.Doctor;

/// <summary>An RA beside the CA, by what it says of itself, and by what it has heard of the CA's log; where applicants ask.</summary>
[Collection(nameof(DoctorScene))]
public sealed class DoctorRaTests : IAsyncLifetime
{
    private static readonly string[] Checks = ["database", "hsm", "audit", "jobs", "link", "directory", "outbox", "message-certificate", "ca-log", "inclusion"];

    private DoctorScene _scene = null!;
    private WebPlace _ra = null!;

    public async ValueTask InitializeAsync()
    {
        _scene = await DoctorScene.CreateAsync();
        _ra = await WebPlace.StartAsync(DoctorScene.Now);
        _ra.Answers["/health/live"] = WebPlace.Text("live");
        _ra.Answers["/tracking/00000000000000000"] = Problem(new RefusalException(Refusal.NotFound, "没有该受理编号，请核对后重试。"));
        Say(await _scene.CheckpointAsync(3));
    }

    public async ValueTask DisposeAsync()
    {
        await _ra.DisposeAsync();
        await _scene.DisposeAsync();
    }

    [Fact]
    public async Task WhereAllIsWell_EveryLineIsOk()
    {
        (int code, IReadOnlyList<Told> lines) = await ExamineAsync();

        Assert.All(lines, line => Assert.Equal("ok", line.Health));
        Assert.Equal(0, code);
        Assert.Equal(Checks.Length, lines.Count(line => line.Check == "ready" && line.Subject.StartsWith(_ra.Url, StringComparison.Ordinal)));
        Assert.Contains(lines, line => line.Found == "3 requests wait for the CA, the oldest since 2026-01-12 04:00:00Z");
        Assert.Contains(lines, line => line.Check == "log" && line.Subject == _ra.Url && line.Found.EndsWith("the anchors have 3, and agree", StringComparison.Ordinal));
        Assert.Contains(lines, line => line is { Check: "version", Found: "all run 0.1.0" });
        Assert.Contains(lines, line => line.Check == "tracking" && line.Subject == _ra.Url);
    }

    [Theory]
    [InlineData("behind", "warning", "and the CA has 3 for more than 5 min 0 s")]
    [InlineData("ahead", "warning", "and the anchors have 3")]
    [InlineData("other root", "bad", "Two checkpoints of 3 events have different roots")]
    [InlineData("other key", "bad", "The signature of the checkpoint at 3 does not verify")]
    [InlineData("other log", "bad", "the RA hears the log zwca/x, which this ceremony does not know")]
    public async Task WhatTheRaHeardOfTheLog_IsHeldAgainstTheAnchors(string what, string health, string found)
    {
        Say(await (what switch
        {
            "behind" => _scene.CheckpointAsync(2),
            "ahead" => _scene.CheckpointAsync(4),
            "other root" => _scene.CheckpointAsync(3, root: 2),
            "other key" => _scene.CheckpointAsync(3, signer: _scene.Hierarchy.Signer("another", KeyAlgorithm.Sm2)),
            _ => _scene.CheckpointAsync(3, origin: "zwca/x"),
        }));

        (int code, IReadOnlyList<Told> lines) = await ExamineAsync();

        Told line = Assert.Single(lines, each => each.Health != "ok");
        Assert.Equal((health, "log", _ra.Url), (line.Health, line.Check, line.Subject));
        Assert.Contains(found, line.Found, StringComparison.Ordinal);
        Assert.Equal(health == "bad" ? 2 : 1, code);
    }

    [Fact]
    public async Task WhatItDoesNotWatch_IsNotWell_WhateverItSays()
    {
        Say(await _scene.CheckpointAsync(3), without: ["directory", "message-certificate"]);

        (int code, IReadOnlyList<Told> lines) = await ExamineAsync();

        Assert.Equal(2, code);
        Assert.Equal(
            [("bad", $"{_ra.Url} directory"), ("bad", $"{_ra.Url} message-certificate")],
            lines.Where(line => line.Health != "ok").Select(line => (line.Health, line.Subject)));
        Assert.All(lines.Where(line => line.Health != "ok"), line => Assert.Equal("/health/ready has no such check, which an RA has", line.Found));
    }

    [Fact]
    public async Task WhatWaitsTooLong_IsAWarning_ThatSaysWhereToLook()
    {
        _ra.Answers["/health/ready"] = WebPlace.Text(Ready(await _scene.CheckpointAsync(3)).Replace(
            """{"name":"outbox","status":"healthy","reason":"3 requests wait""", """{"name":"outbox","status":"degraded","reason":"2 requests wait""", StringComparison.Ordinal));

        (int code, string text, _) = await _scene.RunAsync("--url", _scene.Web.Url, "--log", _scene.PathOf("log.anchor"), "--management", _ra.Url);

        Assert.Equal(1, code);
        Assert.Contains($"{_ra.Url} outbox: degraded: 2 requests wait for the CA, the oldest since 2026-01-12 04:00:00Z. Do: docs/RA.md", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"checkpoint":"nothing"}""")]
    [InlineData("""{"checkpoint":"BQA="}""")]
    [InlineData("""{"checkpoint":null}""")]
    [InlineData("""[1]""")]
    public async Task ACheckpointThatIsNone_IsABadLine_AndTheOthersAreTold(string data)
    {
        _ra.Answers["/health/ready"] = WebPlace.Text($$"""{"status":"healthy","checks":[{"name":"ca-log","status":"healthy","data":{{data}}}]}""");

        (int code, IReadOnlyList<Told> lines) = await ExamineAsync();

        Assert.Equal(2, code);
        Assert.Equal(("bad", "ready", _ra.Url), lines.Where(line => line.Health != "ok").Select(line => (line.Health, line.Check, line.Subject)).Single());
    }

    [Fact]
    public async Task TwoVersions_AreAWarning()
    {
        _scene.Web.Answers["/health/ready"] = WebPlace.Text(DoctorScene.Healthy.Replace("""{"status":"healthy","checks""", """{"status":"healthy","version":"0.2.0","checks""", StringComparison.Ordinal));

        (int code, IReadOnlyList<Told> lines) = await ExamineAsync();

        Assert.Equal(1, code);
        Told line = Assert.Single(lines, each => each.Health != "ok");
        Assert.Equal("version", line.Check);
        Assert.Contains("runs 0.2.0", line.Found, StringComparison.Ordinal);
        Assert.Contains("runs 0.1.0", line.Found, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("database", "bad", "is answered with status 503 (")]
    [InlineData("too many", "warning", "asked too often from here")]
    [InlineData("kept", "warning", "answers may be kept")]
    [InlineData("another server", "bad", "is answered with status 404, not as unknown")]
    [InlineData("dead", "bad", "applicants get no answer")]
    public async Task TheApplicantsListener_AnswersFromTheRecords_OrThereIsALine(string what, string health, string found)
    {
        const string path = "/tracking/00000000000000000";
        await using WebPlace dead = await WebPlace.StartAsync(DoctorScene.Now);
        await dead.StopAsync();
        switch (what)
        {
            case "database":
                _ra.Answers[path] = Problem(new RefusalException(Refusal.Unavailable, "服务暂时不可用，请稍后再试。"));
                break;
            case "too many":
                _ra.Answers[path] = Problem(new RefusalException(Refusal.TooManyRequests, "查询过于频繁，请一分钟后再试。"));
                break;
            case "kept":
                _ra.Answers[path] = Problem(new RefusalException(Refusal.NotFound, "没有该受理编号，请核对后重试。"), cache: "max-age=60");
                break;
            default:
                _ra.Answers.Remove(path);
                break;
        }

        (_, IReadOnlyList<Told> lines) = await _scene.ExamineAsync("--tracking", what == "dead" ? dead.Url : _ra.Url);

        Told line = Assert.Single(lines, each => each.Health != "ok");
        Assert.Equal((health, "tracking"), (line.Health, line.Check));
        Assert.Contains(found, line.Found, StringComparison.Ordinal);
    }

    private static RequestDelegate Problem(RefusalException refusal, string cache = "no-store") => async context =>
    {
        context.Response.StatusCode = RefusalKinds.StatusOf(refusal.Kind);
        context.Response.ContentType = ZwCa.Contracts.Problem.ContentType;
        context.Response.Headers.CacheControl = cache;
        await context.Response.Body.WriteAsync(ZwCa.Contracts.Problem.Of(refusal, null).ToJson(), context.RequestAborted);
    };

    private Task<(int Code, IReadOnlyList<Told> Lines)> ExamineAsync() => _scene.ExamineAsync("--management", _ra.Url, "--tracking", _ra.Url);

    private void Say(Checkpoint heard, params string[] without) => _ra.Answers["/health/ready"] = WebPlace.Text(Ready(heard, without));

    private static string Ready(Checkpoint heard, params string[] without) => JsonSerializer.Serialize(new
    {
        status = "healthy",
        version = "0.1.0",
        checks = Checks.Except(without).Select(name => name switch
        {
            "ca-log" => new { name, status = "healthy", reason = (string?)null, data = (object?)new { checkpoint = Convert.ToBase64String(Der.Encode(heard)) } },
            "outbox" => new { name, status = "healthy", reason = (string?)"3 requests wait for the CA, the oldest since 2026-01-12 04:00:00Z.", data = (object?)null },
            _ => new { name, status = "healthy", reason = (string?)null, data = (object?)null },
        }),
    });
}
