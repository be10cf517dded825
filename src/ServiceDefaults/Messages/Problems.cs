using Microsoft.AspNetCore.Http;
using ZwCa.Contracts;

namespace ZwCa.ServiceDefaults.Messages;

internal static class Problems
{
    public static RefusalException? RefusalOf(Exception e) => e as RefusalException;

    public static async Task WriteAsync(HttpContext http, RefusalException e)
    {
        http.Response.StatusCode = e.Kind switch
        {
            Refusal.Malformed => 400, Refusal.TooLarge => 413, Refusal.BadSignature or Refusal.Expired => 401,
            Refusal.Duplicate or Refusal.InProgress or Refusal.WrongState => 409, Refusal.NotAllowed => 403, Refusal.TooManyRequests => 429, _ => 503,
        };
        http.Response.ContentType = "application/problem+json";
        if (e.RetryAfter is { } r) { http.Response.Headers.RetryAfter = ((int)r.TotalSeconds).ToString(System.Globalization.CultureInfo.InvariantCulture); }
        await http.Response.WriteAsync("{\"type\":\"urn:zwca:refusal:" + e.Kind + "\"}");
    }
}
