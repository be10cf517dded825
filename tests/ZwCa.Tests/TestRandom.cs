using System.Globalization;

namespace ZwCa.Tests;

/// <summary>
/// Test data at random. The seed is in the output of every test that fails, and gives the same data again as environment variable ZWCA_SEED:
/// xUnit makes a new test class, and so a new one of these, for each case.
/// </summary>
internal sealed class TestRandom : Random
{
    public TestRandom()
        : this(int.TryParse(Environment.GetEnvironmentVariable("ZWCA_SEED"), CultureInfo.InvariantCulture, out int seed) ? seed : Shared.Next())
    {
        TestContext.Current.TestOutputHelper?.WriteLine(ToString());
    }

    public TestRandom(int seed)
        : base(seed) => Seed = seed;

    /// <summary>The heavy sizes are asked for (ZWCA_LONG=1).</summary>
    public static bool Long => Environment.GetEnvironmentVariable("ZWCA_LONG") == "1";

    public int Seed { get; }

    public byte[] Bytes(int length)
    {
        byte[] bytes = new byte[length];
        NextBytes(bytes);
        return bytes;
    }

    public override string ToString() => $"ZWCA_SEED={Seed}";
}
