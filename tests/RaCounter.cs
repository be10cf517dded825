using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Gm;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa;

/// <summary>Where clerks of an RA work: what they send to it over their own links, and what applicants' tokens do. Linked into the test projects.</summary>
internal abstract class RaCounter(TimeProvider time) : IDisposable
{
    private readonly Dictionary<StageOfficer, HttpClient> _clients = [];
    private string _systemCa = "";

    public TimeProvider Time { get; } = time;

    public Uri Address { get; private set; } = null!;

    /// <summary>业务操作员 of the city.</summary>
    public abstract StageOfficer City { get; }

    /// <summary>业务操作员 of the province.</summary>
    public abstract StageOfficer Province { get; }

    /// <summary>Another one of the city.</summary>
    public StageOfficer CityReviewer { get; protected set; } = null!;

    /// <summary>What the RA has logged.</summary>
    public abstract string Log { get; }

    protected TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>The officer's own link and signatures.</summary>
    public HttpClient ClientOf(StageOfficer officer)
    {
        lock (_clients)
        {
            if (!_clients.TryGetValue(officer, out HttpClient? client))
            {
                client = LinkTls.CreateClient(
                    Address,
                    () => officer.Link,
                    LinkTrust.Load(_systemCa, TimeProvider.System),
                    TimeSpan.FromMinutes(1),
                    new MessageSigningHandler(new MessageSigner(officer.SerialNumber, officer.Key), RaScene.ServiceName, Time));
                _clients[officer] = client;
            }

            return client;
        }
    }

    /// <exception cref="RefusalException">The RA refused.</exception>
    public Task<T> PostAsync<T>(StageOfficer who, string path, object body, RequestId? id = null) => SignedCalls.SendAsync<T>(ClientOf(who), HttpMethod.Post, path, body, id);

    /// <inheritdoc cref="PostAsync{T}"/>
    public Task<T> PutAsync<T>(StageOfficer who, string path, object body, RequestId? id = null) => SignedCalls.SendAsync<T>(ClientOf(who), HttpMethod.Put, path, body, id);

    /// <inheritdoc cref="PostAsync{T}"/>
    public Task<T> GetAsync<T>(StageOfficer who, string path) => SignedCalls.SendAsync<T>(ClientOf(who), HttpMethod.Get, path, null, null);

    /// <returns>The id of a new subscriber.</returns>
    public async Task<string> PersonAsync(string region = CaScene.City, string name = "张三", IdNumber? number = null, string? organization = null) => (await PostAsync<SubscriberAnswer>(
        City,
        "/subscribers",
        new SubscriberRequest { Kind = "person", Region = region, Name = name, Number = (number ?? CaScene.NewIdNumber()).Reveal(), Organization = organization })).Id;

    public static EnrollmentRequest NewRequest(string subscriber, Sm2PrivateKey key, string profile = "person", string region = CaScene.City) =>
        new() { Kind = "new", Region = region, Profile = profile, Subscriber = subscriber, Csr = CaScene.Csr(key) };

    /// <summary>Somebody who comes for an organisation.</summary>
    public static AgentRequest Agent() => new() { Name = "赵办事", IdNumber = CaScene.NewIdNumber().Reveal() };

    /// <summary>A code of somebody new whose two check characters are right (GB 32100, GB 11714).</summary>
    public static string NewCreditCode()
    {
        const string alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY";
        while (true)
        {
            string body = "11350100" + string.Concat(Enumerable.Range(0, 9).Select(_ => alphabet[System.Security.Cryptography.RandomNumberGenerator.GetInt32(alphabet.Length)]));
            if (alphabet.Select(check => body + check).FirstOrDefault(code => UnifiedSocialCreditCode.TryParse(code, out _)) is { } found)
            {
                return found;
            }
        }
    }

    /// <summary>A draft.</summary>
    public Task<EnrollmentAnswer> TakeInAsync(EnrollmentRequest request, StageOfficer? who = null) => PostAsync<EnrollmentAnswer>(who ?? City, "/enrollments", request);

    /// <summary>Looks at what is to be signed, signs and submits it.</summary>
    public async Task<EnrollmentAnswer> SubmitAsync(EnrollmentAnswer draft, StageOfficer? who = null)
    {
        who ??= City;
        ApplicationAnswer application = await GetAsync<ApplicationAnswer>(who, $"/enrollments/{draft.Id}/application");
        return await PostAsync<EnrollmentAnswer>(who, $"/enrollments/{draft.Id}/submission", new SubmissionRequest { Version = application.Version, Approval = Sign(who, ApprovalStep.Entry, application) });
    }

    /// <summary>Looks at what was entered, and approves it.</summary>
    public async Task<EnrollmentAnswer> ApproveAsync(EnrollmentAnswer enrollment, StageOfficer? who = null)
    {
        who ??= CityReviewer;
        ApplicationAnswer application = await GetAsync<ApplicationAnswer>(who, $"/enrollments/{enrollment.Id}/application");
        return await PostAsync<EnrollmentAnswer>(
            who, $"/enrollments/{enrollment.Id}/review", new ReviewRequest { Version = application.Version, Outcome = "approved", Approval = Sign(who, ApprovalStep.Review, application) });
    }

    /// <returns>DER of an Approval over both applications.</returns>
    public byte[] Sign(StageOfficer officer, ApprovalStep step, ApplicationAnswer application)
    {
        List<Application> applications = [Der.Decode<Application>(application.Application)];
        if (application.Following is { } following)
        {
            applications.Add(Der.Decode<Application>(following));
        }

        return Der.Encode(ApprovalSigning.Sign(ApprovalSigning.Build(step, applications, Time.GetUtcNow()), officer.Key, officer.Certificate));
    }

    public Task<EnrollmentAnswer> ShowAsync(EnrollmentAnswer enrollment, StageOfficer? who = null) => GetAsync<EnrollmentAnswer>(who ?? City, $"/enrollments/{enrollment.Id}");

    /// <summary>Waits for what the outbox does.</summary>
    public async Task<EnrollmentAnswer> UntilAsync(EnrollmentAnswer enrollment, params string[] states)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            EnrollmentAnswer now = await ShowAsync(enrollment, Province);
            if (states.Contains(now.State))
            {
                return now;
            }

            if (patience.IsCancellationRequested || now.State is "returned" or "rejected")
            {
                throw new TimeoutException($"It is {now.State} ({now.Reason}), not {string.Join(" or ", states)}.\n{Log}");
            }

            await Task.Delay(20, CancellationToken.None);
        }
    }

    /// <summary>From draft to issued.</summary>
    public async Task<EnrollmentAnswer> IssueAsync(EnrollmentRequest request, StageOfficer? entry = null, StageOfficer? review = null) =>
        await UntilAsync(await ApproveAsync(await SubmitAsync(await TakeInAsync(request, entry), entry), review), "issued", "delivered");

    /// <summary>As the token does: proves that it has the key.</summary>
    public async Task<DeliveryAnswer> FetchAsync(EnrollmentAnswer enrollment, Sm2PrivateKey key, StageOfficer? who = null)
    {
        DeliveryChallenge challenge = await PostAsync<DeliveryChallenge>(who ?? City, $"/enrollments/{enrollment.Id}/delivery/challenge", new { });
        return await PostAsync<DeliveryAnswer>(who ?? City, $"/enrollments/{enrollment.Id}/delivery", new DeliveryRequest { Proof = Prove(enrollment, challenge, key) });
    }

    public static byte[] Prove(EnrollmentAnswer enrollment, DeliveryChallenge challenge, Sm2PrivateKey key)
    {
        byte[] signature = new byte[Sm2.SignatureSizeInBytes];
        key.Sign([.. Encoding.ASCII.GetBytes("ZWCA-DELIVERY1"), .. Encoding.ASCII.GetBytes(enrollment.Id), .. challenge.Challenge], signature);
        return Der.Encode(Sm2Signature.FromRaw(signature));
    }

    /// <summary>Fetches the pair, opens the envelope and signs the receipt.</summary>
    /// <returns>The enrollment, and the encryption key.</returns>
    public async Task<(EnrollmentAnswer Enrollment, PairAnswer Pair, Sm2PrivateKey Key)> DeliverAsync(EnrollmentAnswer enrollment, Sm2PrivateKey key)
    {
        DeliveryAnswer delivered = await FetchAsync(enrollment, key);
        Sm2PrivateKey opened = PairScene.Open(delivered.Pair!.Envelope!, key);
        await PostAsync<EnrollmentAnswer>(City, $"/enrollments/{enrollment.Id}/receipt", PairScene.Receipt(delivered.Pair, key));
        return (await UntilAsync(enrollment, "delivered"), delivered.Pair, opened);
    }

    /// <summary>The file of an import.</summary>
    public async Task<BatchAnswer> PutFileAsync(StageOfficer who, string batch, byte[] file, RequestId? id = null)
    {
        using HttpRequestMessage request = FileOf(batch, file, id);
        using HttpResponseMessage response = await ClientOf(who).SendAsync(request);
        await response.ThrowIfRefusedAsync();
        return (await response.Content.ReadFromJsonAsync<BatchAnswer>(JsonSerializerOptions.Web))!;
    }

    public static HttpRequestMessage FileOf(string batch, byte[] file, RequestId? id = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Put, $"/batches/{batch}/file") { Content = new ByteArrayContent(file) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("text/csv");
        MessageSigningHandler.SetRequestId(request, id ?? RequestId.Create(TimeProvider.System));
        return request;
    }

    /// <param name="look">How often it is asked. Null: very often.</param>
    /// <returns>The last task of a batch, ended.</returns>
    public async Task<BatchTaskAnswer> UntilEndedAsync(StageOfficer who, string batch, TimeSpan? look = null)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            BatchTaskAnswer task = (await GetAsync<BatchAnswer>(who, $"/batches/{batch}")).Tasks[^1];
            if (task.State != "running")
            {
                return task;
            }

            if (patience.IsCancellationRequested)
            {
                throw new TimeoutException($"Task {task.Number} of batch {batch} is at row {task.Reached}.\n{Log}");
            }

            await Task.Delay(look ?? TimeSpan.FromMilliseconds(50), CancellationToken.None);
        }
    }

    public virtual void Dispose()
    {
        foreach (HttpClient client in _clients.Values)
        {
            client.Dispose();
        }
    }

    /// <param name="systemCa">PEM.</param>
    protected void Open(Uri address, string systemCa)
    {
        Address = address;
        _systemCa = systemCa;
    }
}
