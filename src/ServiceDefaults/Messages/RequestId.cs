using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using ZwCa.Data;

namespace ZwCa.ServiceDefaults.Messages;

/// <summary>
/// Names one request of a sender for ever: 16 to 64 of A–Z a–z 0–9 - _, upper and lower case different. Chosen and kept by the client before it first sends,
/// so that a retry, also after a crash, has the same.
/// </summary>
public sealed record RequestId
{
    public const int MinLength = 16;
    public const int MaxLength = 64;

    private static readonly SearchValues<char> Allowed = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    private readonly string _value;

    private RequestId(string value) => _value = value;

    /// <summary>A new one: 32 digits, of which 80 bits are random.</summary>
    public static RequestId Create(TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
        return new RequestId(Convert.ToHexStringLower(Ulid.Create(time.GetUtcNow())));
    }

    public static bool TryParse(string? text, [NotNullWhen(true)] out RequestId? id)
    {
        id = text is { Length: >= MinLength and <= MaxLength } && !text.AsSpan().ContainsAnyExcept(Allowed) ? new RequestId(text) : null;
        return id is not null;
    }

    /// <exception cref="FormatException">Another form.</exception>
    public static RequestId Parse(string text) =>
        TryParse(text, out RequestId? id) ? id : throw new FormatException("A request id has 16 to 64 of A–Z a–z 0–9 - _.");

    public override string ToString() => _value;
}
