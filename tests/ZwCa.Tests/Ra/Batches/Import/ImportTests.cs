using System.Text;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;
using ZwCa.ServiceDefaults.Messages;
using static ZwCa.Tests.Ra.Batches.Import.ApplicantText;

namespace ZwCa.Tests.Ra.Batches.Import;

/// <summary>Imports over the API, from the file to the certificate.</summary>
public sealed class ImportTests(RaFixture fixture) : IClassFixture<RaFixture>
{
    private static int _who = 1_000_000;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private RaStage Stage => fixture.Stage;

    [Fact]
    public async Task AFile_IsChecked_MadeIntoDrafts_AndIssued_WhenItsKeysHaveCome()
    {
        int who = Next();
        var key = Sm2PrivateKey.Generate();
        string[] rows = [Person(who, departments: "办公室；一科", days: "100"), Person(who + 1, csr: Convert.ToBase64String(CaScene.Csr(key))), Person(who + 2, days: "9999")];
        BatchAnswer batch = await OpenAsync(rows: 3);
        Assert.Equal((1, "checking"), ((await PutFileAsync(batch, File(rows))).Tasks.Count, (await Stage.GetAsync<BatchAnswer>(Stage.City, $"/batches/{batch.Id}")).Tasks[0].Kind));
        BatchTaskAnswer dry = await UntilDoneAsync(batch);
        Assert.Equal(("done", 3, 2, 1), (dry.State, dry.Rows, dry.Done, dry.Refused));
        Assert.Empty((await Stage.GetAsync<BatchRowPage>(Stage.City, $"/batches/{batch.Id}/rows")).Rows);

        await Stage.PostAsync<BatchAnswer>(Stage.City, $"/batches/{batch.Id}/making", new { });
        BatchTaskAnswer made = await UntilDoneAsync(batch);
        Assert.Equal(("making", "done", 2, 1), (made.Kind, made.State, made.Done, made.Refused));
        BatchRowPage page = await Stage.GetAsync<BatchRowPage>(Stage.City, $"/batches/{batch.Id}/rows");
        Assert.Equal([1, 2], page.Rows.Select(row => row.Row));
        Assert.Equal(2, (await Stage.GetAsync<BatchAnswer>(Stage.City, $"/batches/{batch.Id}")).States["draft"]);

        // The second has a key; the first gets one, and cannot be submitted before.
        EnrollmentAnswer second = await Stage.SubmitAsync(await Stage.GetAsync<EnrollmentAnswer>(Stage.City, $"/enrollments/{page.Rows[1].Enrollment}"));
        Assert.Equal("issued", (await Stage.UntilAsync(await Stage.ApproveAsync(second), "issued")).State);
        EnrollmentAnswer first = await Stage.GetAsync<EnrollmentAnswer>(Stage.City, $"/enrollments/{page.Rows[0].Enrollment}");
        Assert.Equal((100, "draft"), (first.Days, first.State));
        Assert.Equal(["办公室", "一科"], first.Departments);
        await RaStage.RefusedAsync(() => Stage.SubmitAsync(first), Refusal.BadCsr);
        EnrollmentAnswer with = await Stage.PutAsync<EnrollmentAnswer>(Stage.City, $"/enrollments/{first.Id}/csr", new CsrRequest { Version = first.Version, Csr = CaScene.Csr(Sm2PrivateKey.Generate()) });
        Assert.Equal((first.Version + 1, 2), (with.Version, with.Steps.Count));
        Assert.Equal("issued", (await Stage.UntilAsync(await Stage.ApproveAsync(await Stage.SubmitAsync(with)), "issued")).State);
    }

    [Fact]
    public async Task ADraftWithoutKey_GetsOneByTheSameRules()
    {
        var key = Sm2PrivateKey.Generate();
        EnrollmentAnswer issued = await Stage.IssueAsync(RaStage.NewRequest(await Stage.PersonAsync(), key));
        EnrollmentRequest without = RaStage.NewRequest(await Stage.PersonAsync(), key) with { Csr = null };
        EnrollmentAnswer draft = await Stage.TakeInAsync(without);

        await RaStage.RefusedAsync(() => Stage.GetAsync<ApplicationAnswer>(Stage.City, $"/enrollments/{draft.Id}/application"), Refusal.BadCsr);
        await RaStage.RefusedAsync(() => SetAsync(CaScene.Csr(key)), Refusal.BadPublicKey);
        await RaStage.RefusedAsync(() => SetAsync([1, 2, 3]), Refusal.BadCsr);
        await RaStage.RefusedAsync(() => SetAsync([]), Refusal.BadCsr);
        await RaStage.RefusedAsync(() => SetAsync(CaScene.Csr(Sm2PrivateKey.Generate()), version: 7), Refusal.WrongState);
        await RaStage.RefusedAsync(() => SetAsync(CaScene.Csr(Sm2PrivateKey.Generate()), who: Stage.County), Refusal.NotFound);
        await RaStage.RefusedAsync(() => SetAsync(CaScene.Csr(Sm2PrivateKey.Generate()), who: Stage.Auditor), Refusal.NotAllowed);
        var used = Sm2PrivateKey.Generate();
        await Stage.TakeInAsync(RaStage.NewRequest(await Stage.PersonAsync(), used));
        await RaStage.RefusedAsync(() => SetAsync(CaScene.Csr(used)), Refusal.Duplicate);

        EnrollmentAnswer submitted = await Stage.SubmitAsync(await SetAsync(CaScene.Csr(Sm2PrivateKey.Generate())));
        await RaStage.RefusedAsync(() => SetAsync(CaScene.Csr(Sm2PrivateKey.Generate()), version: submitted.Version), Refusal.WrongState);
        Assert.Equal("issued", issued.State);

        Task<EnrollmentAnswer> SetAsync(byte[] csr, long version = 1, StageOfficer? who = null) =>
            Stage.PutAsync<EnrollmentAnswer>(who ?? Stage.City, $"/enrollments/{draft.Id}/csr", new CsrRequest { Version = version, Csr = csr });
    }

    public static TheoryData<string> Encodings => ["UTF-8", "UTF-8 with a mark", "GB18030"];

    [Theory]
    [MemberData(nameof(Encodings))]
    public async Task TheRejects_AreAFileLikeTheOneThatCame_ThatRunsNothing_AndComesAgainCorrected(string encoding)
    {
        int who = Next();
        string text = Text(Person(who), Person(who + 1, "\"=HYPERLINK(\"\"http://x\"\",\"\"点击\"\")\""), Person(who + 2, "𠮷野", days: "9999"));
        byte[] file = encoding switch { "GB18030" => Gb18030.GetBytes(text), "UTF-8" => Encoding.UTF8.GetBytes(text), _ => [0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(text)] };
        BatchAnswer batch = await OpenAsync();
        await RaStage.RefusedAsync(() => GetRejectsAsync(Stage.City, batch), Refusal.WrongState);
        await PutFileAsync(batch, file);
        await UntilDoneAsync(batch);

        (byte[] rejects, string type) = await GetRejectsAsync(Stage.City, batch);

        Assert.Equal(encoding == "GB18030" ? "text/csv; charset=gb18030" : "text/csv; charset=utf-8", type, ignoreCase: true);
        Assert.Equal(encoding == "UTF-8 with a mark", rejects.AsSpan().StartsWith(Encoding.UTF8.Preamble));
        string[] lines = (encoding == "GB18030" ? Gb18030 : Encoding.UTF8).GetString(rejects).TrimStart('\uFEFF').Split("\r\n");
        Assert.Equal(string.Join(',', $"{Heading},原因".Split(',').Select(each => $"\"{each}\"")), lines[0]);
        Assert.StartsWith("\"个人\",\"'=HYPERLINK(\"\"http://x\"\",\"\"点击\"\")\",", lines[1], StringComparison.Ordinal);
        Assert.StartsWith("\"个人\",\"𠮷野\",", lines[2], StringComparison.Ordinal);
        Assert.EndsWith("\"有效期不得超过365天。\"", lines[2], StringComparison.Ordinal);
        Assert.Equal([""], lines[3..]);

        // Corrected where it stands, with the reasons.
        BatchAnswer again = await OpenAsync();
        await PutFileAsync(again, Encoding.UTF8.GetBytes($"{lines[0]}\r\n{lines[2].Replace("9999", "99", StringComparison.Ordinal)}\r\n"));
        Assert.Equal(("done", 1, 0), ((await UntilDoneAsync(again)).State, (await UntilDoneAsync(again)).Done, (await UntilDoneAsync(again)).Refused));
    }

    [Fact]
    public async Task TheReason_StandsInItsColumn_WhateverTheRowHas()
    {
        BatchAnswer batch = await OpenAsync();
        await PutFileAsync(batch, File("个人", "", Person(Next()) + ",多余", Person(Next())));
        Assert.Equal((3, 1), ((await UntilDoneAsync(batch)).Refused, (await UntilDoneAsync(batch)).Done));

        string[] lines = Encoding.UTF8.GetString((await GetRejectsAsync(Stage.City, batch)).File).Split("\r\n");

        Assert.StartsWith("该行有1个单元格", lines[1].Split("\",\"")[12], StringComparison.Ordinal);
        Assert.StartsWith("空行", lines[2].Split("\",\"")[12], StringComparison.Ordinal);
        Assert.Equal(["该行有13个单元格，标题行有12个。", "多余\""], lines[3].Split("\",\"")[12..]);
    }

    [Fact]
    public async Task TheRejects_AreForThoseWhoTakeIn_OfTheirRegion()
    {
        BatchAnswer batch = await OpenAsync();
        await PutFileAsync(batch, File(Person(Next(), days: "9999")));
        await UntilDoneAsync(batch);

        await RaStage.RefusedAsync(() => GetRejectsAsync(Stage.Auditor, batch), Refusal.NotAllowed);
        await RaStage.RefusedAsync(() => GetRejectsAsync(Stage.County, batch), Refusal.NotFound);
        Assert.NotEmpty((await GetRejectsAsync(Stage.Province, batch)).File);
    }

    [Fact]
    public async Task AFileThatIsNone_RefusesTheTask_AndAnotherMayCome()
    {
        BatchAnswer batch = await OpenAsync(rows: 2);
        await PutFileAsync(batch, Encoding.UTF8.GetBytes(Text(Person(Next())) + "个人,\"张"));
        BatchTaskAnswer refused = await UntilDoneAsync(batch);
        Assert.Equal("refused", refused.State);
        Assert.Contains("第2行的引号不配对", refused.Reason, StringComparison.Ordinal);
        await RaStage.RefusedAsync(() => Stage.PostAsync<BatchAnswer>(Stage.City, $"/batches/{batch.Id}/making", new { }), Refusal.WrongState);
        await RaStage.RefusedAsync(() => GetRejectsAsync(Stage.City, batch), Refusal.WrongState);

        await PutFileAsync(batch, File(Person(Next()), Person(Next())));
        Assert.Equal(("done", 2), ((await UntilDoneAsync(batch)).State, (await UntilDoneAsync(batch)).Done));
    }

    [Fact]
    public async Task WhatIsImported_IsNowhereInClear()
    {
        int who = Next();
        const string name = "司马隐秘";
        BatchAnswer batch = await OpenAsync();
        await PutFileAsync(batch, File(Person(who, name), Person(who + 1, name, days: "9999")));
        await UntilDoneAsync(batch);
        await Stage.PostAsync<BatchAnswer>(Stage.City, $"/batches/{batch.Id}/making", new { });
        await UntilDoneAsync(batch);

        foreach (string each in (string[])[name, Number(who), Number(who + 1)])
        {
            Assert.DoesNotContain(each, Stage.Log, StringComparison.Ordinal);
            foreach ((string table, string column) in ((string, string)[]) [("batch_part", "bytes_sealed"), ("batch_refusal", "reason"), ("batch_task", "reason"), ("batch_task", "position"), ("audit_event", "leaf"), ("audit_personal", "content"), ("subscriber", "name_sealed"), ("enrollment", "content_sealed")])
            {
                Assert.Equal(0, await Stage.Database.ReadAsync(
                    transaction => transaction.GetAsync<long>($"SELECT COUNT(*) FROM {table} WHERE INSTR(CAST({column} AS BLOB), @Text) > 0", new { Text = Encoding.UTF8.GetBytes(each) }), Token));
            }
        }
    }

    private static int Next() => Interlocked.Add(ref _who, 10);

    private Task<BatchAnswer> OpenAsync(int? rows = null) =>
        Stage.PostAsync<BatchAnswer>(Stage.City, "/batches", new BatchRequest { Kind = "import", Region = CaScene.City, Title = "档案局新办", Rows = rows });

    private Task<BatchAnswer> PutFileAsync(BatchAnswer batch, byte[] file) => Stage.PutFileAsync(Stage.City, batch.Id, file);

    private async Task<(byte[] File, string Type)> GetRejectsAsync(StageOfficer who, BatchAnswer batch)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/batches/{batch.Id}/rejects");
        MessageSigningHandler.SetRequestId(request, RequestId.Create(TimeProvider.System));
        using HttpResponseMessage response = await Stage.ClientOf(who).SendAsync(request, Token);
        await response.ThrowIfRefusedAsync(Token);
        return (await response.Content.ReadAsByteArrayAsync(Token), response.Content.Headers.ContentType!.ToString());
    }

    /// <returns>The last task.</returns>
    private Task<BatchTaskAnswer> UntilDoneAsync(BatchAnswer batch) => Stage.UntilEndedAsync(Stage.City, batch.Id);
}
