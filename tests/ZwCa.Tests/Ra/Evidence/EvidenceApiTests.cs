using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Ra.Evidence;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Tests.Ra.Evidence;

public sealed class EvidenceApiTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AFile_IsSent_Fetched_AndTakenAway()
    {
        await using RaRecords records = await RaRecords.CreateAsync(DatabaseKind.Sqlite);
        await using RaDesk desk = await RaDesk.StartAsync(records);
        HttpClient clerk = await desk.SitDownAsync(records.OfCity), auditor = await desk.SitDownAsync(await records.AuditorAsync(RaRecords.City));
        byte[] enrollment = await records.EnrollAsync(), file = EvidenceTests.Pdf(100);
        string path = $"/enrollments/{Convert.ToHexStringLower(enrollment)}/evidence";
        var id = RequestId.Create(TimeProvider.System);

        EvidenceAnswer answer = await PostAsync(clerk, path, file, id);
        Assert.Equal((Convert.ToHexStringLower(Sm3.HashData(file)), "身份证 正面", EvidenceFile.Pdf, 100L), (answer.Hash, answer.Title, answer.MediaType, answer.Length));

        // Asked again, it is not done again.
        Assert.Equal(answer, await PostAsync(clerk, path, file, id));
        Assert.Single(await records.EventsAsync("evidence.add"));

        using (HttpResponseMessage got = await SendAsync(clerk, HttpMethod.Get, $"{path}/{answer.Hash}"))
        {
            Assert.Equal(file, await got.Content.ReadAsByteArrayAsync(Token));
            Assert.Equal((EvidenceFile.Pdf, "attachment", $"{answer.Hash[..16]}.pdf"), (got.Content.Headers.ContentType?.MediaType, got.Content.Headers.ContentDisposition?.DispositionType, got.Content.Headers.ContentDisposition?.FileName));
            Assert.Equal(("nosniff", true), (Assert.Single(got.Headers.GetValues("X-Content-Type-Options")), got.Headers.CacheControl?.NoStore));
        }

        await RefusedAsync(Refusal.NotAllowed, await SendAsync(auditor, HttpMethod.Get, $"{path}/{answer.Hash}"));
        await RefusedAsync(Refusal.Malformed, await SendAsync(clerk, HttpMethod.Get, $"{path}/{answer.Hash[1..]}"));
        await RefusedAsync(Refusal.NotFound, await SendAsync(clerk, HttpMethod.Get, $"{path}/{new string('0', 64)}"));
        await RefusedAsync(Refusal.Malformed, await SendAsync(clerk, path, "<html>"u8.ToArray(), EvidenceFile.Pdf));
        await RefusedAsync(Refusal.Malformed, await SendAsync(clerk, path, file, EvidenceFile.Png));
        await RefusedAsync(Refusal.Malformed, await SendAsync(clerk, path, file, null));
        using (HttpResponseMessage removed = await SendAsync(clerk, HttpMethod.Delete, $"{path}/{answer.Hash}"))
        {
            Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        }

        await RefusedAsync(Refusal.NotFound, await SendAsync(clerk, HttpMethod.Delete, $"{path}/{answer.Hash}"));
    }

    /// <summary>Ten mebibytes here, four elsewhere.</summary>
    [Fact]
    public async Task TheLimitOfTheBody_IsHigherForEvidence_AndForNothingElse()
    {
        await using RaRecords records = await RaRecords.CreateAsync(DatabaseKind.Sqlite);
        await using RaDesk desk = await RaDesk.StartAsync(records);
        HttpClient clerk = await desk.SitDownAsync(records.OfCity);
        string path = $"/enrollments/{Convert.ToHexStringLower(await records.EnrollAsync())}/evidence";

        EvidenceAnswer answer = await PostAsync(clerk, path, EvidenceTests.Pdf(EvidenceFile.MaxLength), RequestId.Create(TimeProvider.System));
        Assert.Equal(EvidenceFile.MaxLength, answer.Length);
        using (HttpResponseMessage got = await SendAsync(clerk, HttpMethod.Get, $"{path}/{answer.Hash}"))
        {
            Assert.Equal(EvidenceFile.MaxLength, (await got.Content.ReadAsByteArrayAsync(Token)).Length);
        }

        await RefusedAsync(Refusal.TooLarge, await SendAsync(clerk, path, EvidenceTests.Pdf(EvidenceFile.MaxLength + 1), EvidenceFile.Pdf));
        await RefusedAsync(Refusal.TooLarge, await SendAsync(clerk, "/subscribers", new byte[(4 << 20) + 1], "application/json"));
    }

    private static async Task<EvidenceAnswer> PostAsync(HttpClient client, string path, byte[] file, RequestId id)
    {
        using HttpResponseMessage response = await SendAsync(client, path, file, EvidenceFile.Pdf, id);
        await response.ThrowIfRefusedAsync(Token);
        return (await response.Content.ReadFromJsonAsync<EvidenceAnswer>(Token))!;
    }

    private static async Task<HttpResponseMessage> SendAsync(HttpClient client, string path, byte[] file, string? type, RequestId? id = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{path}?title={Uri.EscapeDataString("身份证 正面")}") { Content = new ByteArrayContent(file) };
        request.Content.Headers.ContentType = type is null ? null : new MediaTypeHeaderValue(type);

        // Whoever sends too much hears so before he sends it; without this the connection ends under his hands.
        request.Headers.ExpectContinue = true;
        MessageSigningHandler.SetRequestId(request, id ?? RequestId.Create(TimeProvider.System));
        return await client.SendAsync(request, Token);
    }

    private static async Task<HttpResponseMessage> SendAsync(HttpClient client, HttpMethod method, string path)
    {
        using var request = new HttpRequestMessage(method, path);
        MessageSigningHandler.SetRequestId(request, RequestId.Create(TimeProvider.System));
        return await client.SendAsync(request, Token);
    }

    private static async Task RefusedAsync(Refusal kind, HttpResponseMessage response)
    {
        using (response)
        {
            Problem problem = (await response.Content.ReadFromJsonAsync<Problem>(Token))!;
            Assert.Equal(RefusalKinds.TypeOf(kind), problem.Type);
        }
    }
}
