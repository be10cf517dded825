using System.CommandLine;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;

namespace ZwCa.Admin.Token;

/// <summary>Takes what was issued: one certificate, or a pair with the envelope of its encryption key, for which the token signs a receipt.</summary>
internal static class TokenImportVerb
{
    public static Command Import(TokenDesk desk)
    {
        Option<DirectoryInfo> folder = TokenOptions.Token();
        Option<string?> name = TokenOptions.Container(required: false);
        Option<FileInfo> file = TokenOptions.File("--certificate", "签发的证书，PEM或DER；双证书时是签名证书。单独一张也可以是已有加密密钥的新证书。");
        var encryption = new Option<FileInfo?>("--encryption-certificate") { Description = "加密证书，PEM或DER；恢复密钥时是原来的加密证书。" };
        var envelope = new Option<FileInfo?>("--envelope") { Description = "加密密钥信封：SM2EnvelopedKey（DER）或ENVELOPEDKEYBLOB。" };
        var pair = new Option<string?>("--pair") { Description = "双证书业务（或密钥恢复）的编号：32位小写十六进制。" };
        var receipt = new Option<FileInfo?>("--receipt") { Description = "回执（DER）写入的文件，不得已存在；请交回签发机构。" };
        var command = new Command("import", "把签发的证书存入其公钥所在的容器，不需要PIN；或导入双证书及加密密钥并签署回执，需要PIN。")
        {
            folder, name, file, encryption, envelope, pair, receipt,
        };
        command.Validators.Add(result =>
        {
            bool[] given = [result.GetValue(encryption) is not null, result.GetValue(envelope) is not null, result.GetValue(pair) is not null, result.GetValue(receipt) is not null];
            if (given.Distinct().Count() > 1)
            {
                result.AddError("导入双证书时，--encryption-certificate、--envelope、--pair 和 --receipt 须一起使用。");
            }
        });
        command.Does(parsed =>
        {
            SoftwareToken token = TokenVerbs.Open(parsed, folder, desk);
            Certificate certificate = InputFile.ReadCertificate(parsed.GetRequiredValue(file));
            string container = parsed.GetValue(name)
                ?? token.ContainerNames.FirstOrDefault(each => token.Container(each).Has(certificate.Tbs.SubjectPublicKeyInfo))
                ?? throw new RefusalException(
                    Refusal.BadPublicKey,
                    $"令牌中没有证书公钥（指纹 {TokenContainer.FingerprintOf(certificate.Tbs.SubjectPublicKeyInfo)}）所属的容器，未导入。请核对令牌和证书。");
            bool signs = token.Container(container).PublicKey == certificate.Tbs.SubjectPublicKeyInfo;
            Certificate? earlier = signs ? token.Container(container).Certificate : null;
            TextWriter output = parsed.InvocationConfiguration.Output;
            if (parsed.GetValue(encryption) is { } encryptionFile)
            {
                Certificate second = InputFile.ReadCertificate(encryptionFile);
                ImportPair(
                    token, desk, container, certificate, second, InputFile.ReadEnvelope(parsed.GetValue(envelope)!), ReadPairId(parsed.GetValue(pair)!), parsed.GetValue(receipt)!);
                Say(output, container, "签名证书", certificate, earlier);
                Say(output, container, "加密证书及其密钥", second, earlier: null);
                output.WriteLine($"回执已写入 {parsed.GetValue(receipt)!.FullName}，请交回签发机构。");
                return;
            }

            token.ImportCertificate(container, certificate);
            Say(output, container, signs ? "证书" : "已有加密密钥的新证书", certificate, earlier);
        });
        return command;
    }

    /// <exception cref="RefusalException">Also where the envelope has another key; then the receipt that says so was written.</exception>
    private static void ImportPair(
        SoftwareToken token, TokenDesk desk, string container, Certificate signing, Certificate encryption, byte[] envelope, byte[] pairId, FileInfo receipt)
    {
        OutputFile.RequireNew(receipt);
        ReadOnlyMemory<byte> issuer = PairCertificates.IssuerKeyId(signing)
            ?? throw new RefusalException(Refusal.Malformed, "签名证书中没有签发者的密钥标识，无法签署回执，未导入。请联系签发机构。");
        PairCertificates.Require(token.Container(container), signing, encryption, issuer);
        using UnlockedToken unlocked = TokenVerbs.Unlock(token, desk);
        SignedReceipt signed = unlocked.ImportPair(container, signing, encryption, envelope, pairId, issuer);
        OutputFile.WriteNew(receipt, Der.Encode(signed));
        if (signed.Receipt.Outcome == DeliveryOutcome.KeyMismatch)
        {
            throw new RefusalException(
                Refusal.BadPublicKey, $"信封中的私钥与加密证书的公钥不符，未导入任何内容。说明此情况的回执已写入 {receipt.FullName}，请立即交回签发机构，并申请补发。");
        }
    }

    private static byte[] ReadPairId(string text) => text.Length == 2 * DeliveryReceipt.PairLength && text.All(char.IsAsciiHexDigitLower)
        ? Convert.FromHexString(text)
        : throw new RefusalException(Refusal.Malformed, "业务编号应为32位小写十六进制数字，请按签发机构给出的编号填写。");

    private static void Say(TextWriter output, string container, string what, Certificate certificate, Certificate? earlier)
    {
        output.WriteLine($"{what}已存入容器“{container}”：{certificate.Tbs.Subject}");
        output.WriteLine($"序列号 {certificate.Tbs.SerialNumber}，有效期 {LabelText.Shown(certificate.Tbs.Validity)}");
        if (earlier is not null && earlier.Tbs.SerialNumber != certificate.Tbs.SerialNumber)
        {
            output.WriteLine($"原证书 {earlier.Tbs.SerialNumber} 另存为 certificate-{earlier.Tbs.SerialNumber}.pem。");
        }
    }
}
