using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm;

namespace ZwCa.HsmSim.Device;

/// <summary>A partition's policy, checked and with its keys ready to verify. Immutable: a new policy is a new one of these.</summary>
internal sealed class PolicyInForce
{
    // By SM3 of the SubjectPublicKeyInfo in hexadecimal.
    private readonly Dictionary<string, (AuthorizingCa Ca, Sm2PublicKey Key)> _caKeys = [];

    // All keys whose signatures open something.
    private readonly HashSet<SubjectPublicKeyInfo> _trusted;

    /// <param name="partition">16 bytes.</param>
    /// <exception cref="HsmException"><see cref="HsmFailure.Refused"/>: of another partition, no client, or a key with two roles.</exception>
    public PolicyInForce(PartitionPolicy policy, ReadOnlySpan<byte> partition)
    {
        Refusal.Unless(policy.Partition.Span.SequenceEqual(partition), "The policy is for another partition.");
        Refusal.Unless(policy.Clients.Count > 0, "The policy has no client: nobody could connect any more.");

        // Else one who holds one key could play two roles: a CA that issues officers' certificates approves what it asks for.
        SubjectPublicKeyInfo[] trusted =
            [.. policy.AuthorizingCas.SelectMany(static ca => ca.Keys), .. policy.OfficerIssuers, .. policy.Recovery?.Officers ?? []];
        _trusted = [.. trusted];
        Refusal.Unless(_trusted.Count == trusted.Length, "The policy names one key for two purposes, or twice for one.");
        Policy = policy;
        Encoded = Der.Encode(policy);
        foreach (AuthorizingCa ca in policy.AuthorizingCas)
        {
            foreach (SubjectPublicKeyInfo spki in ca.Keys)
            {
                _caKeys.Add(Id(Sm3.HashData(Der.Encode(spki))), (ca, Prepared(spki)));
            }
        }

        OfficerIssuers = [.. policy.OfficerIssuers.Select(Prepared)];
    }

    public PartitionPolicy Policy { get; }

    /// <summary>DER of <see cref="Policy"/>.</summary>
    public ReadOnlyMemory<byte> Encoded { get; }

    public IReadOnlyList<Sm2PublicKey> OfficerIssuers { get; }

    /// <param name="keyHash">SM3 of the DER of SubjectPublicKeyInfo.</param>
    /// <exception cref="HsmException"><see cref="HsmFailure.Refused"/>: no CA of the policy has it.</exception>
    public (AuthorizingCa Ca, Sm2PublicKey Key) FindCa(ReadOnlySpan<byte> keyHash) =>
        _caKeys.TryGetValue(Id(keyHash), out (AuthorizingCa, Sm2PublicKey) found)
            ? found
            : throw Refusal.Because("The message is by a key that no CA of the policy has.");

    /// <summary>Whether signatures by that key authorize anything here.</summary>
    public bool Trusts(SubjectPublicKeyInfo key) => _trusted.Contains(key);

    private static string Id(ReadOnlySpan<byte> keyHash) => Convert.ToHexString(keyHash);

    // That the keys are points of the curve, and no key that of two CAs, PartitionPolicy has seen to.
    private static Sm2PublicKey Prepared(SubjectPublicKeyInfo spki)
    {
        var key = Sm2PublicKey.FromBytes(spki.PublicKey.Span);
        key.Prepare();
        return key;
    }
}
