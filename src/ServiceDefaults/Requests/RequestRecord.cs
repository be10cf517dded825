using Microsoft.AspNetCore.Http;

namespace ZwCa.ServiceDefaults.Requests;

/// <summary>What the log says about one request.</summary>
internal sealed class RequestRecord(string id)
{
    /// <summary>32 lower-case hexadecimal digits, made by this service: in each log line, in the answer's header and in a problem document.</summary>
    public string Id { get; } = id;

    /// <summary>The kind of refusal, or <c>Failure</c>; null: neither.</summary>
    public string? Refusal { get; set; }

    public static RequestRecord? Of(HttpContext context) => context.Features.Get<RequestRecord>();
}
