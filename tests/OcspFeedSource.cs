using System.Collections.Concurrent;
using System.Net;
using ZwCa.Asn1;
using ZwCa.Asn1.Feed;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Issuance.Feed;

namespace ZwCa;

/// <summary>The CA's side of the feed, in memory, behind an HttpClient: it signs what a test appends, and lies where a test says so. Linked into the test projects.</summary>
internal sealed class OcspFeedSource(TimeProvider time) : HttpMessageHandler
{
    public const string Origin = "zwca/test";

    private readonly Lock _lock = new();
    private Sm2PrivateKey _key = Key(1);
    private (FeedStatement Statement, byte[][] Parts)? _snapshot;

    /// <summary>All of them, from number 1 on.</summary>
    public List<FeedSegment> Segments { get; } = [];

    public Dictionary<string, byte[]> Crls { get; } = [];

    /// <summary>Number of the oldest that is given out.</summary>
    public long First { get; set; } = 1;

    /// <summary>What it says that the oldest is. Null: the truth.</summary>
    public long? Said { get; set; }

    /// <summary>Segments of an answer.</summary>
    public int Most { get; set; } = 500;

    /// <summary>Whether the CA is there.</summary>
    public bool IsAway { get; set; }

    /// <summary>Another heartbeat than the true one.</summary>
    public Func<FeedStatement>? Heartbeat { get; set; }

    /// <summary>Another answer to a question for segments.</summary>
    public Func<long, byte[]>? Answer { get; set; }

    /// <summary>Another body where a file is asked for: CRLs, and parts of snapshots. Null: the true one.</summary>
    public Func<string, HttpContent?>? File { get; set; }

    /// <summary>After which segment it was asked how far the feed is.</summary>
    public ConcurrentQueue<long> Heads { get; } = [];

    /// <summary>Paths of the files that were asked for.</summary>
    public ConcurrentQueue<string> Asked { get; } = [];

    public static Sm2PrivateKey Key(byte number) => Sm2PrivateKey.FromBytes([.. new byte[31], number]);

    public static SubjectPublicKeyInfo PublicKey(byte number)
    {
        using Sm2PrivateKey key = Key(number);
        return SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes());
    }

    public FeedSegment Append(byte[] content)
    {
        lock (_lock)
        {
            FeedSegment segment = Make(Segments.Count + 1, Link(Segments.Count), content);
            Segments.Add(segment);
            return segment;
        }
    }

    /// <summary>What is signed from now on is signed with that key.</summary>
    public void ChangeKey(byte number) => _key = Key(number);

    /// <summary>A segment that is not appended.</summary>
    public FeedSegment Make(long number, byte[] link, byte[] content) => new(Sign(FeedStatementKind.Segment, number, link, time.GetUtcNow(), Sm3.HashData(content)), content);

    public FeedStatement MakeHeartbeat(long number, DateTimeOffset? at = null) => Sign(FeedStatementKind.Heartbeat, number, Link(number), at ?? time.GetUtcNow());

    public void MakeSnapshot(params byte[][] parts) => MakeSnapshot(Segments.Count, parts);

    public void MakeSnapshot(long number, params byte[][] parts) =>
        _snapshot = (Sign(FeedStatementKind.Snapshot, number, Link(number), time.GetUtcNow(), [.. parts.Select(each => (ReadOnlyMemory<byte>)Sm3.HashData(each))]), parts);

    public byte[] Link(long number) => number == 0 ? new byte[32] : Segments[(int)number - 1].Statement.HashTbs();

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (IsAway)
        {
            throw new HttpRequestException("The CA is away.");
        }

        string[] path = request.RequestUri!.AbsolutePath.Trim('/').Split('/');
        long after = request.RequestUri.Query is ['?', .. string query] ? long.Parse(query["after=".Length..], System.Globalization.CultureInfo.InvariantCulture) : 0;
        if (path[1] == "head")
        {
            Heads.Enqueue(after);

            // As the CA does, though not for as long.
            for (int i = 0; i < 20 && after >= Count && after > 0; i++)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(10), cancellationToken);
            }
        }

        if (path[1] == "crls" || path.Length > 3)
        {
            Asked.Enqueue(request.RequestUri.AbsolutePath);
            if (File?.Invoke(request.RequestUri.AbsolutePath) is { } body)
            {
                return new HttpResponseMessage(HttpStatusCode.OK) { Content = body };
            }
        }

        lock (_lock)
        {
            return path[1] switch
            {
                "head" => Bytes(Der.Encode(Heartbeat?.Invoke() ?? MakeHeartbeat(Segments.Count))),
                "segments" when Answer is { } answer => Bytes(answer(after)),
                "segments" when after + 1 < First => Gone(),
                "segments" => Bytes(FramesAfter((int)after)),
                "snapshot" when _snapshot is null => new HttpResponseMessage(HttpStatusCode.NotFound),
                "snapshot" when path.Length == 2 => Bytes(Der.Encode(_snapshot.Value.Statement)),
                "snapshot" => Bytes(_snapshot.Value.Parts[int.Parse(path[3], System.Globalization.CultureInfo.InvariantCulture)]),
                "crls" when Crls.TryGetValue(path[2], out byte[]? crl) => Bytes(crl),
                _ => new HttpResponseMessage(HttpStatusCode.NotFound),
            };
        }
    }

    /// <summary>As the CA does: up to so many, and no more bytes than one answer has.</summary>
    private byte[] FramesAfter(int after)
    {
        using var answer = new MemoryStream();
        foreach ((FeedStatement statement, ReadOnlyMemory<byte> content) in Segments.Skip(after).Take(Most).Select(each => (each.Statement, each.Content)))
        {
            byte[] frame = FeedFrames.Write(Der.Encode(statement), content.Span);
            if (answer.Length > 0 && answer.Length + frame.Length > FeedFrames.MaxContent)
            {
                break;
            }

            answer.Write(frame);
        }

        return answer.ToArray();
    }

    private int Count
    {
        get
        {
            lock (_lock)
            {
                return Segments.Count;
            }
        }
    }

    private static HttpResponseMessage Bytes(byte[] bytes) => new(HttpStatusCode.OK) { Content = new ByteArrayContent(bytes) };

    private HttpResponseMessage Gone()
    {
        var gone = new HttpResponseMessage(HttpStatusCode.NotFound);
        gone.Headers.Add(ZwCa.Ocsp.Feed.FeedClient.FirstHeader, (Said ?? First).ToString(System.Globalization.CultureInfo.InvariantCulture));
        return gone;
    }

    public FeedStatement Sign(TbsFeedStatement tbs)
    {
        byte[] bytes = Der.Encode(tbs);
        byte[] signature = new byte[Sm2.SignatureSizeInBytes];
        _key.Sign(bytes, signature);
        return FeedStatement.Assemble(bytes, Sm2Signature.FromRaw(signature));
    }

    private FeedStatement Sign(FeedStatementKind kind, long number, byte[] link, DateTimeOffset at, params ReadOnlyMemory<byte>[] contents) =>
        Sign(new TbsFeedStatement(kind, Origin, number, link, at, FeedStatement.KeyIdOf(SubjectPublicKeyInfo.ForSm2(_key.PublicKey.ToBytes())), contents));
}
