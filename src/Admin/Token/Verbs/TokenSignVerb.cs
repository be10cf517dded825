using System.CommandLine;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;

namespace ZwCa.Admin.Token;

/// <summary>Signs approvals and statements, each after it was shown in words. Bare digests are never signed.</summary>
internal static class TokenSignVerb
{
    private const string Entry = "entry";
    private const string Review = "review";

    public static Command Sign(TokenDesk desk)
    {
        Option<DirectoryInfo> folder = TokenOptions.Token();
        Option<string?> name = TokenOptions.Container(required: false);
        var applications = new Option<FileInfo[]>("--application") { Description = "要审批的业务申请（DER），可写多个。", AllowMultipleArgumentsPerToken = true };
        var step = new Option<string?>("--step") { Description = "审批环节：entry 录入，review 审核。" };
        step.AcceptOnlyFromAmong(Entry, Review);
        var statement = new Option<FileInfo?>("--statement") { Description = "要签署的声明：文件的全部字节。" };
        Option<FileInfo> output = TokenOptions.File("--out", "签名结果（DER）写入的文件，不得已存在。");
        var yes = new Option<bool>("--yes") { Description = "不再询问是否同意；内容照样显示，PIN照样需要。" };
        var command = new Command("sign", "先用文字说明要签的内容，再签署审批意见或声明。") { folder, name, applications, step, statement, output, yes };
        command.Validators.Add(result =>
        {
            bool approves = result.GetValue(applications) is { Length: > 0 };
            if (approves == result.GetValue(statement) is not null)
            {
                result.AddError("请在 --application 与 --statement 中选用一个。");
            }
            else if (approves != result.GetValue(step) is not null)
            {
                result.AddError("--step 与 --application 须一起使用。");
            }
        });
        command.Does(parsed =>
        {
            SoftwareToken token = TokenVerbs.Open(parsed, folder, desk);
            OutputFile.RequireNew(parsed.GetRequiredValue(output));
            TokenContainer container = TokenOptions.ChooseSm2(token, parsed.GetValue(name));
            TextWriter shown = parsed.InvocationConfiguration.Output;
            byte[] signed = parsed.GetValue(statement) is { } file
                ? SignStatement(InputFile.ReadStatement(file), file)
                : SignApproval(parsed.GetValue(applications)!, parsed.GetValue(step) == Entry ? ApprovalStep.Entry : ApprovalStep.Review);
            OutputFile.WriteNew(parsed.GetRequiredValue(output), signed);
            shown.WriteLine($"已签名，写入 {parsed.GetRequiredValue(output).FullName}");

            byte[] SignApproval(FileInfo[] files, ApprovalStep which)
            {
                UnlockedToken.RequireOfficerKey(container, desk.Time.GetUtcNow());
                Application[] read = ReadApplications(files);
                shown.WriteLine($"将以{(which == ApprovalStep.Entry ? "录入" : "审核")}人身份同意下列 {read.Length} 项申请：");
                for (int i = 0; i < read.Length; i++)
                {
                    shown.WriteLine($"[{i + 1}] {LabelText.Shown(files[i].Name)}");
                    shown.Write(DecisionText.Describe(read[i]));
                }

                using UnlockedToken unlocked = Agreed();
                return Der.Encode(unlocked.SignApproval(container.Name, which, read));
            }

            byte[] SignStatement(byte[] content, FileInfo from)
            {
                UnlockedToken.RequireSm2(container);
                string words = StatementText.Describe(content);
                shown.WriteLine($"将签署声明 {LabelText.Shown(from.Name)}：");
                shown.Write(words);
                using UnlockedToken unlocked = Agreed();
                return Der.Encode(unlocked.SignStatement(container.Name, content));
            }

            UnlockedToken Agreed()
            {
                shown.WriteLine($"签名密钥：令牌“{token.Label}”{(token.IsDemo ? "（演示 DEMO）" : "")}，容器“{LabelText.Shown(container.Name)}”，公钥指纹（SM3）{container.Fingerprint}");
                if (container.Certificate is { } certificate)
                {
                    shown.WriteLine($"签名人：{certificate.Tbs.Subject}{Identity(certificate)}");
                }

                if (!parsed.GetValue(yes))
                {
                    desk.Confirm();
                }

                return TokenVerbs.Unlock(token, desk);
            }
        });
        return command;
    }

    private static string Identity(Asn1.Pkix.Certificate certificate)
    {
        try
        {
            return DecisionText.Officer(certificate) is { } officer ? $"，{LabelText.Shown(officer)}" : "（证书中没有人员身份）";
        }
        catch (DerException)
        {
            return "（证书中的人员身份已损坏）";
        }
    }

    private static Application[] ReadApplications(FileInfo[] files)
    {
        if (files.Length > TbsApproval.MaxDigests)
        {
            throw new RefusalException(Refusal.TooLarge, $"一次最多审批{TbsApproval.MaxDigests}项申请，请分批签署。");
        }

        Application[] read = [.. files.Select(InputFile.ReadApplication)];
        return read.DistinctBy(each => Convert.ToHexString(each.Digest)).Count() == read.Length
            ? read
            : throw new RefusalException(Refusal.Duplicate, "同一申请给出了不止一次，请核对文件。");
    }
}
