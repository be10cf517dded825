using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;
using ZwCa.Tests.Asn1.Gm;

namespace ZwCa.Tests.Issuance.Keys;

public class RsaQualityTests
{
    private static readonly (BigInteger P, BigInteger Q) Factors = MakeFactors();

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(751)]
    [InlineData(65521)] // the last that is looked for
    public void SmallFactor_IsFound(int factor) => Assert.Equal(KeyFault.SmallFactor, Find(Factors.P * Factors.Q * factor));

    [Fact]
    public void FactorAboveTheBound_IsNotASmallOne() => Assert.Null(Find(Factors.P * Factors.Q * 65537));

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(100)]
    public void FactorsThatFermatsMethodFindsInAHundredRounds_AreClose(int round) =>
        Assert.Equal(KeyFault.CloseFactors, Find(ProductThatFermatFindsIn(round)));

    [Theory]
    [InlineData(101)]
    [InlineData(1000)]
    public void FactorsThatItFindsLater_AreNot(int round) => Assert.NotEqual(KeyFault.CloseFactors, Find(ProductThatFermatFindsIn(round)));

    [Fact]
    public void PowersOfOnePrime_AreFound()
    {
        Assert.Equal(KeyFault.CloseFactors, Find(BigInteger.Pow(Factors.P, 2)));
        Assert.Equal(KeyFault.OnePrime, Find(Factors.P));
        Assert.Equal(KeyFault.OnePrime, Find(BigInteger.Pow(Factors.P, 3)));
        Assert.Equal(KeyFault.OnePrime, Find(BigInteger.Pow(Factors.Q, 5)));
        Assert.Null(Find(Factors.P * Factors.Q));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(99)]
    public void SquareRoot_IsTheLargestNumberWhoseSquareIsNotAbove(int value)
    {
        foreach (BigInteger number in new[] { value, (Factors.P * Factors.P) - value, (Factors.P * Factors.P) + value })
        {
            BigInteger root = RsaQuality.SquareRoot(number);

            Assert.True(root * root <= number && (root + 1) * (root + 1) > number);
        }
    }

    [Theory]
    [MemberData(nameof(RocaModuli))]
    public void Roca_MarksItsKeysOnly(string kind, string modulus) =>
        Assert.Equal(kind == "marked", RocaFingerprint.Matches(BigInteger.Parse("0" + modulus, System.Globalization.NumberStyles.HexNumber)));

    [Fact]
    public void Roca_IsSeenInOurOwnKeysOfThatForm()
    {
        // The form of the paper, with M for 512 bits; primality is of no importance to the mark.
        var random = new TestRandom();
        BigInteger m = Primes.Below(168).Aggregate(BigInteger.One, static (product, prime) => product * prime);
        BigInteger modulus = BigInteger.One;
        for (int i = 0; i < 2; i++)
        {
            modulus *= (random.Next() * m) + BigInteger.ModPow(65537, random.Next(), m);
        }

        Assert.True(RocaFingerprint.Matches(modulus));
        Assert.False(RocaFingerprint.Matches(modulus + 2));
        Assert.False(RocaFingerprint.Matches(modulus * 3));
    }

    public static TheoryData<string, string> RocaModuli
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (string line in Encoding.ASCII.GetString(Fixtures.Read("keys/roca-moduli.txt")).Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                string[] words = line.Split(' ');
                data.Add(words[0], words[1]);
            }

            return data;
        }
    }

    [Fact]
    public void PowerOfTwo_IsThatOfDotNet()
    {
        var random = new TestRandom();
        foreach (int bits in new[] { 2, 3, 63, 64, 65, 127, 128, 129, 1024, 2048 })
        {
            for (int i = 0; i < 20; i++)
            {
                BigInteger top = BigInteger.One << (bits - 1);
                BigInteger modulus = (new BigInteger(random.Bytes((bits + 7) / 8), isUnsigned: true) & (top - 1)) | top | 1;
                BigInteger exponent = new BigInteger(random.Bytes(1 + (i * bits / 80)), isUnsigned: true) + 1;

                Assert.Equal(BigInteger.ModPow(2, exponent, modulus), PowerOfTwo.Modulo(exponent, modulus));
            }

            // All ones: every carry there is.
            BigInteger ones = (BigInteger.One << bits) - 1;
            Assert.Equal(BigInteger.ModPow(2, ones, ones), PowerOfTwo.Modulo(ones, ones));
        }
    }

    [Fact]
    public void PrimesBelowABound_AreThose()
    {
        Assert.Equal([2, 3, 5, 7, 11, 13, 17, 19, 23, 29], Primes.Below(30));
        Assert.Equal(6542, Primes.Below(65536).Count());
    }

    private static KeyFault? Find(BigInteger modulus) =>
        RsaQuality.Find(new RsaPublicKey(modulus.ToByteArray(isUnsigned: true, isBigEndian: true), new byte[] { 1, 0, 1 }));

    /// <summary>N = (a − d)(a + d) where a is the n-th number from √N upwards: √N ≈ a − d²/2a. Without small factors.</summary>
    private static BigInteger ProductThatFermatFindsIn(int round)
    {
        for (BigInteger a = Factors.P; ; a++)
        {
            BigInteger d = RsaQuality.SquareRoot(a * ((2 * round) - 1));
            BigInteger product = (a - d) * (a + d);
            BigInteger root = RsaQuality.SquareRoot(product);
            bool hasSmallFactor = product.IsEven || Primes.Below(65536).Any(p => product % p == 0);
            if (!hasSmallFactor && a - root == round)
            {
                return product;
            }
        }
    }

    private static (BigInteger P, BigInteger Q) MakeFactors()
    {
        using var rsa = RSA.Create(1024);
        RSAParameters key = rsa.ExportParameters(includePrivateParameters: true);
        return (new BigInteger(key.P, isUnsigned: true, isBigEndian: true), new BigInteger(key.Q, isUnsigned: true, isBigEndian: true));
    }
}
