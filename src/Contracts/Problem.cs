using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Unicode;

namespace ZwCa.Contracts;

/// <summary>
/// Why a request was not done, as a document (RFC 9457, <c>application/problem+json</c>, UTF-8). The members <c>requestId</c> and <c>retry</c> are ours.
/// </summary>
public sealed record Problem
{
    public const string ContentType = "application/problem+json";

    /// <summary>The longest document that is written or read, in bytes.</summary>
    public const int MaxLength = 16 * 1024;

    /// <summary>The longest detail, in UTF-16 units; what is longer is cut.</summary>
    public const int MaxDetailLength = 2048;

    private const string BlankType = "about:blank";

    // Chinese is written as such: a clerk or an operator may read the document itself.
    private static readonly ProblemJson Json = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.Create(UnicodeRanges.All),
        MaxDepth = 8,
        RespectNullableAnnotations = true,
    });

    /// <summary><c>urn:zwca:refusal:Name</c> with the name of the <see cref="Refusal"/>; <c>about:blank</c> for a failure of the service itself.</summary>
    public required string Type { get; init; }

    /// <summary>A few words that say the kind, the same for each problem of the type.</summary>
    public required string Title { get; init; }

    /// <summary>The HTTP status.</summary>
    public required int Status { get; init; }

    /// <summary>What is wrong in this case. Null for a failure of the service itself: its log has it, under the request id.</summary>
    public string? Detail { get; init; }

    /// <summary>Under which the service logged the request.</summary>
    public string? RequestId { get; init; }

    /// <summary>Seconds after which asking again may help, also in the header Retry-After. Null: not by waiting.</summary>
    public int? Retry { get; init; }

    /// <summary>The document of a refusal.</summary>
    public static Problem Of(RefusalException refusal, string? requestId)
    {
        ArgumentNullException.ThrowIfNull(refusal);
        return new Problem
        {
            Type = RefusalKinds.TypeOf(refusal.Kind),
            Title = RefusalKinds.TitleOf(refusal.Kind),
            Status = RefusalKinds.StatusOf(refusal.Kind),
            Detail = Cut(refusal.Message),
            RequestId = requestId,
            Retry = refusal.RetryAfter is { } wait ? (int)Math.Clamp(Math.Ceiling(wait.TotalSeconds), 1, int.MaxValue) : null,
        };
    }

    /// <summary>The document of a failure that is no refusal: status 500, and nothing about it.</summary>
    public static Problem OfFailure(string? requestId) =>
        new() { Type = BlankType, Title = "内部错误", Status = 500, RequestId = requestId };

    /// <returns>JSON in UTF-8.</returns>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, Json.Problem);

    /// <returns>Null: no such document.</returns>
    public static Problem? FromJson(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, Json.Problem);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The refusal that the document tells of; null: it tells of none that this program knows.</summary>
    internal RefusalException? ToRefusal() => RefusalKinds.OfType(Type) is { } kind
        ? new RefusalException(kind, Cut(Detail ?? Title), Retry is > 0 and int seconds ? TimeSpan.FromSeconds(seconds) : null) { FromPeer = true }
        : null;

    private static string Cut(string detail)
    {
        if (detail.Length <= MaxDetailLength)
        {
            return detail;
        }

        // Not through a character of two units.
        int length = MaxDetailLength - 1;
        return detail[..(char.IsHighSurrogate(detail[length - 1]) ? length - 1 : length)] + "…";
    }
}

[JsonSerializable(typeof(Problem))]
internal sealed partial class ProblemJson : JsonSerializerContext;
