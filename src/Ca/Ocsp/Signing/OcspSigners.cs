using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Authorities;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
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

/// <summary>All keys that sign responses now. A CA whose key is neither SM2 nor RSA has none: its certificates may name no OCSP service. Unchangeable; safe for concurrent use.</summary>
internal sealed class OcspSigners
{
    private static readonly byte[] OwnKey = new byte[Sm3.HashSizeInBytes];

    private readonly IReadOnlyDictionary<short, OcspSigner> _byAuthority;

    private OcspSigners(IReadOnlyList<OcspSigner> all) => _byAuthority = all.ToDictionary(each => each.Authority.Id);

    public IEnumerable<OcspSigner> All => _byAuthority.Values;

    /// <summary>Whether responses about certificates of the CA can be signed at all.</summary>
    public static bool CanBeFor(Authority authority) => authority.Issuer.Algorithm == AlgorithmIdentifier.Sm3WithSm2 || authority.Issuer.Algorithm == AlgorithmIdentifier.Sha256WithRsa;

    /// <summary>Finds the keys, and gives each signer its number in the database, the same for ever.</summary>
    /// <exception cref="ArgumentException">A certificate is not a responder's of its CA, or of another key: the message names the CA.</exception>
    /// <exception cref="InvalidOperationException">The device has no such key.</exception>
    public static async Task<OcspSigners> OpenAsync(OcspOptions options, AuthorityList authorities, IHsm hsm, Database database, TimeProvider time)
    {
        var all = new List<OcspSigner>();
        foreach (Authority authority in authorities.All.Where(CanBeFor))
        {
            OcspSignerOptions? delegated = options.Signers.FirstOrDefault(each => each.Authority == authority.Name);
            Certificate? certificate = delegated is null
                ? null
                : Der.Decode<Certificate>(Pem.Decode(Pem.Certificate, await File.ReadAllTextAsync(delegated.CertificateFile)));
            OcspResponder responder;
            try
            {
                responder = certificate is null
                    ? OcspResponder.Of(authority.Issuer)
                    : OcspResponder.Delegated(authority.Certificate, certificate, new HsmSigner(hsm, await FindKeyAsync(hsm, authority, delegated!.KeyLabel)));
            }
            catch (ArgumentException e)
            {
                throw new ArgumentException($"CA {authority.Name}: {e.Message}", e);
            }

            all.Add(new OcspSigner(await NumberAsync(database, authority, certificate, time.GetUtcNow()), authority, certificate, responder));
        }

        return new OcspSigners(all);
    }

    /// <returns>Null: nothing is signed for certificates of that CA.</returns>
    public OcspSigner? Find(short authority) => _byAuthority.GetValueOrDefault(authority);

    private static async Task<HsmKey> FindKeyAsync(IHsm hsm, Authority authority, string label) =>
        await hsm.FindKeyAsync(new KeyLabel(label)) ?? throw new InvalidOperationException($"OCSP of CA {authority.Name}: the token {hsm.Token.Label} has no key {label}.");

    private static Task<short> NumberAsync(Database database, Authority authority, Certificate? certificate, DateTimeOffset now)
    {
        byte[]? bytes = certificate is null ? null : Der.Encode(certificate);
        byte[] hash = bytes is null ? OwnKey : Sm3.HashData(bytes);
        return database.WriteAsync(async transaction =>
        {
            short last = await transaction.GetAsync<short>("SELECT COALESCE(MAX(signer_id), 0) FROM ocsp_signer");
            var row = new { Id = (short)(last + 1), Authority = authority.Id, Certificate = bytes, Hash = hash, Now = now };
            if (await transaction.FindAsync<short?>("SELECT signer_id FROM ocsp_signer WHERE authority_id = @Authority AND certificate_hash = @Hash", row) is { } known)
            {
                return known;
            }

            await transaction.ExecuteAsync(
                "INSERT INTO ocsp_signer (signer_id, authority_id, certificate, certificate_hash, added_at) VALUES (@Id, @Authority, @Certificate, @Hash, @Now)", row);
            return row.Id;
        });
    }
}
