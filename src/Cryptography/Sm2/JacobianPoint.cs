using System.Runtime.CompilerServices;

namespace ZwCa.Cryptography;

/// <summary>
/// A point in Jacobian coordinates, x = X/Z², y = Y/Z³; X and Y reduced, Z carried below 2p.
/// An exceptional addition leaves Z = 0, and Z stays 0 from there on.
/// </summary>
internal struct JacobianPoint
{
    internal FieldElement X;
    internal FieldElement Y;
    internal FieldElement Z;

    /// <summary>point ← 2·point. (a = −3: 4M + 4S.)</summary>
    [ConstantTime]
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    internal static void Double(ref JacobianPoint point)
    {
        FieldElement.Square(out FieldElement delta, in point.Z);
        FieldElement.Square(out FieldElement gamma, in point.Y);
        FieldElement.AddLazy(out FieldElement twiceY, in point.Y, in point.Y);
        FieldElement.Multiply(out point.Z, in point.Z, in twiceY);
        FieldElement.Multiply(out FieldElement beta, in gamma, in point.X);

        // alpha = 3(X − delta)(X + delta)
        FieldElement.SubtractCarried(out FieldElement difference, in point.X, in delta);
        FieldElement.AddLazy(out FieldElement sum, in point.X, in delta);
        FieldElement.AddLazy(out FieldElement thrice, in sum, in sum);
        FieldElement.AddLazy(out thrice, in thrice, in sum);
        FieldElement.Multiply(out FieldElement alpha, in difference, in thrice);

        FieldElement.Square(out FieldElement square, in alpha);
        FieldElement.SubtractEightfold(out point.X, in square, in beta);
        FieldElement.AddLazy(out beta, in beta, in beta);
        FieldElement.AddLazy(out beta, in beta, in beta);
        FieldElement.SubtractLazy(out beta, in beta, in point.X);
        FieldElement.Multiply(out alpha, in alpha, in beta);
        FieldElement.Square(out gamma, in gamma);
        FieldElement.SubtractEightfold(out point.Y, in alpha, in gamma);
    }

    /// <summary>sum ← sum + point; not for ±sum and not for infinity. (8M + 3S.)</summary>
    [ConstantTime]
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    internal static void Add(ref JacobianPoint sum, in AffinePoint point)
    {
        FieldElement.Square(out FieldElement zz, in sum.Z);
        FieldElement.Multiply(out FieldElement u, in zz, in point.X);
        FieldElement.Multiply(out FieldElement s, in zz, in sum.Z);
        FieldElement.Multiply(out s, in s, in point.Y);
        FieldElement.SubtractCarried(out FieldElement h, in u, in sum.X);
        FieldElement.Subtract(out FieldElement r, in s, in sum.Y);
        FieldElement.Square(out FieldElement hh, in h);
        FieldElement.Multiply(out FieldElement hhh, in h, in hh);
        FieldElement.Multiply(out FieldElement v, in hh, in sum.X);
        FieldElement.Multiply(out sum.Z, in h, in sum.Z);
        FieldElement.Square(out FieldElement rr, in r);
        FieldElement.SubtractTwo(out sum.X, in rr, in hhh, in v);
        FieldElement.SubtractLazy(out v, in v, in sum.X);
        FieldElement.Multiply(out v, in r, in v);
        FieldElement.Multiply(out hhh, in hhh, in sum.Y);
        FieldElement.Subtract(out sum.Y, in v, in hhh);
    }
}
