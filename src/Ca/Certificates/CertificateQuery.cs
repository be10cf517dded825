using System.Globalization;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Officers;

namespace ZwCa.Ca.Certificates;

/// <summary>The query of <c>GET /certificates</c>, as it stands in the address. Every part may be missing.</summary>
/// <param name="Serial">Lower-case hexadecimal.</param>
/// <param name="Subject">Hash of the subject's canonical form, 64 hexadecimal digits: docs/REVOCATION.md.</param>
/// <param name="Key">SM3 of the SubjectPublicKeyInfo's DER, 64 hexadecimal digits.</param>
/// <param name="Owner">As <see cref="Contracts.Ca.CertificateSummary.Owner"/>.</param>
/// <param name="Region">GB/T 2260, with all below.</param>
/// <param name="State">intended, valid, revoked, held.</param>
/// <param name="From">When its number was reserved: then or later; RFC 3339.</param>
/// <param name="Until">Before that.</param>
/// <param name="After">As <see cref="Contracts.Ca.CertificatePage.Next"/>.</param>
/// <param name="Rows">1 to 500; 100 where it is missing.</param>
internal sealed record CertificateQuery(
    string? Serial, string? Subject, string? Key, string? Owner, string? Region, string? State, string? From, string? Until, string? After, int? Rows)
{
    private const int DefaultRows = 100;
    private const int MaxSerial = 40;

    private static readonly CertificateState[] Shown = [CertificateState.Intended, CertificateState.Valid, CertificateState.Revoked, CertificateState.Held];

    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>, as of the others.</exception>
    public CertificateFilter Read() => new()
    {
        Owner = Owner,
        SubjectHash = ReadHash(Subject, "subject"),
        KeyHash = ReadHash(Key, "key"),
        Region = Region is null ? null : RegionCode.Parse(Region),
        State = State is null ? null : ReadState(State),
        From = ReadTime(From, "from"),
        Until = ReadTime(Until, "until"),
    };

    public string? ReadSerial() =>
        Serial is null || (Serial.Length is > 0 and <= MaxSerial && Serial.All(char.IsAsciiHexDigitLower)) ? Serial : throw Wrong("serial", "小写十六进制序列号");

    public byte[]? ReadAfter() => ReadBytes(After, Ulid.Length, "after");

    public int ReadRows() => Rows is null ? DefaultRows : Rows is >= 1 and <= CertificateSearch.MaxRows ? Rows.Value : throw Wrong("rows", "1至500");

    private static byte[]? ReadHash(string? text, string name) => ReadBytes(text, Sm3.HashSizeInBytes, name);

    private static byte[]? ReadBytes(string? text, int length, string name) =>
        text is null ? null
        : text.Length == 2 * length && text.All(char.IsAsciiHexDigitLower) ? Convert.FromHexString(text)
        : throw Wrong(name, $"{2 * length}位小写十六进制数");

    private static CertificateState ReadState(string text)
    {
        foreach (CertificateState state in Shown)
        {
            if (state.ToString().ToLowerInvariant() == text)
            {
                return state;
            }
        }

        throw Wrong("state", "intended、valid、revoked或held");
    }

    private static DateTimeOffset? ReadTime(string? text, string name) =>
        text is null ? null
        : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time) ? time
        : throw Wrong(name, "时间，如2026-01-02T03:04:05Z");

    private static RefusalException Wrong(string name, string expected) => new(Refusal.Malformed, $"查询参数{name}应为{expected}。");
}
