using System.CommandLine;
using System.Security.Cryptography;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Admin.Token;

/// <summary>Decrypts a file with an encryption key of a container.</summary>
internal static class TokenDecryptVerb
{
    public static Command Decrypt(TokenDesk desk)
    {
        Option<DirectoryInfo> folder = TokenOptions.Token();
        Option<string?> name = TokenOptions.Container(required: false);
        Option<FileInfo> input = TokenOptions.File("--in", "密文：SM2密文（DER），或以SM4加密的数字信封（GM/T 0010，DER）。");
        var output = new Option<FileInfo?>("--out") { Description = "明文写入的文件，不得已存在，只有本人可读；不写则输出到标准输出。" };
        Option<string?> serial = TokenOptions.EncryptionSerial("不写则逐一试用容器中的全部加密密钥。");
        var command = new Command("decrypt", "用容器的加密私钥解密文件。") { folder, name, input, output, serial };
        command.Does(parsed =>
        {
            // Step 1: everything that can be wrong without the PIN.
            SoftwareToken token = TokenVerbs.Open(parsed, folder, desk);
            FileInfo? file = parsed.GetValue(output);
            OutputFile.RequireNew(file);
            SerialNumber? which = TokenOptions.ReadSerial(parsed.GetValue(serial));
            TokenContainer container = TokenOptions.ChooseSm2(token, parsed.GetValue(name));
            UnlockedToken.RequireEncryption(container, which);
            Ciphertext cipher = InputFile.ReadCiphertext(parsed.GetRequiredValue(input));

            // Step 2: the plaintext, and where it goes.
            using UnlockedToken unlocked = TokenVerbs.Unlock(token, desk);
            byte[] plaintext = unlocked.Decrypt(container.Name, cipher, which);
            try
            {
                if (file is null)
                {
                    using Stream stream = Console.OpenStandardOutput();
                    stream.Write(plaintext);
                }
                else
                {
                    OutputFile.WriteNew(file, plaintext);
                    parsed.InvocationConfiguration.Output.WriteLine($"明文已写入 {file.FullName}");
                }
            }
            finally
            {
                CryptographicOperations.ZeroMemory(plaintext);
            }
        });
        return command;
    }
}
