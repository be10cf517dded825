using System.Collections;
using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// Extensions ::= SEQUENCE SIZE (1..MAX) OF Extension
/// </code>
/// RFC 5280 §4.1.2.9, of certificates, CRLs, CRL entries, requests and OCSP. In wire order; no identifier occurs twice (§4.2).
/// </summary>
public sealed class Extensions : IDer<Extensions>, IReadOnlyList<Extension>
{
    private readonly IReadOnlyList<Extension> _extensions;

    /// <exception cref="ArgumentException">No extension, or two with one identifier.</exception>
    public Extensions(params IReadOnlyList<Extension> extensions)
    {
        _extensions = Require.NotEmpty(extensions);
        if (FindDuplicate(_extensions) is { } duplicate)
        {
            throw new ArgumentException($"The extension {duplicate} occurs twice.", nameof(extensions));
        }

        MaxEncodedLength = DerHeader.MaxLength + _extensions.Sum(e => e.MaxEncodedLength);
    }

    /// <summary>Kept, for a million CRL entries ask a dozen objects.</summary>
    internal int MaxEncodedLength { get; }

    public int Count => _extensions.Count;

    public Extension this[int index] => _extensions[index];

    /// <returns>The extension, or null when absent.</returns>
    public Extension? Find(string id)
    {
        foreach (Extension extension in _extensions)
        {
            if (extension.Id == id)
            {
                return extension;
            }
        }

        return null;
    }

    /// <returns>The decoded value, or null when absent.</returns>
    /// <exception cref="DerException">Present, but not a <typeparamref name="T"/>.</exception>
    public T? Find<T>()
        where T : class, IExtensionValue<T> =>
        Find(T.Id)?.Decode<T>();

    /// <summary>Critical extensions outside the given set: whoever meets one must refuse the object (RFC 5280 §4.2).</summary>
    public IEnumerable<Extension> CriticalExcept(IReadOnlySet<string> recognised) =>
        _extensions.Where(e => e.Critical && !recognised.Contains(e.Id));

    public static Extensions Read(AsnReader reader)
    {
        IReadOnlyList<Extension> extensions = reader.ReadSequenceOf<Extension>();
        return FindDuplicate(extensions) is { } duplicate
            ? throw new AsnContentException($"The extension {duplicate} occurs twice.")
            : new Extensions(extensions);
    }

    public void Write(AsnWriter writer) => writer.WriteSequenceOf(_extensions);

    public IEnumerator<Extension> GetEnumerator() => _extensions.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static string? FindDuplicate(IReadOnlyList<Extension> extensions)
    {
        // One extension is the common case in CRL entries, of which there may be a million.
        if (extensions.Count == 1)
        {
            return null;
        }

        var seen = new HashSet<string>();
        return extensions.FirstOrDefault(e => !seen.Add(e.Id))?.Id;
    }
}
