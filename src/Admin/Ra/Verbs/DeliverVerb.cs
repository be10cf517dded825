using System.CommandLine;
using ZwCa.Admin.Desk;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Ra;

namespace ZwCa.Admin.Ra;

/// <summary>Hands out what was issued, to the subscriber's token beside the officer's.</summary>
internal static class DeliverVerb
{
    public const string PinVariable = "ZWCA_SUBSCRIBER_PIN";

    public static Command Deliver(DeskContext context)
    {
        Argument<string> id = DeskVerbs.Id();
        var token = new Option<DirectoryInfo>("--subscriber-token") { Description = "申请人的令牌文件夹。", Required = true };
        var container = new Option<string?>("--subscriber-container") { Description = "申请时所用的容器；只有一个SM2容器时可以不写。" };
        var files = new Option<DirectoryInfo?>("--files") { Description = "不导入令牌，而写入此文件夹（证书、证书链、密钥信封）；导入后用 zwca ra receipt 交回回执。" };
        var command = new Command(
            "deliver", $"发放：申请人的令牌证明持有签名密钥，取得证书和加密密钥，签署回执。其PIN从终端输入，或放在环境变量 {PinVariable} 中。") { id, token, container, files };
        context.Does(command, async (session, parsed, cancellationToken) =>
        {
            // Step 1: the subscriber's token, before anything is asked for.
            string enrollment = parsed.GetRequiredValue(id);
            TextWriter output = parsed.InvocationConfiguration.Output;
            TokenDesk desk = context.Desk.Token;
            SoftwareToken opened = TokenVerbs.Open(parsed, token, desk);
            string name = (parsed.GetValue(container) is { } given ? opened.Container(given) : TokenOptions.ChooseSm2(opened, null)).Name;
            SubscriberDelivery.RequireNew(parsed.GetValue(files));
            using UnlockedToken subscriber = TokenVerbs.Unlock(opened, desk.Pin(PinVariable, "请申请人输入其令牌的PIN："));
            var delivery = new SubscriberDelivery(subscriber, name);

            // Step 2: into files, for a token that is elsewhere.
            if (parsed.GetValue(files) is { } folder)
            {
                DeliveryAnswer answer = await FetchAsync(session, enrollment, delivery, cancellationToken);
                delivery.Write(answer, folder);
                output.WriteLine($"已写入 {folder.FullName}");
                output.WriteLine(answer.Pair?.DeliveryId is { } pair ? $"导入令牌时的编号（--pair）：{LabelText.Shown(pair)}" : "没有加密密钥，无须回执。");
                return;
            }

            // Step 3: or into the token.
            output.WriteLine(await HandOutAsync(session, enrollment, delivery, cancellationToken) is { } state
                ? $"证书和加密密钥已存入令牌，{Received(state)}"
                : "证书已存入令牌，无须回执。");
        });
        return command;
    }

    /// <summary>Into the token, and its receipt to the RA. What broke off is begun anew.</summary>
    /// <returns>State of the enrollment after the receipt. Null: there was nothing to sign for.</returns>
    /// <exception cref="RefusalException">The token's, the RA's; <see cref="Refusal.BadPublicKey"/>: the key in the envelope is not the certificate's.</exception>
    public static async Task<string?> HandOutAsync(OfficerSession session, string enrollment, SubscriberDelivery delivery, CancellationToken cancellationToken)
    {
        SignedReceipt? receipt = delivery.Import(await FetchAsync(session, enrollment, delivery, cancellationToken));
        if (receipt is null)
        {
            return null;
        }

        // Whatever it says: a key that does not fit has to be known.
        EnrollmentAnswer done = await session.PostAsync<EnrollmentAnswer>($"/enrollments/{enrollment}/receipt", new PairReceipt { Receipt = Der.Encode(receipt) }, cancellationToken);
        return receipt.Receipt.Outcome != DeliveryOutcome.KeyMismatch
            ? done.State
            : throw new RefusalException(Refusal.BadPublicKey, "信封中的私钥与加密证书的公钥不符，未导入任何内容；回执已交回，证书将被吊销。请重新申请。");
    }

    public static Command Receipt(DeskContext context)
    {
        Argument<string> id = DeskVerbs.Id();
        Option<FileInfo> file = TokenOptions.File("--receipt", "令牌签署的回执（DER），见 zwca token import。");
        var command = new Command("receipt", "交回由申请人另行导入令牌后签署的回执。") { id, file };
        context.Does(command, async (session, parsed, cancellationToken) =>
        {
            var receipt = new PairReceipt { Receipt = TokenFiles.Read(parsed.GetRequiredValue(file).FullName) };
            EnrollmentAnswer done = await session.PostAsync<EnrollmentAnswer>($"/enrollments/{parsed.GetRequiredValue(id)}/receipt", receipt, cancellationToken);
            parsed.InvocationConfiguration.Output.WriteLine(Received(done.State));
        });
        return command;
    }

    private static string Received(string state) => state == RaText.Issued ? "回执已交回，CA收到后即办结。" : $"回执已交回，状态：{LabelText.Shown(RaText.State(state))}";

    /// <summary>For the key's answer to a challenge.</summary>
    private static async Task<DeliveryAnswer> FetchAsync(OfficerSession session, string enrollment, SubscriberDelivery delivery, CancellationToken cancellationToken)
    {
        DeliveryChallenge challenge = await session.PostAsync<DeliveryChallenge>($"/enrollments/{enrollment}/delivery/challenge", new { }, cancellationToken);
        return await session.PostAsync<DeliveryAnswer>($"/enrollments/{enrollment}/delivery", new DeliveryRequest { Proof = delivery.Prove(enrollment, challenge) }, cancellationToken);
    }
}
