using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ZwCa.Cryptography;

/// <summary>Multiples of a point for which there is no comb.</summary>
internal static class WindowMultiplication
{
    private const int Width = 5;
    private const int Rows = 52;
    private const int Entries = 1 << (Width - 1);

    // Verification: non-adjacent forms with digits below 2^4 for the key, below 2^7 for the generator (whose 64 odd multiples are in its comb).
    private const int KeyWidth = 5;
    private const int GeneratorWidth = 8;
    private const int FormLength = 257;

    /// <summary>The affine point k·P for a secret k (1 to n − 1).</summary>
    /// <param name="point">On the curve; public.</param>
    internal static void MultiplySecret(out AffinePoint r, in AffinePoint point, in Scalar k)
    {
        Span<AffinePoint> multiples = stackalloc AffinePoint[Entries];
        OddMultiples(in point, multiples);
        Span<ulong> table = stackalloc ulong[Entries * CombTable.WordsPerPoint];
        for (int i = 0; i < Entries; i++)
        {
            CombTable.Pack(ref table[i * CombTable.WordsPerPoint], in multiples[i]);
        }

        ulong negated = MultiplyByWindows(out JacobianPoint product, in k, ref MemoryMarshal.GetReference(table));
        if (FieldElement.IsZeroMask(in product.Z) != 0)
        {
            CompletePoint.Multiply(out CompletePoint complete, in k, in point);
            CompletePoint.ToAffine(out r, in complete);
            return;
        }

        ToAffine(out r, in product, negated);
    }

    /// <summary>r = ±k·P by windows of five bits, reading every entry of the table each time.</summary>
    /// <returns>All ones when r = −k·P, else 0. r.Z = 0 in the exceptional cases, which the caller has to test.</returns>
    [ConstantTime]
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static ulong MultiplyByWindows(out JacobianPoint r, in Scalar k, ref ulong entries)
    {
        ulong negated = CombTable.RecodeOdd(out SignedDigits digits, in k, Width * Rows);
        CombTable.SelectEntry(out AffinePoint point, ref entries, SignedDigits.At(ref digits, Width * (Rows - 1), Width), Width);
        FieldElement zero = default;
        r.X = point.X;
        FieldElement.Subtract(out r.Y, in point.Y, in zero);
        r.Z = FieldElement.One;
        for (int i = Rows - 2; i >= 0; i--)
        {
            for (int j = 0; j < Width; j++)
            {
                JacobianPoint.Double(ref r);
            }

            CombTable.SelectEntry(out point, ref entries, SignedDigits.At(ref digits, Width * i, Width), Width);
            JacobianPoint.Add(ref r, in point);
        }

        return negated;
    }

    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void ToAffine(out AffinePoint r, in JacobianPoint point, ulong negate)
    {
        ModularInverse.InvertField(out FieldElement z, in point.Z);
        FieldElement.Square(out FieldElement zz, in z);
        FieldElement.Multiply(out r.X, in zz, in point.X);
        FieldElement.Multiply(out zz, in zz, in z);
        FieldElement.Multiply(out r.Y, in zz, in point.Y);
        AffinePoint.NegateMasked(ref r, negate);
        FieldElement zero = default;
        FieldElement.Subtract(out r.Y, in r.Y, in zero);
    }

    /// <summary>sum ← s·G + t·P for public s and t (1 to n − 1). sum.Z = 0 at an exceptional addition, which the caller has to test.</summary>
    internal static void AddPublic(out JacobianPoint sum, in Scalar s, in AffinePoint point, in Scalar t)
    {
        Span<AffinePoint> multiples = stackalloc AffinePoint[1 << (KeyWidth - 2)];
        OddMultiples(in point, multiples);
        Span<sbyte> keyForm = stackalloc sbyte[FormLength];
        Span<sbyte> generatorForm = stackalloc sbyte[FormLength];
        NonAdjacentForm(keyForm, in t, KeyWidth);
        NonAdjacentForm(generatorForm, in s, GeneratorWidth);
        CombTable generator = CombTable.Generator;
        sum = default;
        bool empty = true;
        for (int i = FormLength - 1; i >= 0; i--)
        {
            if (!empty)
            {
                JacobianPoint.Double(ref sum);
            }

            if (keyForm[i] is var digit and not 0)
            {
                AffinePoint addend = multiples[Math.Abs(digit) >> 1];
                AddSigned(ref sum, ref empty, ref addend, digit);
            }

            if (generatorForm[i] is var generatorDigit and not 0)
            {
                generator.OddMultiple(out AffinePoint addend, Math.Abs(generatorDigit) >> 1);
                AddSigned(ref sum, ref empty, ref addend, generatorDigit);
            }
        }
    }

    private static void AddSigned(ref JacobianPoint sum, ref bool empty, ref AffinePoint addend, int sign)
    {
        AffinePoint.NegateMasked(ref addend, (ulong)((long)sign >> 63));
        if (empty)
        {
            FieldElement zero = default;
            sum.X = addend.X;
            FieldElement.Subtract(out sum.Y, in addend.Y, in zero);
            sum.Z = FieldElement.One;
            empty = false;
            return;
        }

        JacobianPoint.Add(ref sum, in addend);
    }

    // P, 3P, 5P … On the isomorphic curve where 2P has Z = 1 every step is a mixed addition; all Z are cleared together.
    private static void OddMultiples(in AffinePoint point, Span<AffinePoint> multiples)
    {
        JacobianPoint twice = new() { X = point.X, Y = point.Y, Z = FieldElement.One };
        JacobianPoint.Double(ref twice);
        AffinePoint step = new() { X = twice.X, Y = twice.Y };
        FieldElement.Square(out FieldElement zz, in twice.Z);
        FieldElement.Multiply(out FieldElement zzz, in zz, in twice.Z);
        JacobianPoint current;
        FieldElement.Multiply(out current.X, in zz, in point.X);
        FieldElement.Multiply(out current.Y, in zzz, in point.Y);
        current.Z = FieldElement.One;

        Span<JacobianPoint> projective = stackalloc JacobianPoint[multiples.Length];
        for (int i = 0; i < multiples.Length; i++)
        {
            projective[i] = current;
            FieldElement.Multiply(out projective[i].Z, in current.Z, in twice.Z);
            JacobianPoint.Add(ref current, in step);
        }

        CombTable.ToAffine(projective, multiples);
    }

    /// <summary>Digits d(i), zero or odd and below 2^(width−1) in size, with k = Σ d(i)·2^i. Public scalars only.</summary>
    private static void NonAdjacentForm(Span<sbyte> digits, in Scalar k, int width)
    {
        SignedDigits bits = new() { D0 = k.W0, D1 = k.W1, D2 = k.W2, D3 = k.W3 };
        ulong carry = 0;
        int i = 0;
        digits.Clear();
        while (i < digits.Length)
        {
            if (SignedDigits.At(ref bits, i, 1) == carry)
            {
                i++;
                continue;
            }

            ulong window = SignedDigits.At(ref bits, i, width) + carry;
            carry = window >> (width - 1);
            digits[i] = (sbyte)((long)window - (long)(carry << width));
            i += width;
        }
    }
}
