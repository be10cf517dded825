using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace ZwCa.Cryptography;

/// <summary>
/// Odd multiples of a fixed point P for a comb of signed odd digits: row i holds (2j + 1)·2^(width·i)·P for j below 2^(width−1), so that
/// k·P is the sum of one entry a row and needs no doubling. An entry is x‖y, four words each, canonical Montgomery form: 64 bytes.
/// Width 7 is 37 rows of 64 points, 148 KiB; width 5 is 52 rows of 16 points, 52 KiB.
/// </summary>
internal sealed class CombTable
{
    internal const int WordsPerPoint = 8;
    private const int GeneratorWidth = 7;
    private const int GeneratorRows = 37;

    private readonly int _width;
    private readonly int _rows;
    private readonly ulong[] _entries;

    private CombTable(int width, int rows, ulong[] entries)
    {
        _width = width;
        _rows = rows;
        _entries = entries;
    }

    /// <summary>The generator's table, width 7; read whole row by row where the scalar is secret.</summary>
    internal static CombTable Generator { get; } = Build(AffinePoint.Generator, GeneratorWidth);

    internal ref ulong First => ref MemoryMarshal.GetArrayDataReference(_entries);

    /// <param name="point">On the curve; public.</param>
    /// <param name="width">2 to 7 bits.</param>
    internal static CombTable Build(in AffinePoint point, int width)
    {
        int rows = (256 + width - 1) / width;
        int perRow = 1 << (width - 1);

        // 2^(width·i)·P and its double for every row, made affine with one inversion.
        var steps = new JacobianPoint[2 * rows];
        JacobianPoint current = new() { X = point.X, Y = point.Y, Z = FieldElement.One };
        for (int i = 0; i < rows; i++)
        {
            steps[2 * i] = current;
            JacobianPoint.Double(ref current);
            steps[(2 * i) + 1] = current;
            for (int j = 1; j < width; j++)
            {
                JacobianPoint.Double(ref current);
            }
        }

        var bases = new AffinePoint[steps.Length];
        ToAffine(steps, bases);

        var multiples = new JacobianPoint[rows * perRow];
        for (int i = 0; i < rows; i++)
        {
            current = new JacobianPoint { X = bases[2 * i].X, Y = bases[2 * i].Y, Z = FieldElement.One };
            for (int j = 0; j < perRow; j++)
            {
                multiples[(i * perRow) + j] = current;
                JacobianPoint.Add(ref current, in bases[(2 * i) + 1]);
            }
        }

        var affine = new AffinePoint[multiples.Length];
        ToAffine(multiples, affine);
        var entries = new ulong[affine.Length * WordsPerPoint];
        for (int i = 0; i < affine.Length; i++)
        {
            Pack(ref entries[i * WordsPerPoint], in affine[i]);
        }

        return new CombTable(width, rows, entries);
    }

    /// <summary>Makes finite points affine (x, y carried) with one inversion (Montgomery's trick).</summary>
    /// <param name="affine">As long as <paramref name="points"/>.</param>
    internal static void ToAffine(ReadOnlySpan<JacobianPoint> points, Span<AffinePoint> affine)
    {
        FieldElement product = FieldElement.One;
        for (int i = 0; i < points.Length; i++)
        {
            // X holds the product of all Z before this one until the way back.
            affine[i].X = product;
            FieldElement.Multiply(out product, in product, in points[i].Z);
        }

        ModularInverse.InvertField(out FieldElement inverse, in product);
        for (int i = points.Length - 1; i >= 0; i--)
        {
            FieldElement.Multiply(out FieldElement z, in inverse, in affine[i].X);
            FieldElement.Multiply(out inverse, in inverse, in points[i].Z);
            FieldElement.Square(out FieldElement zz, in z);
            FieldElement.Multiply(out affine[i].X, in zz, in points[i].X);
            FieldElement.Multiply(out zz, in zz, in z);
            FieldElement.Multiply(out affine[i].Y, in zz, in points[i].Y);
        }
    }

    internal static void Pack(ref ulong entry, in AffinePoint point)
    {
        ref Scalar words = ref Unsafe.As<ulong, Scalar>(ref entry);
        FieldElement.PackCanonical(out words, in point.X);
        FieldElement.PackCanonical(out Unsafe.Add(ref words, 1), in point.Y);
    }

    /// <summary>
    /// r = ±k·G for a secret k, reading every entry of every row. <paramref name="entries"/> is the first word of <see cref="Generator"/>.
    /// </summary>
    /// <param name="k">1 to n − 1.</param>
    /// <returns>All ones when r = −k·G (k was even), else 0. r.ZZ = 0 in the one exceptional case, which the caller has to test.</returns>
    [ConstantTime]
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    internal static ulong MultiplyGenerator(out XyzzPoint r, in Scalar k, ref ulong entries)
    {
        ulong negated = RecodeOdd(out SignedDigits digits, in k, GeneratorWidth * GeneratorRows);
        SelectEntry(out AffinePoint point, ref entries, SignedDigits.At(ref digits, 0, GeneratorWidth), GeneratorWidth);
        XyzzPoint.FromAffine(out r, in point);
        for (int i = 1; i < GeneratorRows; i++)
        {
            ulong digit = SignedDigits.At(ref digits, GeneratorWidth * i, GeneratorWidth);
            SelectEntry(out point, ref Unsafe.Add(ref entries, (nint)(i * (WordsPerPoint << (GeneratorWidth - 1)))), digit, GeneratorWidth);
            XyzzPoint.Add(ref r, in point);
        }

        return negated;
    }

    /// <summary>sum ← sum + k·P for a public k (1 to n − 1); <paramref name="empty"/> says that sum is the point at infinity so far.</summary>
    internal void AddPublicMultiple(ref XyzzPoint sum, ref bool empty, in Scalar k)
    {
        ulong negated = RecodeOdd(out SignedDigits digits, in k, _width * _rows);
        ulong half = 1UL << (_width - 1);
        for (int i = 0; i < _rows; i++)
        {
            ulong digit = SignedDigits.At(ref digits, _width * i, _width);
            ulong negative = (digit >> (_width - 1)) - 1;
            int index = (int)((digit ^ negative) & (half - 1));
            Unpack(out AffinePoint point, in _entries[((i * (int)half) + index) * WordsPerPoint]);
            AffinePoint.NegateMasked(ref point, negative ^ negated);
            if (empty)
            {
                XyzzPoint.FromAffine(out sum, in point);
                empty = false;
            }
            else
            {
                XyzzPoint.Add(ref sum, in point);
            }
        }
    }

    /// <summary>The j-th odd multiple (2j + 1)·P of the first row.</summary>
    internal void OddMultiple(out AffinePoint point, int j) => Unpack(out point, in _entries[j * WordsPerPoint]);

    internal static void Unpack(out AffinePoint point, in ulong entry)
    {
        ref readonly Scalar words = ref Unsafe.As<ulong, Scalar>(ref Unsafe.AsRef(in entry));
        FieldElement.Unpack(out point.X, in words);
        FieldElement.Unpack(out point.Y, in Unsafe.Add(ref Unsafe.AsRef(in words), 1));
    }

    /// <summary>k or n − k, whichever is odd, as digits: Σ (2·At(i) + 1 − 2^w)·2^(w·i) over bits/w windows of w bits.</summary>
    /// <param name="k">1 to n − 1.</param>
    /// <param name="bits">257 to 319.</param>
    /// <returns>All ones when n − k was taken, else 0.</returns>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong RecodeOdd(out SignedDigits digits, in Scalar k, int bits)
    {
        Scalar order = new(Scalar.N0, Scalar.N1, Scalar.N2, Scalar.N3);
        Scalar.SubtractWords(out Scalar other, in order, k);
        ulong even = (k.W0 & 1) - 1;
        Scalar.Select(out Scalar odd, even, in other, in k);

        // Σ (2b − (2^w − 1))·2^(w·i) = 2B − (2^bits − 1), so B = (odd + 2^bits − 1)/2.
        digits.D0 = (odd.W0 >> 1) | (odd.W1 << 63);
        digits.D1 = (odd.W1 >> 1) | (odd.W2 << 63);
        digits.D2 = (odd.W2 >> 1) | (odd.W3 << 63);
        digits.D3 = odd.W3 >> 1;
        digits.D4 = 1UL << (bits - 257);
        digits.D5 = 0;
        return even;
    }

    /// <summary>The entry that a digit stands for, read by going through all 2^(width−1) entries of the row.</summary>
    [ConstantTime]
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void SelectEntry(out AffinePoint point, ref ulong row, ulong digit, int width)
    {
        ulong negative = (digit >> (width - 1)) - 1;
        ulong index = (digit ^ negative) & ((1UL << (width - 1)) - 1);
        Vector256<ulong> wanted = Vector256.Create(index), x = Vector256<ulong>.Zero, y = Vector256<ulong>.Zero, at = Vector256<ulong>.Zero;
        for (int i = 0; i < 1 << (width - 1); i++)
        {
            // Without vector hardware Vector256.Equals compares by jumps.
            Vector256<ulong> mask = Vector128.IsHardwareAccelerated
                ? Vector256.Equals(wanted, at)
                : Vector256.Create((ulong)((long)((index ^ (ulong)i) - 1) >> 63));
            x |= Vector256.LoadUnsafe(ref row) & mask;
            y |= Vector256.LoadUnsafe(ref row, 4) & mask;
            at += Vector256<ulong>.One;
            row = ref Unsafe.Add(ref row, WordsPerPoint);
        }

        Scalar words = new(x.GetElement(0), x.GetElement(1), x.GetElement(2), x.GetElement(3));
        FieldElement.Unpack(out point.X, in words);
        words = new(y.GetElement(0), y.GetElement(1), y.GetElement(2), y.GetElement(3));
        FieldElement.Unpack(out point.Y, in words);
        AffinePoint.NegateMasked(ref point, negative);
    }
}

/// <summary>Digits of a recoded scalar, 320 bits and a guard word.</summary>
internal struct SignedDigits
{
    internal ulong D0, D1, D2, D3, D4, D5;

    /// <summary>The <paramref name="width"/> bits from <paramref name="bit"/> on; both public.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong At(ref SignedDigits digits, int bit, int width)
    {
        ref ulong word = ref Unsafe.Add(ref digits.D0, bit >> 6);
        int shift = bit & 63;
        return ((word >> shift) | (Unsafe.Add(ref word, 1) << 1 << (63 - shift))) & ((1UL << width) - 1);
    }
}
