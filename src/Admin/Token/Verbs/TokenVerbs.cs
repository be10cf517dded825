using System.CommandLine;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;

namespace ZwCa.Admin.Token;

/// <summary>
/// <c>zwca token</c>: what an officer without a USB key uses (docs/TOKEN.md). Read by officers, so in Chinese. What goes wrong is one line on the error output
/// that says what to do, and exit code 1.
/// </summary>
internal static class TokenVerbs
{
    public static Command Token() => Token(TokenDesk.Terminal);

    internal static Command Token(TokenDesk desk) =>
        new("token", "软件令牌：没有USB Key的人员用来保管密钥、申请证书、签名和解密。PIN从终端输入，或放在环境变量 ZWCA_TOKEN_PIN 中。")
        {
            Init(desk),
            Csr(desk),
            TokenImportVerb.Import(desk),
            TokenDecryptVerb.Decrypt(desk),
            TokenSignVerb.Sign(desk),
            TokenListVerb.List(desk),
            ChangePin(desk),
            Export(desk),
        };

    /// <summary>Runs a verb to its exit code.</summary>
    internal static void Does(this Command command, Action<ParseResult> work) => command.SetAction(parsed =>
    {
        try
        {
            work(parsed);
            return 0;
        }
        catch (Exception e) when (e is RefusalException or IOException or UnauthorizedAccessException)
        {
            string message = e is RefusalException ? e.Message : $"文件读写失败，请检查路径、权限和磁盘空间：{e.Message}";
            parsed.InvocationConfiguration.Error.WriteLine(LabelText.Shown(message.ReplaceLineEndings(" ")));
            return 1;
        }
    });

    /// <summary>Opens the token of the command line, and says so where others can read its secrets.</summary>
    internal static SoftwareToken Open(ParseResult parsed, Option<DirectoryInfo> option, TokenDesk desk) =>
        Open(parsed.GetRequiredValue(option).FullName, desk, parsed.InvocationConfiguration.Error);

    /// <inheritdoc cref="Open(ParseResult, Option{DirectoryInfo}, TokenDesk)"/>
    internal static SoftwareToken Open(string folder, TokenDesk desk, TextWriter error)
    {
        var token = SoftwareToken.Open(folder, desk.Time);
        if (token.IsOpenToOthers)
        {
            error.WriteLine($"注意：本机其他用户可以读取令牌文件。请运行 chmod -R go= {token.Folder}");
        }

        return token;
    }

    internal static UnlockedToken Unlock(SoftwareToken token, TokenDesk desk) => Unlock(token, desk.Pin());

    /// <param name="pin">Zeroed here.</param>
    internal static UnlockedToken Unlock(SoftwareToken token, char[] pin)
    {
        try
        {
            return token.Unlock(pin);
        }
        finally
        {
            TokenDesk.Clear(pin);
        }
    }

    private static Command Init(TokenDesk desk)
    {
        Option<DirectoryInfo> folder = TokenOptions.Token();
        var label = new Option<string>("--label") { Description = "令牌名称，1至64个字符，例如持有人姓名。", Required = true };
        var demo = new Option<bool>("--demo") { Description = "演示令牌：私钥可以导出，标记不可去除，不能用于生产。" };
        var command = new Command("init", "新建令牌。") { folder, label, demo };
        command.Does(parsed =>
        {
            LabelText.RequireLabel(parsed.GetRequiredValue(label));
            char[] pin = desk.NewPin(TokenDesk.PinVariable);
            try
            {
                var token = SoftwareToken.Create(parsed.GetRequiredValue(folder).FullName, parsed.GetRequiredValue(label), pin, parsed.GetValue(demo), desk.Time);
                TextWriter output = parsed.InvocationConfiguration.Output;
                output.WriteLine($"令牌“{token.Label}”{(token.IsDemo ? "（演示 DEMO）" : "")}已建立在 {token.Folder}。");
                output.WriteLine("软件令牌不能强制限制PIN的尝试次数：拿到文件夹副本的人可以不断猜测。请使用较长的PIN，妥善保管文件夹；遗失时立即停用并吊销证书。");
            }
            finally
            {
                TokenDesk.Clear(pin);
            }
        });
        return command;
    }

    private static Command Csr(TokenDesk desk)
    {
        Option<DirectoryInfo> folder = TokenOptions.Token();
        Option<string?> name = TokenOptions.Container(required: true);
        var kind = new Option<string?>("--kind") { Description = "密钥种类；新建容器时必须给出，对已有容器再次申请时不写。" };
        kind.AcceptOnlyFromAmong("sm2", "p256", "rsa2048");
        var subject = new Option<string>("--subject") { Description = "主体名称，例如 \"CN=张三,O=某局,C=CN\"。", Required = true };
        var output = new Option<FileInfo?>("--out") { Description = "证书申请（PEM）写入的文件，不得已存在；不写则输出到屏幕。" };
        var command = new Command("csr", "在新容器中生成密钥对，并给出证书申请（PKCS#10）。") { folder, name, kind, subject, output };
        command.Does(parsed =>
        {
            // Step 1: everything that can be wrong, before there is a key.
            SoftwareToken token = Open(parsed, folder, desk);
            string container = LabelText.RequireContainer(parsed.GetValue(name)!);
            Name written = SubjectText.Parse(parsed.GetRequiredValue(subject));
            FileInfo? file = parsed.GetValue(output);
            OutputFile.RequireNew(file);
            bool exists = token.ContainerNames.Contains(container);
            TokenKeyKind? wanted = parsed.GetValue(kind) switch
            {
                "sm2" => TokenKeyKind.Sm2,
                "p256" => TokenKeyKind.P256,
                "rsa2048" => TokenKeyKind.Rsa2048,
                _ => null,
            };
            if (exists && wanted is not null)
            {
                throw new RefusalException(Refusal.Duplicate, $"容器“{container}”已存在，不会被覆盖。请换一个名称；若要用其中已有的密钥再次申请，请去掉 --kind。");
            }

            if (!exists && wanted is null)
            {
                throw new RefusalException(Refusal.NotFound, $"令牌中没有容器“{container}”。新建容器请用 --kind 给出密钥种类：sm2、p256 或 rsa2048。");
            }

            // Step 2: key and request.
            using UnlockedToken unlocked = Unlock(token, desk);
            TokenContainer made = wanted is { } value ? unlocked.CreateContainer(container, value) : token.Container(container);
            string pem = Pem.Encode(Pem.CertificateRequest, Der.Encode(unlocked.CreateRequest(container, written)));

            // Step 3: what was done is said on the error output where the request itself goes to the other.
            TextWriter said = file is null ? parsed.InvocationConfiguration.Error : parsed.InvocationConfiguration.Output;
            said.WriteLine($"容器“{container}”，密钥 {TokenOptions.NameOf(made.Kind)}，公钥指纹（SM3）{made.Fingerprint}");
            said.WriteLine($"申请的主体：{written}");
            if (file is null)
            {
                parsed.InvocationConfiguration.Output.Write(pem);
            }
            else
            {
                OutputFile.WriteNew(file, pem);
                said.WriteLine($"证书申请已写入 {file.FullName}");
            }
        });
        return command;
    }

    private static Command ChangePin(TokenDesk desk)
    {
        Option<DirectoryInfo> folder = TokenOptions.Token();
        var command = new Command("pin", "更换PIN。新PIN从终端输入两次，或放在环境变量 ZWCA_TOKEN_NEW_PIN 中。") { folder };
        command.Does(parsed =>
        {
            SoftwareToken token = Open(parsed, folder, desk);
            char[] pin = desk.Pin();
            char[] newPin = [];
            try
            {
                newPin = desk.NewPin(TokenDesk.NewPinVariable);
                token.ChangePin(pin, newPin);
            }
            finally
            {
                TokenDesk.Clear(pin);
                TokenDesk.Clear(newPin);
            }

            parsed.InvocationConfiguration.Output.WriteLine("PIN已更换。以前复制出去的文件夹仍可用旧PIN打开；若可能已被他人复制，请停用并吊销证书，重新生成密钥。");
        });
        return command;
    }

    private static Command Export(TokenDesk desk)
    {
        Option<DirectoryInfo> folder = TokenOptions.Token();
        Option<string?> name = TokenOptions.Container(required: true);
        Option<FileInfo> output = TokenOptions.File("--out", "私钥（PKCS#8，用PIN加密，PEM）写入的文件，不得已存在。");
        var encryption = new Option<bool>("--encryption") { Description = "导出加密私钥，而不是签名私钥。" };
        Option<string?> serial = TokenOptions.EncryptionSerial("不写则为最近生效的一张；与 --encryption 一起使用。");
        var command = new Command("export", "导出私钥；仅限演示令牌。") { folder, name, output, encryption, serial };
        command.Validators.Add(result =>
        {
            if (result.GetValue(serial) is not null && !result.GetValue(encryption))
            {
                result.AddError("--serial 与 --encryption 须一起使用。");
            }
        });
        command.Does(parsed =>
        {
            SoftwareToken token = Open(parsed, folder, desk);
            string container = token.Container(parsed.GetValue(name)!).Name;
            SerialNumber? which = TokenOptions.ReadSerial(parsed.GetValue(serial));
            OutputFile.RequireNew(parsed.GetRequiredValue(output));
            char[] pin = desk.Pin();
            try
            {
                using UnlockedToken unlocked = token.Unlock(pin);
                string pem = parsed.GetValue(encryption) ? unlocked.ExportEncryptionKey(container, pin, which) : unlocked.ExportPrivateKey(container, pin);
                OutputFile.WriteNew(parsed.GetRequiredValue(output), pem);
            }
            finally
            {
                TokenDesk.Clear(pin);
            }

            parsed.InvocationConfiguration.Output.WriteLine($"私钥已写入 {parsed.GetRequiredValue(output).FullName}，口令即令牌的PIN。");
        });
        return command;
    }
}
