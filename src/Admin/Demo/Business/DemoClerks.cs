using System.Diagnostics;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Ra;

namespace ZwCa.Admin.Demo;

/// <summary>Entry and review at the RA, of single applications: each step once, however often the demo is interrupted.</summary>
internal sealed class DemoClerks(DemoParty entry, DemoParty review, DemoState state)
{
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    public DemoParty Entry { get; } = entry;

    public DemoParty Review { get; } = review;

    /// <summary>Officers and profiles reach the RA a moment after the CA has them.</summary>
    public static async Task<T> UntilKnownAsync<T>(Func<Task<T>> ask)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                return await ask();
            }
            catch (RefusalException e) when (
                e.Kind is Refusal.BadSignature or Refusal.LinkNotTrusted or Refusal.UnknownProfile or Refusal.OutOfScope or Refusal.Unavailable && clock.Elapsed < Patience)
            {
                await Task.Delay(Pause);
            }
        }
    }

    /// <summary>Takes an application in and carries it to where the CA has done what it asks for.</summary>
    /// <param name="name">Of this application, for ever.</param>
    public async Task<EnrollmentAnswer> CarryAsync(string name, EnrollmentRequest request)
    {
        EnrollmentAnswer enrollment = await TakeInAsync(name, Entry, request);
        if (enrollment.State == "draft")
        {
            enrollment = await SubmitAsync(name, Entry, enrollment);
        }

        if (enrollment.State == "submitted")
        {
            await ApproveAsync(name, enrollment);
        }

        return await UntilAsync(enrollment.Id, now => now.State is "issued" or "delivered" or "archived");
    }

    /// <returns>As it stands now.</returns>
    public async Task<EnrollmentAnswer> TakeInAsync(string name, DemoParty officer, EnrollmentRequest request)
    {
        if (state.Find(name) is { } id)
        {
            return await Entry.GetAsync<EnrollmentAnswer>($"/enrollments/{id}");
        }

        EnrollmentAnswer taken = await UntilKnownAsync(() => officer.PostAsync<EnrollmentAnswer>("/enrollments", request, state.RequestOf(name)));
        state.Keep(name, taken.Id);
        return taken;
    }

    public async Task<EnrollmentAnswer> SubmitAsync(string name, DemoParty officer, EnrollmentAnswer draft)
    {
        (ApplicationAnswer shown, Application[] applications) = await ApplicationsAsync(officer, draft.Id);
        return await officer.PostAsync<EnrollmentAnswer>(
            $"/enrollments/{draft.Id}/submission", new SubmissionRequest { Version = shown.Version, Approval = officer.Sign(ApprovalStep.Entry, applications) }, state.RequestOf($"{name}/entry"));
    }

    public async Task<EnrollmentAnswer> ApproveAsync(string name, EnrollmentAnswer submitted)
    {
        (ApplicationAnswer shown, Application[] applications) = await ApplicationsAsync(Review, submitted.Id);
        return await Review.PostAsync<EnrollmentAnswer>(
            $"/enrollments/{submitted.Id}/review",
            new ReviewRequest { Version = shown.Version, Outcome = "approved", Approval = Review.Sign(ApprovalStep.Review, applications) },
            state.RequestOf($"{name}/review"));
    }

    /// <summary>What is signed: the application, and what follows from it.</summary>
    public static async Task<(ApplicationAnswer Shown, Application[] Applications)> ApplicationsAsync(DemoParty officer, string id)
    {
        ApplicationAnswer shown = await officer.GetAsync<ApplicationAnswer>($"/enrollments/{id}/application");
        return (shown, [Der.Decode<Application>(shown.Application), .. shown.Following is null ? [] : (Application[])[Der.Decode<Application>(shown.Following)]]);
    }

    /// <exception cref="DemoException">It came back, or nothing came.</exception>
    public async Task<EnrollmentAnswer> UntilAsync(string id, Func<EnrollmentAnswer, bool> isWanted)
    {
        var clock = Stopwatch.StartNew();
        EnrollmentAnswer now;
        while (!isWanted(now = await Entry.GetAsync<EnrollmentAnswer>($"/enrollments/{id}")))
        {
            if (clock.Elapsed > Patience || now.State is "returned" or "rejected" or "cancelled")
            {
                throw new DemoException($"The enrollment {id} is {now.State}: {now.Reason} {now.Waiting}");
            }

            await Task.Delay(Pause);
        }

        return now;
    }

    /// <summary>Hands out at a counter: the token proves that it has the signing key, gets what was issued, and signs for it.</summary>
    /// <param name="container">With the key of the application; of a recovery, of the token that gets the key.</param>
    /// <param name="keep">Called with what came, before the receipt: after it nobody gets the envelope again.</param>
    public async Task DeliverAsync(DemoParty officer, string id, SubscriberTokens tokens, string container, Action<DeliveryAnswer> keep)
    {
        DeliveryChallenge challenge = await officer.PostAsync<DeliveryChallenge>($"/enrollments/{id}/delivery/challenge", new { });
        DeliveryAnswer delivery = await officer.PostAsync<DeliveryAnswer>($"/enrollments/{id}/delivery", new DeliveryRequest { Proof = tokens.Prove(container, id, challenge) });
        keep(delivery);
        if (tokens.Import(container, delivery) is { } receipt)
        {
            await officer.PostAsync<EnrollmentAnswer>($"/enrollments/{id}/receipt", new PairReceipt { Receipt = Der.Encode(receipt) });
        }
    }
}
