using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Authorities;
using ZwCa.Issuance;

namespace ZwCa.Ca.Ocsp;

/// <summary>Signs responses for one CA.</summary>
/// <param name="Number">By which the feed names it.</param>
/// <param name="Certificate">Null: the CA's own key.</param>
internal sealed record OcspSigner(short Number, Authority Authority, Certificate? Certificate, OcspResponder Responder)
{
    private Validity Validity => (Certificate ?? Authority.Certificate).Tbs.Validity;

    public DateTimeOffset Begin => Validity.NotBefore.Value;

    /// <summary>No response is valid for longer.</summary>
    public DateTimeOffset End => Validity.NotAfter.Value;

    /// <summary>Whether it may sign then: else statuses are told without responses, and responders sign by themselves.</summary>
    public bool IsCertifiedAt(DateTimeOffset time) => Begin <= time && time < End;

    public override string ToString() => $"of CA {Authority.Name}" + (Certificate is null ? " (its own key)" : $" (number {Number})");
}

/// <summary>
/// Who signs responses at one moment: the feed has told of each of them. A CA whose key is neither SM2 nor RSA has none: its certificates may name no OCSP service. Unchangeable, so that a batch
/// is made and judged by the same from beginning to end (<see cref="SignersInUse"/>); safe for concurrent use.
/// </summary>
internal sealed class OcspSigners(IReadOnlyList<OcspSigner> all)
{
    private readonly IReadOnlyDictionary<short, OcspSigner> _byAuthority = all.ToDictionary(each => each.Authority.Id);

    public IEnumerable<OcspSigner> All => _byAuthority.Values;

    /// <summary>Whether responses about certificates of the CA can be signed at all.</summary>
    public static bool CanBeFor(Authority authority) => authority.Issuer.Algorithm == AlgorithmIdentifier.Sm3WithSm2 || authority.Issuer.Algorithm == AlgorithmIdentifier.Sha256WithRsa;

    /// <returns>The same but for those.</returns>
    public OcspSigners Without(IReadOnlyCollection<OcspSigner> some) => some.Count == 0 ? this : new OcspSigners([.. All.Except(some)]);

    /// <returns>Null: nothing is signed for certificates of that CA.</returns>
    public OcspSigner? Find(short authority) => _byAuthority.GetValueOrDefault(authority);
}
