using System.Globalization;

namespace ZwCa.Tests.Cryptography;

/// <summary>
/// Test data at random, the same again with the environment variable ZWCA_SEED set to the number that a failure prints (each
/// test starts it afresh).
/// </summary>
internal sealed class Seed
{
    private readonly int _seed;
    private readonly Random _random;

    public Seed()
    {
        string? given = Environment.GetEnvironmentVariable("ZWCA_SEED");
        _seed = given is null ? Random.Shared.Next() : int.Parse(given, CultureInfo.InvariantCulture);
        _random = new Random(_seed);
    }

    public int Next(int exclusiveUpperBound) => _random.Next(exclusiveUpperBound);

    public byte[] Bytes(int length)
    {
        byte[] bytes = new byte[length];
        _random.NextBytes(bytes);
        return bytes;
    }

    public override string ToString() => $"ZWCA_SEED={_seed}";
}
