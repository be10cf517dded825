using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Tests.Admin.Token;

namespace ZwCa.Tests.Admin.Ra;

/// <summary>What an officer signs of a batch is what he was shown of each application, and all of it is what the batch is of.</summary>
public sealed class BatchDecisionVerbTests : IDisposable
{
    private readonly RaTerminal _terminal = new();

    private ScriptedRa Ra => _terminal.Ra;

    public void Dispose() => _terminal.Dispose();

    [Fact]
    public async Task AllThatCanBeSigned_IsShown_AndUnderOneSignature()
    {
        var batch = new ScriptedBatch(Ra);
        Application[] applications = [batch.Add(1), batch.Add(2), batch.Add(5)];
        batch.Add(6, "submitted");
        batch.Outcomes["submission"] = (3, 0);
        _terminal.Token.Typed.Enqueue("yes 3");
        string save = _terminal.Token.File("shown.csv");

        (int exitCode, string output, string error) = await _terminal.RunAsync("batch", "submit", ScriptedBatch.Id, "--save", save);

        Assert.True(exitCode == 0, error);
        Assert.Contains("张三丰5，某市档案局", output);
        Assert.Contains("person-signing：3 项", output);
        Assert.Contains("提交：3 行，通过 3", output);
        Assert.DoesNotContain("李*", output);
        Approval approval = Der.Decode<Approval>(Ra.Changes.Single().Read<BatchDecisionRequest>().Approval);
        Assert.True(approval.IsSignedByCertificate());
        Assert.Equal((ApprovalStep.Entry, 3), (approval.Tbs.Step, approval.Tbs.Digests.Count));
        Assert.All(applications, each => Assert.True(approval.Tbs.Covers(each.Digest)));
        string[] csv = await File.ReadAllLinesAsync(save, TestContext.Current.CancellationToken);
        Assert.Equal(4, csv.Length);
        Assert.Contains(Convert.ToHexStringLower(applications[2].Digest), csv[3]);
    }

    [Theory]
    [InlineData("yes")]
    [InlineData("yes 2")]
    public async Task AYesThatDoesNotNameTheNumber_IsNone(string typed)
    {
        var batch = new ScriptedBatch(Ra);
        batch.Add(1);
        _terminal.Token.Typed.Enqueue(typed);

        await NotSignedAsync("没有签名", "submit");
    }

    [Fact]
    public async Task AReview_ShowsEachInFull_AndTellsWhatWasRefused()
    {
        var batch = new ScriptedBatch(Ra);
        Application application = batch.Add(1, "submitted");
        batch.Add(2, "submitted");
        batch.Outcomes["review"] = (1, 1);
        batch.Refusals.Add(new BatchRowAnswer { Row = 2, Reason = "不能审核本人录入的业务。" });

        (int exitCode, string output, string error) = await _terminal.RunAsync("batch", "review", ScriptedBatch.Id, "--full", "--yes");

        Assert.True(exitCode == 1, error);
        Assert.Contains("不能审核本人录入的业务。", output);
        Assert.Contains(Convert.ToHexStringLower(application.Digest), output);
        Assert.Equal(ApprovalStep.Review, Der.Decode<Approval>(Ra.Changes.Single().Read<BatchDecisionRequest>().Approval).Tbs.Step);
    }

    [Fact]
    public async Task WhatWasChangedAfterItWasSigned_IsSaid_AndNothingToSignIsNoFault()
    {
        var batch = new ScriptedBatch(Ra);
        batch.Add(1);
        batch.Add(2);
        batch.Outcomes["submission"] = (1, 0);

        (int exitCode, string output, _) = await _terminal.RunAsync("batch", "submit", ScriptedBatch.Id, "--yes");
        Assert.Equal(1, exitCode);
        Assert.Contains("1 项在签名后有变动", output);

        (exitCode, output, string error) = await _terminal.RunAsync("batch", "review", ScriptedBatch.Id, "--yes");
        Assert.True(exitCode == 0, error);
        Assert.Contains("没有可以签署的业务", output);
    }

    [Fact]
    public async Task MoreThanAnApprovalTakes_AreTwo()
    {
        var batch = new ScriptedBatch(Ra) { PageRows = 5000 };
        for (int row = 1; row <= TbsApproval.MaxDigests + 1; row++)
        {
            batch.Add(row);
        }

        batch.Outcomes["submission"] = (TbsApproval.MaxDigests, 0);

        (int exitCode, _, string error) = await _terminal.RunAsync("batch", "submit", ScriptedBatch.Id, "--yes");

        Assert.True(exitCode == 0, error);
        Assert.Equal([TbsApproval.MaxDigests, 1], Ra.Changes.Select(each => Der.Decode<Approval>(each.Read<BatchDecisionRequest>().Approval).Tbs.Digests.Count));
    }

    [Fact]
    public async Task TheRasRefusalOfTheSignature_IsShownAsItIs()
    {
        const string refusal = "区县受理点只受理和发放，不能审核。";
        new ScriptedBatch(Ra).Add(1, "submitted");
        Ra.Answers[$"POST /batches/{ScriptedBatch.Id}/review"] = _ => throw new RefusalException(Refusal.NotAllowed, refusal);

        (int exitCode, _, string error) = await _terminal.RunAsync("batch", "review", ScriptedBatch.Id, "--yes");

        Assert.Equal((1, refusal), (exitCode, error.Trim()));
    }

    /// <summary>A broken RA puts something among the many that does not belong there.</summary>
    [Theory]
    [InlineData("kind")]
    [InlineData("region")]
    [InlineData("body")]
    [InlineData("officer")]
    [InlineData("other")]
    [InlineData("twice")]
    [InlineData("following")]
    public async Task WhatDoesNotBelongToTheBatch_IsNotSigned(string lie)
    {
        var batch = new ScriptedBatch(Ra);
        batch.Add(1);
        switch (lie)
        {
            case "kind":
                batch.Add(2, kind: "revoke", decision: DecisionKind.Revoke);
                break;
            case "region":
                batch.Add(2, region: "350200");
                break;
            case "body":
                batch.Add(2, decision: DecisionKind.Recovery);
                break;
            case "officer":
                batch.Add(2, officer: TestToken.Clerk);
                break;
            case "other":
                batch.Add(2);
                batch.Bend = honest => honest.Row == 2 ? honest with { Application = Der.Encode(ScriptedRa.Application(DecisionKind.Issue, [0x05, 0x00], ScriptedBatch.IdOf(9), ScriptedBatch.Region)) } : honest;
                break;
            case "twice":
                batch.Add(2);
                batch.Bend = honest => honest with { Enrollment = ScriptedBatch.IdOf(1) };
                break;
            default:
                batch.Bend = honest => honest with { Following = honest.Application };
                break;
        }

        await NotSignedAsync("没有签名", "submit", "--yes");
    }

    private async Task NotSignedAsync(string reason, string verb, params string[] arguments)
    {
        (int exitCode, _, string error) = await _terminal.RunAsync(["batch", verb, ScriptedBatch.Id, .. arguments]);

        Assert.Equal(1, exitCode);
        Assert.Contains(reason, error);
        Assert.Empty(Ra.Changes);
    }
}
