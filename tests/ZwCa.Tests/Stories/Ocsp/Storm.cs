using System.Collections.Concurrent;
using System.Diagnostics;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts.Ca;

namespace ZwCa.Tests.Stories.Ocsp;

/// <summary>
/// Certificates that are issued, revoked and asked about all the time, while CA and responder die and come back. What is demanded of every answer, whoever is dead:
/// <list type="bullet">
/// <item>no *good*, neither signed ahead nor live, says that it is as of a moment after the CA has answered the revocation;</item>
/// <item>once *revoked* was heard, nothing but *revoked* (or nothing at all) is heard again;</item>
/// <item>a serial number that was never issued is never *good*;</item>
/// <item>a live answer is as of a moment at which the feed was not stale.</item>
/// </list>
/// And while both run and reach each other: what the CA has answered is heard within the bound, after each restart too. A responder that is cut off from its CA may go on with what was signed ahead,
/// up to nextUpdate: that is the design, and a cache may do the same.
/// </summary>
/// <param name="staleAfter">Setting of the responder.</param>
internal sealed class Storm(OcspScene scene, TimeSpan bound, TimeSpan staleAfter, TestRandom random, CancellationToken token)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(15);

    /// <summary>Whoever ends a process, or finds it ended, says so within that.</summary>
    private static readonly TimeSpan Notice = TimeSpan.FromSeconds(1);

    private readonly ConcurrentQueue<Acknowledged> _seen = [];
    private readonly Lock _lock = new();
    private long _connectedSince;

    /// <summary>All that were seen as revoked.</summary>
    public int Revocations => _seen.Count;

    public int Questions { get; private set; }

    /// <summary>From the CA's answer to the first question that was answered *revoked*, both running all the while.</summary>
    public TimeSpan Largest { get; private set; }

    /// <summary>From the end of a restart to the same, where the CA had answered before.</summary>
    public TimeSpan LargestAfterRestart { get; private set; }

    /// <summary>Both run from now on.</summary>
    public void Connect() => Volatile.Write(ref _connectedSince, Stopwatch.GetTimestamp());

    /// <summary>One of them is about to end, or has ended.</summary>
    public void Disconnect() => Volatile.Write(ref _connectedSince, 0);

    /// <summary>An RA and an agency: each certificate is issued, seen as good, revoked, and seen as revoked. Ends between two certificates.</summary>
    public async Task LiveAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            CertificateAnswer certificate = await scene.IssueAsync();
            await SeeAsync(certificate.Serial, Heard.Good, null);
            CertificateAnswer answer = await scene.ChangeAsync(certificate, DecisionKind.Revoke, RevocationReason.KeyCompromise);
            Assert.Equal("revoked", answer.State);
            var acknowledged = new Acknowledged(certificate.Serial, DateTimeOffset.UtcNow);
            await SeeAsync(certificate.Serial, Heard.Revoked, acknowledged.At);
            _seen.Enqueue(acknowledged);
        }
    }

    /// <summary>An agency that asks about what was revoked long ago, and about what was never issued.</summary>
    public async Task AuditAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            (int turn, int index, byte[] never) = Draw();
            if (turn > 0 && _seen.ElementAtOrDefault(index) is { } revoked)
            {
                Heard? heard = await AskAsync(revoked.Serial, isFresh: turn > 1, revoked.At);
                Assert.True(heard is null or { Word: Heard.Revoked, Reason: 1 } or { Word: Heard.TryLater }, $"{revoked.Serial} was revoked, and now it is {heard}.");
            }
            else
            {
                Heard? heard = await AskAsync(Convert.ToHexString(never), isFresh: turn == 0, null);
                Assert.True(heard is null or { Word: Heard.Unknown or Heard.TryLater }, $"{Convert.ToHexString(never)} was never issued, and is {heard}.");
            }

            await Task.Delay(Pause, token);
        }
    }

    /// <summary>Until so many more were revoked, and seen as that.</summary>
    /// <param name="check">Fails where it does not go on.</param>
    public async Task GoOnAsync(int more, Action check)
    {
        int before = Revocations;
        while (Revocations < before + more)
        {
            check();
            await Task.Delay(Pause, token);
        }
    }

    /// <summary>Asks, with and without a nonce at once, until both answers are that word.</summary>
    /// <param name="revokedAt">When the CA had answered the revocation. Null: it is not revoked.</param>
    private async Task SeeAsync(string serial, string word, DateTimeOffset? revokedAt)
    {
        long acknowledged = Stopwatch.GetTimestamp();
        bool[] isSeen = [false, false];
        while (isSeen.Contains(false))
        {
            long since = Volatile.Read(ref _connectedSince), asked = Stopwatch.GetTimestamp();
            Heard?[] heard = await Task.WhenAll(AskAsync(serial, isFresh: false, revokedAt), AskAsync(serial, isFresh: true, revokedAt));
            bool isAfterRestart = since > acknowledged, isConnected = since != 0 && Volatile.Read(ref _connectedSince) == since;
            TimeSpan delay = Stopwatch.GetElapsedTime(isAfterRestart ? since : acknowledged, asked);
            for (int i = 0; i < heard.Length; i++)
            {
                bool isIt = heard[i]?.Word == word;
                Assert.True(isIt || !isSeen[i] || heard[i] is null or { Word: Heard.TryLater }, $"{serial} was {word}, and now it is {heard[i]}.");
                if (isIt && !isSeen[i] && isConnected && word == Heard.Revoked)
                {
                    Measure(delay, isAfterRestart);
                }

                isSeen[i] |= isIt;
            }

            if (isConnected && delay > bound && isSeen.Contains(false))
            {
                await Task.Delay(Notice, token);
                Assert.True(Volatile.Read(ref _connectedSince) != since, $"{delay} after the CA has answered, both running, {serial} is not {word}: {heard[0]}, {heard[1]}\n{scene.Node.Log}");
            }

            await Task.Delay(Pause, token);
        }
    }

    /// <returns>Null: nobody answers.</returns>
    private async Task<Heard?> AskAsync(string serial, bool isFresh, DateTimeOffset? revokedAt)
    {
        Heard heard;
        try
        {
            heard = await scene.Agency.AskAsync(serial, isFresh);
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !token.IsCancellationRequested)
        {
            return null;
        }

        lock (_lock)
        {
            Questions++;
        }

        // Seconds: a moment that is truncated is not later than the moment was.
        Assert.True(heard.Word != Heard.Good || revokedAt is not { } at || heard.ThisUpdate <= at, $"{serial}: good as of {heard.ThisUpdate:u}, and the CA had answered at {revokedAt:O} that it is revoked: {heard}");
        Assert.True(
            !heard.IsFresh || heard.ThisUpdate >= DateTimeOffset.UtcNow - staleAfter - TimeSpan.FromSeconds(5), $"At {DateTimeOffset.UtcNow:O} it is signed as of {heard.ThisUpdate:u}, when nobody had heard the CA.");
        return heard;
    }

    private (int Turn, int Index, byte[] Never) Draw()
    {
        lock (_lock)
        {
            byte[] never = random.Bytes(16);
            never[0] = (byte)(0x40 | (never[0] & 0x3F));
            return (random.Next(4), random.Next(Math.Max(1, _seen.Count)), never);
        }
    }

    private void Measure(TimeSpan delay, bool isAfterRestart)
    {
        lock (_lock)
        {
            if (isAfterRestart)
            {
                LargestAfterRestart = delay > LargestAfterRestart ? delay : LargestAfterRestart;
            }
            else
            {
                Largest = delay > Largest ? delay : Largest;
            }
        }
    }

    /// <param name="At">When the CA had answered.</param>
    private sealed record Acknowledged(string Serial, DateTimeOffset At);
}
