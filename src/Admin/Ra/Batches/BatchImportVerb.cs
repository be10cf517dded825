using System.CommandLine;
using ZwCa.Admin.Desk;
using ZwCa.Admin.Token;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;

namespace ZwCa.Admin.Ra;

/// <summary>Applicants from a file: what is wrong with which row, and drafts of the good ones.</summary>
internal static class BatchImportVerb
{
    private const int MaxFileLength = 32 << 20;

    public static Command Import(DeskContext context)
    {
        var file = new Argument<FileInfo>("文件") { Description = "申请人名单（CSV，UTF-8或GB18030，带标题行；docs/IMPORT.md）。" };
        var region = new Option<string?>("--region") { Description = "区域（GB/T 2260），各行都在其中。" };
        var title = new Option<string?>("--title") { Description = "批次名称，便于查找。" };
        var count = new Option<int?>("--rows") { Description = "标题行以外的行数；与文件不符则整体拒绝。" };
        var known = new Option<string?>("--batch") { Description = "接着办理已建立的批次（上次中断，或更正后的文件），代替 --region 和 --title。" };
        var rejects = new Option<FileInfo?>("--rejects") { Description = "未通过的行写入的文件，不得已存在；不写则为 文件.rejected.csv。" };
        var make = new Option<bool>("--make") { Description = "询问之后，为通过检查的各行生成草稿。" };
        var wait = new Option<bool>("--wait") { Description = "也等到草稿生成完毕。" };
        var yes = new Option<bool>("--yes") { Description = "不再询问。" };
        var command = new Command("import", "批量导入：上传名单，等待检查（不改动任何数据），列出各行的问题。各行都通过时退出码为0，有未通过的为1。") { file, region, title, count, known, rejects, make, wait, yes };
        command.Validators.Add(result =>
        {
            bool isNew = result.GetValue(region) is not null && result.GetValue(title) is not null && result.GetValue(known) is null;
            bool isKnown = result.GetValue(known) is { } id && DeskVerbs.IsId(id) && result.GetValue(region) is null && result.GetValue(title) is null && result.GetValue(count) is null;
            if (!isNew && !isKnown)
            {
                result.AddError("请给出 --region 和 --title，或用 --batch 指明已建立的批次（32位小写十六进制数）。");
            }
        });
        context.DoesAll(command, async (session, parsed, cancellationToken) =>
        {
            // Step 1: everything that can be wrong here, before anything is there.
            TextWriter output = parsed.InvocationConfiguration.Output;
            FileInfo list = parsed.GetRequiredValue(file);
            byte[] content = TokenFiles.Read(list.FullName, MaxFileLength);
            FileInfo rejected = parsed.GetValue(rejects) ?? new FileInfo($"{list.FullName}.rejected.csv");
            OutputFile.RequireNew(rejected);

            // Step 2: the batch, and its file where it has not come.
            BatchAnswer batch = parsed.GetValue(known) is { } id
                ? await BatchWork.FindAsync(session, id, cancellationToken)
                : RequireNew(await session.PostAsync<BatchAnswer>(
                    "/batches", new BatchRequest { Kind = "import", Region = parsed.GetValue(region)!, Title = parsed.GetValue(title)!, Rows = parsed.GetValue(count) }, cancellationToken));
            output.WriteLine($"批次编号：{LabelText.Shown(batch.Id)}（中断后接着办理：--batch）");
            batch = await UploadAsync(session, batch, content, parsed.InvocationConfiguration.Error, cancellationToken);

            // Step 3: what the dry run says, and the refused rows as a file to be corrected.
            BatchTaskAnswer check = batch.Tasks.LastOrDefault(task => task.Kind == "checking") ?? throw BatchWork.Unreadable();
            bool isGood = await BatchWork.ReportAsync(session, batch, check, output, cancellationToken);
            BatchTaskAnswer? made = batch.Tasks.FirstOrDefault(task => task.Kind == "making");
            if (!isGood && made is null)
            {
                OutputFile.WriteNew(rejected, await session.GetBytesAsync($"/batches/{batch.Id}/rejects", cancellationToken));
                output.WriteLine($"未通过的行及原因已写入 {rejected.FullName}，更正后可以另行导入。");
            }

            // Step 4: drafts. Some that were made before are told of.
            if (made is not null)
            {
                return await BatchWork.ReportAsync(session, batch, made, output, cancellationToken) && isGood;
            }

            if (!parsed.GetValue(make) || check.Done == 0)
            {
                output.WriteLine(check.Done == 0 ? "没有可以导入的行。" : $"生成草稿：zwca ra batch make {LabelText.Shown(batch.Id)}");
                return isGood;
            }

            return await BatchVerbs.MakeAsync(session, context.Desk, batch, parsed.GetValue(yes), parsed.GetValue(wait), parsed, cancellationToken) && isGood;
        });
        return command;
    }

    /// <summary>What was opened just now has an id.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>.</exception>
    public static BatchAnswer RequireNew(BatchAnswer batch) => DeskVerbs.IsId(batch.Id) ? batch : throw BatchWork.Unreadable();

    /// <returns>The batch once the file was checked.</returns>
    /// <exception cref="RefusalException">The RA's; <see cref="Refusal.Malformed"/>: it has another file.</exception>
    private static async Task<BatchAnswer> UploadAsync(OfficerSession session, BatchAnswer batch, byte[] content, TextWriter error, CancellationToken cancellationToken)
    {
        string hash = Convert.ToHexStringLower(Sm3.HashData(content));
        batch = await BatchWork.UntilIdleAsync(session, batch, error, cancellationToken);
        if (batch.File != hash)
        {
            batch = BatchWork.Require(await session.PutFileAsync<BatchAnswer>($"/batches/{batch.Id}/file", content, "text/csv", cancellationToken), batch.Id);
            batch = await BatchWork.UntilIdleAsync(session, batch, error, cancellationToken);
        }

        return batch.File == hash ? batch : throw new RefusalException(Refusal.Malformed, "RA收到的不是这个文件，请联系管理员。");
    }
}
