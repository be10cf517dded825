using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;

namespace ZwCa.Admin.Token;

/// <summary>Files that an officer is given.</summary>
internal static class InputFile
{
    /// <summary>A ceremony's transcript may be long.</summary>
    private const int MaxStatementLength = 16 << 20;

    private const byte Sequence = 0x30;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>, <see cref="Refusal.TooLarge"/>.</exception>
    public static byte[] ReadStatement(FileInfo file) => TokenFiles.Read(file.FullName, MaxStatementLength);

    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>, <see cref="Refusal.TooLarge"/>, <see cref="Refusal.Malformed"/>.</exception>
    public static Application ReadApplication(FileInfo file)
    {
        byte[] content = TokenFiles.Read(file.FullName);
        try
        {
            return Der.Decode<Application>(content);
        }
        catch (DerException e)
        {
            throw new RefusalException(Refusal.Malformed, $"{file} 不是业务申请文件（DER），或已损坏。请向提交人重新索取。", inner: e);
        }
    }

    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>, <see cref="Refusal.TooLarge"/>.</exception>
    public static byte[] ReadEnvelope(FileInfo file) => TokenFiles.Read(file.FullName);

    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>, <see cref="Refusal.TooLarge"/>, <see cref="Refusal.Malformed"/>.</exception>
    public static Ciphertext ReadCiphertext(FileInfo file) => Ciphertext.Parse(TokenFiles.Read(file.FullName, Ciphertext.MaxLength));

    /// <summary>UTF-8 with or without a mark at its beginning, as editors save it.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>, <see cref="Refusal.TooLarge"/>, <see cref="Refusal.Malformed"/>.</exception>
    public static string ReadText(string path)
    {
        try
        {
            return Utf8.GetString(TokenFiles.Read(path)).TrimStart('\uFEFF');
        }
        catch (DecoderFallbackException e)
        {
            throw new RefusalException(Refusal.Malformed, $"{path} 不是UTF-8文本，请以UTF-8另存。", inner: e);
        }
    }

    /// <summary>One certification request (PKCS #10), PEM or DER.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>, <see cref="Refusal.TooLarge"/>, <see cref="Refusal.BadCsr"/>.</exception>
    public static CertificationRequest ReadRequest(FileInfo file)
    {
        byte[] content = TokenFiles.Read(file.FullName);
        try
        {
            return Der.Decode<CertificationRequest>(content is [Sequence, ..] ? content : Pem.Decode(Pem.CertificateRequest, Encoding.UTF8.GetString(content)));
        }
        catch (DerException e)
        {
            throw new RefusalException(Refusal.BadCsr, $"{file} 不是证书请求（PEM或DER）。", inner: e);
        }
    }

    /// <summary>One certificate, PEM or DER.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>, <see cref="Refusal.TooLarge"/>, <see cref="Refusal.Malformed"/>.</exception>
    public static Certificate ReadCertificate(FileInfo file)
    {
        byte[] content = TokenFiles.Read(file.FullName);
        try
        {
            return Der.Decode<Certificate>(content is [Sequence, ..] ? content : Pem.Decode(Pem.Certificate, Encoding.UTF8.GetString(content)));
        }
        catch (DerException e)
        {
            throw new RefusalException(Refusal.Malformed, $"{file} 不是单张证书（PEM或DER），或已损坏。请向签发方重新索取。", inner: e);
        }
    }
}

/// <summary>Files that the verbs make. Nothing is overwritten.</summary>
internal static class OutputFile
{
    /// <exception cref="RefusalException"><see cref="Refusal.Duplicate"/>.</exception>
    public static void RequireNew(FileInfo? file)
    {
        if (file is { Exists: true })
        {
            throw new RefusalException(Refusal.Duplicate, $"{file.FullName} 已存在，不会被覆盖。请换一个文件名。");
        }

        if (file?.Directory is { Exists: false } folder)
        {
            throw new RefusalException(Refusal.NotFound, $"文件夹 {folder.FullName} 不存在，请先建立。");
        }
    }

    public static void WriteNew(FileInfo file, string content) => WriteNew(file, Encoding.UTF8.GetBytes(content));

    public static void WriteNew(FileInfo file, byte[] content) => TokenFiles.WriteNew(file.FullName, content);
}
