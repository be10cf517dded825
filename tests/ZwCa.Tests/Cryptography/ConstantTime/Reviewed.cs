namespace ZwCa.Tests.Cryptography.ConstantTime;

/// <summary>Everything in the code of marked methods that is not straight line, each with the reason why no secret decides it.</summary>
internal static class Reviewed
{
    public static readonly AllowedHelper[] Helpers =
    [
        new("CORINFO_HELP_MEMZERO", "zeroes a stack buffer whose size is fixed by the source"),
        new("CORINFO_HELP_MEMSET", "fills a buffer whose size is fixed by the source"),
        new("CORINFO_HELP_MEMCPY", "copies a struct whose size is fixed by its type"),
    ];

    public static readonly Allowance[] Methods =
    [
        new("ZwCa.Cryptography.Sm3Compression:Compress", "one round a block: the length of what is hashed is public") { Loops = 1 },
        new("ZwCa.Cryptography.Sm3Compression:CompressVector", "4 × 4 and then 12 × 4 rounds") { Loops = 2 },
        new("ZwCa.Cryptography.Sm3Compression:CompressScalar", "16 words read, 52 expanded, 64 rounds") { Loops = 3 },
    ];
}
