namespace ZwCa.Tests.Cryptography.ConstantTime;

/// <summary>Everything in the code of marked methods that is not straight line, each with the reason why no secret decides it.</summary>
internal static class Reviewed
{
    public static readonly AllowedHelper[] Helpers =
    [
        new("CORINFO_HELP_MEMZERO", "zeroes a stack buffer whose size is fixed by the source"),
        new("CORINFO_HELP_MEMSET", "fills a buffer whose size is fixed by the source"),
        new("CORINFO_HELP_MEMCPY", "copies a struct whose size is fixed by its type"),
        new("System.Math:<BigMul>g__SoftwareFallback", "Math.BigMul on x64 without BMI2: four 32-bit products and additions, in straight line"),
    ];

    public static readonly Allowance[] Methods =
    [
        // SM3
        new("ZwCa.Cryptography.Sm3Compression:Compress", "one round a block: the length of what is hashed is public") { Loops = 1 },
        new("ZwCa.Cryptography.Sm3Compression:CompressVector", "4 × 4 and then 12 × 4 rounds") { Loops = 2 },
        new("ZwCa.Cryptography.Sm3Compression:CompressScalar", "16 words read, 52 expanded, 64 rounds") { Loops = 3 },

        // SM4, GCM and padding
        new("ZwCa.Cryptography.Sm4Aes:CryptFour", "eight times four rounds") { Loops = 1 },
        new("ZwCa.Cryptography.Sm4Aes:CryptEight", "eight times four rounds") { Loops = 1 },
        new("ZwCa.Cryptography.Sm4Bitsliced:Crypt", "eight times four rounds; up to two passes over the four words") { Loops = 3 },
        new("ZwCa.Cryptography.Sm4Bitsliced:Round", "two passes over eight slices") { Loops = 2 },
        new("ZwCa.Cryptography.Sm4Bitsliced:SubWord", "two passes over eight slices") { Loops = 2 },
        new("ZwCa.Cryptography.Sm4Bitsliced:Slice", "eight slices cleared; four bytes of a word, two halves of the blocks, eight blocks and eight bits in each") { Loops = 6 },
        new("ZwCa.Cryptography.Sm4Bitsliced:Unslice", "four bytes of a word, two halves of the blocks, eight bits and eight blocks in each") { Loops = 5 },
        new("ZwCa.Cryptography.Ghash:MultiplyCarryless", "one turn a block: the length is public") { Loops = 1 },
        new("ZwCa.Cryptography.Ghash:MultiplyPortable", "one turn a block, 128 bits in each: the length is public") { Loops = 2 },
        new("ZwCa.Cryptography.Pkcs7Padding:MessageLength", "all 16 bytes whatever they are") { Loops = 1 },

        // SM2: scalars, inversion
        new("ZwCa.Cryptography.Scalar:MultiplyMontgomery", "five rows of limbs") { Loops = 1 },
        new("ZwCa.Cryptography.ModularInverse:Invert", "20 rounds of 30 steps and two passes over nine limbs, then two passes to normalise") { Loops = 6 },
        new("ZwCa.Cryptography.ModularInverse:DivSteps", "30 steps whatever f and g are") { Loops = 1 },
        new("ZwCa.Cryptography.ModularInverse:UpdateExact", "eight limbs after the first") { Loops = 1 },
        new("ZwCa.Cryptography.ModularInverse:UpdateModular", "eight limbs after the first") { Loops = 1 },
        new("ZwCa.Cryptography.ModularInverse:Normalize", "eight limbs, twice") { Loops = 2 },
        new("ZwCa.Cryptography.ModularInverse:AddMasked", "eight limbs") { Loops = 1 },

        // SM2: points
        new("ZwCa.Cryptography.CombTable:MultiplyGenerator", "37 rows, and in each all 64 entries (the first row apart)") { Loops = 3 },
        new("ZwCa.Cryptography.CombTable:SelectEntry", "all entries of a row, the way around for none: the row's width is public") { Loops = 1, ForwardJumps = 1 },
        new("ZwCa.Cryptography.CompletePoint:Multiply", "256 bits whatever their values") { Loops = 1 },
        new("ZwCa.Cryptography.WindowMultiplication:MultiplyByWindows", "51 windows, five doublings and all 16 entries in each (the first window apart)")
        {
            Loops = 4,
        },
        new("ZwCa.Cryptography.Signing:SignBatch", "a turn each way for every digest, the ways around for none: their number is public")
        {
            Loops = 2,
            ForwardJumps = 2,
        },
    ];

    /// <summary>
    /// Where secrets enter the arithmetic: these have to be marked, and with them, since a marked method calls only marked ones, all that they use.
    /// </summary>
    public static readonly string[] Roots =
    [
        "ZwCa.Cryptography.Signing:SignBatch",
        "ZwCa.Cryptography.CombTable:MultiplyGenerator",
        "ZwCa.Cryptography.WindowMultiplication:MultiplyByWindows",
        "ZwCa.Cryptography.CompletePoint:Multiply",
        "ZwCa.Cryptography.ModularInverse:InvertModOrder",
        "ZwCa.Cryptography.ModularInverse:InvertField",
        "ZwCa.Cryptography.Scalar:MultiplyMontgomery",
        "ZwCa.Cryptography.Scalar:Add",
        "ZwCa.Cryptography.Scalar:Subtract",
        "ZwCa.Cryptography.Scalar:ReduceOnce",
        "ZwCa.Cryptography.FieldElement:Multiply",
        "ZwCa.Cryptography.FieldElement:Square",
        "ZwCa.Cryptography.Sm3Compression:Compress",
        "ZwCa.Cryptography.Sm4Aes:CryptEight",
        "ZwCa.Cryptography.Sm4Bitsliced:Crypt",
        "ZwCa.Cryptography.Ghash:MultiplyPortable",
        "ZwCa.Cryptography.Pkcs7Padding:MessageLength",
    ];
}
