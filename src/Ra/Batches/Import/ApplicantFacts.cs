using System.Security.Cryptography;
using System.Text;
using ZwCa.Data;
using ZwCa.Ra.Enrollments;
using ZwCa.Ra.Subscribers;

namespace ZwCa.Ra.Batches.Import;

/// <summary>What the database has of those whom a part names: asked for all of them at once.</summary>
internal sealed class ApplicantFacts
{
    private readonly Dictionary<long, SubscriberRow> _subscribers = [];
    private readonly HashSet<string> _regions;
    private readonly HashSet<(string Subscriber, string Profile)> _open = [];
    private readonly HashSet<(string Subscriber, string Profile)> _certified = [];
    private readonly Dictionary<string, string> _owners = [];
    private readonly HashSet<string> _keysInUse = [];
    private readonly HashSet<string> _certifiedKeys = [];

    private ApplicantFacts(HashSet<string> regions) => _regions = regions;

    /// <summary>Who is registered, in no order.</summary>
    public IReadOnlyCollection<SubscriberRow> Subscribers => _subscribers.Values;

    public static async Task<ApplicantFacts> LoadAsync(Transaction transaction, IReadOnlyList<ReadApplicant> part, DateTimeOffset now)
    {
        ReadApplicant[] good = [.. part.Where(each => each.Applicant is not null)];
        var facts = new ApplicantFacts([.. await transaction.QueryAsync<string>("SELECT code FROM region")]);

        // Step 1: subscribers, and whose organisations they are.
        Dictionary<string, long> persons = good.Where(each => each.Index is not null).DistinctBy(each => each.Applicant!.SubscriberMark)
            .ToDictionary(each => Convert.ToHexString(each.Index!), each => each.Applicant!.SubscriberMark);
        foreach (SubscriberRow row in await SubscriberStore.ListRowsAsync(transaction, [.. persons.Keys.Select(Convert.FromHexString)]))
        {
            facts._subscribers[persons[Convert.ToHexString(row.PersonIndex!)]] = row;
        }

        foreach (SubscriberKind kind in (SubscriberKind[])[SubscriberKind.Organization, SubscriberKind.Device])
        {
            Dictionary<string, long> numbers = good.SelectMany(each => (SubscriberNumber?[])[each.Applicant!.Number, each.Applicant.Organization]).OfType<SubscriberNumber>()
                .Where(number => number.Kind == kind).DistinctBy(number => number.Reveal()).ToDictionary(number => number.Reveal(), Applicant.MarkOf);
            foreach (SubscriberRow row in await SubscriberStore.ListRowsAsync(transaction, kind, numbers.Keys))
            {
                facts._subscribers[numbers[row.Number!]] = row;
            }
        }

        // Step 2: what they have.
        byte[][] ids = [.. facts.Subscribers.Select(row => row.SubscriberId)];
        foreach (Dictionary<string, object> some in InList.Of(ids, ("New", EnrollmentKind.New)))
        {
            AddAll(
                facts._open,
                await transaction.QueryAsync<Holding>($"SELECT subscriber_id, profile FROM enrollment WHERE subscriber_id IN ({InList.Names}) AND kind = @New AND is_open = 1", some));
        }

        foreach (Dictionary<string, object> some in InList.Of(ids, ("Now", now)))
        {
            AddAll(
                facts._certified,
                await transaction.QueryAsync<Holding>(
                    $"SELECT subscriber_id, profile FROM certificate WHERE subscriber_id IN ({InList.Names}) AND state IN (1, 2) AND half <> 2 AND not_after > @Now", some));
        }

        // Step 3: the keys.
        byte[][] keys = [.. good.Where(each => each.Applicant!.KeyHash is not null).Select(each => each.Applicant!.KeyHash!)];
        foreach (Dictionary<string, object> some in InList.Of(keys))
        {
            foreach (Ownership owner in await transaction.QueryAsync<Ownership>($"SELECT key_hash, subscriber_id FROM key_owner WHERE key_hash IN ({InList.Names})", some))
            {
                facts._owners[Convert.ToHexString(owner.KeyHash)] = Convert.ToHexString(owner.SubscriberId);
            }

            facts._keysInUse.UnionWith((await transaction.QueryAsync<byte[]>($"SELECT key_hash FROM enrollment WHERE key_hash IN ({InList.Names}) AND is_open = 1", some)).Select(Convert.ToHexString));
            facts._certifiedKeys.UnionWith((await transaction.QueryAsync<byte[]>($"SELECT key_hash FROM certificate WHERE key_hash IN ({InList.Names})", some)).Select(Convert.ToHexString));
        }

        return facts;
    }

    public bool HasRegion(string code) => _regions.Contains(code);

    /// <returns>Null: not registered.</returns>
    public SubscriberRow? Find(SubscriberNumber number) => _subscribers.GetValueOrDefault(Applicant.MarkOf(number));

    /// <summary>Whether a new one of the same profile is on its way.</summary>
    public bool HasOpen(byte[] subscriberId, string profile) => _open.Contains((Convert.ToHexString(subscriberId), profile));

    /// <summary>Whether there is a certificate that has not ended.</summary>
    public bool HasCertificate(byte[] subscriberId, string profile) => _certified.Contains((Convert.ToHexString(subscriberId), profile));

    /// <returns>Whose a key is; null: nobody's yet.</returns>
    public byte[]? FindOwner(byte[] keyHash) => _owners.TryGetValue(Convert.ToHexString(keyHash), out string? owner) ? Convert.FromHexString(owner) : null;

    public bool IsInUse(byte[] keyHash) => _keysInUse.Contains(Convert.ToHexString(keyHash));

    public bool IsCertified(byte[] keyHash) => _certifiedKeys.Contains(Convert.ToHexString(keyHash));

    /// <returns>The same where the same was found.</returns>
    public byte[] Digest()
    {
        string[] lines =
        [
            .. _subscribers.Values.Select(row => $"subscriber {row} {row.Version}"),
            .. _open.Select(each => $"open {each.Subscriber} {each.Profile}"),
            .. _certified.Select(each => $"certified {each.Subscriber} {each.Profile}"),
            .. _owners.Select(each => $"owner {each.Key} {each.Value}"),
            .. _keysInUse.Select(each => $"in use {each}"),
            .. _certifiedKeys.Select(each => $"certified key {each}"),
        ];
        Array.Sort(lines, StringComparer.Ordinal);
        return SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', lines)));
    }

    private static void AddAll(HashSet<(string Subscriber, string Profile)> to, IReadOnlyList<Holding> found) => to.UnionWith(found.Select(each => (Convert.ToHexString(each.SubscriberId), each.Profile)));

    private sealed record Holding
    {
        public required byte[] SubscriberId { get; init; }

        public required string Profile { get; init; }
    }

    private sealed record Ownership
    {
        public required byte[] KeyHash { get; init; }

        public required byte[] SubscriberId { get; init; }
    }
}
