using System.Runtime.CompilerServices;

namespace ZwCa.Cryptography;

/// <summary>One signature in the making. E, K in; R, S and Valid out.</summary>
internal struct SignatureWork
{
    /// <summary>The digest e as an integer below 2^256.</summary>
    internal Scalar E;

    /// <summary>The nonce, 1 to n − 1; used for one signature only.</summary>
    internal Scalar K;

    internal Scalar R;
    internal Scalar S;

    /// <summary>All ones when (R, S) is a signature; 0 when this nonce gives none and another one has to be taken.</summary>
    internal ulong Valid;

    internal FieldElement X;
    internal FieldElement ZZ;
    internal FieldElement ProductBefore;
}

/// <summary>The signature primitive of GM/T 0003.2 §6.1 from step A4 on.</summary>
internal static class Signing
{
    /// <summary>
    /// Signs <paramref name="count"/> digests, sharing one inversion: (x₁, y₁) = k·G, r = e + x₁, s = (1 + d)⁻¹·(k + r) − r mod n,
    /// which equals (1 + d)⁻¹·(k − r·d). A nonce with r = 0, r + k = n, s = 0 or an exceptional addition is reported, not used.
    /// </summary>
    /// <param name="work">The first of <paramref name="count"/> (public, at least 1).</param>
    /// <param name="inverse">(1 + d)⁻¹·2^260 mod n.</param>
    /// <param name="generator">The first word of <see cref="CombTable.Generator"/>.</param>
    [ConstantTime]
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    internal static void SignBatch(ref SignatureWork work, int count, in Scalar inverse, ref ulong generator)
    {
        FieldElement product = FieldElement.One, one = FieldElement.One;
        for (int i = 0; i < count; i++)
        {
            ref SignatureWork item = ref Unsafe.Add(ref work, i);

            // The sign that the comb leaves open does not matter: −P has the same x.
            CombTable.MultiplyGenerator(out XyzzPoint point, in item.K, ref generator);
            ulong exceptional = FieldElement.IsZeroMask(in point.ZZ);
            item.Valid = ~exceptional;
            item.X = point.X;
            item.ZZ.L0 = point.ZZ.L0 ^ ((point.ZZ.L0 ^ one.L0) & exceptional);
            item.ZZ.L1 = point.ZZ.L1 ^ ((point.ZZ.L1 ^ one.L1) & exceptional);
            item.ZZ.L2 = point.ZZ.L2 ^ ((point.ZZ.L2 ^ one.L2) & exceptional);
            item.ZZ.L3 = point.ZZ.L3 ^ ((point.ZZ.L3 ^ one.L3) & exceptional);
            item.ZZ.L4 = point.ZZ.L4 ^ ((point.ZZ.L4 ^ one.L4) & exceptional);
            item.ProductBefore = product;
            FieldElement.Multiply(out product, in product, in item.ZZ);
        }

        ModularInverse.InvertField(out FieldElement productInverse, in product);
        for (int i = count - 1; i >= 0; i--)
        {
            ref SignatureWork item = ref Unsafe.Add(ref work, i);
            FieldElement.Multiply(out FieldElement x, in productInverse, in item.ProductBefore);
            FieldElement.Multiply(out productInverse, in productInverse, in item.ZZ);
            FieldElement.Multiply(out x, in x, in item.X);
            FieldElement.ToInteger(out Scalar x1, in x);
            Scalar.ReduceOnce(out x1, in x1);
            Scalar.ReduceOnce(out Scalar e, in item.E);
            Scalar.Add(out item.R, in e, in x1);
            Scalar.Add(out Scalar sum, in item.R, in item.K);
            Scalar.MultiplyMontgomery(out Scalar s, in sum, in inverse);
            Scalar.Subtract(out item.S, in s, in item.R);
            item.Valid &= ~(Scalar.IsZeroMask(in item.R) | Scalar.IsZeroMask(in sum) | Scalar.IsZeroMask(in item.S));
        }
    }
}
