using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using ZwCa.Admin.Token;
using ZwCa.Contracts;

namespace ZwCa.Admin.Ra;

/// <summary>An officer's desk: which RA, and which token he logs in with. A JSON file without secrets; paths in it are relative to it.</summary>
internal sealed record RaSettings
{
    /// <summary>Where it is unless <c>--config</c> says otherwise.</summary>
    public const string Variable = "ZWCA_RA_CONFIG";

    public const string DefaultFile = "zwca-ra.json";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectNullableAnnotations = true };

    /// <summary><c>https://HOST:PORT</c>, by the name in its link certificate.</summary>
    public required string Address { get; init; }

    /// <summary>Where it listens, <c>ADDRESS:PORT</c>, where its name resolves to nothing. Null: where it resolves to.</summary>
    public string? At { get; init; }

    /// <summary>As the RA names itself in messages (<c>Service:Name</c>).</summary>
    public required string Recipient { get; init; }

    /// <summary>PEM: who certifies links.</summary>
    public required string SystemCaFile { get; init; }

    /// <summary>Folder.</summary>
    public required string Token { get; init; }

    /// <summary>Container with the officer's certificate.</summary>
    public string Container { get; init; } = "officer";

    /// <summary>Container with the link's certificate (P-256).</summary>
    public string LinkContainer { get; init; } = "link";

    /// <summary>Where applicants look up their numbers: <c>http://HOST</c>. Null: not told.</summary>
    public string? Tracking { get; init; }

    /// <param name="named">By the command line; null: by the variable, or the file of that name here.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>, <see cref="Refusal.Malformed"/>.</exception>
    public static RaSettings Read(FileInfo? named, Func<string, string?> environment)
    {
        string path = Path.GetFullPath(named?.FullName ?? (environment(Variable) is { Length: > 0 } variable ? variable : DefaultFile));
        RaSettings read;
        try
        {
            read = JsonSerializer.Deserialize<RaSettings>(TokenFiles.Read(path), Json) ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw new RefusalException(Refusal.Malformed, $"配置文件 {path} 有误：{e.Message}", inner: e);
        }

        if (!Uri.TryCreate(read.Address, UriKind.Absolute, out Uri? address) || address.Scheme != Uri.UriSchemeHttps)
        {
            throw new RefusalException(Refusal.Malformed, $"配置文件 {path} 有误：address 应为 https://主机:端口。");
        }

        if (read.At is not null && !IPEndPoint.TryParse(read.At, out _))
        {
            throw new RefusalException(Refusal.Malformed, $"配置文件 {path} 有误：at 应为 IP地址:端口。");
        }

        string folder = Path.GetDirectoryName(path)!;
        return read with { SystemCaFile = Path.Combine(folder, read.SystemCaFile), Token = Path.Combine(folder, read.Token) };
    }
}
