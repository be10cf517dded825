using System.Numerics;
using ZwCa.Cryptography;
using BcPoint = Org.BouncyCastle.Math.EC.ECPoint;

namespace ZwCa.Tests.Cryptography;

/// <summary>Multiples of points against BouncyCastle, above all where additions are exceptional.</summary>
public class PointTests
{
    /// <summary>1…40, n − 1…n − 40, 2^i and 2^i ± 1, and the scalar at which the comb's last addition is a doubling.</summary>
    public static IEnumerable<BigInteger> EdgeScalars()
    {
        for (int i = 1; i <= 40; i++)
        {
            yield return i;
            yield return Oracle.N - i;
        }

        for (int i = 6; i < 256; i++)
        {
            yield return (BigInteger.One << i) - 1;
            yield return BigInteger.One << i;
            yield return (BigInteger.One << i) + 1;
        }

        yield return CombException;
        yield return Oracle.N - CombException;
        yield return (Oracle.N - 1) / 2;
        yield return (Oracle.N + 1) / 2;
    }

    // k = K + 15·2^252 with K = 15·2^252 − n: the sum of 36 rows equals the entry of the last one modulo n.
    private static BigInteger CombException => (30 * (BigInteger.One << 252)) - Oracle.N;

    [Fact]
    public void EdgeScalars_GiveTheRightPoint()
    {
        foreach (BigInteger k in EdgeScalars().Where(k => k > 0 && k < Oracle.N))
        {
            byte[] expected = Oracle.Encode(Oracle.Multiply(Oracle.Generator, k));
            Scalar scalar = Scalar.FromBytes(Oracle.Bytes(k));
            Sm2PrivateKey.MultiplyGenerator(out AffinePoint point, in scalar);
            Assert.Equal(expected, Encode(point));
            WindowMultiplication.MultiplySecret(out point, AffinePoint.Generator, in scalar);
            Assert.Equal(expected, Encode(point));
        }
    }

    [Fact]
    public void CombException_IsReportedByTheFastPath()
    {
        Scalar k = Scalar.FromBytes(Oracle.Bytes(CombException));
        CombTable.MultiplyGenerator(out XyzzPoint point, in k, ref CombTable.Generator.First);
        Assert.Equal(ulong.MaxValue, FieldElement.IsZeroMask(in point.ZZ));
    }

    [Fact]
    public void RandomScalarsAndPoints_GiveTheRightPoint()
    {
        TestRandom random = new();
        int rounds = TestRandom.Long ? 100_000 : 1_000;
        for (int i = 0; i < rounds; i++)
        {
            BigInteger k = 1 + (Oracle.Integer(random.Bytes(40)) % (Oracle.N - 1)), j = 1 + (Oracle.Integer(random.Bytes(40)) % (Oracle.N - 1));
            BcPoint p = Oracle.Multiply(Oracle.Generator, j);
            Assert.True(Sm2PublicKey.TryReadPoint(Oracle.Encode(p), out AffinePoint point));
            Scalar scalar = Scalar.FromBytes(Oracle.Bytes(k));
            WindowMultiplication.MultiplySecret(out AffinePoint product, in point, in scalar);
            byte[] expected = Oracle.Encode(Oracle.Multiply(p, k));
            Assert.True(expected.AsSpan().SequenceEqual(Encode(product)), $"seed {random.Seed}, round {i}: window");
            CompletePoint.Multiply(out CompletePoint complete, in scalar, in point);
            CompletePoint.ToAffine(out product, in complete);
            Assert.True(expected.AsSpan().SequenceEqual(Encode(product)), $"seed {random.Seed}, round {i}: complete");
        }
    }

    [Fact]
    public void CompleteAddition_IsRightForEveryPairOfOperands()
    {
        for (int i = 0; i <= 5; i++)
        {
            for (int j = -5; j <= 5; j++)
            {
                CompletePoint.Add(out CompletePoint sum, Small(i), Small(j));
                CompletePoint.ToAffine(out AffinePoint affine, in sum);
                if (i + j == 0)
                {
                    Assert.Equal(ulong.MaxValue, FieldElement.IsZeroMask(in sum.Z));
                }
                else
                {
                    Assert.Equal(Oracle.Encode(Oracle.Multiply(Oracle.Generator, i + j)), Encode(affine));
                }
            }
        }
    }

    private static CompletePoint Small(int k)
    {
        if (k == 0)
        {
            return CompletePoint.Infinity;
        }

        Assert.True(Sm2PublicKey.TryReadPoint(Oracle.Encode(Oracle.Multiply(Oracle.Generator, k)), out AffinePoint point));
        return CompletePoint.FromAffine(in point);
    }

    private static byte[] Encode(AffinePoint point)
    {
        byte[] bytes = new byte[65];
        Sm2PublicKey.WritePoint(bytes, in point);
        return bytes;
    }
}
