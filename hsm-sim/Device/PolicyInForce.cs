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

    /// <param name="partition">16 bytes.</param>
    /// <exception cref="HsmException"><see cref="HsmFailure.Refused"/>: of another partition, no client, a key that is none, or one that two CAs share.</exception>
    public PolicyInForce(PartitionPolicy policy, ReadOnlySpan<byte> partition)
    {
        Refusal.Unless(policy.Partition.Span.SequenceEqual(partition), "The policy is for another partition.");
        Refusal.Unless(policy.Clients.Count > 0, "The policy has no client: nobody could connect any more.");
        Policy = policy;
        Encoded = Der.Encode(policy);
        foreach (AuthorizingCa ca in policy.AuthorizingCas)
        {
            foreach (SubjectPublicKeyInfo spki in ca.Keys)
            {
                Sm2PublicKey key = Prepared(spki, $"A key of the CA {ca.Name}");
                Refusal.Unless(
                    _caKeys.TryAdd(Id(Sm3.HashData(Der.Encode(spki))), (ca, key)),
                    $"A key of the CA {ca.Name} is named twice: whose signature it is would be open.");
            }
        }

        OfficerIssuers = [.. policy.OfficerIssuers.Select(static spki => Prepared(spki, "The key of an officer issuer"))];
        foreach (SubjectPublicKeyInfo officer in policy.Recovery?.Officers ?? [])
        {
            Refusal.ReadSm2(officer, "The key of a recovery officer");
        }
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

    private static string Id(ReadOnlySpan<byte> keyHash) => Convert.ToHexString(keyHash);

    private static Sm2PublicKey Prepared(SubjectPublicKeyInfo spki, string what)
    {
        Sm2PublicKey key = Refusal.ReadSm2(spki, what);
        key.Prepare();
        return key;
    }
}
