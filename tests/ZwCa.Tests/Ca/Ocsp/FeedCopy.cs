using ZwCa.Asn1;
using ZwCa.Asn1.Feed;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Issuance;
using ZwCa.Issuance.Feed;

namespace ZwCa.Tests.Ca.Ocsp;

/// <summary>What a responder knows that has taken a feed: every statement verified, every link met, every response rebuilt and its signature verified.</summary>
internal sealed class FeedCopy(SubjectPublicKeyInfo feedKey)
{
    private readonly Dictionary<short, Certificate> _authorities = [];
    private readonly Dictionary<short, (short Authority, Certificate? Certificate)> _signers = [];
    private readonly Dictionary<(short, string), FeedStatus> _statuses = [];
    private readonly Dictionary<(short, string, CertIdHash, long), (FeedBatch Batch, byte[] Signature)> _responses = [];
    private byte[]? _link = new byte[32];

    /// <summary>Of the last segment.</summary>
    public long Number { get; private set; }

    /// <summary>By CA and serial number.</summary>
    public IReadOnlyDictionary<(short, string), FeedStatus> Statuses => _statuses;

    public List<FeedCrl> Crls { get; } = [];

    /// <summary>How often each version of each certificate was told.</summary>
    public Dictionary<(string Serial, long Version), int> Told { get; } = [];

    public IReadOnlyDictionary<short, Certificate> Authorities => _authorities;

    /// <summary>All of a CA's database.</summary>
    public static async Task<FeedCopy> ReadAsync(Database database, SubjectPublicKeyInfo feedKey)
    {
        var copy = new FeedCopy(feedKey);
        foreach (Row row in await database.QueryAsync<Row>("SELECT statement, content FROM feed_segment ORDER BY number", cancellationToken: TestContext.Current.CancellationToken))
        {
            copy.Take(new FeedSegment(Der.Decode<FeedStatement>(row.Statement), row.Content));
        }

        return copy;
    }

    public void TakeSnapshot(FeedStatement statement, IReadOnlyList<byte[]> parts)
    {
        Assert.True(statement.IsSignedBy(feedKey));
        Assert.Equal(FeedStatementKind.Snapshot, statement.Tbs.Kind);
        Assert.Equal(statement.Tbs.Contents.Select(each => Convert.ToHexString(each.Span)), parts.Select(part => Convert.ToHexString(Sm3.HashData(part))));
        foreach (byte[] part in parts)
        {
            Take(part);
        }

        Number = statement.Tbs.Number;
        _link = statement.Tbs.Link.ToArray();
    }

    public void Take(FeedSegment segment)
    {
        TbsFeedStatement tbs = segment.Statement.Tbs;
        Assert.True(segment.Statement.IsSignedBy(feedKey));
        Assert.Equal(FeedStatementKind.Segment, tbs.Kind);
        Assert.Equal(Number + 1, tbs.Number);
        Assert.Equal(Convert.ToHexString(_link!), Convert.ToHexString(tbs.Link.Span));
        Assert.Equal(Convert.ToHexString(Sm3.HashData(segment.Content.Span)), Convert.ToHexString(tbs.Contents[0].Span));
        Number = tbs.Number;
        _link = segment.Statement.HashTbs();
        Take(segment.Content);
    }

    /// <returns>Null: never told.</returns>
    public FeedStatus? Find(string serial) => _statuses.Where(each => each.Key.Item2 == serial).Select(each => (FeedStatus?)each.Value).SingleOrDefault();

    /// <summary>The response that is given out for it, rebuilt; its signature holds.</summary>
    /// <returns>Null: none of its latest version.</returns>
    public SingleResponse? FindResponse(string serial, CertIdHash hash = CertIdHash.Sha1)
    {
        FeedStatus status = Find(serial) ?? throw new InvalidOperationException("Never told.");
        if (!_responses.TryGetValue((status.Authority, serial, hash, status.Version), out (FeedBatch Batch, byte[] Signature) found))
        {
            return null;
        }

        (_, Certificate? responder) = _signers[found.Batch.Signer];
        Certificate issuer = _authorities[status.Authority];
        var template = new OcspTemplate(issuer, responder, hash);
        byte[] response = template.Write(
            new byte[template.MaxLength(found.Signature.Length)],
            new OcspFacts(
                status.SerialNumber.Span, status.RevokedAt?.ToUnixTimeSeconds(), status.Reason, found.Batch.ThisUpdate.ToUnixTimeSeconds(), found.Batch.NextUpdate.ToUnixTimeSeconds()),
            found.Signature).ToArray();
        BasicOcspResponse basic = Der.Decode<OcspResponse>(response).DecodeBasic();
        Assert.True(SignatureCheck.Holds((responder ?? issuer).Tbs.SubjectPublicKeyInfo, basic.SignatureAlgorithm, basic.TbsBytes, basic.Signature));
        return Assert.Single(basic.Tbs.Responses);
    }

    /// <returns>The certificate of whoever has signed that response; null: there is none.</returns>
    public Certificate? FindResponder(string serial)
    {
        FeedStatus status = Find(serial) ?? throw new InvalidOperationException("Never told.");
        return _responses.TryGetValue((status.Authority, serial, CertIdHash.Sha1, status.Version), out (FeedBatch Batch, byte[] Signature) found) ? _signers[found.Batch.Signer].Certificate : null;
    }

    private void Take(ReadOnlyMemory<byte> content)
    {
        var reader = new FeedReader(content);
        while (reader.Read())
        {
            switch (reader.Kind)
            {
                case FeedEntryKind.Authority:
                    _authorities[reader.Authority] = Der.Decode<Certificate>(reader.Encoded);
                    break;
                case FeedEntryKind.Signer:
                    Assert.True(_authorities.ContainsKey(reader.Authority));
                    _signers[reader.Signer] = (reader.Authority, reader.Encoded.IsEmpty ? null : Der.Decode<Certificate>(reader.Encoded));
                    break;
                case FeedEntryKind.Status:
                    Take(reader.Status);
                    break;
                case FeedEntryKind.Responses:
                    FeedBatch batch = reader.Batch;
                    Assert.Equal(batch.Authority, _signers[batch.Signer].Authority);
                    while (reader.TryReadResponse(out FeedResponse response))
                    {
                        _responses[(batch.Authority, Hex(response.SerialNumber), batch.Hash, response.Version)] = (batch, response.Signature.ToArray());
                    }

                    break;
                case FeedEntryKind.Crl:
                    Crls.Add(reader.Crl);
                    break;
                default:
                    Assert.Fail($"{reader.Kind}");
                    break;
            }
        }
    }

    private void Take(FeedStatus status)
    {
        string serial = Hex(status.SerialNumber);
        Told[(serial, status.Version)] = Told.GetValueOrDefault((serial, status.Version)) + 1;
        if (!_statuses.TryGetValue((status.Authority, serial), out FeedStatus known) || known.Version < status.Version)
        {
            _statuses[(status.Authority, serial)] = status;
        }
    }

    private static string Hex(ReadOnlyMemory<byte> serial) => SerialNumber.FromBytes(serial.Span).ToString();

    private sealed record Row
    {
        public required byte[] Statement { get; init; }

        public required byte[] Content { get; init; }
    }
}
