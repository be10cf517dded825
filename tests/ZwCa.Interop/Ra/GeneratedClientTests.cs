using System.Reflection;
using System.Runtime.Loader;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Interop.Ra;

/// <summary>A program that knows nothing of ours but the OpenAPI document has a pair issued: by a client that NSwag made of it, from RA, CA and KMC that are processes.</summary>
public sealed class GeneratedClientTests
{
    /// <summary>What somebody writes who has the generated client; signing is his business.</summary>
    private const string User = """
        namespace Client;

        public static class User
        {
            public static async Task<byte[][]> IssueAsync(HttpClient entry, HttpClient review, Func<bool, byte[], byte[]> sign, string region, string number, byte[] csr)
            {
                try
                {
                    var clerk = new RaClient(entry);
                    var reviewer = new RaClient(review);
                    SubscriberAnswer person = await clerk.RegisterSubscriberAsync(new SubscriberRequest { Kind = "person", Region = region, Name = "张三", Number = number });
                    EnrollmentAnswer enrollment = await clerk.CreateEnrollmentAsync(new EnrollmentRequest { Kind = "new", Region = region, Profile = "person", Subscriber = person.Id, Csr = csr });
                    ApplicationAnswer application = await clerk.GetApplicationAsync(enrollment.Id);
                    await clerk.SubmitEnrollmentAsync(enrollment.Id, new SubmissionRequest { Version = application.Version, Approval = sign(false, application.Application) });
                    application = await reviewer.GetApplicationAsync(enrollment.Id);
                    enrollment = await reviewer.ReviewEnrollmentAsync(enrollment.Id, new ReviewRequest { Version = application.Version, Outcome = "approved", Approval = sign(true, application.Application) });
                    while (enrollment.State == "issuing")
                    {
                        await Task.Delay(100);
                        enrollment = await clerk.GetEnrollmentAsync(enrollment.Id);
                    }

                    return [.. (await clerk.ListCertificatesAsync(person.Id)).Select(each => each.Certificate)];
                }
                catch (ApiException<Problem> e)
                {
                    throw new InvalidOperationException($"{e.Result.Type}: {e.Result.Detail}");
                }
            }
        }
        """;

    [Fact]
    public async Task AClientMadeFromTheDocument_HasAPairIssued()
    {
        string nswag = Requires.NSwag();
        using var folder = new TemporaryFolder();
        await GeneratedClient.MakeAsync(nswag, folder, "RaClient", await RaDocument.MakeAsync(TestContext.Current.CancellationToken), User);
        var kmc = new KmcProcess();
        var ra = new RaProcess();
        await using CaProcess ca = await CaProcess.CreateAsync(new CaProcessSetup { RaProfiles = RaScene.Profiles, Inside = kmc, Prepare = kmc.PrepareAsync, Fill = ra.PrepareAsync });
        await using RaProcess ends = ra;
        await kmc.AdmitAsync();
        await kmc.StartAsync();
        await ca.StartAsync();
        await ra.StartAsync();
        await ra.WaitForCaAsync();

        using var key = Sm2PrivateKey.Generate();
        byte[][] issued = await IssueAsync(folder.File("out/Client.dll"), ra.Counter, key).WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);

        Certificate[] pair = [.. issued.Select(each => Der.Decode<Certificate>(each))];
        Assert.Equal(2, pair.Length);
        Assert.Single(pair, each => each.Tbs.SubjectPublicKeyInfo == SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()));
    }

    private static async Task<byte[][]> IssueAsync(string assembly, RaCounter counter, Sm2PrivateKey key)
    {
        var context = new AssemblyLoadContext(assembly, isCollectible: true);
        try
        {
            MethodInfo issue = context.LoadFromAssemblyPath(assembly).GetType("Client.User")!.GetMethod("IssueAsync")!;
            using var entry = new HttpClient(new Signed(counter.ClientOf(counter.City))) { BaseAddress = counter.Address };
            using var review = new HttpClient(new Signed(counter.ClientOf(counter.CityReviewer))) { BaseAddress = counter.Address };
            return await (Task<byte[][]>)issue.Invoke(null, [entry, review, (Func<bool, byte[], byte[]>)Sign, CaScene.City, CaScene.NewIdNumber().Reveal(), CaScene.Csr(key)])!;
        }
        finally
        {
            context.Unload();
        }

        byte[] Sign(bool isReview, byte[] application) => counter.Sign(
            isReview ? counter.CityReviewer : counter.City, isReview ? ApprovalStep.Review : ApprovalStep.Entry, new ApplicationAnswer { Version = 0, Application = application });
    }

    /// <summary>The headers of a signed message, which a generated client knows as little of as of the link.</summary>
    private sealed class Signed(HttpClient client) : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            using var signed = new HttpRequestMessage(request.Method, request.RequestUri) { Content = request.Content };
            MessageSigningHandler.SetRequestId(signed, RequestId.Create(TimeProvider.System));
            return await client.SendAsync(signed, cancellationToken);
        }
    }
}
