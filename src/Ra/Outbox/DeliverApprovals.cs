using System.Collections.Concurrent;
using System.Text.Json;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Officers;
using ZwCa.Ra.CertificationAuthority;

namespace ZwCa.Ra.Outbox;

/// <summary>
/// Gives the CA the approvals that requests refer to, each once. Which it has, this node remembers in memory only: one that was given twice is no harm, and where the CA lacks one, it says so. Safe for
/// concurrent use.
/// </summary>
internal sealed class DeliverApprovals(KnownApprovals known, CaClient ca)
{
    private const int MaxRemembered = 1024;

    /// <summary>At once, as it is on the wire: nothing but an approval is missing. Where something is away at the CA, it says so of a longer time.</summary>
    private static readonly TimeSpan AtOnce = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, Lazy<Task>> _delivered = [];

    /// <returns>SM3 of the approvals that a request refers to.</returns>
    /// <param name="body">JSON of a <see cref="DecidedRequest"/>, or of a request that refers to none.</param>
    public static IReadOnlyList<byte[]> ReferencesOf(ReadOnlySpan<byte> body)
    {
        References references = JsonSerializer.Deserialize<References>(body, JsonSerializerOptions.Web)!;
        return [.. new[] { references.EntryHash, references.ReviewHash }.OfType<byte[]>()];
    }

    /// <summary>Whether the CA refused because it lacks an approval that was referred to.</summary>
    public static bool IsMissing(RefusalException refusal) => refusal is { FromPeer: true, Kind: Refusal.Unavailable, RetryAfter: { } wait } && wait <= AtOnce;

    /// <summary>Whether this node has given the CA all of them.</summary>
    public bool AreGiven(IReadOnlyList<byte[]> hashes) =>
        hashes.All(hash => _delivered.TryGetValue(Convert.ToHexStringLower(hash), out Lazy<Task>? delivery) && delivery is { IsValueCreated: true, Value.IsCompletedSuccessfully: true });

    /// <summary>Afterwards the CA has them.</summary>
    /// <param name="cancellationToken">Of the service: what is on its way for one request, is so for others.</param>
    /// <exception cref="RefusalException">The CA's, or that it is away.</exception>
    public async Task RunAsync(IReadOnlyList<byte[]> hashes, CancellationToken cancellationToken)
    {
        foreach (byte[] hash in hashes)
        {
            string name = Convert.ToHexStringLower(hash);
            if (_delivered.Count >= MaxRemembered)
            {
                _delivered.Clear();
            }

            Lazy<Task> delivery = _delivered.GetOrAdd(name, _ => new Lazy<Task>(() => SendAsync(hash, cancellationToken)));
            try
            {
                await delivery.Value;
            }
            catch
            {
                _delivered.TryRemove(KeyValuePair.Create(name, delivery));
                throw;
            }
        }
    }

    /// <summary>The CA lacks them: they are given again.</summary>
    public void Forget(IReadOnlyList<byte[]> hashes)
    {
        foreach (byte[] hash in hashes)
        {
            _delivered.TryRemove(Convert.ToHexStringLower(hash), out _);
        }
    }

    private async Task SendAsync(byte[] hash, CancellationToken cancellationToken)
    {
        Approval approval = await known.FindAsync(hash, cancellationToken) ?? throw new InvalidDataException($"The approval {Convert.ToHexStringLower(hash)} is gone.");
        await ca.PostAsync<ApprovalAnswer>("/approvals", new ApprovalRequest { Approval = Der.Encode(approval) }, cancellationToken);
    }

    private sealed record References
    {
        public byte[]? EntryHash { get; init; }

        public byte[]? ReviewHash { get; init; }
    }
}
