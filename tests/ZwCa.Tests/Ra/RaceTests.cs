using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;
using ZwCa.Data;

namespace ZwCa.Tests.Ra;

/// <summary>Clerks who come to the same thing at once: one has it, and the others hear what they would hear a second later.</summary>
public sealed class RaceTests(RaFixture fixture) : IClassFixture<RaFixture>
{
    private const int Clerks = 4;
    private const int Rounds = 8;

    private RaStage _stage = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task ChangesThatComeToOneKey_OneHasIt(DatabaseKind kind)
    {
        _stage = await fixture.OnAsync(kind);
        string person = await _stage.PersonAsync();
        EnrollmentAnswer[] drafts = await Task.WhenAll(Enumerable.Range(0, Clerks).Select(_ => _stage.TakeInAsync(RaCounter.NewRequest(person, _stage.Pairs.NewKey()))));
        for (int round = 0; round < Rounds; round++)
        {
            // A key that is the person's already: no new row of its owner keeps them apart.
            Sm2PrivateKey key = _stage.Pairs.NewKey();
            EnrollmentAnswer earlier = await _stage.TakeInAsync(RaCounter.NewRequest(person, key));
            await _stage.PostAsync<EnrollmentAnswer>(_stage.City, $"/enrollments/{earlier.Id}/cancellation", new StepRequest { Version = earlier.Version, Reason = "重新受理" });
            EnrollmentAnswer?[] changed = await AtOnceAsync(
                [.. drafts.Select<EnrollmentAnswer, Func<Task<EnrollmentAnswer>>>(
                    draft => () => _stage.PutAsync<EnrollmentAnswer>(_stage.City, $"/enrollments/{draft.Id}", RaCounter.NewRequest(person, key) with { Version = draft.Version }))],
                Refusal.Duplicate);
            Assert.Single(changed, each => each is not null);
            drafts = [.. drafts.Zip(changed, (before, after) => after ?? before)];
        }
    }

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task ApplicationsWithOneKey_OneIsTakenIn_AlsoOfTwoPersons(DatabaseKind kind)
    {
        _stage = await fixture.OnAsync(kind);
        string[] persons = [await _stage.PersonAsync(), await _stage.PersonAsync()];
        for (int round = 0; round < Rounds; round++)
        {
            Sm2PrivateKey key = _stage.Pairs.NewKey();
            EnrollmentAnswer?[] taken = await AtOnceAsync(
                [.. Enumerable.Range(0, Clerks).Select<int, Func<Task<EnrollmentAnswer>>>(i => () => _stage.TakeInAsync(RaCounter.NewRequest(persons[i % 2], key)))], Refusal.Duplicate);
            Assert.Single(taken, each => each is not null);
        }
    }

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task ChangesEntriesAndReviewsOfOneEnrollment_OneCounts(DatabaseKind kind)
    {
        _stage = await fixture.OnAsync(kind);
        string person = await _stage.PersonAsync();
        Sm2PrivateKey key = _stage.Pairs.NewKey();
        EnrollmentAnswer draft = await _stage.TakeInAsync(RaCounter.NewRequest(person, _stage.Pairs.NewKey()));
        draft = await OneAsync(() => _stage.PutAsync<EnrollmentAnswer>(_stage.City, $"/enrollments/{draft.Id}", RaCounter.NewRequest(person, key) with { Version = draft.Version }));
        Assert.Equal(2, draft.Version);
        ApplicationAnswer application = await _stage.GetAsync<ApplicationAnswer>(_stage.City, $"/enrollments/{draft.Id}/application");
        byte[] entry = _stage.Sign(_stage.City, ApprovalStep.Entry, application);
        EnrollmentAnswer submitted = await OneAsync(
            () => _stage.PostAsync<EnrollmentAnswer>(_stage.City, $"/enrollments/{draft.Id}/submission", new SubmissionRequest { Version = draft.Version, Approval = entry }));
        byte[] review = _stage.Sign(_stage.CityReviewer, ApprovalStep.Review, application);

        // Who has reviewed it already, hears that.
        EnrollmentAnswer approved = await OneAsync(
            () => _stage.PostAsync<EnrollmentAnswer>(
                _stage.CityReviewer, $"/enrollments/{draft.Id}/review", new ReviewRequest { Version = submitted.Version, Outcome = "approved", Approval = review }),
            Refusal.SecondOfficerRequired);
        EnrollmentAnswer issued = await _stage.UntilAsync(approved, "issued");
        Assert.Equal(["draft", "draft", "submitted", "issuing", "issued"], issued.Steps.Select(step => step.State));

        async Task<EnrollmentAnswer> OneAsync(Func<Task<EnrollmentAnswer>> call, params Refusal[] others) =>
            Assert.Single((await AtOnceAsync([.. Enumerable.Repeat(call, Clerks)], [Refusal.WrongState, .. others])).OfType<EnrollmentAnswer>());
    }

    /// <returns>Null for each that was refused so, in Chinese.</returns>
    private static Task<EnrollmentAnswer?[]> AtOnceAsync(IReadOnlyList<Func<Task<EnrollmentAnswer>>> calls, params Refusal[] kinds) => Task.WhenAll(calls.Select(call => Task.Run(
        async () =>
        {
            try
            {
                return await call();
            }
            catch (RefusalException e)
            {
                Assert.True(kinds.Contains(e.Kind) && e.Message.Any(c => c >= 0x4E00), $"{e.Kind}: {e.Message}");
                return (EnrollmentAnswer?)null;
            }
        },
        Token)));
}
