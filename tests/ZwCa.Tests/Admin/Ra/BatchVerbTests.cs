using System.Text.Json.Nodes;
using ZwCa.Admin.Desk;
using ZwCa.Admin.Ra;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;
using ZwCa.Tests.Admin.Token;

namespace ZwCa.Tests.Admin.Ra;

/// <summary><c>zwca ra batch</c> but for the decisions: <see cref="BatchDecisionVerbTests"/>.</summary>
public sealed class BatchVerbTests : IDisposable
{
    private static readonly byte[] List = "主体类别,姓名或名称\r\n"u8.ToArray();

    private readonly RaTerminal _terminal = new();

    private ScriptedRa Ra => _terminal.Ra;

    public void Dispose() => _terminal.Dispose();

    [Fact]
    public async Task AFileThatIsInOrder_IsExitCode0_AndNothingIsMade()
    {
        var batch = new ScriptedBatch(Ra) { Outcomes = { ["checking"] = (6, 0) } };
        string file = _terminal.Token.Write("a.csv", List);

        (int exitCode, string output, string error) = await _terminal.RunAsync("batch", "import", file, "--region", ScriptedBatch.Region, "--title", "三月", "--rows", "6");

        Assert.True(exitCode == 0, error);
        Assert.Contains("通过 6，未通过 0", output);
        Assert.Contains($"zwca ra batch make {ScriptedBatch.Id}", output);
        Assert.Equal(["POST /batches", $"PUT /batches/{ScriptedBatch.Id}/file"], Ra.Changes.Select(each => $"{each.Method} {each.Path}"));
        BatchRequest request = Ra.Changes.First().Read<BatchRequest>();
        Assert.Equal(("import", ScriptedBatch.Region, "三月", 6), (request.Kind, request.Region, request.Title, request.Rows));
        Assert.Equal(List, Ra.Changes.Last().Body);
        Assert.Equal(Convert.ToHexStringLower(Sm3.HashData(List)), batch.File);
        Assert.False(File.Exists($"{file}.rejected.csv"));
    }

    [Fact]
    public async Task RowsThatAreRefused_AreToldOf_AndKept_AndOfTheRestDraftsAreMade()
    {
        _ = new ScriptedBatch(Ra) { Outcomes = { ["checking"] = (4, 60), ["making"] = (4, 0) }, Refusals = { new BatchRowAnswer { Row = 2, Reason = "证件号码的校验码有误。" } } };
        Ra.Answers[$"GET /batches/{ScriptedBatch.Id}/rows"] = _ => new BatchRowPage { Rows = [new BatchRowAnswer { Row = 2, Reason = "证件号码的校验码有误。" }], Next = 2 };
        string file = _terminal.Token.Write("a.csv", List);
        _terminal.Token.Typed.Enqueue("yes");

        (int exitCode, string output, string error) = await _terminal.RunAsync("batch", "import", file, "--region", ScriptedBatch.Region, "--title", "三月", "--make", "--wait");

        Assert.True(exitCode == 1, error);
        Assert.Empty(error);
        Assert.Contains("证件号码的校验码有误。", output);
        Assert.Contains($"还有 59 行：zwca ra batch rows {ScriptedBatch.Id} --task 1", output);
        Assert.Contains("生成草稿：4 行，通过 4", output);
        Assert.Equal("原因\r\n"u8.ToArray(), File.ReadAllBytes($"{file}.rejected.csv"));
        Assert.Equal($"/batches/{ScriptedBatch.Id}/making", Ra.Changes.Last().Path);
    }

    [Fact]
    public async Task WithoutAYes_NoDraftIsMade_AndWhatIsThereIsGoneOnWith()
    {
        var batch = new ScriptedBatch(Ra);
        string file = _terminal.Token.Write("a.csv", List);
        _terminal.Token.Typed.Enqueue("no");

        (int exitCode, _, string error) = await _terminal.RunAsync("batch", "import", file, "--region", ScriptedBatch.Region, "--title", "三月", "--make");
        Assert.Equal((1, true), (exitCode, error.Contains("没有生成草稿", StringComparison.Ordinal)));

        // The same file is not sent again; another one is.
        (exitCode, _, error) = await _terminal.RunAsync("batch", "import", file, "--batch", ScriptedBatch.Id, "--make", "--yes");
        Assert.True(exitCode == 0, error);
        Assert.Single(Ra.Changes, each => each.Method == "PUT");
        Assert.Single(Ra.Changes, each => each.Path.EndsWith("/making", StringComparison.Ordinal));
        batch.File = new string('0', 64);
        await _terminal.RunAsync("batch", "import", file, "--batch", ScriptedBatch.Id);
        Assert.Equal(2, Ra.Changes.Count(each => each.Method == "PUT"));
    }

    [Fact]
    public async Task AFileThatIsRefusedAsAWhole_SaysWhy_AndAnotherFileAtTheRa_IsFoundOut()
    {
        var batch = new ScriptedBatch(Ra) { Reason = "文件编码无法识别。" };
        string file = _terminal.Token.Write("a.csv", List);
        string[] arguments = ["batch", "import", file, "--region", ScriptedBatch.Region, "--title", "三月", "--make", "--yes"];

        (int exitCode, _, string error) = await _terminal.RunAsync(arguments);
        Assert.Equal((1, "检查未能进行：文件编码无法识别。"), (exitCode, error.Trim()));

        Ra.Answers[$"PUT /batches/{ScriptedBatch.Id}/file"] = _ =>
        {
            batch.Did("checking");
            return Ra.Answers["POST /batches"](null!);
        };
        batch.File = new string('0', 64);
        (exitCode, _, error) = await _terminal.RunAsync(arguments);
        Assert.Equal((1, true), (exitCode, error.Contains("不是这个文件", StringComparison.Ordinal)));
        Assert.DoesNotContain(Ra.Changes, each => each.Path.EndsWith("/making", StringComparison.Ordinal));

        // What would have to be overwritten is said before anything is asked.
        int asked = Ra.Asked.Count;
        _terminal.Token.Write("a.csv.rejected.csv", [1]);
        (exitCode, _, error) = await _terminal.RunAsync(arguments);
        Assert.Equal((1, asked, true), (exitCode, Ra.Asked.Count, error.Contains("已存在", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task ARenewal_NamesWhoHandlesIt_AndARevocationSaysWhatItLeavesOut()
    {
        _ = new ScriptedBatch(Ra, "renewal") { Outcomes = { ["making"] = (40, 0) } };
        _terminal.Token.Typed.Enqueue("11010519491231002X");
        (int exitCode, string output, string error) = await _terminal.RunAsync(
            "batch", "renew", "--region", ScriptedBatch.Region, "--within-days", "30", "--profile", "person", "--organization", ScriptedRa.Subscriber, "--agent", "李四");
        Assert.True(exitCode == 0, error);
        Assert.Contains("通过 40", output);
        Assert.DoesNotContain("11010519491231002X", output);
        BatchRequest request = Ra.Changes.Single().Read<BatchRequest>();
        Assert.Equal(("renewal", 30, "person", ScriptedRa.Subscriber), (request.Kind, request.WithinDays, request.Profile, request.Organization));
        Assert.Equal(("李四", "11010519491231002X"), (request.Agent!.Name, request.Agent.IdNumber));

        _ = new ScriptedBatch(Ra, "revocation") { Outcomes = { ["making"] = (1, 1) }, Refusals = { new BatchRowAnswer { Row = 2, Reason = "请填写经办人。" } } };
        (exitCode, output, _) = await _terminal.RunAsync("batch", "revoke", "--organization", ScriptedRa.Subscriber, "--reason", "cessationOfOperation", "--region", ScriptedBatch.Region);
        Assert.Equal(1, exitCode);
        Assert.Contains("请填写经办人。", output);
        request = Ra.Changes.Last().Read<BatchRequest>();
        Assert.Equal(("revocation", "cessationOfOperation", null), (request.Kind, request.RevocationReason, request.Agent));
    }

    [Fact]
    public async Task WhatIsNotAllThatThereIs_EndsWithOne_AndWhatIsTriedAgain_IsShown()
    {
        _ = new ScriptedBatch(Ra, "revocation") { Outcomes = { ["making"] = (2, 0) } };
        Bend(task => task.State == "done" ? task with { Reason = "还有证书未列入本批次。" } : task);
        (int exitCode, string output, _) = await _terminal.RunAsync(
            "batch", "revoke", "--organization", ScriptedRa.Subscriber, "--reason", "cessationOfOperation", "--region", ScriptedBatch.Region);
        Assert.Equal(1, exitCode);
        Assert.Contains("注意：还有证书未列入本批次。", output);

        new ScriptedBatch(Ra).Did("checking");
        Bend(task => task with { State = "running", Waiting = "暂时未能处理（已连续3次），将自动重试。" });
        (exitCode, output, _) = await _terminal.RunAsync("batch", "show", ScriptedBatch.Id);
        Assert.Equal(0, exitCode);
        Assert.Contains("已连续3次", output);

        void Bend(Func<BatchTaskAnswer, BatchTaskAnswer> change)
        {
            var look = Ra.Answers[$"GET /batches/{ScriptedBatch.Id}"];
            Ra.Answers[$"GET /batches/{ScriptedBatch.Id}"] = asked =>
            {
                var shown = (BatchAnswer)look(asked);
                return shown with { Tasks = [.. shown.Tasks.Select(change)] };
            };
        }
    }

    [Fact]
    public async Task BatchesAndTheirRows_AreShown_AndPagesThatDoNotGoOnEndIt()
    {
        var batch = new ScriptedBatch(Ra);
        batch.Did("checking", 2, 1);
        batch.Add(1);
        batch.Add(3, "issued");

        (_, string list, _) = await _terminal.RunAsync("batch", "list", "--region", ScriptedBatch.Region, "--rows", "1");
        (_, string shown, _) = await _terminal.RunAsync("batch", "show", ScriptedBatch.Id);
        (_, string rows, _) = await _terminal.RunAsync("batch", "rows", ScriptedBatch.Id);
        (int exitCode, string json, _) = await _terminal.RunAsync("batch", "show", ScriptedBatch.Id, "--wait", "--json");

        Assert.Equal($"/batches?region={ScriptedBatch.Region}&rows=1", Ra.Asked[0].Path);
        Assert.Contains("检查已完成", list);
        Assert.Contains($"--after {ScriptedBatch.Id}", list);
        Assert.Contains("草稿 1，待领取 1", shown);
        Assert.Contains(ScriptedBatch.IdOf(3), rows);
        Assert.Contains("待领取", rows);
        Assert.Equal((0, 2L), (exitCode, (long)JsonNode.Parse(json)!["tasks"]![0]!["done"]!));

        Ra.Answers[$"GET /batches/{ScriptedBatch.Id}/rows"] = _ => new BatchRowPage { Rows = [new BatchRowAnswer { Row = 1 }], Next = 1 };
        (exitCode, _, string error) = await _terminal.RunAsync("batch", "rows", ScriptedBatch.Id, "--task", "1");
        Assert.Equal((1, true), (exitCode, error.Contains("分页有误", StringComparison.Ordinal)));
        (exitCode, _, _) = await _terminal.RunAsync("batch", "show", ScriptedRa.Subscriber);
        Assert.Equal(1, exitCode);
    }

    [Fact]
    public async Task Making_AsksOnce_AndIsToldOfWhenItWasDone()
    {
        var batch = new ScriptedBatch(Ra) { Outcomes = { ["making"] = (2, 1) }, Refusals = { new BatchRowAnswer { Row = 2, Reason = "号码已登记在其他名称下。" } } };
        batch.Did("checking", 3);
        _terminal.Token.Typed.Enqueue("yes");

        (int exitCode, string output, _) = await _terminal.RunAsync("batch", "make", ScriptedBatch.Id);
        (int again, string told, _) = await _terminal.RunAsync("batch", "make", ScriptedBatch.Id);

        Assert.Equal((1, 1), (exitCode, again));
        Assert.Contains("号码已登记在其他名称下。", output);
        Assert.Equal(output, told);
        Assert.Single(Ra.Changes);
    }

    [Theory]
    [InlineData("make", "--yes")]
    [InlineData("cancel", "--reason", "文件有误")]
    public async Task WhatTheRaRefuses_IsShownAsItIs(string verb, params string[] arguments)
    {
        const string refusal = "该批次正在处理中，请稍后再试。";
        _ = new ScriptedBatch(Ra);
        foreach (string path in (string[])["making", "cancellation"])
        {
            Ra.Answers[$"POST /batches/{ScriptedBatch.Id}/{path}"] = _ => throw new RefusalException(Refusal.WrongState, refusal);
        }

        (int exitCode, _, string error) = await _terminal.RunAsync(["batch", verb, ScriptedBatch.Id, .. arguments]);

        Assert.Equal((1, refusal), (exitCode, error.Trim()));
    }

    [Fact]
    public async Task ACancellation_SaysWhy()
    {
        _ = new ScriptedBatch(Ra) { Outcomes = { ["cancellation"] = (5, 0) } };

        (int exitCode, string output, string error) = await _terminal.RunAsync("batch", "cancel", ScriptedBatch.Id, "--reason", "文件有误");

        Assert.True(exitCode == 0, error);
        Assert.Contains("撤销：5 行", output);
        Assert.Equal("文件有误", Ra.Changes.Single().Read<StepRequest>().Reason);
    }

    [Fact]
    public async Task EachDraftWithoutAKey_GetsAContainer_AndOneThatIsThereIsUsed()
    {
        using var subscribers = TestToken.Stocked();
        _terminal.Token.Environment[DeliverVerb.PinVariable] = TestToken.Pin;
        var batch = new ScriptedBatch(Ra);
        batch.AddKeyless(1);
        batch.Add(2);
        batch.AddKeyless(3);
        batch.Add(4, "issued");
        Ra.Answers["GET /profiles"] = _ => Array.Empty<EnrollmentProfileAnswer>();
        Ra.Answers[$"PUT /enrollments/{ScriptedBatch.IdOf(3)}/csr"] = _ => throw new RefusalException(Refusal.Duplicate, "该公钥已用于其他申请。");
        string[] arguments = ["batch", "keys", ScriptedBatch.Id, "--token", subscribers.Folder];

        (int exitCode, string output, string error) = await _terminal.RunAsync(arguments);

        Assert.True(exitCode == 1, error);
        Assert.Contains("生成密钥：1 项，未办成 1 项，无须或不能在此令牌办理 1 项", output);
        Assert.Contains("该公钥已用于其他申请。", output);
        var token = SoftwareToken.Open(subscribers.Folder, subscribers.Clock);
        Assert.Equal([ScriptedBatch.IdOf(1), ScriptedBatch.IdOf(3)], token.ContainerNames.Where(DeskVerbs.IsId));
        CsrRequest request = Ra.Changes.First().Read<CsrRequest>();
        CertificationRequest csr = Der.Decode<CertificationRequest>(request.Csr);
        Assert.Equal((3, token.Container(ScriptedBatch.IdOf(1)).PublicKey), (request.Version, csr.Info.SubjectPublicKeyInfo));

        // Once more, after an interruption: the same key.
        (exitCode, _, _) = await _terminal.RunAsync(arguments);
        Assert.Equal(1, exitCode);
        Assert.Equal(csr.Info.SubjectPublicKeyInfo, Der.Decode<CertificationRequest>(Ra.Changes.First(each => each != Ra.Changes.First() && each.Path.Contains(ScriptedBatch.IdOf(1), StringComparison.Ordinal)).Read<CsrRequest>().Csr).Info.SubjectPublicKeyInfo);

        // A container with a key of another kind than is asked for now.
        (_, output, _) = await _terminal.RunAsync([.. arguments, "--kind", "rsa2048"]);
        Assert.Contains("请核对 --kind", output);
    }

    [Fact]
    public async Task WhatIsIssued_GoesToTheContainerOfItsEnrollment()
    {
        using var subscribers = TestToken.Stocked();
        _terminal.Token.Environment[DeliverVerb.PinVariable] = TestToken.Pin;
        var token = SoftwareToken.Open(subscribers.Folder, subscribers.Clock);
        using (UnlockedToken unlocked = token.Unlock(TestToken.Pin))
        {
            unlocked.CreateContainer(ScriptedBatch.IdOf(1), TokenKeyKind.Sm2);
            unlocked.CreateContainer(ScriptedBatch.IdOf(2), TokenKeyKind.Sm2);
        }

        var batch = new ScriptedBatch(Ra);
        foreach (long row in (long[])[1, 2, 3])
        {
            batch.Add(row, "issued");
            Certificate certificate = subscribers.Certify(token.Container(ScriptedBatch.IdOf(Math.Min(row, 2))).PublicKey);
            Ra.Answers[$"POST /enrollments/{ScriptedBatch.IdOf(row)}/delivery/challenge"] = _ => new DeliveryChallenge { Challenge = new byte[32], ValidUntil = DateTimeOffset.MaxValue };
            Ra.Answers[$"POST /enrollments/{ScriptedBatch.IdOf(row)}/delivery"] = _ => row == 2
                ? throw new RefusalException(Refusal.WrongState, "证书已被吊销。")
                : new DeliveryAnswer { State = "received", Certificate = Der.Encode(certificate) };
        }

        (int exitCode, string output, string error) = await _terminal.RunAsync("batch", "deliver", ScriptedBatch.Id, "--token", subscribers.Folder);

        Assert.True(exitCode == 1, error);
        Assert.Contains("发放：1 项，未办成 1 项，无须或不能在此令牌办理 1 项", output);
        Assert.Contains("证书已被吊销。", output);
        Assert.NotNull(token.Container(ScriptedBatch.IdOf(1)).Certificate);
        Assert.Null(token.Container(ScriptedBatch.IdOf(2)).Certificate);
        Assert.DoesNotContain(Ra.Changes, each => each.Path.Contains(ScriptedBatch.IdOf(3), StringComparison.Ordinal));
    }
}
