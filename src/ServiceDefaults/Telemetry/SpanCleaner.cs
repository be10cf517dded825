using System.Collections.Frozen;
using System.Diagnostics;
using OpenTelemetry;

namespace ZwCa.ServiceDefaults.Telemetry;

/// <summary>Takes from a trace all that may be a person's data: only these tags leave, and no path, query or client's address is among them.</summary>
internal sealed class SpanCleaner : BaseProcessor<Activity>
{
    private static readonly FrozenSet<string> Allowed = FrozenSet.Create(
        "http.request.method", "http.route", "http.response.status_code", "error.type", "server.address", "server.port", "network.protocol.version");

    public override void OnEnd(Activity data)
    {
        // The client's text, from its header.
        data.TraceStateString = null;
        foreach (string name in data.TagObjects.Select(tag => tag.Key).Where(name => !Allowed.Contains(name)).ToArray())
        {
            data.SetTag(name, null);
        }
    }
}
