using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;

namespace ZwCa.Issuance;

/// <summary>A certification request as people bring it: a file, a form field, a message's bytes.</summary>
public static class CsrFile
{
    /// <summary>What some older programs write instead of <see cref="Pem.CertificateRequest"/> (RFC 7468 §7).</summary>
    private const string NewCertificateRequest = "NEW CERTIFICATE REQUEST";

    private const byte SequenceTag = 0x30;

    /// <param name="content">DER, or a text with one PEM block.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.BadCsr"/>: beyond <see cref="ProofOfPossession.MaxRequestLength"/>, or none.</exception>
    public static CertificationRequest Read(ReadOnlyMemory<byte> content)
    {
        if (content.Length > ProofOfPossession.MaxRequestLength)
        {
            throw TooLong();
        }

        try
        {
            // No text begins so: it would have to be a "0".
            return Der.Decode<CertificationRequest>(content.Span is [SequenceTag, ..] ? content : FromPem(content.Span));
        }
        catch (DerException e)
        {
            throw new RefusalException(
                Refusal.BadCsr, "不是有效的证书申请（PKCS#10，DER或PEM格式）。请确认所选文件，并用密码设备的工具重新生成证书申请。", inner: e);
        }
    }

    internal static RefusalException TooLong() => new(
        Refusal.BadCsr,
        $"证书申请过大：不得超过{ProofOfPossession.MaxRequestLength}字节。只需公钥和签名，请去掉其他属性后重新生成证书申请。");

    private static byte[] FromPem(ReadOnlySpan<byte> content)
    {
        // Some editors begin a text with the mark of its byte order.
        string text = Encoding.UTF8.GetString(content).TrimStart('\uFEFF');
        bool isOld = text.Contains($"-----BEGIN {NewCertificateRequest}-----", StringComparison.Ordinal);
        return Pem.Decode(isOld ? NewCertificateRequest : Pem.CertificateRequest, text);
    }
}
