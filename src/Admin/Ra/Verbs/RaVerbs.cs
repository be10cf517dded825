using System.CommandLine;
using System.Security.Cryptography;
using System.Text.Json;
using ZwCa.Admin.Crls;
using ZwCa.Admin.Token;
using ZwCa.Contracts;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.Admin.Ra;

/// <summary>
/// <c>zwca ra</c>: an officer of an RA at a terminal, over its REST API, with his token for the link, for his messages and for his decisions (docs/API.md). In Chinese. Exit codes: 0 done; 1 refused or failed,
/// the reason on the error output, a refusal of the RA unchanged; 2 the command line is wrong.
/// </summary>
internal static class RaVerbs
{
    public static Command Ra() => Ra(RaDesk.Terminal);

    internal static Command Ra(RaDesk desk)
    {
        var config = new Option<FileInfo?>("--config")
        {
            Description = $"工作台配置（JSON）：RA地址、令牌文件夹。不写则取环境变量 {RaSettings.Variable}，再取当前文件夹中的 {RaSettings.DefaultFile}。",
            Recursive = true,
        };
        var context = new RaContext(desk, config);
        return new Command("ra", "RA业务：受理、审核、发放。用令牌登录和签名；PIN从终端输入，或放在环境变量 ZWCA_TOKEN_PIN 中。")
        {
            config,
            ListVerbs.Profiles(context),
            SubscriberVerbs.Subscriber(context),
            SubmitVerb.Submit(context),
            ListVerbs.List(context),
            ListVerbs.Show(context),
            ReviewVerb.Review(context),
            DeliverVerb.Deliver(context),
            DeliverVerb.Receipt(context),
            EndVerbs.Cancel(context),
            EndVerbs.Archive(context),
            TrackVerb.Track(context),
            BatchVerbs.Batch(context),
        };
    }

    internal static Option<bool> Json() => new("--json") { Description = "以JSON输出。" };

    internal static Option<bool> Yes() => new("--yes") { Description = "不再询问是否同意；内容照样显示，PIN照样需要。" };

    /// <param name="of">What it is the number of.</param>
    internal static Argument<string> Id(string of = "业务")
    {
        var id = new Argument<string>("ID") { Description = $"{of}编号：32位小写十六进制。" };
        id.Validators.Add(result =>
        {
            if (result.GetValue(id) is not { } text || !IsId(text))
            {
                result.AddError("ID 应为32位小写十六进制数。");
            }
        });
        return id;
    }

    internal static bool IsId(string text) => text.Length == 32 && text.All(char.IsAsciiHexDigitLower);

    /// <summary>The rows of an address, of those that are given.</summary>
    internal static string Query(string path, params (string Name, string? Value)[] parts)
    {
        string query = string.Join('&', parts.Where(part => part.Value is not null).Select(part => $"{part.Name}={Uri.EscapeDataString(part.Value!)}"));
        return query.Length == 0 ? path : $"{path}?{query}";
    }

    /// <summary>As JSON, or in words.</summary>
    internal static void Write<T>(TextWriter output, bool asJson, T answer, Action<T> inWords)
        where T : notnull
    {
        if (asJson)
        {
            ShownJson.Write(output, answer);
        }
        else
        {
            inWords(answer);
        }
    }
}

/// <summary>What all verbs of an RA share.</summary>
internal sealed record RaContext(RaDesk Desk, Option<FileInfo?> Config)
{
    public RaSettings Settings(ParseResult parsed) => RaSettings.Read(parsed.GetValue(Config), Desk.Token.Environment);

    /// <summary>Runs a verb of an officer who logs in, to its exit code.</summary>
    public void Does(Command command, Func<RaSession, ParseResult, CancellationToken, Task> work) => DoesAll(command, async (session, parsed, cancellationToken) =>
    {
        await work(session, parsed, cancellationToken);
        return true;
    });

    /// <summary>Likewise, where a part may have been refused while the rest was done: it has been said, and the exit code is 1.</summary>
    /// <param name="work">Whether all was done.</param>
    public void DoesAll(Command command, Func<RaSession, ParseResult, CancellationToken, Task<bool>> work) => Run(command, async (parsed, cancellationToken) =>
    {
        using RaSession session = RaSession.Open(Settings(parsed), Desk, parsed.InvocationConfiguration.Error);
        return await work(session, parsed, cancellationToken);
    });

    /// <summary>Runs a verb that needs no login, to its exit code.</summary>
    public void DoesPublicly(Command command, Func<ParseResult, CancellationToken, Task> work) => Run(command, async (parsed, cancellationToken) =>
    {
        await work(parsed, cancellationToken);
        return true;
    });

    private static void Run(Command command, Func<ParseResult, CancellationToken, Task<bool>> work) => command.SetAction(async (parsed, cancellationToken) =>
    {
        try
        {
            return await work(parsed, cancellationToken) ? 0 : 1;
        }
        catch (Exception e) when ((cancellationToken.IsCancellationRequested ? Interrupted : Explain(e)) is { } message)
        {
            await parsed.InvocationConfiguration.Error.WriteLineAsync(LabelText.Shown(message.ReplaceLineEndings(" ")));
            return 1;
        }
    });

    private const string Interrupted = "已中断，不知道是否已经办理：请先用 zwca ra list 查看。";

    private static string? Explain(Exception e) => e switch
    {
        RefusalException => e.Message,
        UnexpectedResponseException unexpected => $"RA的应答无法识别（HTTP {unexpected.Status}，请求编号 {unexpected.RequestId ?? "未知"}），请联系管理员。",
        JsonException => "RA的应答无法识别，请联系管理员。",
        HttpRequestException => $"无法连接，不知道是否已经办理：请先用 zwca ra list 查看。{e.InnerException?.Message ?? e.Message}",
        OperationCanceledException => "没有在规定时间内应答，不知道是否已经办理：请先用 zwca ra list 查看。",
        CryptographicException or LinkCertificateException => $"证书或密钥不能使用：{e.Message}",
        IOException or UnauthorizedAccessException => $"文件读写失败，请检查路径、权限和磁盘空间：{e.Message}",
        _ => null,
    };
}
