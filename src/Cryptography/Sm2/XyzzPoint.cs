using System.Runtime.CompilerServices;

namespace ZwCa.Cryptography;

/// <summary>
/// A point in XYZZ coordinates, x = X/ZZ, y = Y/ZZZ, ZZ³ = ZZZ² (Sutherland): the cheapest mixed addition (8M + 2S) where nothing is
/// doubled, as in a comb. X reduced, Y lazy below 6p, ZZ and ZZZ carried below 2p.
/// An exceptional addition (equal or opposite operands) leaves ZZ = 0, and ZZ stays 0 from there on: callers test it once, at the end.
/// </summary>
internal struct XyzzPoint
{
    internal FieldElement X;
    internal FieldElement Y;
    internal FieldElement ZZ;
    internal FieldElement ZZZ;

    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void FromAffine(out XyzzPoint r, in AffinePoint point)
    {
        r.X = point.X;
        r.Y = point.Y;
        r.ZZ = FieldElement.One;
        r.ZZZ = FieldElement.One;
    }

    /// <summary>sum ← sum + point; not for ±sum and not for infinity. (madd-2008-s of the Explicit-Formulas Database.)</summary>
    [ConstantTime]
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    internal static void Add(ref XyzzPoint sum, in AffinePoint point)
    {
        FieldElement.Multiply(out FieldElement u, in sum.ZZ, in point.X);
        FieldElement.Multiply(out FieldElement s, in sum.ZZZ, in point.Y);
        FieldElement.SubtractCarried(out FieldElement p, in u, in sum.X);
        FieldElement.Subtract(out FieldElement r, in s, in sum.Y);
        FieldElement.Square(out FieldElement pp, in p);
        FieldElement.Multiply(out FieldElement ppp, in p, in pp);
        FieldElement.Multiply(out FieldElement q, in pp, in sum.X);
        FieldElement.Square(out FieldElement rr, in r);
        FieldElement.Multiply(out sum.ZZ, in pp, in sum.ZZ);
        FieldElement.Multiply(out sum.ZZZ, in ppp, in sum.ZZZ);
        FieldElement.Multiply(out FieldElement yppp, in ppp, in sum.Y);
        FieldElement.SubtractTwo(out sum.X, in rr, in ppp, in q);
        FieldElement.SubtractLazy(out q, in q, in sum.X);
        FieldElement.Multiply(out q, in r, in q);
        FieldElement.SubtractLazy(out sum.Y, in q, in yppp);
    }

    /// <summary>x (carried) and y (reduced) of a point with ZZ ≠ 0; y negated where the mask is all ones.</summary>
    [ConstantTime]
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    internal static void ToAffine(out AffinePoint r, in XyzzPoint point, ulong negate)
    {
        // ZZ/ZZZ = 1/Z, whose square is 1/ZZ.
        ModularInverse.InvertField(out FieldElement zzz, in point.ZZZ);
        FieldElement.Multiply(out FieldElement z, in zzz, in point.ZZ);
        FieldElement.Square(out z, in z);
        FieldElement.Multiply(out r.X, in z, in point.X);
        FieldElement.Multiply(out r.Y, in zzz, in point.Y);
        AffinePoint.NegateMasked(ref r, negate);
        FieldElement zero = default;
        FieldElement.Subtract(out r.Y, in r.Y, in zero);
    }
}
