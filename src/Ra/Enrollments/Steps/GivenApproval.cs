using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Officers;
using static ZwCa.OfficersApi.CommandReading;

namespace ZwCa.Ra.Enrollments.Steps;

/// <summary>
/// An approval as an officer gave it. The rows that it decides about keep its DER; where it is over many applications, the table <c>approval</c> keeps that once, and the rows the SM3 of it.
/// </summary>
internal sealed class GivenApproval
{
    /// <summary>Of one enrollment: an application, and what follows from it.</summary>
    private const int MostInRows = 2;

    private readonly byte[]? _bytes;

    private GivenApproval(Approval approval, byte[] hash, byte[]? bytes)
    {
        Approval = approval;
        Hash = hash;
        _bytes = bytes;
    }

    public Approval Approval { get; }

    /// <summary>SM3 of its DER.</summary>
    public byte[] Hash { get; }

    /// <summary>What the columns <c>submission.entry</c> and <c>review.approval</c> have of it.</summary>
    public byte[] Kept => _bytes is null || Approval.Tbs.Digests.Count > MostInRows ? Hash : _bytes;

    /// <param name="what">In Chinese, for who sent it.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>.</exception>
    public static GivenApproval Read(byte[]? der, string what)
    {
        byte[] bytes = der ?? [];
        return new(Decode<Approval>(bytes, what), Sm3.HashData(bytes), bytes);
    }

    /// <summary>One that the table has.</summary>
    public static GivenApproval Known(Approval approval, byte[] hash) => new(approval, hash, null);

    /// <summary>Whether a row that keeps that was decided about by this.</summary>
    public bool IsKeptAs(byte[]? kept) => kept is not null && (IsReference(kept) ? kept : Sm3.HashData(kept)).AsSpan().SequenceEqual(Hash);

    /// <summary>What a row keeps: SM3, or DER, which is longer.</summary>
    public static bool IsReference(byte[] kept) => kept.Length == Sm3.HashSizeInBytes;

    /// <summary>Where rows keep the SM3 of it, the table has it; also if <paramref name="always"/>.</summary>
    public async Task KeepAsync(Transaction transaction, DateTimeOffset now, bool always = false)
    {
        if (_bytes is null || (!always && !ReferenceEquals(Kept, Hash))
            || await transaction.GetAsync<long>("SELECT COUNT(*) FROM approval WHERE approval_hash = @Hash", new { Hash }) > 0)
        {
            return;
        }

        await transaction.TryInsertAsync("INSERT INTO approval (approval_hash, approval, kept_at) VALUES (@Hash, @Bytes, @Now)", new { Hash, Bytes = _bytes, Now = now });
    }

    /// <param name="kept">As a row has it.</param>
    public static async Task<Approval> OpenAsync(KnownApprovals known, byte[] kept, CancellationToken cancellationToken) => IsReference(kept)
        ? await known.FindAsync(kept, cancellationToken) ?? throw new InvalidDataException($"The approval {Convert.ToHexStringLower(kept)} is gone.")
        : Der.Decode<Approval>(kept);
}
