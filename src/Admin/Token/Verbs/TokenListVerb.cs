using System.CommandLine;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Unicode;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;

namespace ZwCa.Admin.Token;

/// <summary>What is in a token, without its PIN. A damaged container hides none of the others.</summary>
internal static class TokenListVerb
{
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.Create(UnicodeRanges.All) };

    public static Command List(TokenDesk desk)
    {
        Option<DirectoryInfo> folder = TokenOptions.Token();
        var json = new Option<bool>("--json") { Description = "以JSON输出。" };
        var command = new Command("list", "列出容器、密钥和证书。不需要PIN。") { folder, json };
        command.Does(parsed =>
        {
            SoftwareToken token = TokenVerbs.Open(parsed, folder, desk);
            TextWriter output = parsed.InvocationConfiguration.Output;
            Looked[] all = [.. token.ContainerNames.Select(name => Look(token, name))];
            if (parsed.GetValue(json))
            {
                output.WriteLine(Json(token, all).ToJsonString(Readable));
            }
            else
            {
                Print(token, all, output);
            }

            if (all.Where(each => each.Damage is not null).ToArray() is [var first, ..] damaged)
            {
                throw new RefusalException(Refusal.WrongState, $"令牌中有 {damaged.Length} 个容器已损坏：{first.Damage}");
            }
        });
        return command;
    }

    private static Looked Look(SoftwareToken token, string name)
    {
        try
        {
            TokenContainer container = token.Container(name);
            return new Looked(name, container, container.EncryptionPairs(), null);
        }
        catch (RefusalException e)
        {
            return new Looked(name, null, [], e.Message);
        }
    }

    private static void Print(SoftwareToken token, IEnumerable<Looked> all, TextWriter output)
    {
        output.WriteLine($"令牌“{token.Label}”{(token.IsDemo ? "（演示 DEMO）" : "")}  {token.Folder}");
        foreach ((string name, TokenContainer? container, IReadOnlyList<TokenPair> encryption, string? damage) in all)
        {
            output.WriteLine($"容器 {LabelText.Shown(name)}");
            if (container is null)
            {
                output.WriteLine($"  损坏：{LabelText.Shown(damage!)}");
                continue;
            }

            output.WriteLine($"  密钥：{TokenOptions.NameOf(container.Kind)}，公钥指纹（SM3）{container.Fingerprint}");
            output.WriteLine(container.Certificate is { } signing ? $"  证书：{Describe(signing)}" : "  证书：还没有");
            foreach (TokenPair pair in encryption)
            {
                output.WriteLine($"  加密密钥：SM2，公钥指纹（SM3）{TokenContainer.FingerprintOf(pair.PublicKey)}");
                output.WriteLine($"  加密证书：{Describe(pair.Certificate!)}");
            }
        }
    }

    private static string Describe(Certificate certificate) =>
        $"{certificate.Tbs.Subject}\n        序列号 {certificate.Tbs.SerialNumber}，有效期 {LabelText.Shown(certificate.Tbs.Validity)}";

    private static JsonObject Json(SoftwareToken token, IEnumerable<Looked> all) => new()
    {
        ["label"] = token.Label,
        ["demo"] = token.IsDemo,
        ["containers"] = new JsonArray([.. all.Select(each => new JsonObject
        {
            ["name"] = each.Name,
            ["kind"] = each.Container?.Kind.ToString().ToLowerInvariant(),
            ["fingerprint"] = each.Container?.Fingerprint,
            ["certificate"] = each.Container?.Certificate is { } certificate ? Json(certificate) : null,
            ["encryption"] = new JsonArray([.. each.Encryption.Select(pair => new JsonObject
            {
                ["fingerprint"] = TokenContainer.FingerprintOf(pair.PublicKey),
                ["certificate"] = Json(pair.Certificate!),
            })]),
            ["damage"] = each.Damage,
        })]),
    };

    private static JsonObject Json(Certificate certificate) => new()
    {
        ["subject"] = certificate.Tbs.Subject.ToString(),
        ["serial"] = certificate.Tbs.SerialNumber.ToString(),
        ["notBefore"] = Iso(certificate.Tbs.Validity.NotBefore),
        ["notAfter"] = Iso(certificate.Tbs.Validity.NotAfter),
    };

    private static string Iso(Time time) => time.Value.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <param name="Container">Null: it, or one of its pairs, is damaged.</param>
    private sealed record Looked(string Name, TokenContainer? Container, IReadOnlyList<TokenPair> Encryption, string? Damage);
}
