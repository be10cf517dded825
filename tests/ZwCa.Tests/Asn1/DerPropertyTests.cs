using System.Reflection;
using ZwCa.Asn1;

namespace ZwCa.Tests.Asn1;

/// <summary>
/// Whatever bytes come in, a type either throws <see cref="DerException"/> or writes exactly the same bytes again, in memory that is
/// proportional to the input. Every IDer type of the assembly is tried; one without samples fails.
/// </summary>
public sealed class DerPropertyTests
{
    /// <summary>Inputs of each random kind for each type. With the others they make some 10^5 in all in an ordinary run, some 10^7 in a long one.</summary>
    private static readonly int Rounds = TestRandom.Long ? 80_000 : 500;

    private static readonly Dictionary<string, Type> DerTypes = (
        from type in typeof(Der).Assembly.GetTypes()
        where type.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IDer<>) && i.GenericTypeArguments[0] == type)
        select type).ToDictionary(t => t.FullName!);

    public static TheoryData<string> Types => [.. DerTypes.Keys.Order(StringComparer.Ordinal)];

    /// <summary>The timeout is for what must not be: a type takes seconds, in the long run a minute or two.</summary>
    [Theory(Timeout = 1_200_000)]
    [MemberData(nameof(Types))]
    public Task Any_bytes_are_refused_or_reproduced(string typeName) => Task.Run(() => Check(typeName), TestContext.Current.CancellationToken);

    private static void Check(string typeName)
    {
        Type type = DerTypes[typeName];
        byte[][] samples = [.. DerSamples.ByType[type]];
        Assert.True(samples.Length > 0, $"{typeName} has no sample: add one to an {nameof(IDerSamples)}.");
        var reencode = typeof(DerPropertyTests).GetMethod(nameof(DecodeAndEncode), BindingFlags.NonPublic | BindingFlags.Static)!
            .MakeGenericMethod(type).CreateDelegate<Reencode>();
        var random = new TestRandom();
        long tried = 0;
        long accepted = 0;
        void Try(byte[] input)
        {
            tried++;
            accepted += Reproduction.Accepts<DerException>(reencode, input) ? 1 : 0;
        }

        foreach (byte[] sample in samples)
        {
            Assert.True(Reproduction.Accepts<DerException>(reencode, sample), $"{typeName} refuses its own sample {Convert.ToHexString(sample)}");
            foreach (byte[] input in Mutations.Truncated(sample).Concat(Mutations.Appended(sample)))
            {
                Assert.False(Reproduction.Accepts<DerException>(reencode, input), $"{typeName} accepts {Convert.ToHexString(input)}");
            }

            foreach (byte[] input in Mutations.Mutated(sample)
                .Concat(Mutations.Bent(sample, random, Rounds / samples.Length))
                .Concat(Mutations.Spliced(sample, random, Rounds / samples.Length))
                .Concat(Mutations.Nested(sample)))
            {
                Try(input);
            }
        }

        // Large lists of small elements: neither quadratic nor greedy.
        foreach (byte[] input in Mutations.Repeated(samples[0]))
        {
            Try(input);
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{tried} inputs, {accepted} of them accepted");
    }

    private static byte[] DecodeAndEncode<T>(byte[] input, out long allocated)
        where T : IDer<T>
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            T value = Der.Decode<T>(input);
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            return Der.Encode(value);
        }
        catch (DerException)
        {
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Reproduction.CheckAllocated(allocated, input);
            throw;
        }
    }
}
