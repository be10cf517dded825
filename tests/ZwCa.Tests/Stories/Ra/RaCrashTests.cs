using System.Collections.Concurrent;
using System.Globalization;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.ServiceDefaults.Messages;
using ZwCa.Asn1.Decisions;

namespace ZwCa.Tests.Stories.Ra;

/// <summary>SIGKILL of the RA between any two steps of what clerks do, and anywhere else; RA, CA, KMC and devices are processes.</summary>
public sealed class RaCrashTests(ITestOutputHelper output)
{
    private const int KilledBySignal = 137;
    private const int Clerks = 6;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private static readonly string[] Points =
    [
        "message.claimed", "enrollment-taken-in", "message.run", "enrollment-submitted", "enrollment-reviewed", "outbox-claimed", "outbox-answered", "outbox-applied", "receipt-kept",
    ];

    private readonly TestRandom _random = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Killed_NoEnrollmentIsLost_NoneIsIssuedTwice_NoneWithoutTwoOfficers()
    {
        Requires.Condition(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "SIGKILL");
        (int kills, int least) = TestRandom.Long ? (100, 500) : (20, 40);
        var kmc = new KmcProcess(new Dictionary<string, string?> { ["Kmc:Pool:Threshold"] = "64", ["Kmc:Pool:Full"] = "128" });
        var ra = new RaProcess(new Dictionary<string, string?> { ["Ra:Ca:Timeout"] = "00:00:05", ["Ra:ClaimFor"] = "00:00:05", ["Service:Limits:RequestTimeout"] = "00:00:05" });
        await using CaProcess ca = await CaProcess.CreateAsync(new CaProcessSetup { RaProfiles = RaScene.Profiles, Inside = kmc, Prepare = kmc.PrepareAsync, Fill = ra.PrepareAsync });
        await using RaProcess ends = ra;
        await kmc.AdmitAsync();
        await kmc.StartAsync();
        await ca.StartAsync();
        await ra.StartAsync();
        await ra.WaitForCaAsync();

        var done = new ConcurrentBag<string>();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task[] clerks = [.. Enumerable.Range(0, Clerks).Select(_ => Task.Run(() => WorkAsync(ra, done, stop.Token), Token))];
        for (int kill = 0; kill < kills; kill++)
        {
            if (kill % (Points.Length + 3) is int turn && turn < Points.Length)
            {
                await ra.KillAsync();
                ra.Launch(string.Create(CultureInfo.InvariantCulture, $"{Points[turn]}:{_random.Next(1, 4)}"));
                Assert.True(await ra.WaitForExitAsync(Patience) == KilledBySignal, $"{Points[turn]}: {ra.Log}");
            }
            else
            {
                await Task.Delay(_random.Next(1500), Token);
                await ra.KillAsync();
            }

            Assert.All(clerks, clerk => Assert.False(clerk.IsFaulted, $"kill {kill}: {clerk.Exception}"));
            ra.Launch();
            await Task.Delay(_random.Next(800), Token);
        }

        await ra.WaitUntilReadyAsync();
        while (done.Count < least && !clerks.Any(clerk => clerk.IsFaulted))
        {
            await Task.Delay(50, Token);
        }

        // Whoever has begun comes to his end.
        await stop.CancelAsync();
        await Task.WhenAll(clerks);
        IReadOnlyList<string> findings = await CheckAsync(ra, ca, done);
        output.WriteLine($"{kills} kills: {done.Count} enrollments, {findings.Count} findings");
        Assert.Empty(findings);
    }

    /// <summary>One enrollment after the other, from the counter to the token. Each request is kept, and sent again until it is answered.</summary>
    private static async Task WorkAsync(RaProcess ra, ConcurrentBag<string> done, CancellationToken stop)
    {
        ProcessCounter counter = ra.Counter;
        while (!stop.IsCancellationRequested)
        {
            using var key = Sm2PrivateKey.Generate();
            SubscriberAnswer person = await AskAsync<SubscriberAnswer>(
                "/subscribers", new SubscriberRequest { Kind = "person", Region = CaScene.City, Name = "张三", Number = CaScene.NewIdNumber().Reveal() }, counter.City);
            EnrollmentAnswer draft = await AskAsync<EnrollmentAnswer>("/enrollments", RaCounter.NewRequest(person.Id, key), counter.City);
            ApplicationAnswer application = await UntilAsync(() => counter.GetAsync<ApplicationAnswer>(counter.City, $"/enrollments/{draft.Id}/application"));
            await AskAsync<EnrollmentAnswer>(
                $"/enrollments/{draft.Id}/submission", new SubmissionRequest { Version = application.Version, Approval = counter.Sign(counter.City, ApprovalStep.Entry, application) }, counter.City);
            await AskAsync<EnrollmentAnswer>(
                $"/enrollments/{draft.Id}/review",
                new ReviewRequest { Version = application.Version + 1, Outcome = "approved", Approval = counter.Sign(counter.CityReviewer, ApprovalStep.Review, application) },
                counter.CityReviewer);
            await StateAsync(draft, "issued");
            DeliveryAnswer delivery = await UntilAsync(() => counter.FetchAsync(draft, key));
            PairScene.Open(delivery.Pair!.Envelope!, key).Dispose();
            await AskAsync<EnrollmentAnswer>($"/enrollments/{draft.Id}/receipt", PairScene.Receipt(delivery.Pair, key), counter.City);
            await StateAsync(draft, "delivered");
            done.Add(draft.Id);
        }

        Task<T> AskAsync<T>(string path, object body, StageOfficer who)
        {
            var id = RequestId.Create(TimeProvider.System);
            return UntilAsync(() => counter.PostAsync<T>(who, path, body, id));
        }

        async Task StateAsync(EnrollmentAnswer enrollment, string state)
        {
            EnrollmentAnswer now;
            while ((now = await UntilAsync(() => counter.ShowAsync(enrollment))).State != state)
            {
                Assert.NotEqual("returned", now.State);
                await Task.Delay(20, Token);
            }
        }
    }

    /// <summary>As a clerk's program: again while the RA is away or busy with it.</summary>
    private static async Task<T> UntilAsync<T>(Func<Task<T>> call)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        patience.CancelAfter(Patience);
        return await SignedCalls.UntilAnsweredAsync(call, patience.Token);
    }

    /// <summary>What RA and CA say of the same enrollments.</summary>
    private static async Task<IReadOnlyList<string>> CheckAsync(RaProcess ra, CaProcess ca, IReadOnlyCollection<string> done)
    {
        await using Database own = ra.OpenDatabase();
        await using Database issuing = ca.OpenDatabase();
        List<string> findings = [];
        IReadOnlyList<byte[]> delivered = await own.QueryAsync<byte[]>("SELECT enrollment_id FROM enrollment WHERE state = 7", cancellationToken: Token);
        var ids = delivered.Select(Convert.ToHexStringLower).ToHashSet();
        Require(done.All(ids.Contains) && done.Count == ids.Count, $"{done.Count} enrollments came to their end, {ids.Count} are delivered");
        Require(await CountAsync(own, "SELECT COUNT(*) FROM enrollment WHERE state <> 7") == 0, "an enrollment is not delivered");
        Require(await CountAsync(own, "SELECT COUNT(*) FROM outbox WHERE state <> 2") == 0, "something in the outbox is not answered");
        Require(await CountAsync(own, "SELECT COUNT(*) FROM certificate") == 2 * done.Count, "there are not two certificates for each");
        Require(
            await CountAsync(own, "SELECT COUNT(*) FROM enrollment e WHERE e.version <> (SELECT COUNT(*) FROM enrollment_step s WHERE s.enrollment_id = e.enrollment_id)") == 0,
            "a step is missing");
        Require(await CountAsync(own, "SELECT COUNT(*) FROM review WHERE reviewer_index = submitter_index") == 0, "somebody has reviewed his own entry");
        IReadOnlyList<Decision> decisions = await issuing.QueryAsync<Decision>(
            "SELECT reference, kind, entry_person, review_person FROM decision WHERE requester = @Name", new { RaProcess.Name }, Token);
        foreach (IGrouping<string, Decision> each in decisions.GroupBy(decision => decision.Reference))
        {
            Require(ids.Contains(each.Key), $"the CA knows {each.Key}, which nobody has got");
            Require(each.Count() == 2 && each.Select(decision => decision.Kind).Distinct().Count() == 2, $"{each.Key} was not issued once");
            Require(each.All(decision => !decision.EntryPerson.AsSpan().SequenceEqual(decision.ReviewPerson)), $"{each.Key}: one person has decided");
        }

        Require(decisions.Count == 2 * done.Count, "the CA has decided about another number");
        Require(await CountAsync(issuing, $"SELECT COUNT(*) FROM certificate WHERE ra_name = '{RaProcess.Name}' AND state = 2") == 2 * done.Count, "the CA has issued another number");
        return findings;

        void Require(bool right, string finding)
        {
            if (!right)
            {
                findings.Add(finding);
            }
        }
    }

    private static Task<long> CountAsync(Database database, string sql) => database.ReadAsync(transaction => transaction.GetAsync<long>(sql));

    private sealed record Decision
    {
        public required string Reference { get; init; }

        public required short Kind { get; init; }

        public required byte[] EntryPerson { get; init; }

        public required byte[] ReviewPerson { get; init; }
    }
}
