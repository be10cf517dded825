using System.Formats.Asn1;

namespace ZwCa.Asn1;

/// <summary>
/// A value with one DER encoding (X.690 §10). <see cref="Read"/> consumes exactly one element and is straight-line in the
/// order of the standard's SEQUENCE; what it accepts, <see cref="Write"/> reproduces byte for byte.
/// Call both through <see cref="Der"/> only. Octets compare by content; types that hold lists compare by reference unless they say otherwise:
/// compare their encodings.
/// </summary>
public interface IDer<TSelf>
    where TSelf : IDer<TSelf>
{
    /// <exception cref="AsnContentException">The element is not this type; <see cref="Der.Decode{T}(ReadOnlyMemory{byte})"/> makes it a <see cref="DerException"/>.</exception>
    static abstract TSelf Read(AsnReader reader);

    void Write(AsnWriter writer);
}

/// <summary>
/// A value that says beforehand how long its encoding may become. AsnWriter grows by a kibibyte at a time, copying all it has: quadratic for
/// megabytes, and for a secret a trail of copies that nobody clears.
/// </summary>
internal interface IBoundedDer
{
    /// <summary>An upper bound, in bytes.</summary>
    int MaxEncodedLength { get; }
}
