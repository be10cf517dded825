namespace ZwCa.Issuance;

/// <summary>Whose <c>long</c> it was and in which order its bytes lay: all that a machine added to a key. The number is a place in the table.</summary>
internal enum DebianMachine
{
    /// <summary>i386, arm, mipsel.</summary>
    LittleEndian32 = 0,

    /// <summary>amd64, alpha, ia64.</summary>
    LittleEndian64 = 1,

    /// <summary>powerpc, sparc, mips, s390, hppa.</summary>
    BigEndian32 = 2,
}

/// <summary>What the program found of the file <c>~/.rnd</c>: its content did not count, but its length did. The number is a place in the table.</summary>
internal enum DebianSeedFile
{
    /// <summary>1024 bytes were read, as openssl leaves them behind.</summary>
    Read = 0,

    /// <summary>There was none: the first key that somebody made.</summary>
    Absent = 1,

    /// <summary>It was there and gave nothing: another user's, as under sudo, or empty.</summary>
    Unreadable = 2,
}

/// <summary>All that a key of CVE-2008-0166 depended on besides its size.</summary>
/// <param name="ProcessId">0 to 32767.</param>
internal readonly record struct DebianOrigin(DebianMachine Machine, DebianSeedFile SeedFile, int ProcessId)
{
    public const int ProcessIds = 32768;

    /// <summary>Machines by seed files.</summary>
    public const int Variants = 9;

    private const int SeedFiles = 3;

    /// <param name="place">0 to 9·32768 − 1: by process id, then machine, then seed file.</param>
    public static DebianOrigin At(int place) =>
        new((DebianMachine)(place % Variants / SeedFiles), (DebianSeedFile)(place % SeedFiles), place / Variants);
}
