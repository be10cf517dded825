using ZwCa.Tests.Asn1;

namespace ZwCa.Tests;

/// <summary>Decodes and encodes again.</summary>
/// <param name="allocated">Bytes that the decoding took.</param>
internal delegate byte[] Reencode(byte[] input, out long allocated);

/// <summary>What every parser owes: it refuses, or what it accepts is written again byte for byte; and it takes memory in proportion.</summary>
internal static class Reproduction
{
    /// <summary>An exception with its stack, and what one element may cost beyond its own size.</summary>
    private const long AllocatedAtMost = 128 * 1024;

    /// <summary>
    /// An element of two bytes becomes a reader, an object, a string and a place in a list; an encoding is copied a few times by AsnWriter, which
    /// keeps the nesting in mind.
    /// </summary>
    private const long AllocatedAtMostPerByte = 150;

    /// <typeparam name="TRefusal">How the parser says no.</typeparam>
    /// <returns>False when refused. Fails the test on anything but refusal or reproduction.</returns>
    public static bool Accepts<TRefusal>(Reencode reencode, byte[] input)
        where TRefusal : Exception
    {
        byte[] output;
        long allocated;
        try
        {
            output = reencode(input, out allocated);
        }
        catch (TRefusal)
        {
            return false;
        }
        catch (Exception e)
        {
            Assert.Fail($"input {Mutations.Show(input)}: {e}");
            throw;
        }

        Assert.True(input.AsSpan().SequenceEqual(output), $"input {Mutations.Show(input)} becomes {Mutations.Show(output)}");
        CheckAllocated(allocated, input);
        return true;
    }

    public static void CheckAllocated(long allocated, byte[] input) => Assert.True(
        allocated <= AllocatedAtMost + (AllocatedAtMostPerByte * input.Length),
        $"input of {input.Length} bytes {Mutations.Show(input)}: {allocated} bytes allocated");
}
