using System.Collections.Concurrent;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Cryptography;
using ZwCa.Data;

namespace ZwCa.Officers;

/// <summary>
/// Approvals by the SM3 of their DER, from the service's table <c>approval</c>, whose rows never change. Those over many applications are asked for once for each of them: some are kept decoded. That one
/// is known says nothing of whether it holds. Safe for concurrent use.
/// </summary>
public sealed class KnownApprovals(Database database)
{
    /// <summary>At 10,000 digests each about a megabyte.</summary>
    private const int MaxRemembered = 64;

    private readonly ConcurrentDictionary<string, Approval> _known = [];

    /// <param name="hash">32 bytes.</param>
    /// <returns>Null: it is not there.</returns>
    /// <exception cref="InvalidDataException">A row was changed outside this program.</exception>
    public async Task<Approval?> FindAsync(ReadOnlyMemory<byte> hash, CancellationToken cancellationToken = default)
    {
        string name = Convert.ToHexStringLower(hash.Span);
        if (_known.TryGetValue(name, out Approval? known))
        {
            return known;
        }

        byte[]? bytes = await database.FindAsync<byte[]>("SELECT approval FROM approval WHERE approval_hash = @Hash", new { Hash = hash.ToArray() }, cancellationToken);
        if (bytes is null)
        {
            return null;
        }

        if (!Sm3.HashData(bytes).AsSpan().SequenceEqual(hash.Span))
        {
            throw new InvalidDataException($"The approval {name} was changed.");
        }

        if (_known.Count >= MaxRemembered)
        {
            _known.Clear();
        }

        // Of two who read it at once both get one object: what is remembered of it, is so once.
        return _known.GetOrAdd(name, Der.Decode<Approval>(bytes));
    }
}
