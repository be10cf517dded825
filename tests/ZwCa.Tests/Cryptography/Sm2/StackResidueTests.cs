using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ZwCa.Cryptography;

namespace ZwCa.Tests.Cryptography;

/// <summary>
/// After a public method has returned, the stack below its caller holds no word of the private key or of what is as good as it. The stack is
/// filled with a pattern first, so that what is found was left by the call.
/// </summary>
public class StackResidueTests
{
    private const int Depth = 64 * 1024;

    [Theory]
    [InlineData("sign")]
    [InlineData("sign many")]
    [InlineData("generate")]
    [InlineData("read")]
    [InlineData("export")]
    [InlineData("decrypt")]
    public void NothingOfTheKeyIsLeft(string call)
    {
        byte[] exported = new byte[32];
        for (int warm = 0; warm < 40; warm++)
        {
            Sm2PrivateKey key = Sm2PrivateKey.Generate();
            key.ExportBytes(exported);
            byte[] digests = new byte[40 * 32], signatures = new byte[40 * 64], ciphertext = key.PublicKey.Encrypt("0123456789abcdef"u8), taken = new byte[32];
            Fill();
            switch (call)
            {
                case "sign":
                    key.Sign(digests, signatures);
                    break;
                case "sign many":
                    key.SignDigests(digests, signatures);
                    break;
                case "generate":
                    key = Sm2PrivateKey.Generate();
                    break;
                case "read":
                    Sm2PrivateKey.FromBytes(exported);
                    break;
                case "export":
                    key.ExportBytes(taken);
                    break;
                default:
                    key.Decrypt(ciphertext);
                    break;
            }

            ulong[] stack = new ulong[Depth / sizeof(ulong)];
            Copy(stack);

            // Only now, so that no word of the key is in a register that the call would save on its stack for us.
            key.ExportBytes(exported);
            BigInteger d = Oracle.Integer(exported);
            HashSet<ulong> secret = [.. Forms(d), .. Forms(d + 1), .. Forms(Inverse(d) * BigInteger.ModPow(2, 260, Oracle.N) % Oracle.N)];
            if (call == "decrypt")
            {
                secret.UnionWith(Shared(d, ciphertext));
            }

            Assert.DoesNotContain(stack, secret.Contains);
            GC.KeepAlive(key);
        }
    }

    /// <summary>The search finds what a call leaves: here the same words, put on the stack by a method that clears nothing.</summary>
    [Fact]
    public void AKeyThatIsLeft_IsFound()
    {
        BigInteger d = Oracle.Integer(Convert.FromHexString("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"));
        Fill();
        Leave(Forms(d)[0]);
        ulong[] stack = new ulong[Depth / sizeof(ulong)];
        Copy(stack);
        Assert.Contains(Forms(d)[0], stack);
    }

    private static BigInteger Inverse(BigInteger d) => BigInteger.ModPow(d + 1, Oracle.N - 2, Oracle.N);

    // Words of 64 and limbs of 52 bits, but those that could be there by chance.
    private static ulong[] Forms(BigInteger value) =>
        [.. ((int[])[64, 52]).SelectMany(bits => Enumerable.Range(0, 256 / bits).Select(i => (ulong)((value >> (i * bits)) & ((BigInteger.One << bits) - 1)))).Where(w => w >> 40 != 0)];

    private static ulong[] Shared(BigInteger d, byte[] ciphertext)
    {
        byte[] point = Oracle.Encode(Oracle.Multiply(Oracle.Point(ciphertext.AsSpan(0, 65)), d));
        return [.. Forms(Oracle.Integer(point.AsSpan(1, 32))), .. Forms(Oracle.Integer(point.AsSpan(33)))];
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Fill()
    {
        Span<byte> below = stackalloc byte[Depth];
        below.Fill(0xCC);
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Copy(ulong[] destination)
    {
        Span<ulong> below = stackalloc ulong[destination.Length];
        below.CopyTo(destination);
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Leave(ulong word)
    {
        Span<ulong> below = stackalloc ulong[512];
        below.Fill(word);
        Use(ref MemoryMarshal.GetReference(below));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Use(ref ulong word) => GC.KeepAlive(word.ToString());
}
