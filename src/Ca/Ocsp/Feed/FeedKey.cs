using ZwCa.Asn1;
using ZwCa.Asn1.Feed;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;

namespace ZwCa.Ca.Ocsp;

/// <summary>Signs statements of the feed; responders have its public half pinned, or the feed has named it. Safe for concurrent use.</summary>
internal sealed class FeedKey
{
    private readonly HsmSigner _signer;
    private readonly string _origin;

    /// <exception cref="ArgumentException">The key is not SM2.</exception>
    public FeedKey(IHsm hsm, HsmKey key, string origin)
    {
        _signer = new HsmSigner(hsm, key, SignatureScheme.Sm2);
        _origin = origin;
        Label = key.Label;
        KeyId = FeedStatement.KeyIdOf(_signer.SubjectPublicKeyInfo);
    }

    public KeyLabel Label { get; }

    public SubjectPublicKeyInfo PublicKey => _signer.SubjectPublicKeyInfo;

    /// <summary>As statements have it.</summary>
    public byte[] KeyId { get; }

    /// <param name="contents">SM3 of each.</param>
    /// <exception cref="HsmException">The device refused, failed or is away, or its signature does not hold.</exception>
    public async Task<FeedStatement> SignAsync(
        FeedStatementKind kind, FeedPosition position, DateTimeOffset now, IReadOnlyList<ReadOnlyMemory<byte>> contents, CancellationToken cancellationToken)
    {
        byte[] tbs = Der.Encode(new TbsFeedStatement(kind, _origin, position.Number, position.Hash, now, KeyId, contents));
        var statement = FeedStatement.Assemble(tbs, Der.Decode<Sm2Signature>(await _signer.SignAsync(tbs, cancellationToken)));
        return statement.IsSignedBy(PublicKey)
            ? statement
            : throw new HsmException(HsmFailure.DeviceError, "The device's signature of a statement of the feed does not hold. The device is to be looked at.");
    }

    public override string ToString() => $"{Label} ({Convert.ToHexStringLower(KeyId)})";
}

/// <summary>
/// The keys of the feed that this node has. With which of them it signs, the feed itself says, as the database has it: never the configuration, which may be another on each node while a key is
/// followed by the next. Safe for concurrent use.
/// </summary>
/// <param name="configured">By which a feed begins.</param>
/// <param name="next">Null: none is to follow.</param>
internal sealed class FeedKeys(FeedKey configured, FeedKey? next)
{
    public FeedKey Configured => configured;

    public FeedKey? Next => next;

    /// <returns>Who signs the segment that follows.</returns>
    /// <exception cref="HsmException">This node does not have it.</exception>
    public FeedKey After(FeedPosition last) => last.NextKeyId is null ? configured : Find(last.NextKeyId) ?? throw Missing(last);

    /// <summary>Of the segment that names a next key either may; whoever has not read it yet believes the older one alone.</summary>
    /// <returns>Who signs heartbeats and snapshots about that segment.</returns>
    /// <exception cref="HsmException">This node does not have it.</exception>
    public FeedKey About(FeedPosition position) => position.KeyId is null ? configured : Find(position.KeyId) ?? After(position);

    /// <returns>Why this node appends nothing, for the operator; null: it can.</returns>
    public string? FindFault(FeedPosition last) => last.NextKeyId is null || Find(last.NextKeyId) is not null ? null : Missing(last).Message;

    private FeedKey? Find(byte[] keyId) => configured.KeyId.AsSpan().SequenceEqual(keyId) ? configured : next is not null && next.KeyId.AsSpan().SequenceEqual(keyId) ? next : null;

    private HsmException Missing(FeedPosition last) => new(
        HsmFailure.KeyNotFound,
        $"The feed is signed with the key {Convert.ToHexStringLower(last.NextKeyId!)}, and this node is configured with {configured}{(next is null ? "" : $" and {next}")}: it signs nothing of the feed. "
        + "A key follows another by Ca:Ocsp:NextFeedKey, never by FeedKey alone (docs/PUBLICATION.md).");
}
