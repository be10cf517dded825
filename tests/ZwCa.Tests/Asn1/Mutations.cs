namespace ZwCa.Tests.Asn1;

/// <summary>Invalid inputs out of a valid one.</summary>
internal static class Mutations
{
    public static IEnumerable<byte[]> Truncated(byte[] sample) => Enumerable.Range(0, sample.Length).Select(n => sample[..n]);

    public static IEnumerable<byte[]> Appended(byte[] sample) => [[.. sample, 0x00], [.. sample, 0x05, 0x00], [.. sample, 0xff], [.. sample, .. sample]];

    /// <summary>One byte changed, everywhere: to every value in small samples and in the long run, otherwise to the values that DER gives a meaning.</summary>
    /// <param name="all">To every value in samples of any size.</param>
    public static IEnumerable<byte[]> Mutated(byte[] sample, bool all = false)
    {
        const int Small = 16;
        IEnumerable<int> changes = all || TestRandom.Long || sample.Length <= Small ? Enumerable.Range(1, 255) : [];
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
    public static IEnumerable<byte[]> Bent(byte[] sample, Random random, int rounds)
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
                Tlv other = Pick(Tlv.Parse(Pick(DerSamples.All, random)).All().ToList(), random);
                (node.Tag, node.Content, node.Children) = (other.Tag, other.Content, other.Children);
                break;
        }
    }

    /// <summary>The beginning of one sample and the end of another, as they fall.</summary>
    public static IEnumerable<byte[]> Spliced(byte[] sample, Random random, int rounds)
    {
        for (int i = 0; i < rounds; i++)
        {
            byte[] other = Pick(DerSamples.All, random);
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
    public static IEnumerable<byte[]> Nested(byte[] sample)
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
    public static byte[] NestedContent(byte tag, int depth, params ReadOnlySpan<byte> innermost)
    {
        byte[] bytes = new byte[(depth * 6) + innermost.Length];
        int start = bytes.Length - innermost.Length;
        innermost.CopyTo(bytes.AsSpan(start));
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
    public static IEnumerable<byte[]> Repeated(byte[] sample)
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

    public static string Show(byte[] bytes) => bytes.Length <= 4096 ? Convert.ToHexString(bytes) : $"{Convert.ToHexString(bytes[..256])}… ({bytes.Length} bytes)";
}
