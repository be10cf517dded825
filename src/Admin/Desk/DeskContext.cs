using System.CommandLine;
using System.Security.Cryptography;
using System.Text.Json;
using ZwCa.Admin.Token;
using ZwCa.Contracts;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.Admin.Desk;

/// <summary>What all verbs of officers at one kind of service share.</summary>
internal sealed class DeskContext
{
    private readonly string _service;
    private readonly string _unknown;
    private readonly string _variable;
    private readonly string _defaultFile;

    /// <param name="verb">Which has these verbs below it: <c>ra</c>; variable and file of the settings are named after it.</param>
    /// <param name="service">For officers to read: RA.</param>
    /// <param name="unknown">What to do where an answer did not come, in Chinese.</param>
    public DeskContext(OfficerDesk desk, string verb, string service, string unknown)
    {
        Desk = desk;
        _service = service;
        _unknown = unknown;
        _variable = $"ZWCA_{verb.ToUpperInvariant()}_CONFIG";
        _defaultFile = $"zwca-{verb}.json";
        Config = new Option<FileInfo?>("--config")
        {
            Description = $"工作台配置（JSON）：{service}地址、令牌文件夹。不写则取环境变量 {_variable}，再取当前文件夹中的 {_defaultFile}。",
            Recursive = true,
        };
    }

    public OfficerDesk Desk { get; }

    /// <summary>Where the settings are.</summary>
    public Option<FileInfo?> Config { get; }

    public DeskSettings Settings(ParseResult parsed) =>
        DeskSettings.Read(parsed.GetValue(Config)?.FullName ?? (Desk.Token.Environment(_variable) is { Length: > 0 } variable ? variable : _defaultFile));

    /// <summary>Runs a verb of an officer who logs in, to its exit code.</summary>
    /// <param name="unknown">What to do where an answer did not come; null: as of the others.</param>
    public void Does(Command command, Func<OfficerSession, ParseResult, CancellationToken, Task> work, string? unknown = null) => Does(command, static _ => true, (session, _, parsed, cancellationToken) => work(session, parsed, cancellationToken), unknown);

    /// <summary>Likewise, where something is read before he has to log in for it.</summary>
    public void Does<T>(Command command, Func<ParseResult, T> read, Func<OfficerSession, T, ParseResult, CancellationToken, Task> work, string? unknown = null) => Run(
        command,
        async (parsed, cancellationToken) =>
        {
            T input = read(parsed);
            using OfficerSession session = OfficerSession.Open(Settings(parsed), Desk, parsed.InvocationConfiguration.Error);
            await work(session, input, parsed, cancellationToken);
            return true;
        },
        unknown);

    /// <summary>Likewise, where a part may have been refused while the rest was done: it has been said, and the exit code is 1.</summary>
    /// <param name="work">Whether all was done.</param>
    public void DoesAll(Command command, Func<OfficerSession, ParseResult, CancellationToken, Task<bool>> work) => Run(command, async (parsed, cancellationToken) =>
    {
        using OfficerSession session = OfficerSession.Open(Settings(parsed), Desk, parsed.InvocationConfiguration.Error);
        return await work(session, parsed, cancellationToken);
    });

    /// <summary>Runs a verb that needs no login, to its exit code.</summary>
    public void DoesPublicly(Command command, Func<ParseResult, CancellationToken, Task> work) => Run(command, async (parsed, cancellationToken) =>
    {
        await work(parsed, cancellationToken);
        return true;
    });

    private void Run(Command command, Func<ParseResult, CancellationToken, Task<bool>> work, string? unknown = null) => command.SetAction(async (parsed, cancellationToken) =>
    {
        try
        {
            return await work(parsed, cancellationToken) ? 0 : 1;
        }
        catch (Exception e) when (Explain(e, unknown ?? _unknown, cancellationToken.IsCancellationRequested) is { } message)
        {
            await parsed.InvocationConfiguration.Error.WriteLineAsync(LabelText.Shown(message.ReplaceLineEndings(" ")));
            return 1;
        }
    });

    private string? Explain(Exception e, string unknown, bool isInterrupted) => e switch
    {
        RefusalException => e.Message,
        _ when isInterrupted => $"已中断，不知道是否已经办理：{unknown}。",
        UnexpectedResponseException unexpected => $"{_service}的应答无法识别（HTTP {unexpected.Status}，请求编号 {unexpected.RequestId ?? "未知"}），请联系管理员。",
        JsonException => $"{_service}的应答无法识别，请联系管理员。",
        HttpRequestException => $"无法连接，不知道是否已经办理：{unknown}。{e.InnerException?.Message ?? e.Message}",
        OperationCanceledException => $"没有在规定时间内应答，不知道是否已经办理：{unknown}。",
        CryptographicException or LinkCertificateException => $"证书或密钥不能使用：{e.Message}",
        IOException or UnauthorizedAccessException => $"文件读写失败，请检查路径、权限和磁盘空间：{e.Message}",
        _ => null,
    };
}
