using System.Globalization;
using System.Reflection;
using ZwCa.Asn1;

namespace ZwCa.Tests.Asn1;

/// <summary>
/// Whatever bytes come in, a type either throws <see cref="DerException"/> or writes exactly the same bytes again, in memory that is
/// proportional to the input. Every IDer type of the assembly is tried; one without samples fails.
/// </summary>
public sealed class DerPropertyTests
{
    /// <summary>An exception with its stack, and what one element may cost beyond its own size.</summary>
    private const long AllocatedAtMost = 128 * 1024;

    /// <summary>
    /// An element of two bytes becomes a reader, an object, a string and a place in a list; an encoding is copied a few times by AsnWriter, which
    /// keeps the nesting in mind.
    /// </summary>
    private const long AllocatedAtMostPerByte = 150;

    private static readonly bool IsLong = Environment.GetEnvironmentVariable("ZWCA_LONG") == "1";

    /// <summary>Inputs of each random kind for each type. With the others they make some 10^5 in all in an ordinary run, some 10^7 in a long one.</summary>
    private static readonly int Rounds = IsLong ? 80_000 : 500;

    private static readonly int Seed = Environment.GetEnvironmentVariable("ZWCA_SEED") is { Length: > 0 } seed
        ? int.Parse(seed, CultureInfo.InvariantCulture)
        : Random.Shared.Next();

    private static readonly ILookup<Type, byte[]> Samples = (
        from type in typeof(DerPropertyTests).Assembly.GetTypes()
        where type.IsAssignableTo(typeof(IDerSamples)) && type is { IsInterface: false, IsAbstract: false }
        from sample in ((IDerSamples)Activator.CreateInstance(type)!).Samples
        select sample).ToLookup(s => s.Type, s => s.Bytes);

    private static readonly byte[][] AllSamples = [.. Samples.SelectMany(s => s)];

    private static readonly Dictionary<string, Type> DerTypes = (
        from type in typeof(Der).Assembly.GetTypes()
        where type.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IDer<>) && i.GenericTypeArguments[0] == type)
        select type).ToDictionary(t => t.FullName!);

    public static TheoryData<string> Types => [.. DerTypes.Keys.Order(StringComparer.Ordinal)];

    private delegate byte[] Reencode(byte[] input, out long allocated);

    /// <summary>The timeout is for what must not be: a type takes seconds, in the long run a minute or two.</summary>
    [Theory(Timeout = 1_200_000)]
    [MemberData(nameof(Types))]
    public Task Any_bytes_are_refused_or_reproduced(string typeName) => Task.Run(() => Check(typeName), TestContext.Current.CancellationToken);

    private static void Check(string typeName)
    {
        Type type = DerTypes[typeName];
        byte[][] samples = [.. Samples[type]];
        Assert.True(samples.Length > 0, $"{typeName} has no sample: add one to an {nameof(IDerSamples)}.");
        var reencode = typeof(DerPropertyTests).GetMethod(nameof(DecodeAndEncode), BindingFlags.NonPublic | BindingFlags.Static)!
            .MakeGenericMethod(type).CreateDelegate<Reencode>();
        var random = new Random(Seed);
        long tried = 0;
        long accepted = 0;
        void Try(byte[] input)
        {
            tried++;
            accepted += Accepts(reencode, input) ? 1 : 0;
        }

        foreach (byte[] sample in samples)
        {
            Assert.True(Accepts(reencode, sample), $"{typeName} refuses its own sample {Convert.ToHexString(sample)}");
            foreach (byte[] input in Truncated(sample).Concat(Appended(sample)))
            {
                Assert.False(Accepts(reencode, input), $"{typeName} accepts {Convert.ToHexString(input)}");
            }

            foreach (byte[] input in Mutated(sample)
                .Concat(Bent(sample, random, Rounds / samples.Length))
                .Concat(Spliced(sample, random, Rounds / samples.Length))
                .Concat(Nested(sample)))
            {
                Try(input);
            }
        }

        // Large lists of small elements: neither quadratic nor greedy.
        foreach (byte[] input in Repeated(samples[0]))
        {
            Try(input);
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{tried} inputs, {accepted} of them accepted, seed {Seed}");
    }

    /// <returns>False when refused. Fails the test on anything but refusal or reproduction.</returns>
    private static bool Accepts(Reencode reencode, byte[] input)
    {
        byte[] output;
        long allocated;
        try
        {
            output = reencode(input, out allocated);
        }
        catch (DerException)
        {
            return false;
        }
        catch (Exception e)
        {
            Assert.Fail($"seed {Seed}, input {Show(input)}: {e}");
            throw;
        }

        Assert.True(input.AsSpan().SequenceEqual(output), $"seed {Seed}, input {Show(input)} becomes {Show(output)}");
        Assert.True(
            allocated <= AllocatedAtMost + (AllocatedAtMostPerByte * input.Length),
            $"seed {Seed}, input of {input.Length} bytes {Show(input)}: {allocated} bytes allocated");
        return true;
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
            if (allocated > AllocatedAtMost + (AllocatedAtMostPerByte * input.Length))
            {
                throw new InvalidOperationException($"{allocated} bytes allocated to refuse {input.Length}.");
            }

            throw;
        }
    }

    private static IEnumerable<byte[]> Truncated(byte[] sample) => Enumerable.Range(0, sample.Length).Select(n => sample[..n]);

    private static IEnumerable<byte[]> Appended(byte[] sample) => [[.. sample, 0x00], [.. sample, 0x05, 0x00], [.. sample, 0xff], [.. sample, .. sample]];

    /// <summary>One byte changed, everywhere: to every value in small samples and in the long run, otherwise to the values that DER gives a meaning.</summary>
    private static IEnumerable<byte[]> Mutated(byte[] sample)
    {
        const int Small = 16;
        IEnumerable<int> changes = IsLong || sample.Length <= Small ? Enumerable.Range(1, 255) : [];
        for (int at = 0; at < sample.Length; at++)
        {
            byte old = sample[at];
            
            // XORed in: to 00, to FF, single bits (class, constructed), one more, one less.
            int[] meaningful = [old, old ^ 0xff, 0x01, 0x02, 0x20, 0x40, 0x80, old ^ ((old + 1) & 0xff), old ^ ((old - 1) & 0xff)];
            foreach (int change in changes.Concat(meaningful).Distinct().Where(c => c != 0))
            {
                byte[] input = [.. sample];
                input[at] = (byte)(old ^ change);
                yield return input;
            }
        }
    }

    /// <summary>Elements removed, doubled, exchanged, retagged, or given a length in another form, with the lengths around them right.</summary>
    private static IEnumerable<byte[]> Bent(byte[] sample, Random random, int rounds)
    {
        for (int i = 0; i < rounds; i++)
        {
            Tlv tree = Tlv.Parse(sample);
            for (int bends = random.Next(1, 3); bends > 0; bends--)
            {
                Bend(Pick(tree.All().ToList(), random), random);
            }

            yield return tree.Encode();
        }
    }

    private static void Bend(Tlv node, Random random)
    {
        List<Tlv>? children = node.Children is { Count: > 0 } ? node.Children : null;
        switch (random.Next(11))
        {
            case 0:
                children?.RemoveAt(random.Next(children.Count));
                break;
            case 1:
                children?.Insert(random.Next(children.Count), Pick(children, random));
                break;
            case 2:
                children?.Reverse();
                break;
            case 3:
                node.Tag = (byte)random.Next(256);
                break;
            case 4:
                node.Tag = (byte)(node.Tag ^ 0x20);
                break;
            case 5:
                node.Content = [];
                node.Children = children is null ? null : [];
                break;
            case 6:
                node.Content = new byte[random.Next(1, 64)];
                random.NextBytes(node.Content);
                break;
            case 7: // indefinite length, with its end where the content ends
                node.Length = _ => [0x80];
                node.Content = [.. node.Content, 0x00, 0x00];
                children?.Add(Tlv.Parse([0x00, 0x00]));
                break;
            case 8: // not minimal
                node.Length = n => [0x84, .. BitConverter.GetBytes(n).Reverse()];
                break;
            case 9: // huge
                byte[][] huge = [[0x84, 0x7f, 0xff, 0xff, 0xff], [0x84, 0xff, 0xff, 0xff, 0xff], [0x88, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], [0xff]];
                byte[] length = Pick(huge, random);
                node.Length = _ => length;
                break;
            case 10: // a subtree of some other sample
                Tlv other = Pick(Tlv.Parse(Pick(AllSamples, random)).All().ToList(), random);
                (node.Tag, node.Content, node.Children) = (other.Tag, other.Content, other.Children);
                break;
        }
    }

    /// <summary>The beginning of one sample and the end of another, as they fall.</summary>
    private static IEnumerable<byte[]> Spliced(byte[] sample, Random random, int rounds)
    {
        for (int i = 0; i < rounds; i++)
        {
            byte[] other = Pick(AllSamples, random);
            int at = random.Next(sample.Length + 1);
            byte[] input = [.. sample[..at], .. other[random.Next(other.Length + 1)..]];

            // Half of them with an outer length that fits, so that the reader gets further than the first element.
            if (random.Next(2) == 0 && input.Length is > 2 and < 0x82)
            {
                input[1] = (byte)(input.Length - 2);
            }

            yield return input;
        }
    }

    /// <summary>10,000 levels in place of each element.</summary>
    private static IEnumerable<byte[]> Nested(byte[] sample)
    {
        const int Depth = 10_000;
        int nodes = Tlv.Parse(sample).All().Count();
        foreach (byte tag in (byte[])[0x30, 0x31, 0xa0])
        {
            byte[] definite = NestedContent(tag, Depth);
            byte[] indefinite = [.. Enumerable.Repeat<byte[]>([tag, 0x80], Depth).SelectMany(b => b)];
            yield return definite;
            yield return indefinite;

            // A few places are enough for large samples.
            for (int i = 0; i < nodes; i += 1 + (nodes / 20))
            {
                foreach (byte[] deep in (byte[][])[definite, indefinite])
                {
                    Tlv tree = Tlv.Parse(sample);
                    Tlv node = tree.All().ElementAt(i);
                    node.Children = null;
                    node.Content = deep;
                    yield return tree.Encode();
                }
            }
        }
    }

    /// <summary>Definite lengths, from the inside out, into one array from its end.</summary>
    private static byte[] NestedContent(byte tag, int depth)
    {
        byte[] bytes = new byte[depth * 6];
        int start = bytes.Length;
        for (int i = 0; i < depth; i++)
        {
            byte[] length = Tlv.MinimalLength(bytes.Length - start);
            start -= length.Length + 1;
            bytes[start] = tag;
            length.CopyTo(bytes, start + 1);
        }

        return bytes[start..];
    }

    /// <summary>The first child of each element, and a few small ones, over and over for 100 KB.</summary>
    private static IEnumerable<byte[]> Repeated(byte[] sample)
    {
        const int Size = 100_000;
        Tlv[] small = [Tlv.Parse([0x05, 0x00]), Tlv.Parse([0x82, 0x00]), Tlv.Parse([0x30, 0x00]), Tlv.Parse([0x06, 0x01, 0x2a])];
        int nodes = Tlv.Parse(sample).All().Count();
        for (int i = 0; i < nodes; i += 1 + (nodes / 20))
        {
            for (int kind = -1; kind < small.Length; kind++)
            {
                Tlv tree = Tlv.Parse(sample);
                Tlv node = tree.All().ElementAt(i);
                if (node.Children is { Count: > 0 } children)
                {
                    Tlv element = kind < 0 ? children[0] : small[kind];
                    node.Children = [.. Enumerable.Repeat(element, Size / element.Encode().Length)];
                    yield return tree.Encode();
                }
                else if (kind < 0)
                {
                    // One large primitive: an INTEGER, an OID, a string of 100 KB.
                    node.Content = [.. Enumerable.Repeat((byte)0x31, Size)];
                    yield return tree.Encode();
                    node.Content = [.. Enumerable.Repeat((byte)0xff, Size - 1), 0x7f];
                    yield return tree.Encode();
                }
            }
        }
    }

    private static T Pick<T>(IReadOnlyList<T> list, Random random) => list[random.Next(list.Count)];

    private static string Show(byte[] bytes) => bytes.Length <= 4096 ? Convert.ToHexString(bytes) : $"{Convert.ToHexString(bytes[..256])}… ({bytes.Length} bytes)";
}
