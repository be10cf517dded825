using System.Runtime.CompilerServices;

namespace ZwCa.Cryptography;

/// <summary>A finite point in Montgomery form: x carried; y carried, or lazy where the point is only added to another.</summary>
internal struct AffinePoint
{
    internal FieldElement X;
    internal FieldElement Y;

    internal static AffinePoint Generator
    {
        get => new()
        {
            X = new FieldElement(0x8990F418029E9, 0xE6CA6C04FD132, 0x24C3C33E7981E, 0xB05D6A1ED99AC, 0x1167A5F71C13),
            Y = new FieldElement(0x4E593C2D0DDD6, 0x8ED3295FA6135, 0x2A48F8C1F5E57, 0x5BD8D4CFB066E, 0x3CD65D4E1D73),
        };
    }

    /// <summary>y ← −y (lazy) where mask is all ones, unchanged where it is 0. y carried below 2p.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void NegateMasked(ref AffinePoint point, ulong mask)
    {
        FieldElement zero = default;
        FieldElement.SubtractLazy(out FieldElement negative, in zero, in point.Y);
        point.Y.L0 ^= (negative.L0 ^ point.Y.L0) & mask;
        point.Y.L1 ^= (negative.L1 ^ point.Y.L1) & mask;
        point.Y.L2 ^= (negative.L2 ^ point.Y.L2) & mask;
        point.Y.L3 ^= (negative.L3 ^ point.Y.L3) & mask;
        point.Y.L4 ^= (negative.L4 ^ point.Y.L4) & mask;
    }

    /// <summary>Whether y² = x³ − 3x + b. Public values only.</summary>
    internal readonly bool IsOnCurve()
    {
        Right(out FieldElement right);
        FieldElement.Square(out FieldElement left, in Y);
        FieldElement.Subtract(out left, in left, in right);
        return FieldElement.IsZeroMask(in left) != 0;
    }

    /// <summary>Sets y of the asked parity from x; false when no point has this x. Public values only.</summary>
    internal bool TrySolveY(bool odd)
    {
        // p ≡ 3 (mod 4): a root, if there is one, is the (p + 1)/4 = 2^254 − 2^222 − 2^94 + 2^62-th power.
        Right(out FieldElement right);
        Scalar exponent = new(0x4000000000000000, 0xFFFFFFFFC0000000, 0xFFFFFFFFFFFFFFFF, 0x3FFFFFFFBFFFFFFF);
        Y = FieldElement.One;
        SignedDigits bits = new() { D0 = exponent.W0, D1 = exponent.W1, D2 = exponent.W2, D3 = exponent.W3 };
        for (int i = 253; i >= 0; i--)
        {
            FieldElement.Square(out Y, in Y);
            if (SignedDigits.At(ref bits, i, 1) != 0)
            {
                FieldElement.Multiply(out Y, in Y, in right);
            }
        }

        FieldElement.ToInteger(out Scalar y, in Y);
        if ((y.W0 & 1) != 0 != odd)
        {
            FieldElement zero = default;
            FieldElement.Subtract(out Y, in zero, in Y);
        }

        return IsOnCurve();
    }

    // x³ − 3x + b
    private readonly void Right(out FieldElement right)
    {
        FieldElement.Add(out FieldElement three, FieldElement.One, FieldElement.One);
        FieldElement.Add(out three, in three, FieldElement.One);
        FieldElement.Square(out FieldElement xx, in X);
        FieldElement.Subtract(out xx, in xx, in three);
        FieldElement.Multiply(out right, in xx, in X);
        FieldElement.Add(out right, in right, FieldElement.CurveB);
    }
}
