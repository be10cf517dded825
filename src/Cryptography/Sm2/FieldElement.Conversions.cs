using System.Runtime.CompilerServices;

namespace ZwCa.Cryptography;

/// <content>Integers to elements and back.</content>
internal partial struct FieldElement
{
    /// <summary>Montgomery form of an integer below 2^256; carried.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void FromInteger(out FieldElement r, in Scalar value)
    {
        FieldElement limbs, rSquared = new(0x20000000300, 0xFFFFFFFF00000, 0x100000002, 0x200000001000, 0x4000000);
        Unpack(out limbs, in value);
        Multiply(out r, in limbs, in rSquared);
    }

    /// <summary>The integer in [0, p) that x stands for. x carried or lazy.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void ToInteger(out Scalar value, in FieldElement x)
    {
        FieldElement one = new(1, 0, 0, 0, 0);
        Multiply(out FieldElement plain, in one, in x);
        PackCanonical(out value, in plain);
    }

    /// <summary>The Montgomery representative itself in [0, p), packed into 256 bits (the form of table entries). x carried below 2p.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void PackCanonical(out Scalar words, in FieldElement x)
    {
        long t0 = (long)(x.L0 - P0);
        long t1 = (t0 >> 52) + (long)(x.L1 - P1);
        long t2 = (t1 >> 52) + (long)(x.L2 - P2);
        long t3 = (t2 >> 52) + (long)(x.L3 - P3);
        long t4 = (t3 >> 52) + (long)(x.L4 - P4);
        ulong keep = (ulong)(t4 >> 63);
        ulong l0 = ((ulong)t0 & LimbMask & ~keep) | (x.L0 & keep);
        ulong l1 = ((ulong)t1 & LimbMask & ~keep) | (x.L1 & keep);
        ulong l2 = ((ulong)t2 & LimbMask & ~keep) | (x.L2 & keep);
        ulong l3 = ((ulong)t3 & LimbMask & ~keep) | (x.L3 & keep);
        ulong l4 = ((ulong)t4 & ~keep) | (x.L4 & keep);
        words.W0 = l0 | (l1 << 52);
        words.W1 = (l1 >> 12) | (l2 << 40);
        words.W2 = (l2 >> 24) | (l3 << 28);
        words.W3 = (l3 >> 36) | (l4 << 16);
    }

    /// <summary>Splits 256 bits into limbs; no change of form.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Unpack(out FieldElement r, in Scalar words)
    {
        r.L0 = words.W0 & LimbMask;
        r.L1 = ((words.W0 >> 52) | (words.W1 << 12)) & LimbMask;
        r.L2 = ((words.W1 >> 40) | (words.W2 << 24)) & LimbMask;
        r.L3 = ((words.W2 >> 28) | (words.W3 << 36)) & LimbMask;
        r.L4 = words.W3 >> 16;
    }

    /// <summary>All ones when x ≡ 0 (mod p), else 0. x carried or lazy.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static ulong IsZeroMask(in FieldElement x)
    {
        ToInteger(out Scalar value, in x);
        return Scalar.IsZeroMask(in value);
    }

    /// <summary>Whether an integer is below p. Public values only.</summary>
    internal static bool BelowModulus(in Scalar value) =>
        Scalar.SubtractWords(out _, in value, new Scalar(0xFFFFFFFFFFFFFFFF, 0xFFFFFFFF00000000, 0xFFFFFFFFFFFFFFFF, 0xFFFFFFFEFFFFFFFF)) != 0;
}
