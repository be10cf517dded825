using System.CommandLine;
using Spectre.Console;
using ZwCa.Admin.Desk;
using ZwCa.Admin.Token;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;

namespace ZwCa.Admin.Ra;

/// <summary>Takes an application in, with its evidence, and enters it: all that a clerk does while the applicant is there.</summary>
internal static class SubmitVerb
{
    public static Command Submit(DeskContext context)
    {
        var input = new EnrollmentInput();
        var id = new Option<string?>("--id") { Description = "草稿或被退回的业务编号：接着办理；有新的申请内容则先更改。" };
        id.Validators.Add(result =>
        {
            if (result.GetValue(id) is { } text && !DeskVerbs.IsId(text))
            {
                result.AddError("--id 应为32位小写十六进制数。");
            }
        });
        var evidence = new Option<string[]>("--evidence") { Description = "证明材料（PDF、PNG、JPEG）：标题=文件，或只写文件；可写多个。", AllowMultipleArgumentsPerToken = true };
        var draft = new Option<bool>("--draft") { Description = "只存草稿，不签名、不提交。" };
        Option<bool> yes = DeskVerbs.Yes();
        var command = new Command("submit", "受理一项业务：录入申请、上传证明材料，先用文字说明要签的内容，再签名提交。") { id, evidence, draft, yes };
        input.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetValue(id) is null && !input.IsGiven(result))
            {
                result.AddError("请给出申请内容（--request 或 --kind 等），或用 --id 指明草稿。");
            }
        });
        context.Does(command, async (session, parsed, cancellationToken) =>
        {
            // Step 1: everything that can be wrong here, before anything is there.
            TextWriter output = parsed.InvocationConfiguration.Output;
            EnrollmentRequest? request = input.Read(parsed, context.Desk.Token);
            SubjectPublicKeyInfo? key = EnrollmentInput.KeyOf(request);
            EvidenceFile[] files = [.. (parsed.GetValue(evidence) ?? []).Select(EvidenceFile.Read)];

            // Step 2: the draft.
            EnrollmentAnswer enrollment = await TakeInAsync(session, parsed.GetValue(id), request, cancellationToken);
            output.WriteLine($"业务编号 {LabelText.Shown(enrollment.Id)}，查询号 {LabelText.Shown(enrollment.TrackingNumber)}");

            // Step 3: its evidence. What is there already stays as it is, so that a verb that broke off can be run again.
            EvidenceFile[] missing = [.. files.Where(file => enrollment.Evidence.All(each => each.Hash != HashOf(file)))];
            await UploadAsync(session, enrollment.Id, missing, parsed.InvocationConfiguration.Error, cancellationToken);
            enrollment = missing.Length == 0 ? enrollment : RequireAsked(await session.GetAsync<EnrollmentAnswer>($"/enrollments/{enrollment.Id}", cancellationToken), enrollment.Id, request);
            RequireUploaded(enrollment, files);
            if (parsed.GetValue(draft))
            {
                output.WriteLine($"已存为草稿。继续办理：zwca ra submit --id {LabelText.Shown(enrollment.Id)}");
                return;
            }

            // Step 4: shown, signed, submitted.
            (long version, byte[] approval) = await RaDecision.SignAsync(
                session, context.Desk, enrollment, ApprovalStep.Entry, key, parsed.GetValue(yes), output, cancellationToken);
            enrollment = await session.PostAsync<EnrollmentAnswer>(
                $"/enrollments/{enrollment.Id}/submission", new SubmissionRequest { Version = version, Approval = approval }, cancellationToken);
            output.WriteLine($"已提交，状态：{LabelText.Shown(RaText.State(enrollment.State))}");
        });
        return command;
    }

    /// <exception cref="RefusalException">The RA's; <see cref="Refusal.Malformed"/>: it answered with something else.</exception>
    private static async Task<EnrollmentAnswer> TakeInAsync(OfficerSession session, string? id, EnrollmentRequest? request, CancellationToken cancellationToken)
    {
        EnrollmentAnswer enrollment = id is null
            ? await session.PostAsync<EnrollmentAnswer>("/enrollments", request!, cancellationToken)
            : await session.GetAsync<EnrollmentAnswer>($"/enrollments/{id}", cancellationToken);
        if (id is not null && request is not null)
        {
            enrollment = await session.PutAsync<EnrollmentAnswer>($"/enrollments/{id}", request with { Version = enrollment.Version }, cancellationToken);
        }

        return RequireAsked(enrollment, id, request);
    }

    /// <summary>Each time that the RA shows it, for by what it shows the application is judged.</summary>
    /// <param name="id">Null: a new one.</param>
    /// <param name="request">Null: there is none in hand.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: it is another one.</exception>
    private static EnrollmentAnswer RequireAsked(EnrollmentAnswer enrollment, string? id, EnrollmentRequest? request)
    {
        bool isAsked = request is null
            || (enrollment.Kind == request.Kind && enrollment.Region == request.Region && enrollment.Subscriber.Id == request.Subscriber && enrollment.Days == request.Days
                && enrollment.Certificate == request.Certificate && enrollment.Recipient == request.Recipient && enrollment.RevocationReason == request.RevocationReason
                && enrollment.Departments.SequenceEqual(request.Departments));
        return DeskVerbs.IsId(enrollment.Id) && (id ?? enrollment.Id) == enrollment.Id && isAsked
            ? enrollment
            : throw new RefusalException(Refusal.Malformed, "RA给出的不是所申请的业务，没有签名。请联系管理员。");
    }

    private static async Task UploadAsync(OfficerSession session, string id, EvidenceFile[] files, TextWriter error, CancellationToken cancellationToken)
    {
        // On the error output, which a program that reads the other does not see.
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(error), Ansi = Console.IsErrorRedirected ? AnsiSupport.No : AnsiSupport.Detect });
        await console.Progress().AutoClear(true).StartAsync(async progress =>
        {
            foreach (EvidenceFile file in files)
            {
                ProgressTask task = progress.AddTask(Markup.Escape(LabelText.Shown(file.Title)), maxValue: file.Bytes.Length);
                await session.PostFileAsync<EvidenceAnswer>(DeskVerbs.Query($"/enrollments/{id}/evidence", ("title", file.Title)), file.Bytes, file.MediaType, cancellationToken);
                task.Increment(file.Bytes.Length);
            }
        });
    }

    private static void RequireUploaded(EnrollmentAnswer enrollment, EvidenceFile[] files)
    {
        if (files.FirstOrDefault(file => enrollment.Evidence.All(each => each.Hash != HashOf(file))) is { } lost)
        {
            throw new RefusalException(Refusal.Malformed, $"RA没有收到证明材料“{LabelText.Shown(lost.Title)}”，没有签名。请重新办理。");
        }
    }

    private static string HashOf(EvidenceFile file) => Convert.ToHexStringLower(Sm3.HashData(file.Bytes));
}
