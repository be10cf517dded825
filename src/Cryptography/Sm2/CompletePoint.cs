using System.Runtime.CompilerServices;

namespace ZwCa.Cryptography;

/// <summary>
/// A point in homogeneous coordinates, x = X/Z, y = Y/Z, infinity = (0 : 1 : 0), with the complete addition of Renes, Costello and Batina
/// ("Complete addition formulas for prime order elliptic curves", 2016, algorithm 4, a = −3): right for every pair of operands, slow.
/// The fast paths come here when they meet an exceptional case. All coordinates reduced or carried below 2p.
/// </summary>
internal struct CompletePoint
{
    internal FieldElement X;
    internal FieldElement Y;
    internal FieldElement Z;

    internal static CompletePoint Infinity
    {
        get => new() { Y = FieldElement.One };
    }

    internal static CompletePoint FromAffine(in AffinePoint point) => new() { X = point.X, Y = point.Y, Z = FieldElement.One };

    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    internal static void Add(out CompletePoint r, in CompletePoint p, in CompletePoint q)
    {
        FieldElement b = FieldElement.CurveB;
        FieldElement.Multiply(out FieldElement xx, in p.X, in q.X);
        FieldElement.Multiply(out FieldElement yy, in p.Y, in q.Y);
        FieldElement.Multiply(out FieldElement zz, in p.Z, in q.Z);
        Cross(out FieldElement xy, in p.X, in p.Y, in q.X, in q.Y, in xx, in yy);
        Cross(out FieldElement yz, in p.Y, in p.Z, in q.Y, in q.Z, in yy, in zz);
        Cross(out FieldElement xz, in p.X, in p.Z, in q.X, in q.Z, in xx, in zz);

        // u = 3(xz − b·zz), v = 3(b·xz − 3zz − xx), w = 3(xx − zz)
        FieldElement.Multiply(out FieldElement u, in b, in zz);
        FieldElement.Subtract(out u, in xz, in u);
        Triple(out u, in u);
        FieldElement.Multiply(out FieldElement v, in b, in xz);
        Triple(out FieldElement zz3, in zz);
        FieldElement.Subtract(out v, in v, in zz3);
        FieldElement.Subtract(out v, in v, in xx);
        Triple(out v, in v);
        Triple(out FieldElement w, in xx);
        FieldElement.Subtract(out w, in w, in zz3);

        FieldElement.Add(out FieldElement sum, in yy, in u);
        FieldElement.Subtract(out FieldElement difference, in yy, in u);
        ProductSum(out r.Y, in sum, in difference, in w, in v);
        FieldElement.Multiply(out FieldElement left, in xy, in sum);
        FieldElement.Multiply(out FieldElement right, in yz, in v);
        FieldElement.Subtract(out r.X, in left, in right);
        FieldElement.Multiply(out left, in yz, in difference);
        FieldElement.Multiply(out right, in xy, in w);
        FieldElement.Add(out r.Z, in left, in right);
    }

    /// <summary>k·P for a secret k below 2^256, by doubling and always adding.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    internal static void Multiply(out CompletePoint r, in Scalar k, in AffinePoint point)
    {
        CompletePoint p = default;
        p.X = point.X;
        p.Y = point.Y;
        p.Z = FieldElement.One;
        r = default;
        r.Y = FieldElement.One;
        Scalar bits = k;
        for (int i = 0; i < 256; i++)
        {
            Add(out r, in r, in r);
            Add(out CompletePoint more, in r, in p);
            ulong take = 0 - (bits.W3 >> 63);
            Select(ref r.X, in more.X, take);
            Select(ref r.Y, in more.Y, take);
            Select(ref r.Z, in more.Z, take);
            bits.W3 = (bits.W3 << 1) | (bits.W2 >> 63);
            bits.W2 = (bits.W2 << 1) | (bits.W1 >> 63);
            bits.W1 = (bits.W1 << 1) | (bits.W0 >> 63);
            bits.W0 <<= 1;
        }
    }

    /// <summary>(x, y) carried; (0, 0) for infinity.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    internal static void ToAffine(out AffinePoint r, in CompletePoint p)
    {
        ModularInverse.InvertField(out FieldElement inverse, in p.Z);
        FieldElement.Multiply(out r.X, in inverse, in p.X);
        FieldElement.Multiply(out r.Y, in inverse, in p.Y);
    }

    // (a1 + b1)(a2 + b2) − a1·a2 − b1·b2 = a1·b2 + a2·b1
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Cross(
        out FieldElement r, in FieldElement a1, in FieldElement b1, in FieldElement a2, in FieldElement b2, in FieldElement aa, in FieldElement bb)
    {
        FieldElement.Add(out FieldElement left, in a1, in b1);
        FieldElement.AddLazy(out FieldElement right, in a2, in b2);
        FieldElement.Multiply(out left, in left, in right);
        FieldElement.AddLazy(out right, in aa, in bb);
        FieldElement.Subtract(out r, in left, in right);
    }

    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Triple(out FieldElement r, in FieldElement x)
    {
        FieldElement.AddLazy(out FieldElement twice, in x, in x);
        FieldElement.Add(out r, in twice, in x);
    }

    // a·b + c·d
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ProductSum(out FieldElement r, in FieldElement a, in FieldElement b, in FieldElement c, in FieldElement d)
    {
        FieldElement.Multiply(out FieldElement ab, in a, in b);
        FieldElement.Multiply(out FieldElement cd, in c, in d);
        FieldElement.Add(out r, in ab, in cd);
    }

    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Select(ref FieldElement r, in FieldElement x, ulong mask)
    {
        r.L0 ^= (r.L0 ^ x.L0) & mask;
        r.L1 ^= (r.L1 ^ x.L1) & mask;
        r.L2 ^= (r.L2 ^ x.L2) & mask;
        r.L3 ^= (r.L3 ^ x.L3) & mask;
        r.L4 ^= (r.L4 ^ x.L4) & mask;
    }
}
