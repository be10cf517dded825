using ZwCa.Asn1;

namespace ZwCa.Tests.Asn1;

/// <summary>One valid encoding of a type, from which <see cref="DerPropertyTests"/> makes the invalid ones.</summary>
public sealed record DerSample(Type Type, byte[] Bytes)
{
    public static DerSample Of<T>(T value)
        where T : IDer<T> =>
        new(typeof(T), Der.Encode(value));

    public static DerSample Of<T>(string hex)
        where T : IDer<T> =>
        new(typeof(T), Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)));
}

/// <summary>A folder's samples; <see cref="DerPropertyTests"/> finds the implementations, which have a constructor without parameters.</summary>
public interface IDerSamples
{
    IEnumerable<DerSample> Samples { get; }
}
