using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using ZwCa.Cryptography;

namespace ZwCa.Benchmarks;

/// <summary>
/// Does the time of an operation tell a fixed secret from a random one? The test of Reparaz, Balasch and Verbauwhede ("dude, is my code constant
/// time?", 2017): Welch's t between the two classes, taken in random order, over the whole and over what is left when the slowest measurements are
/// cut off at several percentiles. |t| above 4.5 is evidence of a leak; below it there is none in this many measurements.
/// A figure to be read by a person: noise of the machine does not fail anything.
/// </summary>
internal static class TimingCheck
{
    private const double Suspicious = 4.5;
    private static readonly double[] Kept = [1, 0.99, 0.95, 0.9, 0.75, 0.5];

    public static int Run()
    {
        Machine.Print();
        Console.WriteLine();
        Console.WriteLine($"{"operation: fixed secret against random ones",-52} {"measured",10} {"worst |t|",10}");
        Scalar one = Scalar.One;
        SignatureWork work = new() { E = Next(), K = Next() };
        Scalar inverse = Next();
        AffinePoint generator = AffinePoint.Generator;
        Check("sign: nonce 1", 200_000, in one, (in Scalar k) =>
        {
            work.K = k;
            Signing.SignBatch(ref work, 1, in inverse, ref CombTable.Generator.First);
        });
        work.K = Next();
        Check("sign: key with (1 + d)⁻¹ = 1", 200_000, in one, (in Scalar d) => Signing.SignBatch(ref work, 1, in d, ref CombTable.Generator.First));
        Check("key pair: d = 1", 200_000, in one, (in Scalar d) => Sm2PrivateKey.MultiplyGenerator(out _, in d));
        Check("decrypt: d = 1", 50_000, in one, (in Scalar d) => WindowMultiplication.MultiplySecret(out _, in generator, in d));
        Check("inverse modulo n: of 1", 500_000, in one, (in Scalar x) => ModularInverse.InvertModOrder(out _, in x));
        Check("control, verification's k·P, not constant time: k = 1", 20_000, in one, (in Scalar k) => WindowMultiplication.AddPublic(out _, in k, in generator, in k));
        return 0;
    }

    private delegate void Operation(in Scalar secret);

    private static void Check(string name, int count, in Scalar fixedSecret, Operation operation)
    {
        // All inputs of a block are prepared before its first measurement, so that both classes meet the same caches.
        const int Block = 1000;
        var times = new List<(bool Fixed, long Time)>(count);
        var inputs = new Scalar[Block];
        bool[] isFixed = new bool[Block];
        for (int done = -2 * Block; done < count; done += Block)
        {
            for (int i = 0; i < Block; i++)
            {
                isFixed[i] = RandomNumberGenerator.GetInt32(2) == 0;
                Scalar random = Next();
                inputs[i] = isFixed[i] ? fixedSecret : random;
            }

            for (int i = 0; i < Block; i++)
            {
                long started = Stopwatch.GetTimestamp();
                operation(in inputs[i]);
                long time = Stopwatch.GetTimestamp() - started;
                if (done >= 0)
                {
                    times.Add((isFixed[i], time));
                }
            }
        }

        long[] sorted = [.. times.Select(t => t.Time).Order()];
        double worst = Kept.Max(kept => Math.Abs(Welch(times, sorted[(int)((sorted.Length - 1) * kept)])));
        string verdict = worst > Suspicious ? "differs" : "no difference seen";
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-52} {times.Count,10:N0} {worst,10:0.0}  {verdict}"));
    }

    private static double Welch(List<(bool Fixed, long Time)> times, long atMost)
    {
        (double n0, double mean0, double variance0) = Moments(times.Where(t => t.Fixed && t.Time <= atMost).Select(t => (double)t.Time));
        (double n1, double mean1, double variance1) = Moments(times.Where(t => !t.Fixed && t.Time <= atMost).Select(t => (double)t.Time));
        return (mean0 - mean1) / Math.Sqrt((variance0 / n0) + (variance1 / n1));
    }

    private static (double Count, double Mean, double Variance) Moments(IEnumerable<double> values)
    {
        double count = 0, mean = 0, squares = 0;
        foreach (double value in values)
        {
            count++;
            double delta = value - mean;
            mean += delta / count;
            squares += delta * (value - mean);
        }

        return (count, mean, squares / (count - 1));
    }

    private static Scalar Next()
    {
        Sm2Random.NextScalar(out Scalar scalar, RandomNumberGenerator.Fill);
        return scalar;
    }
}
