using System.CommandLine;

namespace ZwCa.Admin.Token;

/// <summary>Options that several verbs have, so that they are called alike.</summary>
internal static class TokenOptions
{
    public static Option<DirectoryInfo> Token() => new("--token") { Description = "令牌文件夹。", Required = true };

    public static Option<string?> Container(bool required) => new("--container")
    {
        Description = required ? "容器名称。" : "容器名称；只有一个合适的容器时可以不写。",
        Required = required,
    };

    public static Option<FileInfo> File(string name, string description) => new(name) { Description = description, Required = true };

    public static string NameOf(TokenKeyKind kind) => kind switch
    {
        TokenKeyKind.Sm2 => "SM2",
        TokenKeyKind.P256 => "P-256",
        _ => "RSA-2048",
    };
}
