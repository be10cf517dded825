using Microsoft.Extensions.Hosting;
using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;
using ZwCa.Ocsp.Feed;

namespace ZwCa.Ocsp.Answers;

/// <summary>Before the node says that it is ready it has answered some thousand times, for itself: the first client does not wait for the compiler.</summary>
internal sealed class WarmUp(FeedState state, AnswerOcsp answers, TimeProvider time) : BackgroundService
{
    private const int Answers = 4000;
    private const int Certificates = 500;

    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(100);

    private bool _isDone;

    public bool IsDone => Volatile.Read(ref _isDone);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        while (state.Served is null)
        {
            await Task.Delay(LookEvery, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stoppingToken.IsCancellationRequested)
            {
                return;
            }
        }

        Run(state.Served!);
        Volatile.Write(ref _isDone, true);
    }

    private void Run(ServedFeed feed)
    {
        byte[][] requests =
        [
            .. feed.Table.Sample(Certificates).Where(each => each.SerialNumber.AsSpan().ContainsAnyExcept((byte)0)).Select(each => feed.Authorities.Find(each.Authority) is { } authority
                ? Der.Encode(new OcspRequest(new TbsRequest([new Request(CertIds.Of(authority.Certificate, SerialNumber.FromBytes(each.SerialNumber), CertIdHash.Sha1))])))
                : []),
        ];
        byte[] buffer = new byte[AnswerOcsp.MaxResponse];
        for (int i = 0; i < Answers && requests.Length > 0; i++)
        {
            answers.TryPreSigned(requests[i % requests.Length], buffer, out _, out _);
        }
    }
}
