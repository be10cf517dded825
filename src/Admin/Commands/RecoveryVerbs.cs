using System.CommandLine;
using ZwCa.Admin.Desk;
using ZwCa.Admin.Token;
using ZwCa.Contracts;
using ZwCa.Contracts.Kmc;

namespace ZwCa.Admin.Commands;

/// <summary>At a KMC, before and after a judicial recovery is ordered (docs/KEY-RECOVERY.md): what its case has to name, and what came of it.</summary>
internal static class RecoveryVerbs
{
    public static Command EscrowedKey(DeskContext context)
    {
        var ca = new Option<string>("--ca") { Description = "密钥管理中心所知的CA名称。", Required = true };
        var serial = new Option<string>("--serial") { Description = "加密证书的序列号，十六进制。", Required = true };
        Option<bool> json = DeskVerbs.Json();
        var command = new Command("escrowed-key", "在密钥管理中心查一把托管密钥：司法恢复的案件要写明其分区和密钥编号。") { ca, serial, json };
        context.Does(command, async (session, parsed, cancellationToken) =>
        {
            TextWriter output = parsed.InvocationConfiguration.Output;
            string query = DeskVerbs.Query("/escrowed-keys", ("ca", parsed.GetRequiredValue(ca)), ("serial", parsed.GetRequiredValue(serial)));
            DeskVerbs.Write(output, parsed.GetValue(json), await session.GetAsync<EscrowedKeyAnswer>(query, cancellationToken), key =>
            {
                output.WriteLine($"分区：{LabelText.Shown(key.Partition)}");
                output.WriteLine($"密钥：{LabelText.Shown(key.KeyId)}，{LabelText.Shown(key.State)}");
            });
        });
        return command;
    }

    public static Command Recovery(DeskContext context)
    {
        Argument<string> id = DeskVerbs.Id("司法恢复");
        var file = new Option<FileInfo?>("--out") { Description = "把交给接收方的信封（SM2EnvelopedKey，DER）写入此文件，不得已存在。每次取得都记入日志。" };
        var command = new Command("judicial-recovery", "在密钥管理中心查一项司法恢复的结果；编号即其命令的编号。") { id, file };
        context.Does(command, async (session, parsed, cancellationToken) =>
        {
            OutputFile.RequireNew(parsed.GetValue(file));
            JudicialRecoveryAnswer answer = await session.GetAsync<JudicialRecoveryAnswer>($"/judicial-recoveries/{parsed.GetRequiredValue(id)}", cancellationToken);
            TextWriter output = parsed.InvocationConfiguration.Output;
            output.WriteLine($"状态：{State(answer.State)}{(answer.Detail is null ? "" : $"，{LabelText.Shown(answer.Detail)}")}；密钥 {LabelText.Shown(answer.KeyId)}；期限 {DeskText.Time(answer.NotAfter)}");
            if (parsed.GetValue(file) is { } to)
            {
                OutputFile.WriteNew(to, answer.Envelope ?? throw new RefusalException(Refusal.WrongState, "没有信封：尚未恢复、被拒绝、已到期，或您不是管理人员。"));
                output.WriteLine($"信封已写入 {to.FullName}");
            }
        });
        return command;
    }

    private static string State(string state) => state switch
    {
        "Ordered" => "已下令",
        "Delivered" => "已恢复",
        "Refused" => "被拒绝",
        "Erased" => "已到期",
        _ => LabelText.Shown(state),
    };
}
