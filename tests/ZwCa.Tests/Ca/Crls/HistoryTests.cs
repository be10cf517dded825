using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Crls;
using ZwCa.Contracts.Ca;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Tests.Ca.Status;

namespace ZwCa.Tests.Ca.Crls;

/// <summary>Lives of certificates at random, with CRLs in between whose making breaks off anywhere: every CRL that is published is exactly what happened.</summary>
public sealed class HistoryTests(ITestOutputHelper output)
{
    /// <summary>By which an entry may stay longer than it has to: docs/CRLS.md.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromMinutes(11);

    private readonly TestRandom _random = new();
    private readonly List<Life> _lives = [];
    private readonly Dictionary<CrlScope, Expected> _judged = [];
    private readonly SortedDictionary<string, int> _done = new(StringComparer.Ordinal);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EveryPublishedCrl_IsWhatTheHistorySays()
    {
        await using CrlStory story = await CrlStory.StartAsync();
        DateTimeOffset started = story.Clock.GetUtcNow().AddMinutes(-10);
        _lives.Add(new Life(story.Revoked) { Reason = RevocationReason.KeyCompromise, From = started, Until = story.Clock.GetUtcNow() });
        _lives.Add(new Life(story.Held) { Reason = RevocationReason.CertificateHold, From = started, Until = story.Clock.GetUtcNow() });
        _lives.Add(new Life(story.Valid));
        int steps = TestRandom.Long ? 1500 : 70;
        for (int step = 0; step < steps; step++)
        {
            string what = _random.Next(20) switch
            {
                < 4 => await IssueAsync(story),
                < 7 => await ChangeAsync(story, DecisionKind.Revoke),
                < 10 => await ChangeAsync(story, DecisionKind.Suspend),
                < 12 => await ChangeAsync(story, DecisionKind.Resume),
                < 14 => Pass(story, steps),
                < 17 => await MakeAsync(story, BreakOff.Nowhere),
                _ => await MakeAsync(story, (BreakOff)_random.Next(1, Enum.GetValues<BreakOff>().Length)),
            };
            _done[what] = _done.GetValueOrDefault(what) + 1;
        }

        // In the end all of it is on a CRL, and nobody complains.
        story.Clock.Pass(TimeSpan.FromMinutes(10));
        await story.Stage.PublishAsync();
        await story.Stage.RawAsync("UPDATE crl_scope SET due_at = 0");
        await story.Services.GetRequiredService<MakeCrl>().RunDueAsync(Token);
        await story.Stage.PublishAsync();
        output.WriteLine(string.Join(", ", _done.Select(each => $"{each.Key} {each.Value}")));
        Assert.True(_done.Keys.Count(each => each.StartsWith("published", StringComparison.Ordinal)) > 0);
        Assert.Equal(0, await story.Stage.Database.FindAsync<long>("SELECT COUNT(*) FROM crl WHERE state = 4", cancellationToken: Token));
        Assert.Equal(("healthy", ""), await story.ReadinessAsync());
    }

    private async Task<string> IssueAsync(CrlStory story)
    {
        bool isShort = _random.Next(2) == 0;
        _lives.Add(new Life(isShort ? await ExpiryTests.IssueForADayAsync(story) : await story.IssueAsync()));
        return isShort ? "issued for a day" : "issued";
    }

    private async Task<string> ChangeAsync(CrlStory story, DecisionKind kind)
    {
        Life life = _lives[_random.Next(_lives.Count)];
        DateTimeOffset from = story.Clock.GetUtcNow();
        string state = await story.Stage.TryAsync(life.Certificate, kind);
        bool isDone = state == kind switch { DecisionKind.Revoke => "revoked", DecisionKind.Suspend => "held", _ => "valid" };
        bool mayBe = life.End >= from && (kind, life.Reason) is (DecisionKind.Revoke, null or RevocationReason.CertificateHold) or (DecisionKind.Suspend, null) or (DecisionKind.Resume, RevocationReason.CertificateHold);
        Assert.True(isDone == mayBe, $"{kind} of {life.Certificate.Serial}, which is {life.Reason}: {state}");
        if (!isDone)
        {
            return $"{kind} refused";
        }

        // A hold that becomes a revocation keeps its day.
        if (life.Reason is null || kind == DecisionKind.Resume)
        {
            (life.From, life.Until) = (from, story.Clock.GetUtcNow());
        }

        life.Reason = kind switch { DecisionKind.Revoke => RevocationReason.Superseded, DecisionKind.Suspend => RevocationReason.CertificateHold, _ => null };
        return kind.ToString();
    }

    /// <summary>The certificates of those who speak are good for weeks.</summary>
    private string Pass(CrlStory story, int steps)
    {
        story.Clock.Pass(TimeSpan.FromMinutes(_random.Next(1, Math.Min(12 * 60, 100_000 / steps * 7))));
        return "time passed";
    }

    private async Task<string> MakeAsync(CrlStory story, BreakOff where)
    {
        CrlScope scope = _random.Next(2) == 0 ? story.Scope : story.Stage.ScopeOf(_lives[_random.Next(_lives.Count)].Certificate);
        string file = Path.Combine(story.Folder, scope.Path);
        byte[]? before = File.Exists(file) ? await File.ReadAllBytesAsync(file, Token) : null;
        await BreakOffAsync(story, scope, where);
        Expected expected = Expect(scope, before);
        CrlRow? row = await story.TryMakeAsync(scope);
        if (row is { State: CrlState.Judged })
        {
            Assert.DoesNotContain(scope, _judged);
            _judged[scope] = expected;
        }
        else if (row is not null)
        {
            // It was broken off, and by nothing else.
            Assert.True(row.State == CrlState.GivenUp && where is BreakOff.Device or BreakOff.Intention or BreakOff.End, row.Detail);
        }

        if (where == BreakOff.BeforePublication)
        {
            Assert.Equal(before, File.Exists(file) ? await File.ReadAllBytesAsync(file, Token) : null);
            return "made, and died before publication";
        }

        await story.Stage.PublishAsync();
        story.Stage.Hsm.Fault = signatures => signatures;
        await story.Stage.RawAsync("DROP TRIGGER IF EXISTS test_fault");
        // Whatever waited is out, also that of others; where its row could not follow, it follows now.
        foreach ((CrlScope each, Expected its) in _judged)
        {
            Check(story, each, its);
        }

        if (where == BreakOff.Publication)
        {
            await story.Stage.PublishAsync();
        }

        _judged.Clear();
        if (row?.State == CrlState.GivenUp)
        {
            Assert.Equal(before, File.Exists(file) ? await File.ReadAllBytesAsync(file, Token) : null);
            return $"broken off at {where}";
        }

        return where == BreakOff.Nowhere ? "published" : $"published in spite of {where}";
    }

    private static async Task BreakOffAsync(CrlStory story, CrlScope scope, BreakOff where)
    {
        switch (where)
        {
            case BreakOff.Device:
                story.Stage.Hsm.Fault = _ => throw new HsmException(HsmFailure.NoAnswer, "As the test wants it.");
                break;
            case BreakOff.Intention or BreakOff.End or BreakOff.Publication:
                int state = where switch { BreakOff.Intention => 1, BreakOff.End => 2, _ => 3 };
                await story.Stage.RawAsync($"CREATE TRIGGER test_fault BEFORE UPDATE ON crl WHEN NEW.state = {state} BEGIN SELECT RAISE(ABORT, 'as the test wants it'); END");
                break;
            case BreakOff.DeadNode:
                await story.Stage.Database.WriteAsync(
                    async transaction =>
                    {
                        if (await CrlStore.FindLastAsync(transaction, scope, CrlState.Judged) is null)
                        {
                            DateTimeOffset now = story.Clock.GetUtcNow();
                            await CrlStore.BeginAsync(transaction, new CrlRow
                            {
                                CrlId = Ulid.Create(now),
                                AuthorityId = scope.Authority.Id,
                                Shard = scope.Shard,
                                CrlNumber = await CrlStore.TakeNumberAsync(transaction, scope),
                                State = CrlState.Begun,
                                BegunAt = now,
                                ChangedAt = now,
                            });
                        }
                    },
                    Token);
                break;
            default:
                break;
        }
    }

    private Expected Expect(CrlScope scope, byte[]? before)
    {
        DateTimeOffset last = before is null ? DateTimeOffset.MinValue.AddDays(1) : CrlFile.Read(before).ThisUpdate.Value;
        Life[] own = [.. _lives.Where(life => life.Reason is not null && (scope.IsComplete || life.Shard == scope.Shard)).Select(life => life with { })];
        return new Expected([.. own.Where(life => life.End >= last)], [.. own.Where(life => life.End >= last - Margin)]);
    }

    private static void Check(CrlStory story, CrlScope scope, Expected expected)
    {
        var crl = CrlFile.Read(File.ReadAllBytes(Path.Combine(story.Folder, scope.Path)));
        Assert.True(crl.IsSignedBy(scope.Authority.Certificate));
        var found = new List<string>();
        foreach (CrlEntryView entry in crl.ReadEntries())
        {
            string serial = Convert.ToHexStringLower(entry.SerialNumber);
            found.Add(serial);
            Life life = Assert.Single(expected.Allowed, each => each.Certificate.Serial == serial);
            Assert.Equal(life.Reason, entry.Reason);
            Assert.InRange(new DateTimeOffset(entry.RevokedAt!.Value), life.From.AddSeconds(-1), life.Until);
        }

        Assert.Empty(expected.Required.Select(each => each.Certificate.Serial).Except(found));
    }

    private enum BreakOff
    {
        Nowhere,
        Device,
        Intention,
        End,
        BeforePublication,
        Publication,
        DeadNode,
    }

    /// <param name="Required">Has to be on the CRL.</param>
    /// <param name="Allowed">May be: expired a moment before the last one.</param>
    private sealed record Expected(IReadOnlyList<Life> Required, IReadOnlyList<Life> Allowed);

    private sealed record Life(CertificateAnswer Certificate)
    {
        public DateTimeOffset End { get; } = Der.Decode<Certificate>(Certificate.Certificate).Tbs.Validity.NotAfter.Value;

        public string Shard { get; } = UrlTemplate.ShardName(SerialNumber.Parse(Certificate.Serial), 32);

        /// <summary>Null: valid.</summary>
        public RevocationReason? Reason { get; set; }

        /// <summary>The change was made between this and <see cref="Until"/>.</summary>
        public DateTimeOffset From { get; set; }

        public DateTimeOffset Until { get; set; }
    }
}
