using ZwCa.HsmSim.Store;

namespace ZwCa.Tests.HsmSim.Store;

public sealed class SecretSharingTests
{
    private readonly TestRandom _random = new();

    [Fact]
    public void Multiplication_IsThatOfPolynomialsModuloTheReductionPolynomial()
    {
        for (int a = 0; a < 256; a++)
        {
            for (int b = 0; b < 256; b++)
            {
                Assert.Equal(Oracle.Multiply(a, b), SecretSharing.Multiply(a, b));
            }
        }
    }

    // FIPS 197 §4.2: {57}·{83} = {c1}, {57}·{13} = {fe}.
    [Theory]
    [InlineData(0x57, 0x83, 0xc1)]
    [InlineData(0x57, 0x13, 0xfe)]
    public void Multiplication_MatchesFips197(int a, int b, int product) => Assert.Equal(product, SecretSharing.Multiply(a, b));

    // 42 + 07·x + 05·x²: worked out by hand. x = 1: 42^07^05 = 40. x = 2: 42^0e^14 = 58. x = 3: 42^09^11 = 5a.
    [Fact]
    public void KnownPolynomial_GivesItsValueAtZero()
    {
        byte[] secret = new byte[1];
        SecretSharing.Combine([1, 2, 3], [[0x40], [0x58], [0x5a]], secret);
        Assert.Equal(0x42, secret[0]);
    }

    [Theory]
    [InlineData(2, 2)]
    [InlineData(2, 3)]
    [InlineData(3, 5)]
    [InlineData(5, 7)]
    [InlineData(16, 16)]
    public void AnyThresholdOfShares_GivesTheSecret_AndAnotherImplementationAgrees(int threshold, int count)
    {
        byte[] secret = _random.Bytes(32);
        byte[][] shares = Split(secret, threshold, count);
        foreach (int[] chosen in Subsets(count, threshold))
        {
            byte[] combined = new byte[32];
            SecretSharing.Combine(chosen, [.. chosen.Select(i => shares[i - 1])], combined);
            Assert.Equal(secret, combined);
            Assert.Equal(secret, Oracle.Combine(chosen, [.. chosen.Select(i => shares[i - 1])]));
        }
    }

    [Fact]
    public void OneShareLess_FitsEverySecret()
    {
        // 3 shares that are needed, 2 that are known: for each value of the secret byte there is a third share that gives it.
        byte[][] shares = Split(_random.Bytes(1), 3, 5);
        var secrets = new HashSet<byte>();
        for (int third = 0; third < 256; third++)
        {
            byte[] secret = new byte[1];
            SecretSharing.Combine([2, 5, 4], [shares[1], shares[4], [(byte)third]], secret);
            secrets.Add(secret[0]);
        }

        Assert.Equal(256, secrets.Count);
    }

    [Fact]
    public void Shares_AreSpreadOverAllValues()
    {
        // The same secret each time: a share takes every value, so the coefficients are random, the highest zero included.
        var seen = new HashSet<(int Share, byte Value)>();
        for (int i = 0; i < 8192; i++)
        {
            byte[][] shares = Split([0x5a], 2, 2);
            seen.Add((1, shares[0][0]));
            seen.Add((2, shares[1][0]));
        }

        Assert.Equal(512, seen.Count);
    }

    [Theory]
    [InlineData(new[] { 1, 1 })]
    [InlineData(new[] { 0, 1 })]
    [InlineData(new[] { 1, 256 })]
    public void IndicesThatAreNone_AreRefused(int[] indices) =>
        Assert.Throws<ArgumentException>(() => SecretSharing.Combine(indices, [[1], [2]], new byte[1]));

    [Theory]
    [InlineData(1, 3)]
    [InlineData(4, 3)]
    [InlineData(2, 256)]
    public void ThresholdsThatAreNone_AreRefused(int threshold, int count) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Split([1], threshold, count));

    private static byte[][] Split(byte[] secret, int threshold, int count)
    {
        byte[][] shares = [.. Enumerable.Range(0, count).Select(_ => new byte[secret.Length])];
        SecretSharing.Split(secret, threshold, shares);
        return shares;
    }

    private static IEnumerable<int[]> Subsets(int count, int size) =>
        Enumerable.Range(0, 1 << count)
            .Where(mask => int.PopCount(mask) == size)
            .Select(mask => Enumerable.Range(1, count).Where(i => (mask >> (i - 1) & 1) != 0).ToArray());

    // By logarithms to the generator 3, and by solving for the coefficients: nothing in common with what it judges.
    private static class Oracle
    {
        private static readonly int[] Powers = MakePowers();

        public static int Multiply(int a, int b) => a == 0 || b == 0 ? 0 : Powers[(Log(a) + Log(b)) % 255];

        public static byte[] Combine(int[] indices, byte[][] shares)
        {
            byte[] secret = new byte[shares[0].Length];
            for (int b = 0; b < secret.Length; b++)
            {
                secret[b] = (byte)SolveConstant(indices, [.. shares.Select(share => (int)share[b])]);
            }

            return secret;
        }

        // Gauss–Jordan on the Vandermonde matrix.
        private static int SolveConstant(int[] xs, int[] ys)
        {
            int n = xs.Length;
            int[][] rows = [.. xs.Select((x, r) => Enumerable.Range(0, n).Select(power => Power(x, power)).Append(ys[r]).ToArray())];
            for (int column = 0; column < n; column++)
            {
                int pivot = Enumerable.Range(column, n - column).First(r => rows[r][column] != 0);
                (rows[column], rows[pivot]) = (rows[pivot], rows[column]);
                int inverse = Powers[(255 - Log(rows[column][column])) % 255];
                rows[column] = [.. rows[column].Select(v => Multiply(v, inverse))];
                for (int r = 0; r < n; r++)
                {
                    int factor = rows[r][column];
                    if (r != column && factor != 0)
                    {
                        rows[r] = [.. rows[r].Zip(rows[column], (v, p) => v ^ Multiply(p, factor))];
                    }
                }
            }

            return rows[0][n];
        }

        private static int Power(int x, int exponent) => Powers[Log(x) * exponent % 255];

        private static int Log(int value) => Array.IndexOf(Powers, value);

        private static int[] MakePowers()
        {
            int[] powers = new int[255];
            int value = 1;
            for (int i = 0; i < powers.Length; i++)
            {
                powers[i] = value;
                int doubled = value << 1;
                value = (doubled >= 256 ? doubled ^ 0x11b : doubled) ^ value;
            }

            return powers;
        }
    }
}
