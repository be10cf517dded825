using System.Globalization;
using System.Numerics;
using System.Text.Json;
using ZwCa.Admin.Token;
using ZwCa.Asn1;

namespace ZwCa.Admin.Doctor;

/// <summary>
/// The highest number of each CRL that any run has seen, by its address: <c>{"http://…/all.crl":"17"}</c>. What stands lower later went back. In memory only, where no file was
/// named.
/// </summary>
internal sealed class NumberRecord
{
    private const int MaxFileLength = 16 << 20;

    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true };

    private readonly string? _path;
    private readonly SortedDictionary<string, BigInteger> _numbers = new(StringComparer.Ordinal);

    /// <param name="path">It need not exist yet; null: nothing is kept.</param>
    /// <exception cref="DerException">The file is there, and is no such record.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It must not be read.</exception>
    public NumberRecord(string? path)
    {
        _path = path is null ? null : Path.GetFullPath(path);
        if (_path is null || !File.Exists(_path))
        {
            return;
        }

        if (new FileInfo(_path).Length > MaxFileLength)
        {
            throw new DerException($"{_path} is no record of CRL numbers: it is too long.");
        }

        try
        {
            foreach ((string url, string text) in JsonSerializer.Deserialize<Dictionary<string, string>>(File.ReadAllBytes(_path)) ?? [])
            {
                _numbers[url] = BigInteger.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
            }
        }
        catch (Exception e) when (e is JsonException or FormatException or ArgumentNullException)
        {
            throw new DerException($"{_path} is no record of CRL numbers: {e.Message}", e);
        }
    }

    public BigInteger? Find(string url) => _numbers.TryGetValue(url, out BigInteger number) ? number : null;

    public void Raise(string url, BigInteger number) => _numbers[url] = Find(url) is { } known && known > number ? known : number;

    /// <summary>After an interruption there is the old file or the new one.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It must not be written.</exception>
    public void Save()
    {
        if (_path is not null)
        {
            TokenFiles.Replace(
                _path, JsonSerializer.SerializeToUtf8Bytes(_numbers.ToDictionary(each => each.Key, each => each.Value.ToString(CultureInfo.InvariantCulture)), Json));
        }
    }
}
