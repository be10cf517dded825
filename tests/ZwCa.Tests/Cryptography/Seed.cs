using System.Globalization;

namespace ZwCa.Tests.Cryptography;

/// <summary>
/// Test data at random. The number it starts from is in the output of every test that fails, and gives the same data again as
/// environment variable ZWCA_SEED: xUnit makes a new test class, and so a new one of these, for each case.
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
        TestContext.Current.TestOutputHelper?.WriteLine(ToString());
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
