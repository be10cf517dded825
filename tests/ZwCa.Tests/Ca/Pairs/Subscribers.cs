using System.Collections.Concurrent;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Tests.Ca.Pairs;

/// <summary>A pair that its subscriber has, and by what he got it.</summary>
internal sealed record IssuedPair(string Entity, Sm2PrivateKey Key, DecidedRequest Request, RequestId Id, PairAnswer Answer);

/// <summary>
/// Subscribers who ask on and on, each until he is answered, whatever dies meanwhile; every third signs for his key, and every third loses his token and has the key recovered to a new one. What
/// they are given is looked at as their tokens do.
/// </summary>
internal sealed class Subscribers(CaScene scene, CancellationToken cancellationToken) : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private int _count;
    private int _recovered;

    public ConcurrentBag<IssuedPair> Issued { get; } = [];

    /// <summary>Recoveries that were delivered.</summary>
    public int Recovered => _recovered;

    /// <summary>Ends between two subscribers, never within one.</summary>
    public async Task LiveAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            int number = Interlocked.Increment(ref _count);
            IssuedPair pair = await IssueAsync(CaScene.NewEntity());
            if (number % 3 == 1)
            {
                await ReceiveAsync(pair.Answer, pair.Key);
            }
            else if (number % 3 == 2)
            {
                await LoseAsync(pair, isRevoked: number % 2 == 0);
            }

            await Task.Delay(Pause, cancellationToken);
        }
    }

    /// <summary>The same request once more.</summary>
    public async Task AskAgainAsync(IssuedPair pair)
    {
        PairAnswer again = await AskAsync(() => scene.Ra.PostAsync<PairAnswer>("/pairs", pair.Request, pair.Id));
        Assert.Equal(pair.Answer.Signing.Certificate, again.Signing.Certificate);
        Assert.Equal(pair.Answer.Encryption.Certificate, again.Encryption.Certificate);
        if (again.Envelope is { } envelope && again.Recipient == pair.Answer.Signing.Serial)
        {
            AssertOpens(envelope, pair.Key, pair.Answer);
        }
    }

    public void Dispose()
    {
        foreach (IssuedPair each in Issued)
        {
            each.Key.Dispose();
        }
    }

    private static void AssertOpens(byte[] envelope, Sm2PrivateKey key, PairAnswer pair)
    {
        using Sm2PrivateKey opened = PairScene.Open(envelope, key);
        Assert.Equal(Der.Decode<Certificate>(pair.Encryption.Certificate!).Tbs.SubjectPublicKeyInfo, PairScene.Of(opened));
    }

    private async Task<IssuedPair> IssueAsync(string entity)
    {
        var key = Sm2PrivateKey.Generate();
        DecidedRequest request = scene.Decide(PairScene.Draft(scene.Issuers, key, entity).ToApplication(), csr: CaScene.Csr(key));
        var id = RequestId.Create(TimeProvider.System);
        PairAnswer answer = await AskAsync(() => scene.Ra.PostAsync<PairAnswer>("/pairs", request, id));
        Assert.Equal(PairScene.Of(key), Der.Decode<Certificate>(answer.Signing.Certificate!).Tbs.SubjectPublicKeyInfo);
        AssertOpens(answer.Envelope!, key, answer);
        var issued = new IssuedPair(entity, key, request, id, answer);
        Issued.Add(issued);
        return issued;
    }

    private async Task ReceiveAsync(PairAnswer pair, Sm2PrivateKey key)
    {
        PairReceipt receipt = PairScene.Receipt(pair, key);
        var id = RequestId.Create(TimeProvider.System);
        PairAnswer delivered = await AskAsync(() => scene.Ra.PostAsync<PairAnswer>($"/pairs/{pair.Id}/receipt", receipt, id));
        Assert.Equal(("delivered", null), (delivered.Delivery, delivered.Envelope));
    }

    /// <summary>Out of use or out of history, to the signing key of a new pair.</summary>
    private async Task LoseAsync(IssuedPair lost, bool isRevoked)
    {
        if (isRevoked)
        {
            var body = new StatusBody(PairScene.Reference(lost.Answer.Signing), RevocationReason.CessationOfOperation);
            DecidedRequest revocation = scene.Decide(PairScene.Apply(DecisionKind.Revoke, Der.Encode(body)));
            var revocationId = RequestId.Create(TimeProvider.System);
            await AskAsync(() => scene.Ra.PostAsync<CertificateAnswer>($"/certificates/{lost.Answer.Signing.Issuer}/{lost.Answer.Signing.Serial}/revocation", revocation, revocationId));
        }

        IssuedPair fresh = await IssueAsync(lost.Entity);
        DecidedRequest recovery = scene.Decide(PairScene.Recovery(lost.Answer, fresh.Key));
        var id = RequestId.Create(TimeProvider.System);
        PairAnswer recovered = await AskAsync(() => scene.Ra.PostAsync<PairAnswer>($"/pairs/{lost.Answer.Id}/recovery", recovery, id));
        Assert.Equal(("waiting", fresh.Answer.Signing.Serial), (recovered.Delivery, recovered.Recipient));
        AssertOpens(recovered.Envelope!, fresh.Key, lost.Answer);
        PairAnswer again = await AskAsync(() => scene.Ra.PostAsync<PairAnswer>($"/pairs/{lost.Answer.Id}/recovery", recovery, id));
        Assert.Equal(recovered.Envelope, again.Envelope);
        Interlocked.Increment(ref _recovered);
        await ReceiveAsync(recovered, fresh.Key);
    }

    private Task<T> AskAsync<T>(Func<Task<T>> call) => SignedCalls.UntilAnsweredAsync(call, cancellationToken);
}
