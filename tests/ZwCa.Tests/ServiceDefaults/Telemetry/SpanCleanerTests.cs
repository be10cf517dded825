using System.Diagnostics;
using ZwCa.ServiceDefaults.Telemetry;

namespace ZwCa.Tests.ServiceDefaults.Telemetry;

public sealed class SpanCleanerTests
{
    [Fact]
    public void OnlyAllowedTagsLeave()
    {
        using var cleaner = new SpanCleaner();
        using var activity = new Activity("request") { TraceStateString = "person=1" };
        activity.SetTag("http.route", "/person/{id}").SetTag("url.path", "/person/1").SetTag("url.query", "?x").SetTag("client.address", "10.0.0.1").SetTag("http.response.status_code", 200);

        cleaner.OnEnd(activity);

        Assert.Null(activity.TraceStateString);
        Assert.Equal(["http.response.status_code", "http.route"], activity.TagObjects.Select(tag => tag.Key).Order(StringComparer.Ordinal));
    }
}
