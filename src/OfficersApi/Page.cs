using ZwCa.Contracts;
using ZwCa.Data;

namespace ZwCa.OfficersApi;

/// <summary>Where a list goes on, as a caller writes it.</summary>
public static class Page
{
    public const int DefaultRows = 100;

    private const int MaxRows = 500;

    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: not 1 to 500.</exception>
    public static int Rows(int? rows) =>
        rows is null ? DefaultRows : rows is > 0 and <= MaxRows ? rows.Value : throw new RefusalException(Refusal.Malformed, $"每页行数应为1至{MaxRows}。");

    /// <returns>The id; no bytes for the first page.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>.</exception>
    public static byte[] After(string? after) => after is null ? [] : Id(after);

    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: not 32 lower-case hexadecimal digits.</exception>
    public static byte[] Id(string text) => text.Length == 2 * Ulid.Length && text.All(char.IsAsciiHexDigitLower)
        ? Convert.FromHexString(text)
        : throw new RefusalException(Refusal.Malformed, "编号有误：应为32位小写十六进制数。");
}
