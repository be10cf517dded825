using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using ZwCa.Contracts;

namespace ZwCa.Admin.Token;

/// <summary>
/// token.json: what is known of a token without its PIN. The MAC, under a key that only the PIN opens, covers every other field: who edits the file, to take
/// the demo mark away for instance, makes the token one that does not open.
/// </summary>
internal sealed record TokenDocument
{
    public const string CurrentFormat = "zwca-token-1";

    private const int IdLength = 16;
    private const int MacLength = 32;

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        AllowDuplicateProperties = false,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public required string Format { get; init; }

    /// <summary>16 random bytes, lower-case hexadecimal. Sealed keys name it, so that none moves from one token to another.</summary>
    public required string Id { get; init; }

    /// <summary>See <see cref="LabelText"/>.</summary>
    public required string Label { get; init; }

    public required bool Demo { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public required long CreatedAt { get; init; }

    /// <summary>HMAC-SM3, lower-case hexadecimal.</summary>
    public required string Mac { get; init; }

    public static TokenDocument Create(string label, bool demo, DateTimeOffset now, MasterKey key)
    {
        var document = new TokenDocument
        {
            Format = CurrentFormat,
            Id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdLength)),
            Label = label,
            Demo = demo,
            CreatedAt = now.ToUnixTimeMilliseconds(),
            Mac = "",
        };
        return document with { Mac = Convert.ToHexStringLower(key.Mac(document.Content())) };
    }

    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>.</exception>
    public static TokenDocument Read(string path)
    {
        TokenDocument? document;
        try
        {
            document = JsonSerializer.Deserialize<TokenDocument>(TokenFiles.Read(path), Json);
        }
        catch (JsonException e)
        {
            throw Damaged(path, e);
        }

        if (document is not { Label: not null } || !IsHex(document.Id, IdLength) || !IsHex(document.Mac, MacLength) || !LabelText.IsLabel(document.Label))
        {
            throw Damaged(path);
        }

        return document.Format == CurrentFormat
            ? document
            : throw new RefusalException(Refusal.Malformed, $"{path} 不是本程序所用格式（{CurrentFormat}）的令牌，请使用相应版本的程序。");
    }

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, Json);

    /// <summary>Whether nothing was changed.</summary>
    public bool IsAuthentic(MasterKey key) => CryptographicOperations.FixedTimeEquals(key.Mac(Content()), Convert.FromHexString(Mac));

    /// <summary><code>SEQUENCE { format UTF8String, id OCTET STRING, label UTF8String, demo BOOLEAN, createdAt INTEGER }</code></summary>
    private byte[] Content()
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteCharacterString(UniversalTagNumber.UTF8String, Format);
            writer.WriteOctetString(Convert.FromHexString(Id));
            writer.WriteCharacterString(UniversalTagNumber.UTF8String, Label);
            writer.WriteBoolean(Demo);
            writer.WriteInteger(CreatedAt);
        }

        return writer.Encode();
    }

    private static bool IsHex(string? text, int length) => text?.Length == 2 * length && text.All(char.IsAsciiHexDigitLower);

    private static RefusalException Damaged(string path, Exception? inner = null) =>
        new(Refusal.Malformed, $"{path} 已损坏，令牌不能使用。请从备份恢复该文件。", inner: inner);
}
