using System.CommandLine;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;

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

    public static Option<string?> EncryptionSerial(string otherwise) => new("--serial") { Description = $"加密证书的序列号（小写十六进制）；{otherwise}" };

    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>.</exception>
    public static SerialNumber? ReadSerial(string? text) =>
        text is null ? null
        : SerialNumber.TryParse(text, out SerialNumber? serial) ? serial
        : throw new RefusalException(Refusal.Malformed, $"“{LabelText.Shown(text)}”不是序列号。序列号是偶数位小写十六进制数字，见 zwca token list。");

    /// <summary>The one that is named, or the only one with an SM2 key.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>, <see cref="Refusal.Malformed"/> (there are several), <see cref="Refusal.WrongState"/> (damaged).</exception>
    public static TokenContainer ChooseSm2(SoftwareToken token, string? name)
    {
        if (name is not null)
        {
            return token.Container(name);
        }

        TokenContainer[] fitting = [.. token.ContainerNames.Select(token.Container).Where(each => each.Kind == TokenKeyKind.Sm2)];
        return fitting switch
        {
            [TokenContainer one] => one,
            [] => throw new RefusalException(Refusal.NotFound, "令牌中没有SM2容器。请先用 zwca token csr 新建。"),
            _ => throw new RefusalException(Refusal.Malformed, $"令牌中有多个SM2容器，请用 --container 指明：{string.Join("、", fitting.Select(each => each.Name))}。"),
        };
    }

    public static string NameOf(TokenKeyKind kind) => kind switch
    {
        TokenKeyKind.Sm2 => "SM2",
        TokenKeyKind.P256 => "P-256",
        _ => "RSA-2048",
    };
}
