using System.CommandLine;
using ZwCa.Admin.Desk;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Ra;

namespace ZwCa.Admin.Ra;

/// <summary>A batch and the subscribers' token: their keys, before it is submitted, and what was issued for them. In the token each enrollment has a container of its own, under its number.</summary>
internal static class BatchTokenVerbs
{
    public static Command Keys(DeskContext context)
    {
        Argument<string> id = BatchVerbs.Id();
        Option<DirectoryInfo> folder = Token();
        var profile = new Option<string?>("--profile") { Description = "只办这一业务类型的草稿。" };
        var kind = new Option<string>("--kind") { Description = "单证书业务的密钥种类；双证书总是SM2。", DefaultValueFactory = _ => "sm2" };
        kind.AcceptOnlyFromAmong("sm2", "p256", "rsa2048");
        var command = new Command(
            "keys", $"为一批中尚无密钥的草稿，在申请人的令牌中各生成一个密钥，并交证书请求。令牌的PIN从终端输入，或放在环境变量 {DeliverVerb.PinVariable} 中。") { id, folder, profile, kind };
        Does(context, command, id, folder, "生成密钥", ["draft", "returned"], async (session, parsed, token, cancellationToken) =>
        {
            EnrollmentProfileAnswer[] profiles = await session.GetAsync<EnrollmentProfileAnswer[]>("/profiles", cancellationToken);
            TokenKeyKind single = parsed.GetRequiredValue(kind) switch { "p256" => TokenKeyKind.P256, "rsa2048" => TokenKeyKind.Rsa2048, _ => TokenKeyKind.Sm2 };
            return async enrollment =>
            {
                if ((parsed.GetValue(profile) ?? enrollment.Profile) != enrollment.Profile || await HasKeyAsync(session, enrollment.Id, cancellationToken))
                {
                    return false;
                }

                bool isPair = profiles.FirstOrDefault(each => each.Name == enrollment.Profile)?.Encryption is not null;
                byte[] csr = Request(token, enrollment.Id, isPair ? TokenKeyKind.Sm2 : single);
                await session.PutAsync<EnrollmentAnswer>($"/enrollments/{enrollment.Id}/csr", new CsrRequest { Version = enrollment.Version, Csr = csr }, cancellationToken);
                return true;
            };
        });
        return command;
    }

    public static Command Deliver(DeskContext context)
    {
        Argument<string> id = BatchVerbs.Id();
        Option<DirectoryInfo> folder = Token();
        var command = new Command("deliver", $"把一批中已签发的证书和加密密钥发放到申请人的令牌，签署并交回回执。令牌的PIN从终端输入，或放在环境变量 {DeliverVerb.PinVariable} 中。") { id, folder };
        Does(context, command, id, folder, "发放", ["issued"], (session, _, token, cancellationToken) =>
        {
            TokenContainer[] containers = [.. token.Containers];
            HashSet<string> names = [.. containers.Select(each => each.Name)];
            var byCertificate = new Dictionary<CertificateName, string>();
            foreach (TokenContainer container in containers)
            {
                if (container.Certificate is { } certificate && PairCertificates.IssuerKeyId(certificate) is { } issuer)
                {
                    byCertificate[new CertificateName(Convert.ToHexStringLower(issuer.Span), certificate.Tbs.SerialNumber.ToString())] = container.Name;
                }
            }

            return Task.FromResult<Func<EnrollmentAnswer, Task<bool>>>(async enrollment =>
            {
                // A renewal is of the key that the certificate before it has.
                string? container = names.Contains(enrollment.Id) ? enrollment.Id : enrollment.Certificate is { } earlier ? byCertificate.GetValueOrDefault(earlier) : null;
                if (container is null)
                {
                    return false;
                }

                await DeliverVerb.HandOutAsync(session, enrollment.Id, new SubscriberDelivery(token, container), cancellationToken);
                return true;
            });
        });
        return command;
    }

    /// <summary>One enrollment after the other; what is refused is said at the end, and the rest is done.</summary>
    /// <param name="states">Of enrollments that it may be about.</param>
    /// <param name="begin">Makes what is done with each: whether there was something to do.</param>
    private static void Does(
        DeskContext context,
        Command command,
        Argument<string> id,
        Option<DirectoryInfo> folder,
        string what,
        string[] states,
        Func<OfficerSession, ParseResult, UnlockedToken, CancellationToken, Task<Func<EnrollmentAnswer, Task<bool>>>> begin) => context.DoesAll(command, async (session, parsed, cancellationToken) =>
    {
        // Step 1: the subscribers' token, before anything is asked for.
        TextWriter output = parsed.InvocationConfiguration.Output;
        using UnlockedToken token = TokenVerbs.Unlock(TokenVerbs.Open(parsed, folder, context.Desk.Token), context.Desk.Token.Pin(DeliverVerb.PinVariable, "请输入申请人令牌的PIN："));

        // Step 2: one after the other.
        BatchRowAnswer[] rows = [.. (await BatchWork.RowsAsync(session, parsed.GetRequiredValue(id), null, cancellationToken)).Where(row => states.Contains(row.State))];
        Func<EnrollmentAnswer, Task<bool>> each = await begin(session, parsed, token, cancellationToken);
        int done = 0;
        var refused = new List<BatchRowAnswer>();
        await ProgressBar.EachAsync(parsed.InvocationConfiguration.Error, what, rows, async row =>
        {
            try
            {
                done += await each(await FindAsync(session, row, cancellationToken)) ? 1 : 0;
            }
            catch (RefusalException e)
            {
                refused.Add(row with { Reason = e.Message });
            }
        });

        // Step 3: what became of them.
        output.WriteLine($"{what}：{done} 项，未办成 {refused.Count} 项，无须或不能在此令牌办理 {rows.Length - done - refused.Count} 项。");
        if (refused.Count > 0)
        {
            BatchText.WriteRows(output, refused);
        }

        return refused.Count == 0;
    });

    private static Option<DirectoryInfo> Token() => new("--token") { Description = "申请人的令牌文件夹。", Required = true };

    private static async Task<EnrollmentAnswer> FindAsync(OfficerSession session, BatchRowAnswer row, CancellationToken cancellationToken)
    {
        string id = row.Enrollment is { } text && DeskVerbs.IsId(text) ? text : throw BatchWork.Unreadable();
        EnrollmentAnswer enrollment = await session.GetAsync<EnrollmentAnswer>($"/enrollments/{id}", cancellationToken);
        return enrollment.Id == id ? enrollment : throw BatchWork.Unreadable();
    }

    /// <summary>Only what has a key comes to an application, and a key that another has made stays.</summary>
    private static async Task<bool> HasKeyAsync(OfficerSession session, string enrollment, CancellationToken cancellationToken)
    {
        try
        {
            await session.GetAsync<ApplicationAnswer>($"/enrollments/{enrollment}/application", cancellationToken);
            return true;
        }
        catch (RefusalException e) when (e.Kind == Refusal.BadCsr)
        {
            return false;
        }
    }

    /// <summary>For the key of the enrollment's container, which is made where it is not there: one that a verb that broke off has made is used.</summary>
    /// <returns>DER.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.BadPublicKey"/>: the container has a key of another kind.</exception>
    private static byte[] Request(UnlockedToken token, string enrollment, TokenKeyKind kind)
    {
        TokenContainer container = token.Find(enrollment) ?? token.CreateContainer(enrollment, kind);
        return container.Kind == kind
            ? Der.Encode(token.CreateRequest(container.Name, Name.Create()))
            : throw new RefusalException(Refusal.BadPublicKey, $"令牌中这项业务的密钥是{TokenOptions.NameOf(container.Kind)}，不是{TokenOptions.NameOf(kind)}。请核对 --kind。");
    }
}
