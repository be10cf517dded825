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

/// <summary>The samples of all folders.</summary>
internal static class DerSamples
{
    public static readonly ILookup<Type, byte[]> ByType = (
        from type in typeof(DerSamples).Assembly.GetTypes()
        where type.IsAssignableTo(typeof(IDerSamples)) && type is { IsInterface: false, IsAbstract: false }
        from sample in ((IDerSamples)Activator.CreateInstance(type)!).Samples
        select sample).ToLookup(s => s.Type, s => s.Bytes);

    public static readonly byte[][] All = [.. ByType.SelectMany(s => s)];
}
