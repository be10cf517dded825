using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Benchmarks;

/// <summary>How long an enrollment took, in milliseconds.</summary>
/// <param name="Wait">From the review's answer until the enrollment is issued: the outbox, the CA, what it answered.</param>
/// <param name="At">Since the beginning, when it was issued.</param>
internal readonly record struct EnrollmentTimes(double Submit, double Review, double Wait, double At)
{
    public double Total => Submit + Review + Wait;
}

/// <summary>
/// Drafts at an RA, taken in before the time is taken, with the signatures of both officers over their applications; and the connections over which these send them. The messages have to be sent
/// within five minutes after <see cref="SignMessages"/>.
/// </summary>
internal sealed class PreparedEnrollments : IDisposable
{
    private const int Clerks = 16;

    private readonly RaProcess _ra;
    private readonly EnrollmentWatch _watch;
    private readonly Draft[] _drafts;
    private readonly ConcurrentBag<(RawConnection Entry, RawConnection Review)> _connections = [];
    private (byte[] Submission, byte[] Review)[] _messages = [];
    private int _next = -1;

    private PreparedEnrollments(RaProcess ra, EnrollmentWatch watch, Draft[] drafts)
    {
        _ra = ra;
        _watch = watch;
        _drafts = drafts;
    }

    /// <summary>Left to be sent.</summary>
    public int Left => _drafts.Length - Math.Min(_drafts.Length, _next + 1);

    /// <param name="callers">As many pairs of connections.</param>
    public static async Task<PreparedEnrollments> CreateAsync(RaProcess ra, EnrollmentWatch watch, int count, int callers)
    {
        var drafts = new Draft[count];
        await Parallel.ForEachAsync(
            Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = Clerks }, async (i, _) => drafts[i] = await TakeInAsync(ra.Counter));
        var prepared = new PreparedEnrollments(ra, watch, drafts);
        for (int i = 0; i < callers; i++)
        {
            prepared._connections.Add((await RawConnection.OpenAsync(ra.Address, ra.Counter.City.Link), await RawConnection.OpenAsync(ra.Address, ra.Counter.CityReviewer.Link)));
        }

        return prepared;
    }

    /// <summary>Begins the five minutes.</summary>
    public void SignMessages()
    {
        ProcessCounter counter = _ra.Counter;
        _messages = new (byte[], byte[])[_drafts.Length];
        Parallel.For(0, _drafts.Length, i =>
        {
            Draft draft = _drafts[i];
            _messages[i] = (Sign(counter.City, $"/enrollments/{draft.Id}/submission", draft.Submission), Sign(counter.CityReviewer, $"/enrollments/{draft.Id}/review", draft.Review));
        });
    }

    /// <summary>Has the next one submitted, reviewed and issued.</summary>
    /// <param name="clock">Runs since the beginning.</param>
    /// <returns>Null: all are used up.</returns>
    public async Task<EnrollmentTimes?> IssueAsync(Stopwatch clock)
    {
        int i = Interlocked.Increment(ref _next);
        if (i >= _drafts.Length)
        {
            return null;
        }

        if (!_connections.TryTake(out (RawConnection Entry, RawConnection Review) connections))
        {
            throw new InvalidOperationException("More callers than connections.");
        }

        Task issued = _watch.IssuedAsync(_drafts[i].Id);
        double begun = clock.Elapsed.TotalMilliseconds;
        await connections.Entry.CallAsync(_messages[i].Submission);
        double submitted = clock.Elapsed.TotalMilliseconds;
        await connections.Review.CallAsync(_messages[i].Review);
        double reviewed = clock.Elapsed.TotalMilliseconds;
        _connections.Add(connections);
        await issued;
        double ended = clock.Elapsed.TotalMilliseconds;
        return new EnrollmentTimes(submitted - begun, reviewed - submitted, ended - reviewed, ended);
    }

    public void Dispose()
    {
        foreach ((RawConnection entry, RawConnection review) in _connections)
        {
            entry.Dispose();
            review.Dispose();
        }
    }

    /// <summary>Somebody new, with a key of his own.</summary>
    private static async Task<Draft> TakeInAsync(ProcessCounter counter)
    {
        using var key = Sm2PrivateKey.Generate();
        EnrollmentAnswer draft = await counter.TakeInAsync(RaCounter.NewRequest(await counter.PersonAsync(), key));
        ApplicationAnswer application = await counter.GetAsync<ApplicationAnswer>(counter.City, $"/enrollments/{draft.Id}/application");
        return new Draft(
            draft.Id,
            Json(new SubmissionRequest { Version = application.Version, Approval = counter.Sign(counter.City, ApprovalStep.Entry, application) }),
            Json(new ReviewRequest { Version = application.Version + 1, Outcome = "approved", Approval = counter.Sign(counter.CityReviewer, ApprovalStep.Review, application) }));
    }

    private static byte[] Json<T>(T body) => JsonSerializer.SerializeToUtf8Bytes(body, JsonSerializerOptions.Web);

    private byte[] Sign(StageOfficer officer, string target, byte[] body) =>
        PreparedRequests.Sign(_ra.Address, new MessageSigner(officer.SerialNumber, officer.Key), RaScene.ServiceName, target, body);

    /// <param name="Submission">JSON, with the approval.</param>
    /// <param name="Review">JSON, with the approval.</param>
    private sealed record Draft(string Id, byte[] Submission, byte[] Review);
}
