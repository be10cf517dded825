using ZwCa.Asn1;
using ZwCa.Asn1.Feed;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;

namespace ZwCa.Ca.Ocsp;

/// <summary>Signs statements of the feed; responders have its public half pinned. Safe for concurrent use.</summary>
internal sealed class FeedKey
{
    private readonly HsmSigner _signer;
    private readonly string _origin;
    private readonly byte[] _keyId;

    /// <exception cref="ArgumentException">The key is not SM2.</exception>
    public FeedKey(IHsm hsm, HsmKey key, string origin)
    {
        _signer = new HsmSigner(hsm, key, SignatureScheme.Sm2);
        _origin = origin;
        _keyId = FeedStatement.KeyIdOf(_signer.SubjectPublicKeyInfo);
    }

    public SubjectPublicKeyInfo PublicKey => _signer.SubjectPublicKeyInfo;

    /// <param name="contents">SM3 of each.</param>
    /// <exception cref="HsmException">The device refused, failed or is away, or its signature does not hold.</exception>
    public async Task<FeedStatement> SignAsync(
        FeedStatementKind kind, FeedPosition position, DateTimeOffset now, IReadOnlyList<ReadOnlyMemory<byte>> contents, CancellationToken cancellationToken)
    {
        byte[] tbs = Der.Encode(new TbsFeedStatement(kind, _origin, position.Number, position.Hash, now, _keyId, contents));
        var statement = FeedStatement.Assemble(tbs, Der.Decode<Sm2Signature>(await _signer.SignAsync(tbs, cancellationToken)));
        return statement.IsSignedBy(PublicKey)
            ? statement
            : throw new HsmException(HsmFailure.DeviceError, "The device's signature of a statement of the feed does not hold. The device is to be looked at.");
    }
}
