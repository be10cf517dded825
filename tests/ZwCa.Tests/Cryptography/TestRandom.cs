using System.Globalization;

namespace ZwCa.Tests.Cryptography;

/// <summary>Reproducible random input: the seed is in every failure message and can be given as ZWCA_SEED.</summary>
internal sealed class TestRandom : Random
{
    internal TestRandom()
        : this(int.TryParse(Environment.GetEnvironmentVariable("ZWCA_SEED"), CultureInfo.InvariantCulture, out int seed) ? seed : Shared.Next())
    {
    }

    internal TestRandom(int seed)
        : base(seed) => Seed = seed;

    internal static bool Long => Environment.GetEnvironmentVariable("ZWCA_LONG") == "1";

    internal int Seed { get; }

    internal byte[] Bytes(int length)
    {
        byte[] bytes = new byte[length];
        NextBytes(bytes);
        return bytes;
    }
}
