using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using ZwCa.Admin.Token;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts.Ra;

namespace ZwCa.Admin.Demo;

/// <summary>One applicant at an acceptance point: 赵六 takes in at the counter, 王五 reviews at the province, the token gets its pair.</summary>
internal sealed class DemoCounter(DemoClerks clerks, DemoParty counter, Uri tracking, DemoState state, SubscriberTokens tokens, OutputFolder output)
{
    /// <summary>Of the container with his keys, too.</summary>
    public const string Name = "counter";

    private const string Applicant = "钱七";

    /// <returns>As it was delivered.</returns>
    public async Task<EnrollmentAnswer> RunAsync()
    {
        DemoScreen.Open("At the counter · 受理点", $"{Applicant} comes in person, with a form and a token; the acceptance point takes in and hands out, and decides nothing.");
        string region = DemoInstallation.Counties[0];
        SubscriberAnswer person = await DemoClerks.UntilKnownAsync(() => counter.PostAsync<SubscriberAnswer>(
            "/subscribers", new SubscriberRequest { Kind = "person", Region = region, Name = Applicant, Number = "110101197001010091" }, state.RequestOf($"{Name}/subscriber")));
        EnrollmentAnswer enrollment = await clerks.TakeInAsync(
            Name, counter, new EnrollmentRequest { Kind = "new", Region = region, Profile = DemoRa.Person, Subscriber = person.Id, Csr = tokens.Request(Name, TokenKeyKind.Sm2) });
        if (enrollment.State == "draft")
        {
            if (enrollment.Evidence.Count == 0)
            {
                await counter.UploadAsync<EvidenceAnswer>(HttpMethod.Post, $"/enrollments/{enrollment.Id}/evidence?title={Uri.EscapeDataString("申请表")}", Scan(), "application/pdf");
            }

            DemoScreen.Report($"赵六 takes the application in ({person.Name}, {person.Number}), with a scan of the form; tracking number {enrollment.TrackingNumber}", true);
            enrollment = await clerks.SubmitAsync(Name, counter, enrollment);
            (ApplicationAnswer shown, Application[] applications) = await DemoClerks.ApplicationsAsync(counter, enrollment.Id);
            await DemoInstallation.RefusesAsync(
                "赵六 reviews what he entered himself",
                () => counter.PostAsync<EnrollmentAnswer>(
                    $"/enrollments/{enrollment.Id}/review", new ReviewRequest { Version = shown.Version, Outcome = "approved", Approval = counter.Sign(ApprovalStep.Review, applications) }));
        }

        if (enrollment.State == "submitted")
        {
            await clerks.ApproveAsync(Name, enrollment);
            DemoScreen.Report("王五 approves at the province", true);
        }

        enrollment = await clerks.UntilAsync(enrollment.Id, now => now.State is "issued" or "delivered" or "archived");
        DemoScreen.Report($"the CA has verified both and issued {string.Join(" and ", enrollment.Certificates.Select(each => each.Serial))}", enrollment.Certificates.Count == 2);
        if (enrollment.State == "issued")
        {
            await clerks.DeliverAsync(counter, enrollment.Id, tokens, Name, delivery => output.WriteDelivery(Name, delivery));
        }

        enrollment = await clerks.UntilAsync(enrollment.Id, now => now.State is "delivered" or "archived");
        DemoScreen.Report("the token proves that it has the signing key, opens the envelope, and signs the receipt: delivered", enrollment.State == "delivered");
        using var client = new HttpClient { BaseAddress = tracking };
        TrackingAnswer said = (await client.GetFromJsonAsync<TrackingAnswer>($"/tracking/{enrollment.TrackingNumber}", JsonSerializerOptions.Web))!;
        DemoScreen.Report($"whoever has the tracking number may ask: {said.Message}", said.State == "delivered");
        return enrollment;
    }

    /// <summary>A page with nothing on it.</summary>
    private static byte[] Scan() => Encoding.ASCII.GetBytes(
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\n"
        + "trailer<</Root 1 0 R>>\n%%EOF\n");
}
