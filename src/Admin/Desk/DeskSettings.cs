using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using ZwCa.Admin.Token;
using ZwCa.Contracts;

namespace ZwCa.Admin.Desk;

/// <summary>An officer's desk: which service, and which token he logs in with. A JSON file without secrets; paths in it are relative to it.</summary>
internal sealed record DeskSettings
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectNullableAnnotations = true };

    /// <summary><c>https://HOST:PORT</c>, by the name in its link certificate.</summary>
    public required string Address { get; init; }

    /// <summary>Where it listens, <c>ADDRESS:PORT</c>, where its name resolves to nothing. Null: where it resolves to.</summary>
    public string? At { get; init; }

    /// <summary>As the service names itself in messages (<c>Service:Name</c>).</summary>
    public required string Recipient { get; init; }

    /// <summary>Whom officers' commands name: a CA (<c>Ca:Name</c>) or a KMC (<c>Kmc:Name</c>). Null: this desk proposes none.</summary>
    public string? Service { get; init; }

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

    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>, <see cref="Refusal.Malformed"/>.</exception>
    public static DeskSettings Read(string file)
    {
        string path = Path.GetFullPath(file);
        DeskSettings read;
        try
        {
            read = JsonSerializer.Deserialize<DeskSettings>(InputFile.ReadText(path), Json) ?? throw new JsonException("null");
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
