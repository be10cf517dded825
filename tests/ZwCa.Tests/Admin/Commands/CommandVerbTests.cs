using ZwCa.Admin.Commands;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Officers;
using ZwCa.Tests.Ca.Registrations;

namespace ZwCa.Tests.Admin.Commands;

/// <summary>Officers at their terminals, and a CA that is a real one.</summary>
public sealed class CommandVerbTests(SharedStage shared) : IClassFixture<SharedStage>
{
    private CaStage Stage => shared.Stage;

    [Fact]
    public async Task OneProposes_AnotherIsShownAndApproves()
    {
        using CommandTerminal first = await AdministratorAsync("房玄龄");
        using CommandTerminal second = await AdministratorAsync("杜如晦");
        first.Write("regions.json", """
            [
              // Both of one province.
              {"action": "region.register", "code": "350400", "parent": "350000", "name": "三明市"},
              {"action": "region.register", "code": "350402", "parent": "350400", "name": "梅列区"},
            ]
            """);

        // Without his yes nothing is signed, nothing is sent.
        first.Type("不");
        await first.RefusedAsync("没有签名", "propose", first.File("regions.json"));
        Assert.DoesNotContain("350400", await ListedAsync(second), StringComparison.Ordinal);
        first.Type("yes");
        string proposed = await first.DoneAsync("propose", first.File("regions.json"));
        Assert.Contains("新区域：350400 三明市", proposed, StringComparison.Ordinal);
        string[] ids = CommandTerminal.IdsIn(proposed);
        Assert.Equal(2, ids.Length);
        string list = await second.DoneAsync("list", "--all");
        Assert.All(ids, id => Assert.Contains(id, list, StringComparison.Ordinal));
        Assert.Contains("登记区域", list, StringComparison.Ordinal);

        await first.RefusedAsync("同一人", "approve", ids[0], "--yes");
        second.Type("yes");
        string approved = await second.DoneAsync("approve", ids[0], ids[1]);
        Assert.Contains("房玄龄", approved, StringComparison.Ordinal);
        Assert.Contains("新区域：350402 梅列区", approved, StringComparison.Ordinal);
        Assert.Contains("350402", await first.DoneAsync("directory", "regions"), StringComparison.Ordinal);
        Assert.Contains("已生效", await first.DoneAsync("show", ids[1]), StringComparison.Ordinal);
        await second.RefusedAsync("不能批准", "approve", ids[0], "--yes");
    }

    /// <summary>A new clerk: his token, person, certificates and office, and what is read of him; then he is disabled, and a certificate revoked.</summary>
    [Fact]
    public async Task AnOffice_FromAPersonToItsEnd()
    {
        using CommandTerminal first = await AdministratorAsync("房玄龄");
        using CommandTerminal second = await AdministratorAsync("杜如晦");
        first.MakeToken("li-si", "李四");
        first.Type(CaStage.NewIdNumber().Reveal());
        string person = (await first.DoneAsync("person", "--name", "李四")).Split('：')[1].Trim();
        first.Type(CaStage.NewIdNumber().Reveal());
        await first.RefusedAsync("此人的编号不是", "person", "--name", "李五", "--id", person);
        first.WriteCertificate("ops.pem", Stage.Operations.Certificate!);
        string[] ids = await first.ProposeAsync($$$"""
            [
              {"action": "certificate.order", "region": "350100", "certificate": {
                "profile": "officer", "issuer": "ops.pem", "entity": "{{{person}}}", "request": "li-si.csr", "subject": "serialNumber={{{person}}},CN=李四,O=某省密码管理局", "days": 365,
                "officer": {"person": "{{{person}}}", "role": "业务操作员", "region": "350100"} }},
              {"action": "client.register", "region": "350100", "client": "{{{person}}}", "kind": "officer", "certificate": {
                "profile": "officer-link", "issuer": "system.pem", "entity": "{{{person}}}", "request": "li-si-link.csr", "subject": "serialNumber={{{person}}},CN=李四,O=某省密码管理局", "days": 90}}
            ]
            """);
        await first.RefusedAsync("没有签发证书", "show", ids[0], "--out", first.File("li-si.pem"));
        Assert.Contains("证书已签发", await second.DoneAsync(["approve", .. ids, "--yes"]), StringComparison.Ordinal);
        await first.DoneAsync("show", ids[0], "--out", first.File("li-si.pem"));
        await first.DoneAsync("show", ids[1], "--out", first.File("li-si-link.pem"));
        await first.RefusedAsync("不会被覆盖", "show", ids[1], "--out", first.File("li-si-link.pem"));
        var token = SoftwareToken.Open(first.File("li-si"), TimeProvider.System);
        Certificate officer = Der.Decode<Certificate>(Pem.Decode(Pem.Certificate, first.Read("li-si.pem")));
        token.ImportCertificate("officer", officer);
        token.ImportCertificate("link", Der.Decode<Certificate>(Pem.Decode(Pem.Certificate, first.Read("li-si-link.pem"))));

        await second.DoneAsync("approve", (await first.ProposeAsync("""{"action": "officer.create", "certificate": "li-si.pem"}"""))[0], "--yes");
        Assert.Contains(officer.Tbs.SerialNumber.ToString(), await first.DoneAsync("directory", "officers", "--all", "--json"), StringComparison.Ordinal);
        Assert.Contains(person, await first.DoneAsync("directory", "clients", "--all"), StringComparison.Ordinal);

        // One person may take away.
        string proposed = await DisableAsync(first, officer);
        Assert.Contains("其中 1 项立即生效", proposed, StringComparison.Ordinal);
        Assert.Contains("不须第二人批准，提出后立即生效；不可恢复", proposed, StringComparison.Ordinal);
        Assert.Contains("已生效", proposed, StringComparison.Ordinal);
        Assert.DoesNotContain("待提出人以外", proposed, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RejectedOrWithdrawn_ItIsOver()
    {
        using CommandTerminal first = await AdministratorAsync("房玄龄");
        using CommandTerminal second = await AdministratorAsync("杜如晦");
        const string Region = """{"action": "region.register", "code": "350500", "parent": "350000", "name": "泉州市"}""";
        string[] ids = await first.ProposeAsync(Region);
        await first.RefusedAsync("撤回", "reject", ids[0]);
        Assert.Contains("已驳回", await second.DoneAsync("reject", ids[0]), StringComparison.Ordinal);
        ids = await first.ProposeAsync(Region);
        Assert.Contains("已撤回", await first.DoneAsync("withdraw", ids[0]), StringComparison.Ordinal);
        await second.RefusedAsync("已撤回，不能批准", "approve", ids[0], "--yes");
        Assert.Contains(ids[0], await second.DoneAsync("list", "--state", "withdrawn", "--all"), StringComparison.Ordinal);
    }

    /// <summary>What was proposed before a refusal is proposed; the rest is not, and can be after it was mended.</summary>
    [Fact]
    public async Task OneThatIsRefused_StopsTheRest()
    {
        using CommandTerminal first = await AdministratorAsync("房玄龄");
        const string Good = """{"action": "region.register", "code": "350600", "parent": "350000", "name": "漳州市"}""";
        const string Last = """{"action": "region.register", "code": "350700", "parent": "350000", "name": "南平市"}""";
        first.Write("papers.json", $"[{Good}, {Good.Replace("350600", "360600", StringComparison.Ordinal)}, {Last}]");
        await first.RefusedAsync("用 --from 2 继续", "propose", first.File("papers.json"), "--yes");
        string waiting = await ListedAsync(first);
        Assert.Contains("350600", waiting, StringComparison.Ordinal);
        Assert.DoesNotContain("350700", waiting, StringComparison.Ordinal);
        first.Write("papers.json", $"[{Good}, {Last}]");
        Assert.Single(CommandTerminal.IdsIn(await first.DoneAsync("propose", first.File("papers.json"), "--from", "2", "--yes")));
        await first.RefusedAsync("没有第 3 项", "propose", first.File("papers.json"), "--from", "3", "--yes");
        await first.RefusedAsync("没有第 0 项", "propose", first.File("papers.json"), "--from", "0", "--yes");
    }

    /// <summary>The desk says for whom an officer works: what names another is not signed, whoever shows it.</summary>
    [Fact]
    public async Task WhatIsForAnotherService_IsNotSigned()
    {
        using CommandTerminal first = await AdministratorAsync("房玄龄");
        using CommandTerminal mistaken = await CommandTerminal.CreateAsync(Stage, RoleCatalogue.BusinessAdministrator, CaStage.Province, "杜如晦", "other-ca");
        string[] ids = await first.ProposeAsync("""{"action": "region.register", "code": "350800", "parent": "350000", "name": "龙岩市"}""");
        await mistaken.RefusedAsync("不是这项命令的", "approve", ids[0], "--yes");
        mistaken.Write("papers.json", """{"action": "region.register", "code": "350801", "parent": "350800", "name": "新罗区"}""");
        (int exitCode, _, string error) = await mistaken.RunAsync("propose", mistaken.File("papers.json"), "--yes");
        Assert.Equal(1, exitCode);
        Assert.NotEmpty(error);
        mistaken.Write("zwca-command.json", mistaken.Read("zwca-command.json").Replace("\"service\":\"other-ca\",", "", StringComparison.Ordinal));
        Assert.DoesNotContain("service", mistaken.Read("zwca-command.json"), StringComparison.Ordinal);
        await mistaken.RefusedAsync("没有 service", "approve", ids[0], "--yes");
        mistaken.Write("zwca-command.json", mistaken.Read("zwca-command.json").Replace("\"recipient\"", "\"unknown\":1,\"recipient\"", StringComparison.Ordinal));
        await mistaken.RefusedAsync("unknown", "list");
    }

    /// <summary>Over the old one, for a key of its own; and the token has both.</summary>
    [Fact]
    public async Task ALinkIsRenewed_InTheLastThirdOfItsLife()
    {
        using CommandTerminal early = await AdministratorAsync("房玄龄");
        await early.RefusedAsync("后三分之一", "renew-link", "link-2");
        Assert.DoesNotContain("link-2", SoftwareToken.Open(early.File("token"), TimeProvider.System).ContainerNames);
        using CommandTerminal due = await CommandTerminal.CreateAsync(
            Stage, RoleCatalogue.BusinessAdministrator, CaStage.Province, "杜如晦", linkFrom: DateTimeOffset.UtcNow.AddDays(-70));
        await due.RefusedAsync("已另有用途", "renew-link", "officer");
        Assert.Contains("link-2", await due.DoneAsync("renew-link", "link-2"), StringComparison.Ordinal);
        Assert.True(Link().Tbs.Validity.NotAfter.Value > DateTimeOffset.UtcNow.AddDays(80));
        Assert.Contains("link-2", await due.DoneAsync("renew-link", "link-2", "--out", due.File("link.pem")), StringComparison.Ordinal);
        Assert.Equal(Pem.Encode(Pem.Certificate, Der.Encode(Link())), due.Read("link.pem"));

        // The desk is changed to it, and works.
        due.Write("zwca-command.json", due.Read("zwca-command.json").Replace("\"token\":\"token\"", "\"token\":\"token\",\"linkContainer\":\"link-2\"", StringComparison.Ordinal));
        await due.DoneAsync("list");

        Certificate Link() => SoftwareToken.Open(due.File("token"), TimeProvider.System).Container("link-2").Certificate!;
    }

    [Fact]
    public void WhatIsShown_IsOfTheCommandThatWasAskedFor()
    {
        string id = new('a', 32);
        Application application = StageCommands.Command(OfficerActions.RegisterRegion, "350000", Der.Encode(new RegionEntry("350900", "350000", "宁德市")));
        CommandAnswer answer = Answer(application);
        Assert.Equal(application.Digest, CommandListVerbs.Read(answer, application.EnrollmentId, CaStage.Name).Digest);
        Refused(Refusal.NotApproved, answer, id);
        Refused(Refusal.NotApproved, Answer(new Application(DecisionKind.Revoke, CaStage.Name, CaStage.Name, "350000", id, application.Body)), id);
        Refused(Refusal.NotApproved, Answer(new Application(DecisionKind.Command, CaStage.Name, "ra-35", "350000", id, application.Body)), id);
        Refused(Refusal.Malformed, answer with { Application = [0x30, 0x00] }, id);

        static void Refused(Refusal expected, CommandAnswer answer, string id) =>
            Assert.Equal(expected, Assert.Throws<RefusalException>(() => CommandListVerbs.Read(answer, id, CaStage.Name)).Kind);

        static CommandAnswer Answer(Application application) => new()
        {
            Id = application.EnrollmentId, Action = "x", State = "proposed", Application = Der.Encode(application), Proposal = [], Proposer = "1", ProposedAt = default, ExpiresAt = default,
        };
    }

    /// <summary>A name that stands above a command is of whom who has signed it.</summary>
    [Fact]
    public async Task WhoHasProposed_IsWhoHasSigned()
    {
        using CommandTerminal first = await AdministratorAsync("房玄龄");
        string[] ids = await first.ProposeAsync("""[{"action": "region.register", "code": "351000", "parent": "350000", "name": "甲"}, {"action": "region.register", "code": "351100", "parent": "350000", "name": "乙"}]""");
        CommandAnswer one = await Stage.SecondAdministrator.GetAsync<CommandAnswer>($"/commands/{ids[0]}");
        CommandAnswer other = await Stage.SecondAdministrator.GetAsync<CommandAnswer>($"/commands/{ids[1]}");
        Application application = CommandListVerbs.Read(one, ids[0], CaStage.Name);
        Assert.Contains("房玄龄", CommandListVerbs.Said(one, application), StringComparison.Ordinal);
        Refused(Refusal.BadSignature, one with { Proposal = other.Proposal });
        Approval signed = Der.Decode<Approval>(one.Proposal);
        Refused(Refusal.BadSignature, one with { Proposal = Der.Encode(Approval.Assemble(signed.TbsBytes, signed.Signature, Stage.FirstAdministrator.Certificate)) });
        Refused(Refusal.BadSignature, one with { Proposal = Der.Encode(Stage.Sign(Stage.FirstAdministrator, ApprovalStep.Review, application)) });
        Refused(Refusal.Malformed, one with { Proposal = [0x30, 0x00] });

        void Refused(Refusal expected, CommandAnswer answer) => Assert.Equal(expected, Assert.Throws<RefusalException>(() => CommandListVerbs.Said(answer, application)).Kind);
    }

    /// <summary>Where no answer comes, nobody says that it was refused.</summary>
    [Fact]
    public async Task WithoutAnAnswer_NobodyKnowsWhatBecameOfIt()
    {
        using CommandTerminal first = await AdministratorAsync("房玄龄");
        first.Write("papers.json", """{"action": "region.register", "code": "351200", "parent": "350000", "name": "丙"}""");
        first.Write("zwca-command.json", first.Read("zwca-command.json").Replace(Stage.Address.Port.ToString(System.Globalization.CultureInfo.InvariantCulture), "1", StringComparison.Ordinal));
        await first.RefusedAsync("不知道是否已经办理：先用 zwca command show", "propose", first.File("papers.json"), "--yes");
        await first.RefusedAsync("不知道是否已经办理：请先用", "list");
    }

    [Theory]
    [InlineData("approve", "1234")]
    [InlineData("approve")]
    [InlineData("propose")]
    [InlineData("show", "ABCDEF0123456789ABCDEF0123456789")]
    [InlineData("list", "--state", "gone")]
    [InlineData("person")]
    [InlineData("person", "--name", "李四", "--id", "1234")]
    public void AWrongCommandLine_IsAnError(params string[] arguments) => Assert.NotEmpty(CommandVerbs.Commands().Parse(arguments).Errors);

    private static async Task<string> DisableAsync(CommandTerminal administrator, Certificate officer)
    {
        administrator.Write("papers.json", $$"""{"action": "officer.disable", "region": "350100", "officer": "{{officer.Tbs.SerialNumber}}", "reason": "调离"}""");
        return await administrator.DoneAsync("propose", administrator.File("papers.json"), "--yes");
    }

    private static Task<string> ListedAsync(CommandTerminal terminal) => terminal.DoneAsync("list", "--all");

    private Task<CommandTerminal> AdministratorAsync(string name) => CommandTerminal.CreateAsync(Stage, RoleCatalogue.BusinessAdministrator, CaStage.Province, name);
}
